"""Tables from files: every format gives the same numbers, and every flaw is named with its place."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like.cli.tables import read_label_file, read_table
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, MissingDependencyError, StorageError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def X(rng):
    return rng.normal(size=(20, 4))


def write(name, text):
    with open(name, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return name


# --- tables --------------------------------------------------------------------------------------


def test_numpy_files(X):
    np.save("X.npy", X)
    np.savez("one.npz", table=X)
    np.savez("named.npz", y=np.zeros(3), X=X)
    np.savez_compressed("first.npz", a=X, b=np.zeros(3))
    sp.save_npz("sparse.npz", sp.csc_matrix(X))
    for path in ("X.npy", "one.npz", "named.npz", "first.npz"):
        np.testing.assert_array_equal(read_table(path), X)
    sparse = read_table("sparse.npz")
    assert sparse.format == "csr"
    np.testing.assert_array_equal(sparse.toarray(), X)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".CSV"])
@pytest.mark.parametrize("header", [True, False])
def test_text_files(X, suffix, header):
    mark = "\t" if ".tsv" in suffix else ","
    lines = [mark.join(f"{value!r}" for value in row) for row in X.tolist()]
    text = "\n".join(([mark.join(["a", '"b c"', "d", "e"])] if header else []) + lines) + "\n"
    if suffix.endswith(".gz"):
        with gzip.open(f"X{suffix}", "wt") as file:
            file.write(text)
    else:
        write(f"X{suffix}", text)
    np.testing.assert_array_equal(read_table(f"X{suffix}"), X)


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "1,2\r\n3,4\r\n",
        "1,2\n3,4",
        "\ufeff1,2\n3,4\n",
        "\ufeffa,b\n1,2\n3,4\n",
        "1;2\n3;4\n",
        "a;b\n1;2\n3;4\n",
        "\n\na,b\n\n1,2\n\n3,4\n\n",
        ' 1 , 2\n"3","4"\n',
        "1e0,+2.\n3,4E+0\n",
        "x1,2\n1,2\n3,4\n",
    ],
)
def test_shapes_of_text(text):
    assert read_table(write("X.csv", text)).tolist() == [[1, 2], [3, 4]]


def test_one_column_and_one_line():
    assert read_table(write("a.csv", "a\n1\n2\n")).tolist() == [[1], [2]]
    assert read_table(write("b.csv", "1,2,3\n")).tolist() == [[1, 2, 3]]


def test_columns_that_are_only_counted():
    assert read_table(write("a.csv", "0,1,2\n5,6,7\n")).tolist() == [[5, 6, 7]]
    assert read_table(write("b.csv", "0,1\n5,6\n")).tolist() == [[0, 1], [5, 6]]


def test_parquet(X):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame(X, columns=list("abcd")).to_parquet("X.parquet")
    np.testing.assert_array_equal(read_table("X.parquet"), X)
    frame = pandas.DataFrame({"a": [1, 2], "b": [True, False], "c": pandas.array([1, None], dtype="Int64")})
    frame.to_parquet("mixed.parquet")
    np.testing.assert_array_equal(read_table("mixed.parquet"), [[1, 1, 1], [2, 0, np.nan]])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("a,b\n1,2\n3,x\n", InvalidTypeError, r"got 'x' in column 2 \('b'\), line 3; put labels into a file"),
        ("1,2\n3,x\n", InvalidTypeError, "got 'x' in column 2, line 2; put labels"),
        ("1,x\n3,y\n", InvalidTypeError, "got 'x' in column 2, line 1; put labels"),
        ("a,kind\n1,cat\n2,dog\n", InvalidTypeError, r"got 'cat' in column 2 \('kind'\), line 2"),
        ("a,b\n1,\n", InvalidParameterError, r"must be finite, got '' in column 2 \('b'\), line 2; remove or impute"),
        ("a,b\n1,2\n1,NA\n", InvalidParameterError, r"must be finite, got 'NA' in column 2 \('b'\), line 3"),
        ("a,b\n1,2\n\n1,inf\n", InvalidParameterError, r"must be finite, got 'inf' in column 2 \('b'\), line 4"),
        ("1,2\nnan,3\n", InvalidParameterError, "must be finite, got 'nan' in column 1, line 2"),
        ("1,2\n3\n", InvalidParameterError, "must have 2 cells in every line, got 1 in line 2"),
        ("a,b\n1,2,3\n", InvalidParameterError, "must have 2 cells in every line, got 3 in line 2"),
        (",a,b\n0,1,2\n", InvalidParameterError, "column 1 without a name, which looks like names of rows; remove it"),
        ("", InvalidParameterError, "got the empty file 'X.csv'"),
        ("\n\n", InvalidParameterError, "got the empty file 'X.csv'"),
        ("a,b\n", InvalidParameterError, "must have at least one line of numbers, got none"),
    ],
)
def test_flaws_of_text_are_named(text, error, message):
    with pytest.raises(error, match=message):
        read_table(write("X.csv", text))


def test_flaws_of_parquet_are_named():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame({"a": [1.0, 2.0], "kind": ["cat", "dog"]}).to_parquet("X.parquet")
    with pytest.raises(InvalidTypeError, match=r"got 'cat' in column 2 \('kind'\), row 1; put labels"):
        read_table("X.parquet")
    pandas.DataFrame({"a": []}).to_parquet("empty.parquet")
    with pytest.raises(InvalidParameterError, match="at least one row of numbers"):
        read_table("empty.parquet")


def test_parquet_names_what_to_install(monkeypatch):
    import sys

    write("X.parquet", "")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"opentsne-like\[tables\]"):
        read_table("X.parquet")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet", ".csv.gz"])
def test_broken_files(suffix, rng):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    with pytest.raises(StorageError, match=f"`X` 'no{suffix}' cannot be read: there is no such file"):
        read_table(f"no{suffix}")
    for data in (b"\x93NUMPY\x01\x00v\x00{'descr'", b"PK\x03\x04" + rng.bytes(100), b"\xff\xfe\x00" + rng.bytes(50)):
        with open(f"X{suffix}", "wb") as file:
            file.write(data)
        with pytest.raises(StorageError, match=f"`X` 'X{suffix}' cannot be read") as caught:
            read_table(f"X{suffix}")
        assert "\n" not in str(caught.value)


def test_truncated_and_pickled_numpy_files(X):
    np.save("X.npy", X)
    with open("X.npy", "rb") as file:
        data = file.read()
    for length in (0, 5, 60, len(data) - 1):
        with open("X.npy", "wb") as file:
            file.write(data[:length])
        with pytest.raises(StorageError, match="truncated"):
            read_table("X.npy")
    np.save("objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.savez("objects.npz", a=np.array([{}, 1], dtype=object))
    np.savez("none.npz")
    for path in ("objects.npy", "objects.npz", "none.npz"):
        with pytest.raises(StorageError, match="cannot be read"):
            read_table(path)


def test_other_files(tmp_path, X):
    from opentsne_like import storage

    with pytest.raises(InvalidParameterError, match=r"`X` must end in \.npy, .* got 'X.xlsx'"):
        read_table("X.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StorageError, match=r"`X` 'folder\.csv' cannot be read"):
        read_table("folder.csv")
    storage.write("map.npz", {"coordinates": X}, {})
    with pytest.raises(StorageError, match="is a map of opentsne-like, not a table"):
        read_table("map.npz")


# --- labels --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\na\n", ["a", "b", "a"]),
        ("kind\na\nb\na\n", ["a", "b", "a"]),
        ("3\n1\n3\n", [3, 1, 3]),
        ("y\n3\n1\n3\n", [3, 1, 3]),
        ("0.5\n1\n3\n", [0.5, 1, 3]),
        ('"a, b"\nb\na\n', ["a, b", "b", "a"]),
        ("ä\nb\n?\n", ["ä", "b", "?"]),
    ],
)
def test_labels_of_text(text, expected):
    assert read_label_file(write("y.csv", text), 3).tolist() == expected


def test_missing_labels():
    labels = read_label_file(write("y.csv", "y\n1\nNA\n2\n"), 3)
    np.testing.assert_array_equal(labels, [1, np.nan, 2])


def test_labels_of_numpy_and_parquet():
    y = np.array([1, 2, 1])
    np.save("y.npy", y[:, None])
    np.savez("y.npz", other=np.zeros(5), y=y)
    np.save("names.npy", np.array(["a", "b", "c"]))
    assert read_label_file("y.npy", 3).tolist() == [1, 2, 1]
    assert read_label_file("y.npz", 3).tolist() == [1, 2, 1]
    assert read_label_file("names.npy", 3).tolist() == ["a", "b", "c"]
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame({"kind": ["a", "b", "c"]}).to_parquet("y.parquet")
    assert read_label_file("y.parquet", 3).tolist() == ["a", "b", "c"]


def test_flaws_of_labels():
    with pytest.raises(InvalidParameterError, match=r"`labels` 'y.csv' must hold one label for each of the 5 rows"):
        read_label_file(write("y.csv", "1\n2\n"), 5)
    with pytest.raises(InvalidParameterError, match=r"`labels` 'y.csv' must have one column, got 2 cells in line 1"):
        read_label_file(write("y.csv", "1,2\n3,4\n"), 2)
    np.save("y.npy", np.zeros((3, 2)))
    with pytest.raises(InvalidParameterError, match=r"one label for each of the 3 rows, got shape \(3, 2\)"):
        read_label_file("y.npy", 3)
    with pytest.raises(StorageError, match=r"`labels` 'no.npy' cannot be read: there is no such file"):
        read_label_file("no.npy", 3)
