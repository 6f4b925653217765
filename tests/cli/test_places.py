"""What stands behind a colon: columns of text and Parquet, arrays of archives, parts of AnnData's files."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like.cli import parquet as parquet_files
from opentsne_like.cli.locations import Location
from opentsne_like.cli.tables import read_label_file, read_table
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, StorageError

META = "id,topic,year\nd1,cats,1999\nd2,dogs,2001\nd3,,2005\n"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def X(rng):
    return rng.normal(size=(5, 3))


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


# --- text ----------------------------------------------------------------------------------------


def test_columns_of_text():
    write("meta.csv", META)
    assert read_label_file("meta.csv:topic", 3).tolist() == ["cats", "dogs", None]
    assert read_label_file("meta.csv:year", 3).tolist() == [1999, 2001, 2005]
    years = read_table("meta.csv:year")
    assert (years.columns, np.asarray(years).tolist()) == (("year",), [[1999], [2001], [2005]])
    write("odd.csv", "a:b,km/h\nx,1\ny,2\n")
    assert read_label_file("odd.csv:a:b", 2).tolist() == ["x", "y"]
    assert [Location.find(text, "labels").title for text in ("odd.csv:km/h", "odd.csv.gz", "c.h5ad:obs/kind")] == [
        *("km/h", "odd", "kind")
    ]
    write("r.tsv", 'topic\tyear\n"1"\tcats\t1999\n"2"\tdogs\t2001\n')  # names of rows, as R writes them
    assert read_label_file("r.tsv:topic", 2).tolist() == ["cats", "dogs"]


def test_blank_lines_of_one_column_are_missing_but_for_the_last():
    write("kind.csv", "kind\ncats\n\ndogs\n\n\n")
    assert read_label_file("kind.csv:kind", 3).tolist() == ["cats", None, "dogs"]
    with pytest.raises(InvalidParameterError, match=r"must be finite, got '' in column 1 \('x'\), line 3"):
        read_table(write("x.csv", "x\n1\n\n2\n") + ":x")


def test_columns_that_are_not_there():
    write("meta.csv", META)
    with pytest.raises(InvalidParameterError, match=r"have the column 'topics', got 'id', .*; did you mean 'topic'"):
        read_label_file("meta.csv:topics", 3)
    with pytest.raises(InvalidParameterError, match="one label for each of the 4 rows, got 3"):
        read_label_file("meta.csv:topic", 4)
    with pytest.raises(InvalidTypeError, match=r"`X` 'meta.csv' must hold numbers only, got 'cats' in .*line 2"):
        read_table("meta.csv:topic")
    write("ragged.csv", "a,b\n1,2\n3\n")
    with pytest.raises(InvalidParameterError, match="must have 2 cells in every line, got 1 in line 3"):
        read_label_file("ragged.csv:a", 2)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (",a,b\n0,1,2\n1,3,4\n", ("a", "b")),  # pandas
        ("a,b\nr1,1,2\nr2,3,4\n", ("a", "b")),  # R
        ("id,a,b\nr1,1,2\nr2,3,4\n", ("a", "b")),
        ("r1,1,2\nr2,3,4\n", None),
    ],
)
def test_names_of_rows_are_left_out(text, columns):
    table = read_table(write("X.csv", text), index=True)
    assert np.asarray(table).tolist() == [[1, 2], [3, 4]]
    assert getattr(table, "columns", None) == columns


def test_names_of_rows_of_other_kinds(X):
    np.save("X.npy", X)
    with pytest.raises(InvalidParameterError, match="`--index` must come with text or Parquet"):
        read_table("X.npy", index=True)
    with pytest.raises(InvalidTypeError, match="got 'x' in column 1, line 2"):
        read_table(write("X.csv", "r1,1\nr2,x\n"), index=True)


# --- NumPy ---------------------------------------------------------------------------------------


def test_arrays_of_archives(X):
    np.savez("two.npz", ids=np.arange(5), emb=X)
    said = []
    np.testing.assert_array_equal(read_table("two.npz:emb", say=said.append), X)
    assert said == []
    assert read_label_file("two.npz:ids", 5).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(InvalidParameterError, match="must have the array 'embs', got 'ids', 'emb'; did you mean 'emb'"):
        read_table("two.npz:embs")
    np.savez("three.npz", b=X, a=X)
    read_table("three.npz", say=said.append)
    assert said == ["three.npz: the array 'b' of b, a; three.npz:NAME takes another"]
    np.save("X.npy", X)
    with pytest.raises(InvalidParameterError, match=r"must be one array, got 'emb' of 'X\.npy'"):
        read_table("X.npy:emb")


def test_flaws_of_numpy_files_are_told_apart(X):
    np.save("X.npy", X)
    with open("X.npy", "rb") as file:
        data = file.read()
    flaws = {
        "it is truncated: 247 bytes of 248": data[:-1],
        "it is of another kind, since it does not begin as .npy files do": b"PK\x03\x04" + data,
        "it is truncated or damaged within its header": data[:60],
    }
    for flaw, content in flaws.items():
        with open("X.npy", "wb") as file:
            file.write(content)
        with pytest.raises(StorageError) as caught:
            read_table("X.npy")
        assert str(caught.value) == f"`X` 'X.npy' cannot be read: {flaw}"
    np.save("X.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(StorageError, match="it holds Python objects, which could run code; save numbers or text"):
        read_table("X.npy")


# --- Parquet -------------------------------------------------------------------------------------


def parquet(path, **columns):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    files.write_table(pa.table(columns), path)


@pytest.mark.parametrize("width", [-1, 3], ids=["lists", "lists of one size"])
def test_a_column_of_vectors_beside_text(X, width):
    pa = pytest.importorskip("pyarrow")
    vectors = pa.array(X.tolist(), pa.list_(pa.float64(), width))
    parquet("docs.parquet", title=list("abcde"), embedding=vectors, year=[1, 2, 3, 4, 5])
    said = []
    np.testing.assert_array_equal(read_table("docs.parquet", say=said.append), X)
    assert said == ["docs.parquet: the vectors in column 'embedding' of title, embedding, year"]
    np.testing.assert_array_equal(read_table("docs.parquet:embedding"), X)
    assert read_label_file("docs.parquet:title", 5).tolist() == list("abcde")
    assert np.asarray(read_table("docs.parquet:year")).tolist() == [[1], [2], [3], [4], [5]]
    with pytest.raises(InvalidParameterError, match=r"must have one column, got title, embedding, year; choose one as"):
        read_label_file("docs.parquet", 5)
    with pytest.raises(InvalidParameterError, match=r"must have the column 'Title', got .*; did you mean 'title'"):
        read_label_file("docs.parquet:Title", 5)


def test_vectors_with_flaws_and_several_columns_of_them(X):
    parquet("gaps.parquet", vector=[[1.0, 2.0], [None, 1.0]])
    parquet("none.parquet", vector=[[1.0, 2.0], None])
    parquet("ragged.parquet", vector=[[1.0, 2.0], [1.0]])
    for name, message in (
        ("gaps", "with missing values"),
        ("none", "with missing values"),
        ("ragged", "2 in row 0 and 1 in"),
    ):
        with pytest.raises(InvalidParameterError, match=message):
            read_table(f"{name}.parquet")
    parquet("two.parquet", one=X.tolist(), two=(-X).tolist())
    with pytest.raises(InvalidTypeError, match=r"choose a column as two\.parquet:COLUMN"):
        read_table("two.parquet")
    np.testing.assert_array_equal(read_table("two.parquet:two"), -X)


def test_vectors_in_several_groups_of_rows_and_none_at_all(X):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for kind in (pa.list_(pa.float64()), pa.list_(pa.float64(), 3)):
        pq.write_table(pa.table({"v": pa.array(X.tolist(), kind)}), "groups.parquet", row_group_size=2)
        np.testing.assert_array_equal(read_table("groups.parquet"), X)
    pq.write_table(pa.table({"v": pa.array([], pa.list_(pa.float64()))}), "empty.parquet")
    with pytest.raises(InvalidParameterError, match=r"at least one row of numbers, got none in 'empty\.parquet'"):
        read_table("empty.parquet")


def test_categories_as_polars_writes_them_and_text_in_bytes():
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    codes = pa.array([1, None, 0], pa.uint32())
    pq.write_table(pa.table({"kind": pa.DictionaryArray.from_arrays(codes, ["T", "B"])}), "kind.parquet")
    assert read_label_file("kind.parquet", 3).tolist() == ["B", None, "T"]
    np.save("kind.npy", np.array([b"B", b"T"]))
    assert read_label_file("kind.npy", 2).tolist() == ["B", "T"]


def test_parquet_is_read_in_batches(X, monkeypatch):
    """Blocks of rows, of which some begin inside of a row group, and a file in the place of memory."""
    from opentsne_like._validation import rows

    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet_files, "_NUMBERS", 4 * X.shape[1])
    monkeypatch.setattr(rows, "SMALL", 0)
    long = np.tile(X, (3, 1))
    vectors = pa.array(long.astype(np.float32).tolist(), pa.list_(pa.float32()))
    pq.write_table(pa.table({"v": vectors, "a": long[:, 0], "b": long[:, 1]}), "long.parquet", row_group_size=7)
    table = read_table("long.parquet")
    assert table.dtype == np.float32
    assert isinstance(table.base, np.memmap)
    np.testing.assert_array_equal(table, long.astype(np.float32))
    pq.write_table(pa.table({"a": long[:, 0], "b": long[:, 1]}), "two.parquet", row_group_size=7)
    table = read_table("two.parquet")
    assert (table.columns, isinstance(table.values.base, np.memmap)) == (("a", "b"), True)
    np.testing.assert_array_equal(np.asarray(table), long[:, :2])
    uneven = [*long.tolist()[:9], [1.0], *long.tolist()[10:]]
    pq.write_table(pa.table({"v": pa.array(uneven)}), "uneven.parquet")
    with pytest.raises(InvalidParameterError, match=f"{X.shape[1]} in row 0 and 1 in row 9"):
        read_table("uneven.parquet")


def test_parquet_needs_no_pandas(X, monkeypatch):
    import sys

    parquet("X.parquet", a=X[:, 0], b=[True, False, None, True, False], c=[1, None, 3, 2**53, 5])
    monkeypatch.setitem(sys.modules, "pandas", None)
    table = np.asarray(read_table("X.parquet"))
    np.testing.assert_array_equal(table[:, 0], X[:, 0])
    np.testing.assert_array_equal(table[:, 1:], [[1, 1], [0, np.nan], [np.nan, 3], [1, 2**53], [0, 5]])


# --- AnnData -------------------------------------------------------------------------------------


def columns(file):
    """Write the columns of a data frame as AnnData does."""
    obs = file.create_group("obs")
    obs.attrs["_index"] = "names"
    obs["names"] = ["c1", "c2", "c3", "c4", "c5"]
    obs["depth"] = [1.5, 2.5, 3.5, 4.5, 5.5]
    kind = obs.create_group("kind")
    kind["codes"], kind["categories"] = np.array([0, 1, -1, 1, 0], np.int8), ["T", "B"]
    count = obs.create_group("count")
    count["values"], count["mask"] = [1, 2, 3, 4, 5], [False, True, False, False, False]
    obs["old"] = np.array([1, 0, 1, -1, 0], np.int8)
    obs.create_group("__categories")["old"] = ["x", "y"]
    obs["old"].attrs["categories"] = obs["__categories/old"].ref


def sparse(group, matrix, kind):
    made = matrix.asformat(kind)
    group.attrs["encoding-type"], group.attrs["shape"] = f"{kind}_matrix", made.shape
    for name in ("data", "indices", "indptr"):
        group[name] = getattr(made, name)


@pytest.fixture
def cells(X):
    h5py = pytest.importorskip("h5py")
    with h5py.File("cells.h5ad", "w") as file:
        sparse(file.create_group("X"), sp.csr_matrix(X * (X > 0)), "csr")
        file["obsm/X_pca"] = X
        sparse(file.create_group("layers/counts"), sp.csr_matrix(np.round(X)), "csc")
        frame = file.create_group("obsm/frame")
        frame.attrs["encoding-type"], frame.attrs["column-order"] = "dataframe", ["b", "a"]
        frame["a"], frame["b"] = X[:, 0], X[:, 1]
        columns(file)
    return "cells.h5ad"


def test_matrices_of_anndata(cells, X):
    said = []
    np.testing.assert_array_equal(read_table(cells, say=said.append), X)
    assert said == ["cells.h5ad: obsm/X_pca; cells.h5ad:obsm/NAME takes another"]
    left = read_table(f"{cells}:obsm/X_pca")
    assert type(left).__module__.startswith("h5py")  # in the file, until somebody looks at it
    np.testing.assert_array_equal(left, X)
    np.testing.assert_array_equal(read_table(f"{cells}:X").toarray(), X * (X > 0))
    np.testing.assert_array_equal(read_table(f"{cells}:layers/counts").toarray(), np.round(X))
    np.testing.assert_array_equal(read_table(f"{cells}:obsm/frame"), X[:, [1, 0]])
    with pytest.raises(InvalidParameterError, match=r"must have the matrix 'obsm/pca', got 'X', .*did you mean"):
        read_table(f"{cells}:obsm/pca")


def test_columns_of_anndata(cells):
    kind = read_label_file(f"{cells}:obs/kind", 5)
    assert (kind.tolist(), kind.dtype.categories) == (["T", "B", None, "B", "T"], ["T", "B"])
    assert read_label_file(f"{cells}:obs/depth", 5).tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert read_label_file(f"{cells}:obs/count", 5).tolist() == [1, None, 3, 4, 5]
    assert read_label_file(f"{cells}:obs/old", 5).tolist() == ["y", "x", "y", None, "x"]
    assert read_label_file(f"{cells}:obs/_index", 5).tolist() == ["c1", "c2", "c3", "c4", "c5"]
    with pytest.raises(InvalidParameterError, match=r"must name a column .*, such as cells.h5ad:obs/cell_type"):
        read_label_file(cells, 5)
    with pytest.raises(InvalidParameterError, match=r"the column 'obs/kinds', got .*; did you mean 'obs/kind'"):
        read_label_file(f"{cells}:obs/kinds", 5)


def test_other_files_are_no_anndata():
    pytest.importorskip("h5py")
    with pytest.raises(StorageError, match="cannot be read: there is no such file"):
        read_table("no.h5ad")
    write("text.h5ad", "no file of that kind")
    with pytest.raises(StorageError, match="cannot be read"):
        read_table("text.h5ad")


def test_what_anndata_wrote(X):
    anndata = pytest.importorskip("anndata")
    pandas = pytest.importorskip("pandas")
    kinds = pandas.Categorical(["T", None, "B", "B", "T"], categories=["T", "B", "NK"])
    made = anndata.AnnData(
        sp.csr_matrix(X), obs=pandas.DataFrame({"kind": kinds, "n": [1, 2, 3, 4, 5]}, index=list("abcde"))
    )
    made.obsm["X_pca"] = X
    made.write_h5ad("made.h5ad")
    np.testing.assert_array_equal(read_table("made.h5ad:X").toarray(), X)
    np.testing.assert_array_equal(read_table("made.h5ad"), X)
    assert read_label_file("made.h5ad:obs/kind", 5).dtype.categories == ["T", "B", "NK"]
    assert read_label_file("made.h5ad:obs/_index", 5).tolist() == list("abcde")
