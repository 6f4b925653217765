"""What users call a table, in every form that was met, through every door that takes one."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from opentsne_like import TSNE, affinity, initialization, metrics
from opentsne_like import _validation as v
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, OpenTSNEError
from opentsne_like.nearest_neighbors import PrecomputedDistanceMatrix, Sklearn, make_index

N = 24
X = np.random.default_rng(0).integers(0, 9, size=(N, 4)).astype(float) + np.eye(4)[np.arange(N) % 4]
NAMES = list("abcd")


class Foreign:
    """An array of another library, which NumPy can read."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


class Elsewhere:
    """An array on a device, which NumPy cannot read."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")


class Lazy:
    """A table that is still to be computed."""

    columns = NAMES

    def collect(self):
        return X


class Polar(Foreign):
    """A frame with a list of names, as polars has it."""

    columns = NAMES


class Cells:
    """What AnnData looks like."""

    obsm = ()


def with_cell(value, dtype=object):
    """Return the table with something else in row 3, column 2."""
    rows = X.astype(dtype)
    rows[3, 2] = value
    return rows


def memory_map(tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def read_only(tmp_path):
    rows = X.copy()
    rows.setflags(write=False)
    return rows


def wide_indices(tmp_path):
    matrix = sparse.csr_matrix(X)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


def vectors(tmp_path):
    return pd.Series(list(X))


DENSE = {
    "list": lambda _: X.tolist(),
    "tuple": lambda _: tuple(map(tuple, X)),
    "rows": lambda _: list(X),
    "float16": lambda _: X.astype(np.float16),
    "float32": lambda _: X.astype(np.float32),
    "longdouble": lambda _: X.astype(np.longdouble),
    "other byte order": lambda _: X.astype(">f8"),
    "int8": lambda _: X.astype(np.int8),
    "uint64": lambda _: X.astype(np.uint64),
    "objects": lambda _: X.astype(object),
    "whole objects": lambda _: X.astype(int).astype(object),
    "fractions": lambda _: np.array([[Fraction(x) for x in row] for row in X]),
    "decimals": lambda _: np.array([[Decimal(x) for x in row] for row in X]),
    "Fortran order": lambda _: np.asfortranarray(X),
    "strided": lambda _: np.repeat(X, 2, axis=0)[::2],
    "read only": read_only,
    "memory map": memory_map,
    "matrix": lambda _: np.matrix(X),
    "unmasked": lambda _: np.ma.array(X),
    "foreign": lambda _: Foreign(X),
    "frame": lambda _: pd.DataFrame(X, columns=NAMES),
    "nullable frame": lambda _: pd.DataFrame(X, columns=NAMES).convert_dtypes(),
    "arrow frame": lambda _: pd.DataFrame(X, columns=NAMES).astype("float64[pyarrow]"),
    "category frame": lambda _: pd.DataFrame(X, columns=NAMES).astype({"a": "category"}),
    "sparse frame": lambda _: pd.DataFrame(X, columns=NAMES).astype(pd.SparseDtype(float, 0)),
    "frame of a list": lambda _: Polar(X),
    "arrow table": lambda _: pytest.importorskip("pyarrow").Table.from_pandas(pd.DataFrame(X, columns=NAMES)),
    "series of vectors": vectors,
    "frame of vectors": lambda _: pd.DataFrame({"vector": list(X)}),
}
SPARSE = {
    "csr matrix": lambda _: sparse.csr_matrix(X),
    "csr array": lambda _: sparse.csr_array(X),
    "csc": lambda _: sparse.csc_matrix(X),
    "coo": lambda _: sparse.coo_array(X),
    "dok": lambda _: sparse.dok_array(X),
    "lil": lambda _: sparse.lil_matrix(X),
    "bsr": lambda _: sparse.bsr_matrix(X),
    "dia": lambda _: sparse.dia_array(X),
    "wide indices": wide_indices,
    "sparse integers": lambda _: sparse.csr_matrix(X.astype(int)),
}
BAD = {
    "nan": (lambda: with_cell(np.nan, float), InvalidParameterError, "must be finite, got nan in row 3, column 2;"),
    "infinity": (lambda: with_cell(-np.inf, float), InvalidParameterError, "finite, got -inf in row 3, column 2;"),
    "None": (lambda: with_cell(None), InvalidParameterError, "finite, got a missing value in row 3, column 2;"),
    "NA": (lambda: with_cell(pd.NA), InvalidParameterError, "finite, got a missing value in row 3, column 2;"),
    "NaT": (lambda: with_cell(pd.NaT), InvalidParameterError, "finite, got a missing value in row 3, column 2;"),
    "masked": (
        lambda: np.ma.masked_greater(with_cell(1e4, float), 9e3),
        InvalidParameterError,
        "must be finite, got a masked value in row 3, column 2; remove or impute",
    ),
    "masked rows": (
        lambda: list(np.ma.masked_greater(with_cell(1e4, float), 9e3)),
        InvalidParameterError,
        "must be finite, got a masked value in row 3, column 2;",
    ),
    "frame with NaN": (
        lambda: pd.DataFrame(with_cell(np.nan, float), columns=NAMES),
        InvalidParameterError,
        "must be finite, got nan in row 3, column 'c'; remove or impute",
    ),
    "nullable frame with NA": (
        lambda: pd.DataFrame(with_cell(np.nan, float), columns=NAMES).convert_dtypes(),
        InvalidParameterError,
        "in row 3, column 'c'; remove or impute",
    ),
    "frame with text": (
        lambda: pd.DataFrame(X, columns=NAMES).astype({"c": str}),
        InvalidTypeError,
        "must be numeric, got the text '",
    ),
    "frame with dates": (
        lambda: pd.DataFrame(X, columns=NAMES).assign(c=pd.Timestamp("2020-01-01")),
        InvalidTypeError,
        "must be numeric, got Timestamp('2020-01-01 00:00:00') in row 0, column 'c'",
    ),
    "text": (lambda: X.astype(str), InvalidTypeError, "must be numeric, got the text '"),
    "bytes": (lambda: X.astype("S8"), InvalidTypeError, "must be numeric, got the text b'"),
    "huge integers": (
        lambda: with_cell(10**400),
        InvalidParameterError,
        "must be finite, got an integer of 1329 bits in row 3, column 2, which no float can hold",
    ),
    "wide floats": (
        lambda: with_cell(np.longdouble("1e4000"), np.longdouble),
        InvalidParameterError,
        "must be finite, got inf in row 3, column 2",
    ),
    "complex": (lambda: X + 0j, InvalidTypeError, "must be numeric, got dtype complex128"),
    "complex objects": (lambda: with_cell(1j), InvalidTypeError, "must be numeric, got 1j in row 3, column 2"),
    "dates": (lambda: X.astype("M8[s]"), InvalidTypeError, "must be numeric, got dtype datetime64[s]"),
    "durations": (
        lambda: with_cell(datetime.timedelta(1)),
        InvalidTypeError,
        "must be numeric, got datetime.timedelta(days=1) in row 3, column 2",
    ),
    "records": (
        lambda: np.zeros(N, [("a", float), ("b", int)]),
        InvalidTypeError,
        "must be numeric, got records with the fields a, b; use numpy.lib.recfunctions",
    ),
    "ragged": (lambda: [*X.tolist()[:-1], [1.0]], InvalidParameterError, "rows of different length"),
    "ragged vectors": (lambda: pd.Series([*X[:-1], X[0, :2]]), InvalidParameterError, "rows of different length"),
    "one number": (lambda: 3.0, InvalidParameterError, "must be two-dimensional (samples, features), got shape ()"),
    "one row": (lambda: X[0], InvalidParameterError, "got shape (4,); use "),
    "three axes": (lambda: X[None], InvalidParameterError, "two-dimensional (samples, features), got shape (1, 24, 4)"),
    "nothing": (list, InvalidParameterError, "must be two-dimensional"),
    "no columns": (lambda: X[:, :0], InvalidParameterError, "1 column, got shape (24, 0)"),
    "no rows": (lambda: pd.DataFrame(columns=NAMES, dtype=float), InvalidParameterError, "got shape (0, 4)"),
    "dictionary": (lambda: {"a": 1}, InvalidTypeError, "must be an array of numbers, got a dict"),
    "generator": (lambda: (row for row in X), InvalidTypeError, "must be an array of numbers, got a generator"),
    "word": (lambda: "X.csv", InvalidTypeError, "must be an array of numbers, got 'X.csv'"),
    "lazy": (lambda: Lazy(), InvalidTypeError, "must be an array of numbers, got a Lazy; pass "),
    "on a device": (lambda: Elsewhere(), InvalidTypeError, "got an Elsewhere that NumPy cannot read: can't convert"),
    "cells": (
        lambda: Cells(),
        InvalidTypeError,
        "got a Cells; pass it to opentsne_like.anndata.tsne, or one of its ",
    ),
    "sparse NaN": (
        lambda: sparse.csr_matrix(with_cell(np.nan, float)),
        InvalidParameterError,
        "must be finite, got nan in row 3, column 2",
    ),
    "sparse complex": (lambda: sparse.csr_matrix(X + 0j), InvalidTypeError, "must be numeric, got dtype complex128"),
}

SHORT = {"perplexity": 4, "n_iter": 3, "early_exaggeration_iter": 3, "random_state": 0}
Y = np.random.default_rng(1).normal(size=(N, 2))
INDEX = Sklearn(X, 3)
UNIFORM = affinity.Uniform(X, k_neighbors=3)
# What each door calls the table, and what it makes of it.
DOORS = {
    "check_matrix": ("X", lambda table: v.check_matrix(table, "X", accept_sparse=True)),
    "TSNE.fit": ("X", lambda table: np.array(TSNE(**SHORT).fit(table))),
    "Sklearn": ("data", lambda table: Sklearn(table, 3).build()[0]),
    "make_index": ("data", lambda table: make_index(table, 3).build()[0]),
    "query": ("query", lambda table: INDEX.query(table, 3)[0]),
    "Uniform": ("data", lambda table: affinity.Uniform(table, k_neighbors=3).P.toarray()),
    "PerplexityBasedNN": ("data", lambda table: affinity.PerplexityBasedNN(table, perplexity=3).P.toarray()),
    "to_new": ("data", lambda table: UNIFORM.to_new(table).toarray()),
    "extended": ("data", lambda table: UNIFORM.extended(table).P.toarray()),
    "pca": ("X", lambda table: initialization.pca(table, random_state=0)),
    "knn_recall": ("X", lambda table: metrics.knn_recall(table, Y, k=3)),
    "distance_correlation": ("X", lambda table: metrics.distance_correlation(table, Y, random_state=0)),
}
DENSE_DOORS = {
    "rescale": ("x", lambda table: initialization.rescale(table)),
    "median": ("embedding", lambda table: initialization.median(table, [[0, 1]])),
    "map": ("Y", lambda table: metrics.knn_recall(X, table, k=3)),
}


def numbers(result):
    return result.toarray() if hasattr(result, "tocsr") else np.asarray(result, dtype=np.float64)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("door", DOORS | DENSE_DOORS)
def test_what_is_a_table(door, tmp_path):
    _, use = (DOORS | DENSE_DOORS)[door]
    expected = numbers(use(X))
    for kind, make in DENSE.items():
        table = make(tmp_path)
        np.testing.assert_allclose(numbers(use(table)), expected, rtol=1e-4, atol=1e-7, err_msg=kind)
    for kind, make in (SPARSE if door in DOORS else {}).items():
        if door in ("TSNE.fit", "pca"):  # another method with other noise
            assert numbers(use(make(tmp_path))).shape == expected.shape
        else:
            np.testing.assert_allclose(numbers(use(make(tmp_path))), expected, rtol=1e-4, atol=1e-7, err_msg=kind)


@pytest.mark.parametrize("door", DOORS | DENSE_DOORS)
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_table(door, kind):
    make, error, message = BAD[kind]
    name, use = (DOORS | DENSE_DOORS)[door]
    if door in DENSE_DOORS and kind.startswith("sparse"):
        error, message = InvalidTypeError, "must be a dense array, got a sparse matrix"
    with pytest.raises(OpenTSNEError) as caught:
        use(make())
    said = str(caught.value)
    assert type(caught.value) is error, said
    assert said.startswith(f"`{name}` must "), said
    assert message in said
    assert "\n" not in said


def test_booleans_are_numbers():
    np.testing.assert_array_equal(v.check_matrix(X > 4), (X > 4).astype(float))
    np.testing.assert_array_equal(v.check_matrix((X > 4).astype(object)), (X > 4).astype(float))
    np.testing.assert_array_equal(v.check_matrix(pd.DataFrame(X > 4).convert_dtypes()), (X > 4).astype(float))


def test_text_of_a_frame_is_named():
    frame = pd.DataFrame(X, columns=NAMES)
    frame["c"] = [*("1.5" for _ in range(5)), *(2.5 for _ in range(N - 5))]
    with pytest.raises(InvalidTypeError, match=r"got the text '1.5' in row 0, column 'c'; leave it out or encode it"):
        v.check_matrix(frame)


def test_polars_if_it_is_there():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(X, schema=NAMES)
    np.testing.assert_array_equal(v.check_matrix(frame), X)
    assert v.column_names(frame) == tuple(NAMES)
    gap = frame.with_columns(polars.when(polars.col("b") > 7).then(None).otherwise(polars.col("b")).alias("b"))
    row = int(np.argmax(X[:, 1] > 7))
    with pytest.raises(InvalidParameterError, match=f"must be finite, got nan in row {row}, column 'b'"):
        v.check_matrix(gap)
    with pytest.raises(InvalidTypeError, match="got the text 'x' in row 0, column 'd'"):
        v.check_matrix(frame.with_columns(polars.lit("x").alias("d")))
    with pytest.raises(InvalidTypeError, match=r"got a LazyFrame; pass X.collect\(\)"):
        v.check_matrix(frame.lazy())


def test_wide_indices_are_narrowed_and_the_callers_kept():
    wide = wide_indices(None)
    narrow = v.check_csr(wide, "X")
    assert narrow.indices.dtype == narrow.indptr.dtype == np.int32
    assert wide.indices.dtype == np.int64
    assert np.shares_memory(narrow.data, wide.data)
    np.testing.assert_array_equal(narrow.toarray(), X)
    for metric in ("manhattan", "euclidean", "cosine"):
        expected = make_index(sparse.csr_matrix(X), 3, metric=metric, method="exact").build()
        found = make_index(wide, 3, metric=metric, method="exact").build()
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_rows_in_messages_count_from_the_first_of_all():
    with pytest.raises(InvalidParameterError, match="got nan in row 103, column 2"):
        v.check_matrix(with_cell(np.nan, float), "X", first_row=100)


def test_a_table_is_not_read_before_it_is_used():
    hidden = with_cell(np.nan, float)
    assert np.shares_memory(v.as_table(hidden), hidden)
    for bad in (np.ma.masked_invalid(hidden), hidden.tolist(), pd.DataFrame(hidden)):
        with pytest.raises(InvalidParameterError, match="must be finite"):
            v.as_table(bad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: affinity.PrecomputedAffinities(np.ma.masked_less(np.eye(3), 1)),
            "`affinities` must be finite, got",
        ),
        (lambda: affinity.PrecomputedAffinities([[0, 1], [1]]), "`affinities` must be a rectangular table of numbers"),
        (lambda: initialization.median(Y, np.ma.masked_less([[0, 1]], 1)), "`neighbors` must be finite, got a masked"),
        (lambda: initialization.spectral(np.ma.masked_less(np.eye(3), 1)), "`A` must be finite, got a masked value"),
        (
            lambda: PrecomputedDistanceMatrix(np.ma.masked_less(np.ones((3, 3)), 2), 1),
            "`distance_matrix` must be",
        ),
        (lambda: affinity.from_neighbors(Cells()), "`neighbors` must be an array of numbers, got a Cells; pass"),
        (lambda: metrics.knn_accuracy(Y, np.ma.masked_less(np.arange(N), 2)), "`labels` must not be missing, .* row 0"),
        (lambda: metrics.knn_accuracy(Y, pd.Series(["a", pd.NA] * 12)), "`labels` must not be missing, .* in row 1"),
    ],
)
def test_other_arrays(call, message):
    with pytest.raises(OpenTSNEError, match=message):
        call()


@pytest.mark.parametrize("value", [10**400, -(10**400), 10**5000], ids=["large", "small", "not to be written"])
def test_numbers_that_are_too_large(value):
    with pytest.raises(InvalidParameterError, match=r"`p` must be finite, got an integer of \d+ bits"):
        v.check_real(value, "p")
    with pytest.raises(InvalidParameterError, match=r"`k` must be at (most 5|least 0), got an integer of \d+ bits"):
        v.check_integer(value, "k", at_least=0, at_most=5)
