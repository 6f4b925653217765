"""Maps in the hands of other libraries: AnnData's files, pickles, processes, NumPy's files."""

from __future__ import annotations

import concurrent.futures
import copy
import importlib.util
import multiprocessing
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest

from opentsne_like import TSNEEmbedding, mde
from opentsne_like.embedding import Embedding, PlacedEmbedding, writers
from opentsne_like.objectives import NegativeSampling

from .makers import affinities, begin, finished, old_and_new

NEEDS_ANNDATA = pytest.mark.skipif(
    importlib.util.find_spec("anndata") is None,
    reason="anndata, which holds pandas below 3, is installed by hand: pip install anndata",
)


class OwnKind(TSNEEmbedding):
    """What a user may make of an embedding."""


def general() -> Embedding:
    return Embedding(np.array(begin()), affinities(), loss=NegativeSampling()).optimize(5)


MAPS = {
    "whole": finished,
    "pickled": lambda: pickle.loads(pickle.dumps(finished())),
    "slice": lambda: finished()[:5],
    "mask": lambda: finished()[np.arange(240) % 3 == 0],
    "columns": lambda: finished()[:, ::-1],
    "view": lambda: finished().view(),
    "placed": lambda: finished().transform(old_and_new()[1], n_iter=5),
    "general": general,
    "general, placed": lambda: general().transform(old_and_new()[1], n_iter=5),
    "of minimum distortion": lambda: mde.preserve_neighbors(old_and_new()[0]).embed(max_iter=5),
    "of the user's own": lambda: np.array(finished()).view(OwnKind),
}


@NEEDS_ANNDATA
@pytest.mark.filterwarnings("ignore:Writing zarr v2 data:UserWarning")
@pytest.mark.parametrize("make", MAPS.values(), ids=MAPS)
@pytest.mark.parametrize("form", ["h5ad", "zarr"])
def test_anndata_writes_a_map_and_reads_an_array(make, form, tmp_path):
    import anndata

    Y = make()
    data = anndata.AnnData(np.zeros((len(Y), 3)), obsm={"X_tsne": Y}, uns={"map": Y})
    for name, part in {"whole": data, "part": data[:4], "copy": data.copy()}.items():
        getattr(part, f"write_{form}")(tmp_path / name)
        again = getattr(anndata, f"read_{form}")(tmp_path / name)
        for array, expected in ((again.obsm["X_tsne"], np.asarray(Y)[: len(part)]), (again.uns["map"], np.asarray(Y))):
            assert type(array) is np.ndarray
            np.testing.assert_array_equal(array, expected, strict=True)
    assert type(data.obsm["X_tsne"]) is type(Y)


IN_ORDER = """
import sys
sys.path.insert(0, sys.argv[3])
import numpy as np
if sys.argv[1] == "anndata first":
    import anndata
from opentsne_like import TSNE
X = np.random.default_rng(0).normal(size=(60, 4))
Y = TSNE(perplexity=5, n_iter=3, early_exaggeration_iter=3, n_jobs=1, random_state=0).fit(X)
import anndata
data = anndata.AnnData(X)
data.obsm["X_tsne"] = Y
data.write_h5ad(sys.argv[2])
assert np.array_equal(anndata.read_h5ad(sys.argv[2]).obsm["X_tsne"], np.asarray(Y))
"""


