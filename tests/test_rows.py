"""Tables of any numbers, files and chunks: read block by block, with the bits of one array."""

from __future__ import annotations

import pickle
import tempfile

import numpy as np
import pytest

from opentsne_like import TSNE, affinity, initialization, load
from opentsne_like._validation import Rows, as_table, check_rows, rows
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, StorageError
from opentsne_like.nearest_neighbors import KnownRows, make_index
from opentsne_like.storage import fingerprint

SHORT = {"n_iter": 20, "early_exaggeration_iter": 10, "random_state": 0, "n_jobs": 1}


class Chunks:
    """What h5py, zarr and dask have in common; `chunks` as of either."""

    def __init__(self, blocks, shape=None, dtype=None, chunks=None):
        self.blocks = blocks
        self.shape = (sum(map(len, blocks)), *blocks[0].shape[1:]) if shape is None else shape
        self.dtype = blocks[0].dtype if dtype is None else dtype
        self.chunks = (tuple(map(len, blocks)), self.shape[1:]) if chunks is None else chunks
        self.read = []

    def __getitem__(self, key):
        self.read.append(key)
        low, high, _ = key.indices(self.shape[0])
        ends = np.cumsum([0, *map(len, self.blocks)])
        parts = zip(self.blocks, ends, strict=False)
        return np.concatenate([block[max(0, low - end) : max(0, high - end)] for block, end in parts if end < high])


@pytest.fixture
def half(rng):
    """Rows in half precision, every seventh of which is one and the same."""
    X = rng.normal(size=(1200, 12)).round(2).astype(np.float16)
    X[::7] = X[3]
    return X


@pytest.fixture
def _large(monkeypatch):
    """Let every table be a large one."""
    monkeypatch.setattr(rows, "SMALL", 0)


KINDS = {
    "float16": lambda X: X,
    "integers": lambda X: (20 * X).astype(np.int16),
    "columns": lambda X: np.asfortranarray(X.astype(np.float32)),
    "big-endian": lambda X: X.astype(">f8"),
    "some columns": lambda X: X.astype(np.float64)[:, ::2],
}


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "metric"), [("exact", "euclidean"), ("exact", "manhattan"), ("ivf", "euclidean")])
def test_neighbours_are_those_of_an_array(kind, method, metric, half):
    X = KINDS[kind](half)
    plain = np.ascontiguousarray(X, np.float32 if X.dtype in (np.float16, np.float32) else np.float64)
    lazy, known = (make_index(table, 20, method=method, metric=metric, random_state=0) for table in (X, plain))
    assert isinstance(lazy.data, Rows)
    assert known.data is plain
    for found, expected in ((lazy.build(), known.build()), (lazy.query(X[:50], 5), known.query(plain[:50], 5))):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.usefixtures("_large")
def test_cosine_distances_know_the_norms_of_rows(half):
    X = half + np.float16(1)
    found, expected = (make_index(table, 9, metric="cosine").build() for table in (X, X.astype(np.float32)))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize(("method", "metric"), [("exact", "canberra"), ("exact", "correlation"), ("faiss", "l2")])
def test_searches_that_need_an_array_get_one(method, metric, half):
    index = make_index(half + np.float16(1), 5, method=method, metric=metric, random_state=0)
    assert index.build()[0].shape == (1200, 5)
    assert isinstance(index.data, np.ndarray) or metric == "correlation"


