"""Indices that were taken apart and put together find the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like.errors import InvalidParameterError, InvalidTypeError, StorageError
from opentsne_like.nearest_neighbors import (
    IVF,
    Faiss,
    PrecomputedDistanceMatrix,
    PrecomputedNeighbors,
    Sklearn,
    pack_index,
    unpack_index,
)


@pytest.fixture
def X(rng):
    return rng.normal(size=(300, 4)) + 5 * rng.integers(3, size=(300, 1))


def again(index, data=None):
    arrays, header = pack_index(index, with_data=data is None)
    return unpack_index(arrays, json.loads(json.dumps(header)), data)


MAKERS = {
    "exact": lambda X: Sklearn(X, 9, "cosine"),
    "with parameters": lambda X: Sklearn(X, 9, "seuclidean", {"V": np.array([1.0, 2, 3, 4])}),
    "single precision": lambda X: Sklearn(X.astype(np.float32), 9),
    "sparse": lambda X: Sklearn(sp.csr_matrix(X), 9),
    "ivf": lambda X: IVF(X, 9, random_state=3, recall=0.9, knn_kwargs={"n_cells": 20}),
    "ivf, seed drawn": lambda X: IVF(X, 9, random_state=np.random.RandomState(3), recall=0.9),
    "faiss": lambda X: Faiss(X, 9, random_state=3),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("with_data", [True, False])
def test_the_same_neighbours(name, with_data, X):
    index = MAKERS[name](X)
    built, asked = index.build(), index.query(index.data[:20], 5)
    other = again(index, None if with_data else index.data)
    assert type(other) is type(index)
    for name_ in index.LEARNED:
        assert getattr(other, name_) == getattr(index, name_)
    for found, expected in zip((*other.query(index.data[:20], 5), *other.build()), (*asked, *built), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_probes_that_were_raised_stay_raised(X):
    index = IVF(X, 9, random_state=0, recall=0.5, knn_kwargs={"n_cells": 30})
    index.build()
    index.n_probes_ += 7
    assert again(index).query(X[:5], 3)[0].tolist() == index.query(X[:5], 3)[0].tolist()
    assert again(index).n_probes_ == index.n_probes_


def test_given_neighbours(X):
    indices, distances = Sklearn(X, 9).build()
    for index in (PrecomputedNeighbors(indices, distances), PrecomputedDistanceMatrix(np.abs(X[:, :1] - X[:, 0]), 9)):
        other = again(index)
        assert type(other) is type(index)
        for found, expected in zip(other.build(), index.build(), strict=True):
            np.testing.assert_array_equal(found, expected)
        arrays, header = pack_index(index, with_data=False)
        assert unpack_index(arrays, header) is None


def test_what_cannot_be_stored(X):
    class Own(Sklearn):
        pass

    with pytest.raises(InvalidTypeError, match="`neighbors` must be an index of this package"):
        pack_index(Own(X, 3), with_data=True)
    with pytest.raises(InvalidTypeError, match="`metric` must be a name"):
        pack_index(Sklearn(X, 3, lambda a, b: 0.0), with_data=True)


def test_damaged_parts(X):
    arrays, header = pack_index(Sklearn(sp.csr_matrix(X), 3), with_data=True)
    with pytest.raises(StorageError, match="class 'Unknown'"):
        unpack_index(arrays, {**header, "class": "Unknown"})
    with pytest.raises(StorageError, match="damaged"):
        unpack_index({**arrays, "csr_indices": arrays["csr_indices"] + 3}, header)
    with pytest.raises(StorageError, match="damaged"):
        unpack_index({key: arrays[key] for key in arrays if key != "csr_shape"}, header)
    assert unpack_index({}, header) is None


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("csr_indptr", lambda p: np.r_[0, np.full(len(p) - 2, 10**7), 0].astype(p.dtype)),
        ("csr_indptr", lambda p: np.r_[p[:-1], -1].astype(p.dtype)),
        ("csr_indptr", lambda p: p.astype(float)),
        ("csr_indices", lambda p: p.astype(float)),
        ("csr_indices", lambda p: np.r_[p[:-1], 10**6].astype(p.dtype)),
        ("csr_data", lambda p: p[:-1]),
        ("csr_shape", lambda p: p.astype(float)),
        ("csr_shape", lambda p: np.array([300, 2**63], dtype=np.uint64)),
        ("csr_shape", lambda p: np.r_[p, 1]),
    ],
)
def test_parts_of_a_sparse_matrix_that_would_be_followed_out_of_bounds_are_refused(X, part, change):
    arrays, header = pack_index(Sklearn(sp.csr_matrix(X), 3), with_data=True)
    with pytest.raises(StorageError, match="a stored sparse matrix is damaged"):
        unpack_index({**arrays, part: change(arrays[part])}, header)


def test_sparse_data_of_the_other_byte_order_are_the_same(X):
    index = Sklearn(sp.csr_matrix(X), 3)
    arrays, header = pack_index(index, with_data=True)
    swapped = {name: array.astype(array.dtype.newbyteorder()) for name, array in arrays.items()}
    for found, expected in zip(unpack_index(swapped, header).build(), index.build(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("seed", "7"),
        ("seed", None),
        ("distance_dtype", "O"),
        ("distance_dtype", "<i8"),
        ("distance_dtype", "<f2"),
        ("distance_dtype", ["<f8"]),
        ("n_probes_", 0),
        ("n_probes_", 10**9),
        ("n_probes_", "many"),
        ("recall_", 2.0),
    ],
)
def test_altered_values_are_refused(X, key, value):
    index = IVF(X, 9, random_state=0)
    index.build()
    arrays, header = pack_index(index, with_data=True)
    altered = {**header, key: value} if key in header else {**header, "learned": {**header["learned"], key: value}}
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=f"`{key}` must be"):
        unpack_index(arrays, altered)


def test_the_byte_order_of_the_machine_that_stored_it_does_not_matter(X):
    index = Sklearn(X, 9)
    index.distance_dtype = np.float32
    arrays, header = pack_index(index, with_data=True)
    assert unpack_index(arrays, {**header, "distance_dtype": ">f4"}).build()[1].dtype == np.dtype(np.float32)
