"""Rows come in as what they are on one machine, and what cannot be mapped is refused at the door."""

from __future__ import annotations

import itertools

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from opentsne_like.affinity.matrix import row_chunks
from opentsne_like.dask import DaskAffinities, PartitionedRows, memory
from opentsne_like.dask.rows import MOST, row_bounds
from opentsne_like.errors import (
    InsufficientMemoryError,
    InvalidParameterError,
    InvalidTypeError,
    MissingDependencyError,
    UnavailableError,
)

from .conftest import distributed

NAMES = itertools.count()


def lying(chunks):
    """Return an array whose chunks may be others than it says, float64 of shape (10, 3)."""
    name = f"lying-{next(NAMES)}"
    return da.Array({(name, i, 0): chunk for i, chunk in enumerate(chunks)}, name, ((10,) * len(chunks), (3,)), float)


@pytest.mark.parametrize("n", [2, 4095, 4096, 100_000, 12_345_678])
@pytest.mark.parametrize("d", [1, 50, 3000])
def test_partitions_begin_where_blocks_of_sums_do(n, d):
    bounds = row_bounds(n, d)
    starts = {low for low, _ in row_chunks(n)}
    assert bounds[0] == 0
    assert bounds[-1] == n
    assert set(bounds[:-1]) <= starts
    assert len(bounds) - 1 <= MOST
    assert np.diff(bounds).min() > 0


@pytest.mark.parametrize(
    ("dtype", "chunks"),
    [
        (np.float16, (1000, 2)),
        (np.float32, (9999, 5)),
        (np.float64, ((1, 0, 9998), (1, 4))),
        (np.int16, (4000, 5)),
        (bool, (9999, 1)),
        (">f4", (4000, 2)),
        (">i4", (9999, 5)),
    ],
)
def test_rows_are_floats_of_the_type_of_one_machine(dtype, chunks, client):
    X = (np.arange(9999 * 5).reshape(9999, 5) % 7).astype(dtype)
    rows = PartitionedRows(da.from_array(X, chunks=chunks), client)
    got = np.concatenate(client.gather(rows.parts))
    np.testing.assert_array_equal(got, X.astype(rows.dtype))
    assert got.dtype == rows.dtype == (np.float32 if dtype in (np.float16, np.float32, ">f4") else np.float64)
    assert [len(part) for part in client.gather(rows.parts)] == np.diff(rows.bounds).tolist()
    some = np.array([0, 7, 5000, 9998])
    np.testing.assert_array_equal(rows.taken(some).result(), X[some])


def test_a_data_frame(client, rng):
    frame = pd.DataFrame({"a": rng.normal(size=9000), 2: np.arange(9000)})
    rows = PartitionedRows(dd.from_pandas(frame, npartitions=3), client)
    np.testing.assert_array_equal(np.concatenate(client.gather(rows.parts)), frame.to_numpy())
    assert rows.columns == ("a", 2)


def test_columns_that_may_have_missing_values(client):
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": pd.array([1, 2, 3], dtype="Int64"), "c": [True, False, True]})
    rows = PartitionedRows(dd.from_pandas(frame, npartitions=2), client)
    np.testing.assert_array_equal(rows.parts[0].result(), [[1.5, 1, 1], [2.5, 2, 0], [3.5, 3, 1]])
    missing = dd.from_pandas(frame.assign(b=pd.array([1, None, 3], dtype="Int64")), npartitions=1)
    with pytest.raises(InvalidParameterError, match="got nan in row 1, column 1"):
        PartitionedRows(missing, client)


def holed(value, row):
    X = np.ones((9000, 3))
    X[row, 1] = value
    return da.from_array(X, chunks=(500, 2))


