"""Files: what goes in comes out, a crash leaves the old file, and nothing that is read can do harm."""

from __future__ import annotations

import gc
import io
import json
import os
import pickle
import signal
import stat
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from opentsne_like import storage
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, StorageError
from opentsne_like.storage import writing

VERSION_1 = Path(__file__).parent / "version1.npz"


@pytest.fixture
def arrays(rng):
    return {
        "coordinates": rng.normal(size=(50, 2)),
        "gains": np.ones((50, 2), dtype=np.float32),
        "P.indices": np.arange(7, dtype=np.int32),
        "mask": np.array([True, False]),
    }


@pytest.fixture
def header():
    return {"perplexity": 30.0, "n_iter": 750, "stage": "main", "list": [1, None, True], "nested": {"ü": 0.1}}


@pytest.fixture
def stored(tmp_path, arrays, header):
    path = tmp_path / "map.npz"
    storage.write(path, arrays, header)
    return path


def rewrite(path, change):
    """Rewrite the archive with `change(name, bytes) -> bytes or None`, all checksums of the zip being right."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if (changed := change(name, data)) is not None:
                archive.writestr(name, changed)


def rewrite_header(path, change):
    """Change the parsed JSON of the header in place."""

    def edit(name, data):
        if name != "header.npy":
            return data
        document = json.loads(np.load(io.BytesIO(data)).tobytes())
        change(document)
        return npy(np.frombuffer(json.dumps(document).encode(), dtype=np.uint8))

    rewrite(path, edit)


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


# --- there and back ------------------------------------------------------------------------------


def test_what_is_written_is_read(stored, arrays, header):
    found, content = storage.read(stored)
    assert content == header
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.writeable
        assert found[name].flags.owndata or found[name].base is not None


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.5),
        np.zeros(0),
        np.zeros((0, 2)),
        np.zeros((3, 0), dtype=np.int8),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10)[::-2],
        np.arange(4, dtype=">i4"),
        np.array([1 + 2j], dtype=np.complex64),
        np.array([np.nan, np.inf, -0.0]),
        np.array([2**63], dtype=np.uint64),
        np.float16([0.5]),
    ],
    ids=str,
)
def test_every_kind_of_array_survives(tmp_path, array):
    path = tmp_path / "a.npz"
    storage.write(path, {"a": array}, {})
    (found,) = storage.read(path)[0].values()
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()
    assert np.load(path, allow_pickle=False)["a"].tobytes() == array.tobytes()


def test_numpy_opens_the_file_and_finds_the_header(stored, arrays):
    with np.load(stored, allow_pickle=False) as file:
        assert set(file.files) == {*arrays, "header"}
        document = json.loads(file["header"].tobytes())
    assert document["format"] == "opentsne_like"
    assert document["version"] == 2
    assert document["packages"]["numpy"] == np.__version__
    assert storage.versions(stored) == document["packages"]
    assert set(document["arrays"]) == set(arrays)


def test_only_what_is_asked_for_is_read(stored, arrays):
    assert storage.read(stored, names=())[0] == {}
    found, _ = storage.read(stored, names={"gains"})
    assert list(found) == ["gains"]
    with pytest.raises(StorageError, match=r"has no array 'update', only P\.indices, coordinates"):
        storage.read(stored, names=["update"])


def test_the_same_content_gives_the_same_bytes(tmp_path, arrays, header):
    for name in ("a.npz", "b.npz"):
        storage.write(tmp_path / name, arrays, header)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_numpy_scalars_and_special_numbers_in_the_header(tmp_path):
    path = tmp_path / "a.npz"
    storage.write(path, {}, {"a": np.float64(0.1), "b": np.int32(3), "c": np.bool_(True), "d": (1, 2), "e": np.inf})
    assert storage.read(path)[1] == {"a": 0.1, "b": 3, "c": True, "d": [1, 2], "e": np.inf}


def test_files_of_version_1_stay_readable():
    arrays, header = storage.read(VERSION_1)
    np.testing.assert_array_equal(arrays["coordinates"], np.arange(10.0).reshape(5, 2) / 7)
    np.testing.assert_array_equal(arrays["P.indices"], np.array([1, 2, 3, 4, 0], dtype=np.int32))
    assert arrays["mask"].tolist() == [True, False, True]
    assert header == {"kind": "TSNEEmbedding", "n_iter": 750, "perplexity": 30.0, "nested": {"exaggeration": None}}


# --- writing whole or not at all -----------------------------------------------------------------


def test_an_existing_file_is_replaced_or_kept(stored, arrays):
    storage.write(stored, arrays, {"second": 2})
    assert storage.read(stored)[1] == {"second": 2}
    with pytest.raises(StorageError, match="exists; pass overwrite=True"):
        storage.write(stored, arrays, {"third": 3}, overwrite=False)
    assert storage.read(stored)[1] == {"second": 2}
    assert os.listdir(stored.parent) == [stored.name]


@pytest.mark.parametrize("failing", ["fsync", "replace", "_write_member"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
def test_a_failure_leaves_the_old_file(stored, arrays, monkeypatch, failing, error):
    before = stored.read_bytes()

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(writing if failing.startswith("_") else os, failing, fail)
    expected = StorageError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match="No space left" if isinstance(error, OSError) else None):
        storage.write(stored, arrays, {"new": True})
    monkeypatch.undo()
    assert stored.read_bytes() == before
    assert os.listdir(stored.parent) == [stored.name]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing/map.npz", "must be in an existing folder"),
        ("file/map.npz", "must be in an existing folder"),
        (".", "must be a file, got the folder"),
        ("a\0b", "null"),
        ("x" * 300, "could not be written"),
        ("new.npz/", "must be a file, got 'new.npz/', which ends like a folder"),
        ("new.npz/.", "ends like a folder"),
        ("file/", "ends like a folder"),
    ],
)
def test_places_that_cannot_be_written(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("kept")
    for call in (storage.check_writable, lambda p: storage.write(p, {}, {})):
        with pytest.raises(StorageError, match=message) as caught:
            call(path)
        assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]
    assert Path("file").read_text() == "kept"


@pytest.mark.parametrize("name", ["x" * 255, "\N{CAT FACE}" * 63, "\N{CAT FACE}" * 20 + ".npz"])
def test_the_longest_names_are_written(tmp_path, name):
    for path in (tmp_path / name, os.fsencode(tmp_path / name)):
        storage.check_writable(path)
        storage.write(path, {"a": np.ones(3)}, {})
        assert storage.read(path)[0]["a"].tolist() == [1, 1, 1]
    assert os.listdir(tmp_path) == [name]


def test_what_will_be_added_to_a_name_is_counted(tmp_path):
    path = tmp_path / ("x" * 240)
    storage.check_writable(path, "checkpoint", ending="y" * 15)
    with pytest.raises(StorageError, match=r"`checkpoint` .* could not be written: File name too long"):
        storage.check_writable(path, "checkpoint", ending="y" * 16)


def test_a_folder_that_cannot_be_flushed_holds_the_file_all_the_same(stored, monkeypatch):
    flush = os.fsync

    def fail_for_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    storage.write(stored, {}, {"new": True})
    assert storage.read(stored)[1] == {"new": True}


def test_what_is_missing_is_written_and_what_is_there_is_left(tmp_path):
    path = os.fsencode(tmp_path / "a.npz")
    asked = []

    def contents():
        asked.append(True)
        return {"a": np.ones(2)}, {"time": len(asked)}

    assert storage.write_missing(path, contents)
    assert not storage.write_missing(path, contents)
    os.remove(path)
    assert storage.write_missing(path, contents)
    assert storage.read(path)[1] == {"time": 2}
    assert len(asked) == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_write_protected_file_or_folder_is_refused(tmp_path):
    (tmp_path / "kept.npz").write_text("kept")
    (tmp_path / "kept.npz").chmod(0o400)
    (tmp_path / "folder").mkdir(mode=0o500)
    for path in (tmp_path / "kept.npz", tmp_path / "folder" / "new.npz"):
        with pytest.raises(StorageError, match="could not be written"):
            storage.check_writable(path)


def test_checking_a_place_leaves_no_trace(tmp_path):
    storage.check_writable(tmp_path / "map.npz")
    assert os.listdir(tmp_path) == []


def test_links_and_permissions_are_kept(tmp_path, stored, arrays):
    stored.chmod(0o640)
    link = tmp_path / "link.npz"
    link.symlink_to(stored)
    storage.write(link, arrays, {"through": "link"})
    assert link.is_symlink()
    assert storage.read(stored)[1] == {"through": "link"}
    assert stored.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["header", "", "../up", "a/b", "a b", ".hidden", 3, "x" * 300])
def test_bad_names_are_refused(tmp_path, name):
    with pytest.raises(InvalidParameterError, match="`arrays` must have names"):
        storage.write(tmp_path / "a.npz", {name: np.zeros(1)}, {})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "array", [np.array([{}]), np.array(["a"]), np.array([(1, 2.0)], dtype="i4,f8"), np.array([0], dtype="M8[s]")]
)
def test_arrays_that_need_more_than_numbers_are_refused(tmp_path, array):
    with pytest.raises(InvalidTypeError, match="`arrays` must hold numbers or booleans"):
        storage.write(tmp_path / "a.npz", {"a": array}, {})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", [object(), np.zeros(3), {1, 2}, b"bytes", lambda: 0])
def test_headers_that_json_cannot_hold_are_refused(tmp_path, value):
    with pytest.raises(InvalidTypeError, match="`header` must hold JSON values only"):
        storage.write(tmp_path / "a.npz", {}, {"a": value})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", [None, 3, ["a"]])
def test_paths_of_a_wrong_type(path):
    for call in (storage.read, storage.check_writable, lambda p: storage.write(p, {}, {})):
        with pytest.raises(InvalidTypeError, match="`path` must be the name of a file"):
            call(path)


WRITE_FOREVER = """
import sys
import numpy as np
from opentsne_like import storage
for i in range(10**9):
    storage.write(sys.argv[1], {"a": np.full(2**20, i)}, {"i": i})
    if i == 0:
        print("begun", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_writer_leaves_a_whole_file_and_the_next_one_cleans_up(tmp_path, rng):
    path = tmp_path / "a.npz"
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOREVER, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "begun\n"
            time.sleep(rng.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
        arrays, header = storage.read(path)
        assert (arrays["a"] == header["i"]).all()
    (tmp_path / writing._temporary_name(path, f"{os.getpid()}.living")).write_text("of another thread")
    (tmp_path / ".a.npz.elsewhere.1.tmp").write_text("of another machine")
    storage.write(path, {}, {})
    assert len(os.listdir(tmp_path)) == 3


def test_what_is_called_like_a_left_over_is_no_harm(tmp_path):
    path = tmp_path / "a.npz"
    for process in ("9" * 30, "-1", "0", "x", ""):
        (tmp_path / writing._temporary_name(path, f"{process}.00")).write_text("odd")
    (tmp_path / writing._temporary_name(path, "4194399.00")).mkdir()  # beyond the largest process
    storage.write(path, {"a": np.arange(3)}, {})
    assert storage.read(path)[0]["a"].tolist() == [0, 1, 2]


def test_threads_write_to_one_file_without_harm(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "a.npz"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: storage.write(path, {"a": np.full(1000, i)}, {"i": i}), range(32)))
    arrays, header = storage.read(path)
    assert (arrays["a"] == header["i"]).all()
    assert os.listdir(tmp_path) == ["a.npz"]


def test_ctrl_c_while_an_archive_is_opened_says_nothing(stored, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile, "_check_compression", interrupt)  # before there is anything to close
    for call in (lambda: storage.read(stored), lambda: storage.write(stored, {}, {})):
        with pytest.raises(KeyboardInterrupt):
            call()
    gc.collect()  # a report from a destructor would be a warning, and so an error


# --- reading what is broken, foreign or hostile --------------------------------------------------


def refused(path, match=None):
    with pytest.raises(StorageError, match=match) as caught:
        storage.read(path)
    message = str(caught.value)
    assert message.startswith("`path` ")
    assert "\n" not in message
    assert len(message) < 500 + len(str(path))


def test_truncation_anywhere_is_noticed(stored):
    whole = stored.read_bytes()
    for length in [*range(0, len(whole), 37), len(whole) - 1]:
        stored.write_bytes(whole[:length])
        refused(stored)


def test_a_changed_byte_never_changes_a_number(stored, arrays, header):
    whole = stored.read_bytes()
    noticed = 0
    for position in range(0, len(whole), 11):
        stored.write_bytes(whole[:position] + bytes([whole[position] ^ 0x41]) + whole[position + 1 :])
        try:
            found, content = storage.read(stored)
        except StorageError:
            noticed += 1
            continue
        assert content == header  # a byte that carries nothing, such as a date in the zip directory
        assert all(found[name].tobytes() == arrays[name].tobytes() for name in arrays)
    assert noticed > 100


def test_garbage_is_refused(tmp_path, rng):
    path = tmp_path / "a.npz"
    for data in (b"", b"PK", rng.bytes(1000), b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + rng.bytes(500)):
        path.write_bytes(data)
        refused(path)


def test_missing_files_and_things_that_are_no_files(tmp_path):
    refused(tmp_path / "no.npz", "must be an existing file")
    refused(tmp_path, "not a regular file")
    refused("a\0b", "null")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        refused(tmp_path / "pipe", "not a regular file")


def test_foreign_archives_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, coordinates=np.zeros((3, 2)))
    refused(path, "it has no header")
    np.savez(path, header=np.frombuffer(b'{"format": "another"}', dtype=np.uint8))
    refused(path, "not a file of opentsne_like")
    np.savez(path, header=np.zeros(5))
    refused(path, "header is no JSON")
    np.savez(path, header=np.frombuffer(b"[" * 100_000, dtype=np.uint8))
    refused(path, "header is no JSON")
    np.savez_compressed(path, header=np.zeros(5))
    refused(path, "compressed")


