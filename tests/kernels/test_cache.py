"""Compiled kernels on disk: read again, and never trusted."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numba
import numpy as np
import pytest

import opentsne_like
from opentsne_like.errors import CompileCacheWarning
from opentsne_like.kernels import _cache

SOURCE = """
from opentsne_like.kernels._jit import kernel

@kernel
def total(values):
    s = 0.0
    for value in values:
        s += value
    return s

@kernel
def largest(values):
    s = values[0]
    for value in values:
        s = max(s, value)
    return s
"""
VALUES = np.array([3.0, 4.0])


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Return a function that loads a module of two kernels as a new process would."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(_cache, "_told", [])
    path = tmp_path / "small.py"
    path.write_text(SOURCE)

    def load():
        spec = importlib.util.spec_from_file_location("small", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def hits(function):
    """Return how many compilations were read from the disk and how many were made."""
    stats = function.stats
    return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())


def folder_of(tmp_path):
    (folder,) = (tmp_path / "cache").glob(f"*/{_cache.PREFIX}*")
    return folder


def test_kernels_are_compiled_once_for_each_type(small, tmp_path):
    first, second = small(), small()
    for values in (VALUES, VALUES.astype(np.float32)):
        assert first.total(values) == second.total(values) == 7
    assert hits(first.total) == (0, 2)
    assert hits(second.total) == (2, 0)
    assert folder_of(tmp_path).name == f"{_cache.PREFIX}{_cache.version()}"


def empty(files):
    for file in files:
        file.write_bytes(b"")


def cut(files):
    for file in files:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def zeros(files):
    for file in files:
        file.write_bytes(bytes(file.stat().st_size))


def noise(files):
    for file in files:
        file.write_bytes(np.random.default_rng(0).bytes(file.stat().st_size))


def one_byte(files):
    for file in files:
        content = bytearray(file.read_bytes())
        content[-100] ^= 1
        file.write_bytes(content)


def folders(files):
    for file in files:
        file.unlink()
        file.mkdir()


def foreign(files):
    for file in files:
        file.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x070.68.1\x94.")


def exchanged(files):
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, reversed(contents), strict=True):
        file.write_bytes(content)


DAMAGES = [empty, cut, zeros, noise, one_byte, folders, foreign, exchanged]


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_cache_is_no_cache(small, tmp_path, kind, damage):
    before = small()
    assert (before.total(VALUES), before.largest(VALUES)) == (7, 4)
    damage(sorted(folder_of(tmp_path).glob(kind)))
    after = small()
    with pytest.warns(CompileCacheWarning) as caught:
        assert (after.total(VALUES), after.largest(VALUES)) == (7, 4)
    assert hits(after.total) == hits(after.largest) == (0, 1)
    assert len(caught) == 1
    assert str(folder_of(tmp_path)) in str(caught[0].message)
    if damage is not folders:  # and it is a cache again
        again = small()
        assert (again.total(VALUES), again.largest(VALUES)) == (7, 4)
        assert hits(again.total) == hits(again.largest) == (1, 0)


def test_lost_files_are_compiled_anew_without_a_word(small, tmp_path):
    for kind in ("*.nbi", "*.nbc"):
        assert small().total(VALUES) == 7
        for file in folder_of(tmp_path).glob(kind):
            file.unlink()
    shutil.rmtree(tmp_path / "cache")
    assert small().total(VALUES) == 7
    assert folder_of(tmp_path).is_dir()


def test_code_of_another_key_is_not_taken(small, tmp_path):
    """As a process leaves it that is killed after the index was written and before the code was."""
    module = small()
    assert module.total(VALUES) == module.total(VALUES.astype(np.float32)) == 7
    first, second = sorted(folder_of(tmp_path).glob("*total*.nbc"))
    files = module.total._cache._cache_file
    overloads = files._load_index()
    files._save_index(dict(zip(overloads, reversed(overloads.values()), strict=True)))
    again = small()
    assert again.total(VALUES) == again.total(VALUES.astype(np.float32)) == 7
    assert hits(again.total) == (0, 2)
    assert first.exists()
    assert second.exists()


def test_a_full_disk_ends_nothing(small, monkeypatch):
    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_cache.SealedFiles, "_open_for_write", full)
    module = small()
    with pytest.warns(CompileCacheWarning, match="No space left on device") as caught:
        assert (module.total(VALUES), module.largest(VALUES)) == (7, 4)
    assert len(caught) == 1


def test_without_any_folder_kernels_are_compiled_in_memory(small, monkeypatch):
    monkeypatch.setattr(
        "numba.core.caching.tempfile.TemporaryFile", lambda dir: (_ for _ in ()).throw(OSError(30, "ro"))
    )
    with pytest.warns(CompileCacheWarning, match="set NUMBA_CACHE_DIR") as caught:
        module = small()
    assert len(caught) == 1
    assert module.total(VALUES) == 7


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_became_read_only_ends_nothing(small, tmp_path):
    assert small().total(VALUES) == 7
    module = small()
    folder_of(tmp_path).chmod(0o500)
    try:
        assert module.total(VALUES) == 7
        with pytest.warns(CompileCacheWarning, match="ermission denied"):
            assert module.largest(VALUES) == 4
    finally:
        folder_of(tmp_path).chmod(0o700)


def test_few_folders_of_older_sources_are_kept(tmp_path):
    for age in range(9):
        _cache.make_folder(tmp_path / f"{_cache.PREFIX}{age}")
        os.utime(tmp_path / f"{_cache.PREFIX}{age}", (age, age))
    (tmp_path / "other").mkdir()
    _cache.make_folder(tmp_path / f"{_cache.PREFIX}9")
    left = sorted(folder.name for folder in tmp_path.iterdir())
    assert left == [*(f"{_cache.PREFIX}{age}" for age in (5, 6, 7, 8, 9)), "other"]


def test_a_source_that_was_edited_is_compiled_again_without_a_word(small, tmp_path, monkeypatch):
    first = small()
    assert first.total(VALUES) == 7.0
    path = tmp_path / "small.py"
    path.write_text(SOURCE.replace("s += value", "s += 10 * value"))
    os.utime(path, (0, 0))
    assert small().total(VALUES) == 70.0
    again = small()
    assert again.total(VALUES) == 70.0
    assert hits(again.total) == (1, 0)


def test_compiling_that_takes_long_is_told_once_and_what_is_kept_is_not(small, monkeypatch, caplog):
    monkeypatch.setattr(_cache, "compiling", _cache.Compiling())
    monkeypatch.setattr(_cache, "PATIENCE", 0.0)
    module = small()
    module.total(VALUES)
    module.largest(VALUES)
    (record,) = caplog.records
    assert record.getMessage().startswith("Compiling for this machine, once for each kind of map;")
    spent = _cache.compiling.seconds
    assert spent > 0
    caplog.clear()
    monkeypatch.setattr(_cache, "compiling", _cache.Compiling())
    small().total(VALUES)
    assert (caplog.records, _cache.compiling.seconds) == ([], 0.0)


def test_short_compiling_is_not_worth_a_word(small, monkeypatch, caplog):
    monkeypatch.setattr(_cache, "compiling", _cache.Compiling())
    monkeypatch.setattr(_cache, "PATIENCE", 1000.0)
    small().total(VALUES)
    assert caplog.records == []


def test_the_command_line_says_so_on_one_line(capsys):
    from opentsne_like.cli import program

    for quiet in (False, True):
        with program._noting(Namespace(quiet=quiet)):
            _cache.log.warning("Compiling for this machine")
    assert capsys.readouterr().err == "opentsne-like: Compiling for this machine\n"


RUN = """
import numpy as np
from opentsne_like.kernels import ranks
ranks.count_below(np.zeros((2, 3)), np.ones((2, 1)), np.zeros((2, 1), np.int64))
print(sum(ranks.count_below.stats.cache_misses.values()))
"""


def test_an_edit_of_any_file_of_the_kernels_is_noticed(tmp_path):
    package = Path(opentsne_like.__file__).parent
    shutil.copytree(package / "kernels", tmp_path / "opentsne_like" / "kernels", ignore=lambda *_: ["__pycache__"])
    for name in ("__init__.py", "_types.py", "errors.py"):
        shutil.copy(package / name, tmp_path / "opentsne_like")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def misses():
        command = [sys.executable, "-c", RUN]
        run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert run.stderr == ""
        return int(run.stdout)

    assert [misses(), misses()] == [1, 0]
    with open(tmp_path / "opentsne_like" / "kernels" / "products.py", "a") as file:
        file.write("# another\n")
    assert [misses(), misses()] == [1, 0]
    assert len(list((tmp_path / "cache").glob(f"*/{_cache.PREFIX}*"))) == 2


def test_environments_share_what_is_compiled(tmp_path):
    """A second installation, elsewhere and written at another time, compiles nothing."""
    package = Path(opentsne_like.__file__).parent
    command, misses = [sys.executable, "-c", RUN], []
    for place in ("one", "two"):
        shutil.copytree(
            package / "kernels", tmp_path / place / "opentsne_like" / "kernels", copy_function=shutil.copyfile
        )
        for name in ("__init__.py", "_types.py", "errors.py"):
            shutil.copyfile(package / name, tmp_path / place / "opentsne_like" / name)
        variables = {
            "PYTHONPATH": str(tmp_path / place),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "NUMBA_CACHE_DIR": "",
        }
        run = subprocess.run(
            command, env={**os.environ, **variables}, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        misses.append(int(run.stdout))
    assert misses == [1, 0]


def test_a_home_that_cannot_be_written_leaves_numbas_place(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    _cache.shared_folder.cache_clear()
    try:
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file"))
        assert _cache.shared_folder() is None
        _cache.shared_folder.cache_clear()
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
        assert _cache.shared_folder() == str(tmp_path / "opentsne_like")
    finally:
        _cache.shared_folder.cache_clear()


FORM = """
from typing import NamedTuple
import numpy as np
from opentsne_like import kernels, ops

class Scaled(NamedTuple):
    factor: float

@kernels.forms.value_and_slope.of(Scaled)
def _scaled(form, s):
    return {factor} * type(s)(form.factor) + s, type(s)(1)

print(ops.exact(np.array([[0.0], [1.0]]), None, Scaled(1.0), n_jobs=1).values[0])
print(sum(kernels.exact.radial_sums.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_a_form_of_ones_own_is_compiled_anew_in_every_process(tmp_path):
    """The hash of the package's sources cannot tell that its formula has changed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    for factor in (2.0, 3.0):
        (tmp_path / "own.py").write_text(FORM.format(factor=factor))
        command = [sys.executable, "-W", "error", "-c", "import sys; sys.path.insert(0, '.'); import own"]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        assert run.stdout.split() == [str(factor + 1.0), "0"]
