"""Inverted files: the recall that is asked for is reached, and said truly."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.nearest_neighbors import IVF, Faiss, Sklearn

both = pytest.mark.parametrize("backend", [IVF, Faiss])


@cache
def rows():
    """Return 2,000 rows in 12 dimensions: clusters of very different size and width, and some background."""
    rng = np.random.default_rng(1)
    parts = [
        rng.normal(size=12) * 3 + rng.normal(size=(size, 12)) * rng.uniform(0.1, 1.5)
        for size in (650, 450, 300, 200, 150, 100, 50, 20)
    ]
    parts.append(rng.uniform(-8, 8, size=(80, 12)))
    return rng.permutation(np.concatenate(parts))


@pytest.fixture
def clustered():
    return rows()


@cache
def nearest(n, k, metric):
    return Sklearn(rows()[:n], k, metric).build()[0]


def recall_of(indices, metric="euclidean"):
    """Return the share of the true neighbours among the first rows, as many as were searched."""
    truth = nearest(*indices.shape, metric)
    return np.mean([len(np.intersect1d(a, b)) for a, b in zip(indices, truth, strict=True)]) / indices.shape[1]


EUCLIDEAN = ["euclidean", "cosine", "correlation"]


@pytest.mark.parametrize(
    ("backend", "metric"),
    [(b, m) for b in (IVF, Faiss) for m in EUCLIDEAN] + [(IVF, "manhattan"), (IVF, "chebyshev")],
)
@pytest.mark.parametrize("recall", [0.9, None, 0.999])
def test_the_asked_recall_is_reached(backend, metric, recall, clustered):
    index = backend(clustered, 30, metric, random_state=0, recall=recall)
    indices, _ = index.build()
    assert index.recall_ >= (recall or 0.99)
    assert abs(recall_of(indices, metric) - index.recall_) < 0.02


@both
def test_more_recall_takes_more_probes(backend, clustered):
    probes = []
    for recall in (0.7, 0.95, 0.999):
        index = backend(clustered, 30, random_state=0, recall=recall)
        index.build()
        probes.append(index.n_probes_)
    assert probes[0] < probes[1] < probes[2]


@both
def test_recall_one_is_exact(backend, clustered):
    index = backend(clustered[:800], 20, random_state=0, recall=1)
    found = index.build()
    assert index.recall_ == 1
    assert recall_of(found[0]) > 0.999


@both
def test_too_few_probes_are_raised(backend, clustered, monkeypatch, caplog):
    monkeypatch.setattr(backend, "_calibrated", lambda *_: 1)
    index = backend(clustered, 30, random_state=0)
    with caplog.at_level("INFO"):
        index.build()
    assert index.n_probes_ > 1
    assert index.recall_ >= 0.99
    assert "looking in more cells" in caplog.text


@both
def test_asked_probes_are_kept(backend, clustered):
    index = backend(clustered, 30, random_state=0, knn_kwargs={"n_cells": 40, "n_probes": 1})
    indices, distances = index.build()
    assert index.n_probes_ == 1
    assert 0.3 < index.recall_ < 0.99
    assert np.isfinite(distances).all()
    assert (indices >= 0).all()


@both
def test_every_cell_is_all_there_is(backend, clustered):
    X = clustered[:600]
    found = backend(X, 25, random_state=0, knn_kwargs={"n_cells": 12, "n_probes": 12}).build()
    for ours, theirs in zip(found, Sklearn(X, 25).build(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@both
def test_a_batch_changes_no_bit(backend, clustered, rng):
    index = backend(clustered, 20, random_state=0)
    Q = clustered[:200] + 0.1 * rng.normal(size=(200, 12))
    indices, distances = index.query(Q, 20)
    for part in (slice(0, 1), slice(50, 173)):
        some_indices, some_distances = index.query(Q[part], 20)
        np.testing.assert_array_equal(some_indices, indices[part])
        np.testing.assert_array_equal(some_distances, distances[part])


@both
@pytest.mark.parametrize("k", [1, 30, 400, 2000])
def test_queries_of_any_size(backend, k, clustered):
    index = backend(clustered, 30, random_state=0)
    indices, distances = index.query(clustered[:20], k)
    exact = Sklearn(clustered, 30).query(clustered[:20], k)
    hits = [len(np.intersect1d(a, b)) for a, b in zip(indices, exact[0], strict=True)]
    assert np.mean(hits) > 0.9 * k
    assert (indices >= 0).all()
    assert np.isfinite(distances).all()


@both
def test_a_query_may_lie_anywhere(backend, clustered):
    Q = np.vstack([np.full(12, 1e30), np.full(12, -1e4), np.zeros(12)])
    found = backend(clustered, 30, random_state=0, recall=0.999).query(Q, 10)
    assert np.isfinite(found[1]).all()
    assert (found[0] >= 0).all()


@both
def test_a_copy_keeps_the_probes(backend, clustered):
    import pickle

    index = backend(clustered, 30, random_state=0)
    indices, _ = index.build()
    other = pickle.loads(pickle.dumps(index))
    assert other.recall_ == index.recall_
    assert other.n_probes_ == index.n_probes_
    np.testing.assert_array_equal(other.build()[0], indices)


@both
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"recall": 0}, InvalidParameterError, "`recall` must be positive, got 0"),
        ({"recall": 1.1}, InvalidParameterError, "`recall` must be at most 1, got 1.1"),
        ({"recall": "high"}, InvalidTypeError, "`recall` must be a number, got 'high'"),
        (
            {"knn_kwargs": {"nlist": 3}},
            InvalidParameterError,
            "must be n_cells or n_probes .* got 'nlist'",
        ),
        ({"knn_kwargs": {"n_cells": 0}}, InvalidParameterError, "`n_cells` must be at least 1, got 0"),
        ({"knn_kwargs": {"n_probes": 10**6}}, InvalidParameterError, "`n_probes` must be at most 2000"),
    ],
)
def test_bad_input(backend, arguments, error, message, clustered):
    with pytest.raises(error, match=message):
        backend(clustered, 5, **arguments)