@pytest.mark.usefixtures("_large")
def test_a_map_of_rows_is_that_of_an_array(half, tmp_path):
    np.save(tmp_path / "X.npy", half)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    Y, known = TSNE(**SHORT).fit(X), TSNE(**SHORT).fit(half.astype(np.float32))
    np.testing.assert_array_equal(Y, known)
    np.testing.assert_array_equal(Y.transform(X[:9]), known.transform(X[:9]))
    again = pickle.loads(pickle.dumps(Y))
    np.testing.assert_array_equal(again.transform(X[:9]), known.transform(X[:9]))
    Y.save(tmp_path / "Y.npz")
    np.testing.assert_array_equal(load(tmp_path / "Y.npz").transform(X[:9]), known.transform(X[:9]))
    TSNE(**SHORT).fit(half.astype(np.float32), checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(TSNE(**SHORT).fit(X, checkpoint=tmp_path / "run.npz"), known)


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("start", ["pca", "landmarks"])
def test_starts_are_those_of_an_array(start, half):
    if start == "pca":
        made = [initialization.pca(table, random_state=0) for table in (half, half.astype(np.float32))]
    else:
        options = {"n_landmarks": 100, "random_state": 0}
        made = [
            initialization.multiscale(table, lambda X: X[:, :2], **options) for table in (half, half.astype(np.float32))
        ]
    np.testing.assert_array_equal(*made)


def test_few_rows_are_an_array(half):
    assert type(check_rows(half)) is np.ndarray
    assert type(check_rows(Chunks([half]))) is np.ndarray


@pytest.mark.parametrize("small", [0, 2**24])
def test_given_neighbours_know_data_in_chunks(half, small, monkeypatch):
    monkeypatch.setattr(rows, "SMALL", small)
    half = half[1::2]
    known, given = (affinity.from_neighbors(make_index(half, 15)) for _ in range(2))
    found = given.with_data(Chunks([half[:50], half[50:]])).to_new(half[:3])
    np.testing.assert_array_equal(found.data, known.with_data(half).to_new(half[:3]).data)


def test_tables_in_chunks_stay_where_they_are_if_that_will_do(half):
    table = Chunks([half[:500], half[500:]])
    assert as_table(table, in_slices=True)[490:510].tolist() == half[490:510].tolist()
    assert [(key.start, key.stop) for key in table.read] == [(490, 500), (500, 510)]
    with pytest.raises(InvalidTypeError, match="read in slices of rows, got a step of 2"):
        as_table(table, in_slices=True)[::2]


def test_rows_hash_and_are_found_like_an_array(half):
    lazy, plain = Rows(half, np.float32), half.astype(np.float32)
    assert fingerprint(lazy) == fingerprint(plain)
    np.testing.assert_array_equal(KnownRows(lazy).find(plain), KnownRows(plain).find(plain))
    assert KnownRows(lazy).table is lazy


@pytest.mark.parametrize("small", [0, 2**26])
@pytest.mark.parametrize("chunks", [None, (100, 5), (7, 12)])
def test_chunks_are_read_once_and_in_order(half, small, chunks, monkeypatch):
    monkeypatch.setattr(rows, "SMALL", small)
    monkeypatch.setattr(rows, "_BLOCK", 5000)
    table = Chunks([half[:500], half[500:501], half[501:]], chunks=chunks)
    np.testing.assert_array_equal(check_rows(table)[:], half.astype(np.float32))
    ends = [key.stop for key in table.read]
    assert [key.start for key in table.read] == [0, *ends[:-1]]
    assert ends[-1] == 1200
    if chunks is None:
        assert ends == [500, 501, 1200]


def test_chunks_of_h5py(half, tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    monkeypatch.setattr(rows, "SMALL", 0)
    expected = TSNE(**SHORT).fit(half.astype(np.float32))
    with h5py.File(tmp_path / "X.h5", "w") as file:
        for name, how in (("plain", {}), ("packed", {"chunks": (100, 5), "compression": "gzip"})):
            X = file.create_dataset(name, data=half, **how)
            Y = TSNE(**SHORT).fit(X)
            np.testing.assert_array_equal(Y, expected)
            np.testing.assert_array_equal(Y.transform(X), expected.transform(half))


@pytest.mark.parametrize("library", ["dask.array", "zarr"])
def test_chunks_of_other_libraries(library, half, tmp_path, monkeypatch):
    module = pytest.importorskip(library)
    monkeypatch.setattr(rows, "SMALL", 0)
    if library == "zarr":
        X = module.open(tmp_path / "X.zarr", mode="w", shape=half.shape, chunks=(100, 5), dtype="f2")
        X[:] = half
    else:
        X = module.from_array(half, chunks=(500, 5))
    Y, expected = TSNE(**SHORT).fit(X), TSNE(**SHORT).fit(half.astype(np.float32))
    np.testing.assert_array_equal(Y, expected)
    np.testing.assert_array_equal(Y.transform(X[:70]), expected.transform(half[:70]))


@pytest.mark.parametrize("small", [0, 2**26])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X: Chunks([X], shape=(float("nan"), 12)), InvalidParameterError, "chunks of known size.*compute_chunk"),
        (lambda X: Chunks([X[:, :5]], shape=X.shape), InvalidParameterError, r"rows 0 to 1199, got .* \(1200, 5\)"),
        (lambda X: Chunks([X.astype("f4")], dtype=X.dtype), InvalidParameterError, "says, float16 .* got float32"),
        (lambda X: Chunks([X[:100]], shape=X.shape, chunks=(2000, 12)), InvalidParameterError, r"shape \(100, 12\)"),
        (lambda X: Chunks([X[:, 0]]), InvalidParameterError, r"two-dimensional .* got shape \(1200,\)"),
        (lambda X: Chunks([X[:1]]), InvalidParameterError, "at least 2 rows"),
        (lambda X: Chunks([X.astype(complex)], shape=X.shape), InvalidTypeError, "must be"),
    ],
)
def test_chunks_that_are_not_what_they_say(change, error, message, small, half, monkeypatch):
    monkeypatch.setattr(rows, "SMALL", small)
    with pytest.raises(error, match=message):
        check_rows(change(half), "X", at_least_rows=2)


@pytest.mark.parametrize("small", [0, 2**26])
@pytest.mark.parametrize("make", [lambda X: X, lambda X: Chunks([X[:700], X[700:]])])
def test_what_is_not_finite_is_named_with_its_row(small, make, half, monkeypatch):
    monkeypatch.setattr(rows, "SMALL", small)
    half[777, 3] = np.nan
    with pytest.raises(InvalidParameterError, match=r"finite, got nan in row 777, column 3"):
        check_rows(make(half))
    known = TSNE(**SHORT).fit(half[:200])
    with pytest.raises(InvalidParameterError, match=r"finite, got nan in row 777, column 3"):
        known.transform(make(half))


def test_chunks_that_cannot_be_read_or_written(half, monkeypatch):
    def broken(self, key):
        raise OSError("the file ends early")

    monkeypatch.setattr(Chunks, "__getitem__", broken)
    with pytest.raises(StorageError, match="`X` cannot be read in rows 0 to 1199: the file ends early"):
        check_rows(Chunks([half]))
    monkeypatch.undo()

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rows, "SMALL", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(StorageError, match=r"temporary file of .* No space left on device; set .* TMPDIR"):
        check_rows(Chunks([half]))


@pytest.mark.usefixtures("_large")
def test_rows_are_indexed_as_an_array_is(half):
    lazy, plain = check_rows(half), half.astype(np.float32)
    assert isinstance(lazy, Rows)
    assert lazy.shape == lazy[:].shape == np.shape(lazy)
    for key in (slice(3, 9), np.array([5, 1, 5]), slice(None, None, 100), (slice(None), np.array([2, 4]))):
        np.testing.assert_array_equal(lazy[key], plain[key])
        assert lazy[key].flags.c_contiguous
    np.testing.assert_array_equal(np.asarray(lazy), plain)
