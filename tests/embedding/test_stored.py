"""Save and load: everything comes back, nothing harmful does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from opentsne_like import PartialTSNEEmbedding, TSNEEmbedding, affinity, load, loading, storage
from opentsne_like.embedding import LEVELS, remove_checkpoint
from opentsne_like.errors import StorageError, UnavailableError

from .makers import begin, finished, old_and_new

VERSION1 = Path(__file__).parent / "version1.npz"


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("stage", ["begun", "finished"])
def test_everything_comes_back(tmp_path, dimension, stage):
    Y = begin(dimension)
    if stage == "finished":
        Y = Y.optimize(20, exaggeration=12, callbacks=[])
    Y.save(tmp_path / "map.npz")
    Z = load(tmp_path / "map.npz")
    assert type(Z) is TSNEEmbedding
    np.testing.assert_array_equal(Z, Y)
    assert (Z.n_iter_, Z.random_state, Z.stop_reason) == (Y.n_iter_, Y.random_state, Y.stop_reason)
    assert Z.gradient_descent_params == Y.gradient_descent_params
    np.testing.assert_array_equal(np.array(Z.history), np.array(Y.history))
    assert Z.kl_divergence == Y.kl_divergence
    np.testing.assert_array_equal(Z.optimize(10), Y.optimize(10))
    X_new = old_and_new()[1]
    np.testing.assert_array_equal(Z.transform(X_new, n_iter=10), Y.transform(X_new, n_iter=10))
    np.testing.assert_array_equal(Z.add(X_new).optimize(5), Y.add(X_new).optimize(5))


def test_partial_embeddings_come_back(tmp_path):
    Y = finished().transform(old_and_new()[1], n_iter=10)
    Y.save(tmp_path / "new.npz")
    Z = load(tmp_path / "new.npz")
    assert type(Z) is PartialTSNEEmbedding
    np.testing.assert_array_equal(Z.reference_embedding, Y.reference_embedding)
    np.testing.assert_array_equal(Z.optimize(10), Y.optimize(10))
    Y.save(tmp_path / "new.npz", include="coordinates")
    with pytest.raises(UnavailableError, match="without its affinities"):
        load(tmp_path / "new.npz").optimize(1)


AFFINITIES = {
    "several perplexities": lambda X: affinity.MultiscaleMixture(X, [5, 15]),
    "multiscale": lambda X: affinity.Multiscale(X, [5, 15]),
    "uniform": lambda X: affinity.Uniform(X, 10),
    "fixed sigma": lambda X: affinity.FixedSigmaNN(X, 2.0, k=10),
    "entropic": lambda X: affinity.Entropic(X, 10),
    "fuzzy": lambda X: affinity.Fuzzy(X, 10),
    "self-tuning": lambda X: affinity.SelfTuning(X, 10),
    "MAGIC": lambda X: affinity.MAGIC(X, 10),
    "symmetric entropic": lambda X: affinity.SymmetricEntropic(X, 10),
    "sinkhorn": lambda X: affinity.Sinkhorn(X, 5.0),
    "float32": lambda X: affinity.PerplexityBasedNN(X.astype(np.float32), 10, dtype="float32"),
    "ivf": lambda X: affinity.PerplexityBasedNN(X, 10, method="ivf", random_state=3),
    "faiss": lambda X: affinity.PerplexityBasedNN(X, 10, method="faiss", random_state=3),
    "hnsw": lambda X: affinity.PerplexityBasedNN(X, 10, method="hnsw", random_state=3),
    "voyager": lambda X: affinity.PerplexityBasedNN(X, 10, method="voyager", random_state=3, n_jobs=1),
    "annoy": lambda X: affinity.PerplexityBasedNN(X, 10, method="annoy", random_state=3),
    "cosine": lambda X: affinity.PerplexityBasedNN(X, 10, metric="cosine"),
}


@pytest.mark.parametrize("name", AFFINITIES)
def test_every_kind_of_affinities_comes_back(tmp_path, name):
    X, X_new = old_and_new()
    if name in ("annoy", "hnsw", "voyager"):
        pytest.importorskip("hnswlib" if name == "hnsw" else name)
    Y = TSNEEmbedding(np.array(begin()), AFFINITIES[name](X)).optimize(5)
    Y.save(tmp_path / "map.npz")
    Z = load(tmp_path / "map.npz")
    np.testing.assert_array_equal(Z.affinities.P.toarray(), Y.affinities.P.toarray())
    assert Z.affinities.P.dtype == Y.affinities.P.dtype
    np.testing.assert_array_equal(Z.affinities.to_new(X_new).toarray(), Y.affinities.to_new(X_new).toarray())
    np.testing.assert_array_equal(Z.transform(X_new, n_iter=5), Y.transform(X_new, n_iter=5))
    if hasattr(Y.affinities, "set_perplexity"):
        for one in (Y, Z):
            one.affinities.set_perplexity(4)
        np.testing.assert_array_equal(Z.affinities.P.toarray(), Y.affinities.P.toarray())


def test_sparse_data_given_graphs_and_given_matrices(tmp_path):
    from scipy.sparse import csr_matrix

    X, X_new = old_and_new()
    sparse = affinity.PerplexityBasedNN(csr_matrix(np.maximum(X, 0)), 10)
    given = affinity.from_neighbors(sparse.knn_index.build(), perplexity=10)
    matrix = affinity.PrecomputedAffinities(sparse.P)
    for P in (sparse, given, matrix):
        Y = TSNEEmbedding(np.array(begin()), P).optimize(3)
        Y.save(tmp_path / "map.npz")
        Z = load(tmp_path / "map.npz")
        np.testing.assert_array_equal(Z.optimize(3), Y.optimize(3))
    with pytest.raises(UnavailableError):
        Z.transform(X_new)
    TSNEEmbedding(np.array(begin()), sparse).save(tmp_path / "map.npz")
    new = csr_matrix(np.maximum(X_new, 0))
    assert load(tmp_path / "map.npz").transform(new, n_iter=3).shape == (20, 2)


def test_a_metric_that_is_a_function_is_said_to_be_one(tmp_path):
    X, _ = old_and_new()
    P = affinity.PerplexityBasedNN(X[:60], 5, metric=lambda a, b: float(np.abs(a - b).sum()), method="exact")
    Y = TSNEEmbedding(np.array(begin())[:60], P)
    with pytest.raises(UnavailableError, match="include='affinities'"):
        Y.save(tmp_path / "map.npz")
    assert not list(tmp_path.iterdir())
    Y.save(tmp_path / "map.npz", include="affinities")
    np.testing.assert_array_equal(load(tmp_path / "map.npz").optimize(2), Y.optimize(2))


@pytest.mark.parametrize("level", LEVELS)
def test_include_says_how_much(tmp_path, level):
    Y = finished()
    Y.save(tmp_path / "map.npz", include=level)
    names = set(storage.read(tmp_path / "map.npz")[0])
    rank = LEVELS.index(level)
    assert "coordinates" in names
    assert ("optimizer.gains" in names) == (rank >= 1)
    assert ("affinities.P.csr_data" in names) == (rank >= 2)
    assert ("affinities.index.data" in names) == (rank >= 3)
    Z = load(tmp_path / "map.npz")
    np.testing.assert_array_equal(Z, Y)
    if level == "optimizer":
        Z = TSNEEmbedding(Z, Y.affinities, optimizer=Z.optimizer)
        np.testing.assert_array_equal(Z.optimize(5), Y.optimize(5))


@pytest.mark.parametrize(
    "random_state", [None, 3, np.random.RandomState(3), np.random.default_rng(3)], ids=["None", "int", "legacy", "new"]
)
def test_random_states_come_back(tmp_path, random_state):
    begin(random_state=random_state).save(tmp_path / "map.npz")
    again = load(tmp_path / "map.npz").random_state
    if random_state is None or isinstance(random_state, int):
        assert again == random_state
    else:
        assert type(again) is type(random_state)
        assert again.normal() == random_state.normal()


def test_arrays_and_functions_among_the_parameters(tmp_path, caplog):
    fixed = np.arange(240) % 2 == 0
    Y = begin(fixed=fixed, negative_gradient_method=lambda embedding, P, **_: (0.0, np.zeros(embedding.shape)))
    Y.save(tmp_path / "map.npz")
    assert "is a function or an object of your own and is not stored" in caplog.text
    np.testing.assert_array_equal(load(tmp_path / "map.npz").gradient_descent_params["fixed"], fixed)


def test_files_of_the_first_version_stay_readable():
    Y = load(VERSION1)
    assert Y.shape == (40, 2)
    assert Y.n_iter_ == 20
    assert [record.exaggeration for record in Y.history] == [12.0] * 10 + [1.0] * 10
    assert Y.affinities.perplexity == 5
    X = Y.affinities.knn_index.data
    fresh = affinity.PerplexityBasedNN(X, 5, random_state=0)
    np.testing.assert_allclose(Y.affinities.P.toarray(), fresh.P.toarray(), rtol=1e-9)
    assert Y.transform(X[:3]).shape == (3, 2)
    assert Y.optimize(5).n_iter_ == 25


def damaged(path, change):
    """Rewrite a file of the package with another header or other arrays and true checksums."""
    arrays, header = storage.read(path)
    change(arrays, header)
    storage.write(path, arrays, header)


def _huge(arrays, header):
    arrays["affinities.P.csr_indices"][0] = 10**9


def _negative(arrays, header):
    arrays["affinities.P.csr_indices"][0] = -5


def _rows(arrays, header):
    arrays["affinities.P.csr_indptr"][3] = 10**9


DAMAGE = {
    "a column out of range": _huge,
    "a negative column": _negative,
    "row pointers out of range": _rows,
    "P is NaN": lambda arrays, header: arrays["affinities.P.csr_data"].fill(np.nan),
    "P is negative": lambda arrays, header: arrays["affinities.P.csr_data"].fill(-1),
    "P of integers": lambda arrays, header: arrays.update({"affinities.P.csr_data": np.ones(3, np.int64)}),
    "no P": lambda arrays, header: arrays.pop("affinities.P.csr_data"),
    "coordinates are NaN": lambda arrays, header: arrays["coordinates"].fill(np.nan),
    "coordinates of another length": lambda arrays, header: arrays.update(coordinates=np.zeros((3, 2))),
    "coordinates flat": lambda arrays, header: arrays.update(coordinates=np.zeros(3)),
    "no coordinates": lambda arrays, header: arrays.pop("coordinates"),
    "gains of another shape": lambda arrays, header: arrays.update({"optimizer.gains": np.zeros((3, 2))}),
    "gains are infinite": lambda arrays, header: arrays["optimizer.gains"].fill(np.inf),
    "no update": lambda arrays, header: arrays.pop("optimizer.update"),
    "a foreign kind": lambda arrays, header: header.update(kind="os.system"),
    "no kind": lambda arrays, header: header.pop("kind"),
    "a foreign class": lambda arrays, header: header["affinities"].update({"class": "subprocess.Popen"}),
    "a foreign index": lambda arrays, header: header["affinities"]["index"].update({"class": "eval"}),
    "a foreign metric": lambda arrays, header: header["affinities"]["index"].update(metric="no such"),
    "data of another length": lambda arrays, header: arrays.update({"affinities.index.data": np.zeros((2, 2))}),
    "data are NaN": lambda arrays, header: arrays["affinities.index.data"].fill(np.nan),
    "a foreign stop reason": lambda arrays, header: header.update(stop_reason="__class__"),
    "a foreign generator": lambda arrays, header: header.update(random_state={"Generator": {"bit_generator": "os"}}),
    "an index of other data": lambda arrays, header: arrays.update({"affinities.index.data": np.zeros((300, 6))}),
    "a list in the place of a dictionary": lambda arrays, header: header.update(affinities=[1]),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_content_is_refused(tmp_path, name):
    finished().save(tmp_path / "map.npz")
    damaged(tmp_path / "map.npz", DAMAGE[name])
    with pytest.raises(StorageError, match="cannot be read"):
        load(tmp_path / "map.npz")


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "map.npz"
    finished().save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:10], b"", b"PK\x03\x04", whole[:5000] + b"\0\0\1" + whole[5003:]):
        path.write_bytes(content)
        with pytest.raises(StorageError, match=r"map\.npz"):
            load(path)
    np.savez(path, coordinates=np.zeros((3, 2)))
    with pytest.raises(StorageError, match="not a file of opentsne_like"):
        load(path)
    np.savez(path, object=np.array([print], dtype=object))
    with pytest.raises(StorageError):
        load(path)
    with pytest.raises(StorageError, match="existing file"):
        load(tmp_path / "none.npz")


def test_a_class_of_the_users_own_is_read_once_it_is_entered(tmp_path, monkeypatch):
    class Mine(TSNEEmbedding):
        pass

    Y = Mine(np.array(begin()), begin().affinities).optimize(2)
    Y.save(tmp_path / "map.npz")
    with pytest.raises(StorageError, match=r"'Mine', which is not known; enter a class of your own in loading\.KINDS"):
        load(tmp_path / "map.npz")
    monkeypatch.setitem(loading.KINDS, "Mine", Mine)
    again = load(tmp_path / "map.npz")
    assert type(again) is Mine
    np.testing.assert_array_equal(again.optimize(2), Y.optimize(2))


def test_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "map.npz"
    finished().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    raw = members["header.npy"]
    start = raw.index(b"\n") + 1
    text = json.dumps({**json.loads(raw[start:]), "version": 99}).encode()
    members["header.npy"] = raw[:start].replace(f"({len(raw) - start},)".encode(), f"({len(text)},)".encode()) + text
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(StorageError, match="newer"):
        load(path)


def test_an_unwritable_place_leaves_what_was_there(tmp_path):
    with pytest.raises(StorageError, match="existing folder"):
        finished().save(tmp_path / "no" / "map.npz")
    path = tmp_path / "map.npz"
    finished().save(path)
    before = path.read_bytes()
    Y = finished()
    with pytest.raises(TypeError, match="`theta` must be a number"):
        Y.gradient_descent_params["theta"] = object()
    Y._own.random_state = object()
    with pytest.raises(TypeError):
        Y.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["map.npz"]


def test_a_file_of_another_process_gives_the_same_bits(tmp_path):
    Y = finished()
    Y.save(tmp_path / "map.npz")
    code = (
        "import sys, numpy as np, opentsne_like\n"
        "Y = opentsne_like.load(sys.argv[1]).optimize(10)\n"
        "np.save(sys.argv[2], np.asarray(Y))"
    )
    for threads in ("1", "2"):
        command = [sys.executable, "-c", code, tmp_path / "map.npz", tmp_path / "out.npy"]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": threads})
        np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), Y.optimize(10))


def test_remove_checkpoint(tmp_path):
    remove_checkpoint(tmp_path / "run.npz")
    for name in ("run.npz", "run.npz.0a.affinities", "run.npz.0b.affinities"):
        (tmp_path / name).write_text("")
    remove_checkpoint(tmp_path / "run.npz")
    assert not list(tmp_path.iterdir())