def test_newer_versions_ask_for_an_upgrade(stored):
    rewrite_header(stored, lambda d: d.update(version=3))
    refused(stored, "format version is 3, newer than 2; upgrade opentsne-like")
    rewrite_header(stored, lambda d: d.update(version="two" * 1000))
    refused(stored, "format version must be a positive integer")


def test_an_exchanged_array_is_noticed(stored):
    rewrite(stored, lambda name, data: npy(np.zeros((50, 2))) if name == "coordinates.npy" else data)
    refused(stored, "'coordinates' was altered: its checksum is wrong")


def test_a_lost_array_is_noticed(stored):
    rewrite(stored, lambda name, data: None if name == "gains.npy" else data)
    refused(stored, "'gains' is missing")


class Bomb:
    """Anything that unpickles this leaves a trace."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickled_objects_are_never_loaded(stored, tmp_path):
    trace = tmp_path / "trace"
    payload = npy(np.array([Bomb(trace)], dtype=object), allow_pickle=True)
    assert pickle.PROTO in payload

    def plant(document):
        document["arrays"]["gains"].update(dtype="|O", shape=[1], crc32=f"{zlib.crc32(payload):08x}")

    rewrite(stored, lambda name, data: payload if name == "gains.npy" else data)
    refused(stored, "checksum is wrong")
    rewrite_header(stored, plant)
    refused(stored, "dtype '|O', which is not read".replace("|", r"\|"))
    rewrite(stored, lambda name, data: payload if name == "header.npy" else data)
    refused(stored, "header is no JSON")
    stored.write_bytes(pickle.dumps(Bomb(trace)))
    refused(stored)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": [2**61, 2**61]}, "its size is wrong"),
        ({"shape": [10**12]}, "its size is wrong"),
        ({"shape": [-50, -2]}, "impossible shape"),
        ({"shape": [50, 2.0]}, "impossible shape"),
        ({"shape": [True] * 2}, "impossible shape"),
        ({"shape": [1] * 1000}, "impossible shape"),
        ({"shape": "50x2"}, "impossible shape"),
        ({"shape": [50]}, "its size is wrong"),
        ({"dtype": "<f4"}, "its size is wrong"),
        ({"dtype": "<f3"}, "which is not read"),
        ({"dtype": "V1000000000"}, "which is not read"),
        ({"dtype": ["f8"]}, "which is not read"),
        ({"dtype": "float64" * 1000}, "which is not read"),
        ({"crc32": None}, "checksum is wrong"),
    ],
)
def test_lies_about_an_array_are_refused(stored, change, message):
    rewrite_header(stored, lambda d: d["arrays"]["coordinates"].update(change))
    refused(stored, message)


@pytest.mark.parametrize(
    "change",
    [
        {"arrays": None},
        {"arrays": {"coordinates": 3}},
        {"arrays": {"../../etc/passwd": {"dtype": "<f8", "shape": [1], "crc32": "00000000"}}},
        {"arrays": {"x" * 10000: {}}},
        {"content": []},
    ],
)
def test_malformed_headers_are_refused(stored, change):
    rewrite_header(stored, lambda d: d.update(change))
    refused(stored)


def test_member_names_are_never_paths(stored, tmp_path):
    rewrite(stored, lambda name, data: data)
    with zipfile.ZipFile(stored, "a") as archive:
        archive.writestr("../outside.npy", b"x")
        archive.writestr("/absolute.npy", b"x")
    before = sorted(os.listdir(tmp_path.parent))
    storage.read(stored)  # strangers in the archive are ignored
    assert sorted(os.listdir(tmp_path.parent)) == before


def test_a_zip_bomb_is_refused_before_it_unfolds(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", bytes(10**8))
    refused(path, "compressed")


def test_overlapping_members_are_refused(stored):
    data = bytearray(stored.read_bytes())
    # let every directory entry point at the same member: each is plausible, together they outgrow the file
    with zipfile.ZipFile(stored) as archive:
        count = len(archive.infolist())
        directory = data[archive.start_dir : -22]
    big = directory[: len(directory) // count]
    many = b"".join(bytes(big).replace(b"coordinates", f"coordinate{chr(65 + i)}".encode()) for i in range(20))
    end = bytearray(data[-22:])
    end[8:12] = (20 + count).to_bytes(2, "little") * 2
    end[12:16] = (len(directory) + len(many)).to_bytes(4, "little")
    stored.write_bytes(bytes(data[: len(data) - 22 - len(directory)]) + bytes(directory) + many + bytes(end))
    refused(stored)


def test_a_member_named_twice_is_refused(stored):
    with zipfile.ZipFile(stored, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("gains.npy", b"x")
    refused(stored, "holds 'gains.npy' twice")
