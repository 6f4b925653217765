"""Names of columns: new rows are put in the order of the data, or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from opentsne_like import affinity
from opentsne_like import nearest_neighbors as nn
from opentsne_like.errors import InvalidParameterError, StorageError

NAMES = list("abcd")


@pytest.fixture
def frame(rng):
    return pd.DataFrame(rng.normal(size=(60, 4)), columns=NAMES)


class Named:
    """A frame of another library."""

    def __init__(self, values, columns):
        self.values, self.columns = values, columns

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


def same(found, expected):
    return all(np.array_equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))


@pytest.mark.parametrize("make", [nn.Sklearn, nn.IVF, nn.make_index])
def test_rows_are_put_in_order(frame, make):
    index = make(frame, k=3)
    new = frame[:5] + 0.1
    expected = index.query(new.to_numpy(), 3)  # by position
    assert same(index.query(new, 3), expected)
    assert same(index.query(new[list("dbca")], 3), expected)
    assert same(index.query(Named(new[list("dbca")].to_numpy(), list("dbca")), 3), expected)
    assert not same(index.query(new[list("dbca")].to_numpy(), 3), expected)
    grown = index.extended(new[list("dbca")])
    np.testing.assert_array_equal(grown.data[60:], new)
    assert grown.columns == tuple(NAMES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda D: D.rename(columns={"b": "x"}), "got no 'b' and also 'x'"),
        (lambda D: D[["a", "b"]], "got no 'c', 'd'"),
        (lambda D: D.assign(y=1.0), "got also 'y'"),
        (lambda D: D.rename(columns={"b": "a"}), "got no 'b' and also 'a'"),
        (lambda D: D.rename(columns=dict(zip(NAMES, range(10, 14), strict=True))), "and also 10, 11, 12, 13"),
    ],
)
def test_other_columns_are_named(frame, change, said):
    index = nn.Sklearn(frame, 3)
    uniform = affinity.Uniform(frame, k_neighbors=3)
    new = change(frame[:5])
    for name, look_up in {
        "query": lambda: index.query(new, 3),
        "new": lambda: index.extended(new),
        "data": lambda: (uniform.to_new(new), uniform.extended(new)),
    }.items():
        with pytest.raises(InvalidParameterError, match=f"`{name}` must have the columns of the data, got") as caught:
            look_up()
        assert said in str(caught.value)


def test_many_names_stay_one_line():
    wide = pd.DataFrame(np.eye(40), columns=[f"gene {i}" for i in range(40)])
    with pytest.raises(InvalidParameterError, match="'gene 4' and 35 more and also 'x 0'"):
        nn.Sklearn(wide, 3).query(wide.rename(columns=lambda name: name.replace("gene", "x")), 3)


def test_numbers_that_pandas_gives_are_no_names(frame):
    bare = pd.DataFrame(frame.to_numpy())
    new = frame[:5] + 0.1
    expected = nn.Sklearn(frame, 3).query(new, 3)
    assert same(nn.Sklearn(bare, 3).query(new, 3), expected)
    assert same(nn.Sklearn(frame, 3).query(bare[:5] + 0.1, 3), expected)
    assert same(nn.Sklearn(bare, 3).query(bare[[3, 1, 2, 0]][:5] + 0.1, 3), expected)  # numbers of columns all the same


def test_columns_named_twice(frame):
    twice = frame.set_axis(list("abca"), axis=1)
    index = nn.Sklearn(twice, 3)
    assert same(index.query(twice[:5], 3), nn.Sklearn(frame, 3).query(frame[:5], 3))
    with pytest.raises(InvalidParameterError, match="each column once to be put in order, got 'a' twice"):
        index.query(twice.iloc[:5, ::-1].set_axis(list("aabc"), axis=1), 3)


def test_affinities_keep_names(frame):
    new = frame[:5] + 0.1
    for made in (
        affinity.Uniform(frame, k_neighbors=3),
        affinity.PerplexityBasedNN(frame, perplexity=3),
        affinity.Uniform(knn_index=nn.Sklearn(frame, 3)),
    ):
        assert made.knn_index.columns == tuple(NAMES)
        expected = made.to_new(new.to_numpy()).toarray()
        np.testing.assert_array_equal(made.to_new(new[list("dcba")]).toarray(), expected)
        grown = made.extended(new[list("dcba")])
        np.testing.assert_array_equal(grown.P.toarray(), made.extended(new.to_numpy()).P.toarray())
        assert grown.knn_index.columns == tuple(NAMES)


def test_names_are_stored(frame):
    named = frame.set_axis(["a", 2, ("b", "c"), pd.Timestamp("2020-01-01")], axis=1)
    index = nn.Sklearn(named, 3)
    arrays, header = nn.pack_index(index, with_data=True)
    again = nn.unpack_index(arrays, header)
    assert again.columns == index.columns == ("a", 2, "('b', 'c')", "2020-01-01 00:00:00")
    assert same(again.query(named.iloc[:5, ::-1], 3), index.query(named[:5], 3))
    del header["columns"]  # of an earlier version
    assert nn.unpack_index(arrays, header).columns is None
    header["columns"] = [["a"], "b", "c", "d"]
    with pytest.raises(StorageError, match="names of the columns"):
        nn.unpack_index(arrays, header)


def test_a_matrix_of_distances_has_names_too(frame):
    from sklearn.metrics import pairwise_distances

    labels = [f"point {i}" for i in range(60)]
    D = pd.DataFrame(pairwise_distances(frame), columns=labels)
    index = nn.PrecomputedDistanceMatrix(D, 3)
    assert same(index.query(D.iloc[:5, ::-1], 3), index.query(D.to_numpy()[:5], 3))