@NEEDS_ANNDATA
@pytest.mark.parametrize("order", ["anndata first", "anndata after the map"])
def test_anndata_may_be_imported_before_and_after(order, tmp_path):
    root = Path(writers.__file__).parents[2]
    command = [sys.executable, "-c", IN_ORDER, order, str(tmp_path / "map.h5ad"), str(root)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr


class Registry:
    """As much of AnnData's as is looked at."""

    def __init__(self, write, write_specs):
        self.write, self.write_specs = write, write_specs


@pytest.mark.parametrize("registry", [None, object(), Registry({}, {})], ids=["none", "another", "empty"])
def test_a_registry_without_writers_of_arrays_is_left_alone(registry, monkeypatch):
    module = type(sys)("anndata._io.specs.registry")
    module._REGISTRY = registry
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert finished().dtype == np.float64
    assert not getattr(registry, "write", None)
    assert not getattr(registry, "write_specs", None)


def test_a_class_takes_the_writers_of_arrays_and_leaves_the_others(monkeypatch):
    h5, plain = object(), frozenset()
    registry = Registry(
        {(h5, np.ndarray, plain): "array", (h5, (np.ndarray, "U"), plain): "text"}, {np.ndarray: "spec"}
    )
    module = type(sys)("anndata._io.specs.registry")
    module._REGISTRY = registry
    monkeypatch.setitem(sys.modules, module.__name__, module)
    part = finished()[:2]
    assert (registry.write.get((h5, TSNEEmbedding, plain)), len(registry.write)) == (None, 2)
    assert part.dtype == np.float64
    assert (registry.write[h5, TSNEEmbedding, plain], len(registry.write)) == ("array", 3)
    assert registry.write_specs == {np.ndarray: "spec", TSNEEmbedding: "spec"}


def test_coordinates_are_seen_as_other_types():
    Y = finished()
    np.testing.assert_array_equal(Y.view(np.int64), np.asarray(Y).view(np.int64))
    assert Y.view(np.float32).shape == (240, 4)
    assert Y.astype(np.float32).dtype == np.float32


class Holds:
    """A callback that cannot be pickled."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls = 0

    def __call__(self, *seen: object) -> None:
        self.calls += 1


CALLBACKS = pytest.mark.parametrize("callback", [lambda *seen: None, Holds()], ids=["lambda", "lock"])
KINDS = pytest.mark.parametrize("kind", ["map", "placed", "general"])


def followed(kind: str, callback: object) -> Embedding:
    """Return a map whose every iteration is told to a callback."""
    following = {"callbacks": callback, "callbacks_every_iters": 1}
    if kind == "general":
        return Embedding(np.array(begin()), affinities(), **following).optimize(3)
    Y = begin(**following).optimize(3)
    return Y if kind == "map" else PlacedEmbedding(np.zeros((2, 2)), Y, affinities().P[:2], **following).optimize(3)


def assert_goes_on_without(Z: Embedding, Y: Embedding) -> None:
    """Check that a copy goes on as the original does, and tells nobody."""
    assert type(Z) is type(Y)
    assert Z.settings.following.callbacks is None
    np.testing.assert_array_equal(Z, Y)
    np.testing.assert_array_equal(Z.optimize(2), Y.optimize(2))


@KINDS
@CALLBACKS
def test_pickles_leave_callbacks_out(kind, callback, tmp_path):
    Y = followed(kind, callback)
    joblib.dump(Y, tmp_path / "map.joblib")
    for Z in (pickle.loads(pickle.dumps(Y)), joblib.load(tmp_path / "map.joblib")):
        assert_goes_on_without(Z, Y)
    assert Y.settings.following.callbacks is callback, "the original keeps them"


@KINDS
@CALLBACKS
def test_deep_copies_share_callbacks(kind, callback):
    Y = followed(kind, callback)
    Z = copy.deepcopy(Y)
    assert Z.settings.following.callbacks is callback
    before = getattr(callback, "calls", 0)
    Z.optimize(2)
    assert getattr(callback, "calls", 2) - before == 2


def test_pools_of_processes_send_maps_there_and_back():
    Y = followed("map", Holds())
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert_goes_on_without(pool.submit(copy.copy, Y).result(timeout=300), Y)


@KINDS
@CALLBACKS
def test_numpys_files_hold_the_coordinates(kind, callback, tmp_path):
    Y = followed(kind, callback)
    np.save(tmp_path / "map.npy", Y, allow_pickle=False)
    np.savez(tmp_path / "map.npz", map=Y, part=Y[:1])
    with np.load(tmp_path / "map.npz") as archive:
        assert (type(archive["map"]), archive["part"].shape) == (np.ndarray, (1, 2))
        np.testing.assert_array_equal(archive["map"], np.load(tmp_path / "map.npy"), strict=True)
        np.testing.assert_array_equal(archive["map"], np.asarray(Y), strict=True)
