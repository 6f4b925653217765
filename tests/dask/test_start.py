"""Starts of rows in partitions are those of one machine."""

from __future__ import annotations

import functools
import sys

import dask.array as da
import numpy as np
import pytest

from opentsne_like import initialization
from opentsne_like.affinity.matrix import row_chunks
from opentsne_like.dask import PartitionedRows, start
from opentsne_like.errors import InvalidParameterError
from opentsne_like.initialization.pca import ROWS, chunk_bounds


def rows_of(X, client):
    return PartitionedRows(da.from_array(X, chunks=(4000, X.shape[1])), client)


def test_blocks_of_sums_are_those_of_affinities():
    for n in (1, 5000, 20_500, 123_457):
        assert row_chunks(n) == chunk_bounds(n, ROWS, n)


@pytest.mark.parametrize("change", ["float64", "float32", "huge"])
def test_pca(change, client, clustered):
    X = clustered.astype(np.float32) if change == "float32" else clustered * (1e160 if change == "huge" else 1)
    ours = start.pca(rows_of(X, client), 3, random_state=5)
    np.testing.assert_array_equal(ours, initialization.pca(X, 3, random_state=5))


def test_pca_by_iteration(client, rng, monkeypatch):
    monkeypatch.setattr(sys.modules["opentsne_like.initialization.pca"], "DIRECT", 8)  # a function has its name, too
    X = rng.normal(size=(9000, 12)) * np.linspace(3, 1, 12)
    np.testing.assert_array_equal(start.pca(rows_of(X, client), random_state=5), initialization.pca(X, random_state=5))


def test_more_components_than_columns(client, rng):
    with pytest.raises(InvalidParameterError, match="`n_components` must be at most the number of columns of `X`, 2"):
        start.pca(rows_of(rng.normal(size=(10, 2)), client), 3)


@pytest.mark.parametrize("method", ["auto", "ivf"])
def test_landmarks(method, client, clustered):
    options = {"n_landmarks": 3000, "random_state": 5, "method": method}
    embed = functools.partial(initialization.pca, random_state=0)
    ours = start.landmarks(rows_of(clustered, client), embed, **options)
    one = initialization.multiscale(clustered, embed, **options)
    np.testing.assert_array_equal(ours, one)