REFUSED = [
    (lambda: np.ones((10, 2)), InvalidTypeError, "`X` must be a dask array or data frame, got ndarray; use"),
    (
        lambda: dd.from_pandas(pd.DataFrame({"a": [1.0, 2]}), npartitions=1)["a"],
        InvalidParameterError,
        "`X` must have 2 dimensions, got a single column; take a data frame of it",
    ),
    (lambda: da.ones(5), InvalidParameterError, "`X` must have 2 dimensions, got 1"),
    (lambda: da.ones((1, 3)), InvalidParameterError, "`X` must have at least 2 rows and 1 column, got shape (1, 3)"),
    (lambda: da.ones((3, 3), dtype=complex), InvalidTypeError, "`X` must be numeric, got dtype complex128"),
    (
        lambda: da.ones((9, 3), chunks=3)[da.ones(9, chunks=3) > 0],
        InvalidParameterError,
        "`X` must have chunks of known size, got shape (nan, 3); call X.compute_chunk_sizes()",
    ),
    (
        lambda: lying([np.ones((10, 3)), np.ones((10, 4))]),
        InvalidParameterError,
        "`X` must hold what it says, float64 of shape (10, 3) (partition 1), got float64 of shape (10, 4)",
    ),
    (
        lambda: lying([np.ones((10, 3)), np.ones((10, 3), np.float32)]),
        InvalidParameterError,
        "`X` must hold what it says, float64 of shape (10, 3) (partition 1), got float32 of shape (10, 3)",
    ),
    (
        lambda: lying([np.ones((10, 3)), pd.DataFrame(np.ones((10, 3)))]),
        InvalidTypeError,
        "`X` must have chunks of NumPy arrays, got DataFrame (partition 1)",
    ),
    (
        lambda: holed(np.nan, 8600),
        InvalidParameterError,
        "`X` must be finite, got nan in row 8600, column 1; remove or impute such values (partition 17)",
    ),
    (
        lambda: holed(-np.inf, 3),
        InvalidParameterError,
        "got -inf in row 3, column 1; remove or impute such values (par",
    ),
    (
        lambda: dd.from_pandas(pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"]}), npartitions=1),
        InvalidTypeError,
        "`X` must be numeric, got column 'b' of type str",
    ),
]


@pytest.mark.parametrize(("make", "error", "said"), REFUSED)
def test_what_is_refused(make, error, said, client):
    with pytest.raises(error) as raised:
        PartitionedRows(make(), client)
    assert said in str(raised.value)


def test_rows_that_a_metric_can_do_nothing_with(client, rng):
    X = rng.normal(size=(9000, 3))
    X[7001] = 0
    rows = PartitionedRows(da.from_array(X, chunks=(1000, 3)), client)
    with pytest.raises(InvalidParameterError, match="no all-zero rows under metric 'cosine', got one in row 7001;"):
        DaskAffinities(rows, n_neighbors=3, metric="cosine")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"perplexity": -1}, "`perplexities` must be"),
        ({"n_neighbors": 20}, "`n_neighbors` must be"),
        ({"metric": "hamming"}, "`metric` must be one of"),
        ({"neighbors": "annoy"}, "`neighbors` must be one of 'auto', 'ivf', got 'annoy'"),
        ({"knn_kwargs": {"trees": 3}}, "`knn_kwargs` must be n_cells or n_probes for IVF, got 'trees'"),
        ({"dtype": int}, "`dtype` must be float64 or float32"),
    ],
)
def test_parameters_that_cannot_work(options, said, client):
    rows = PartitionedRows(da.ones((20, 3)), client)
    with pytest.raises(InvalidParameterError) as raised:
        DaskAffinities(rows, **options)
    assert said in str(raised.value)


def test_a_client_is_needed(monkeypatch, client):
    def none():
        raise ValueError("No client")

    with pytest.raises(InvalidTypeError, match=r"`client` must be a distributed\.Client, got int"):
        PartitionedRows(da.ones((20, 3)), 3)
    with distributed.Client(client.scheduler.address, set_as_default=False) as closed:
        pass
    with pytest.raises(UnavailableError, match="`client` must be the client of a cluster, got one that was closed"):
        PartitionedRows(da.ones((20, 3)), closed)
    monkeypatch.setattr(distributed, "default_client", none)
    with pytest.raises(UnavailableError, match="`client` must be the client of a cluster, got none; make one"):
        PartitionedRows(da.ones((20, 3)))


def test_dask_is_an_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'opentsne-like\[dask\]'"):
        PartitionedRows(np.ones((3, 2)))


def test_workers_with_too_little_memory(monkeypatch, client, rng):
    rows = PartitionedRows(da.from_array(rng.normal(size=(9000, 10)), chunks=(3000, 10)), client)

    def limited(limit):
        monkeypatch.setattr(memory, "workers_of", lambda _: [(limit, 2)] * 2)

    limited(10**9)
    DaskAffinities(rows, n_neighbors=10)
    limited(0)
    DaskAffinities(rows, n_neighbors=10)
    limited(2_000_000)
    with pytest.raises(
        InsufficientMemoryError, match="affinities of 9000 rows with 10 neighbours each need about"
    ) as raised:
        DaskAffinities(rows, n_neighbors=10)
    assert "on each of 2 workers" in str(raised.value)
    assert "got one with 0.002 GB and 2 threads; take more workers" in str(raised.value)
    limited(100_000)
    with pytest.raises(InsufficientMemoryError, match="9000 rows of 10 columns need about"):
        PartitionedRows(da.ones((9000, 10)), client)
    monkeypatch.setattr(memory, "workers_of", lambda _: [])
    with pytest.raises(UnavailableError, match="got one without any"):
        PartitionedRows(da.ones((9000, 10)), client)


def test_a_search_that_needs_too_much(monkeypatch, client, rng):
    rows = PartitionedRows(da.from_array(rng.normal(size=(9000, 10)), chunks=(3000, 10)), client)
    monkeypatch.setattr("opentsne_like.dask.neighbors.bytes_of_search", lambda *_: 1e15)
    with pytest.raises(InsufficientMemoryError, match="9000 rows of 10 columns and 10 neighbours of each need about"):
        DaskAffinities(rows, n_neighbors=10)


def test_what_workers_have(client):
    assert len(memory.workers_of(client)) == 2
    assert all(limit > 10**8 and threads == 1 for limit, threads in memory.workers_of(client))
