"""Tables from files: every format gives the same numbers, and every flaw is named with its place."""

from __future__ import annotations

import csv
import gzip
import importlib

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


def numbers(path):
    return np.asarray(read_table(path))


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
    assert numbers(write("X.csv", text)).tolist() == [[1, 2], [3, 4]]


def test_one_column_and_one_line():
    assert numbers(write("a.csv", "a\n1\n2\n")).tolist() == [[1], [2]]
    assert numbers(write("b.csv", "1,2,3\n")).tolist() == [[1, 2, 3]]


def test_columns_that_are_only_counted():
    assert numbers(write("a.csv", "0,1,2\n5,6,7\n")).tolist() == [[5, 6, 7]]
    assert numbers(write("b.csv", "0,1\n5,6\n")).tolist() == [[5, 6]]
    assert numbers(write("c.csv", "0,1\n2,3\n")).tolist() == [[0, 1], [2, 3]]  # goes on counting
    assert numbers(write("d.csv", "0\n1.5\n")).tolist() == [[1.5]]
    assert numbers(write("e.csv", "0\n5\n")).tolist() == [[0], [5]]  # a number like others


@pytest.mark.parametrize("separator", [",", ";"])
def test_lines_may_be_long(separator, rng):
    wide = rng.normal(size=(2, 20_000))
    names = separator.join(f"gene {i}" for i in range(20_000))
    for header in ("", names + "\n"):
        lines = "\n".join(separator.join(map(repr, row)) for row in wide.tolist())
        np.testing.assert_array_equal(read_table(write("wide.csv", header + lines)), wide)


def test_quotes_tell_names_from_numbers():
    assert numbers(write("a.csv", '"1990","1991"\n1,2\n')).tolist() == [[1, 2]]
    assert numbers(write("b.csv", '"1990","1991"\n"1","2"\n')).tolist() == [[1990, 1991], [1, 2]]
    assert numbers(write("c.csv", '"a;b";"c,d"\n1;2\n')).tolist() == [[1, 2]]
    assert numbers(write("d.csv", '"a\nb",c\n1,2\n')).tolist() == [[1, 2]]


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL])
@pytest.mark.parametrize("columns", [[0, 1], ["a", "b"], ["a", 1], ["Unnamed: 0", "b"]])
def test_tables_that_pandas_wrote(columns, quoting, index, rng):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rng.normal(size=(5, 2)), columns=columns)
    frame.to_csv("X.csv", index=index, quoting=quoting)
    if index or columns[0] == "Unnamed: 0":
        with pytest.raises(InvalidParameterError, match="must hold features only, got column 1 without a name"):
            read_table("X.csv")
    else:
        np.testing.assert_array_equal(read_table("X.csv"), frame.to_numpy())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("module", [None, "gzip", "bz2", "lzma"])
def test_encodings_and_compressions(encoding, module):
    data = "ä,b\n1,2\n3,4\n".encode(encoding)
    suffix = {None: "", "gzip": ".GZ", "bz2": ".bz2", "lzma": ".xz"}[module]
    with (open if module is None else importlib.import_module(module).open)(f"X.csv{suffix}", "wb") as file:
        file.write(data)
    assert numbers(f"X.csv{suffix}").tolist() == [[1, 2], [3, 4]]
    with (open if module is None else importlib.import_module(module).open)(f"y.csv{suffix}", "wb") as file:
        file.write("ä\nö\n".encode(encoding))
    assert read_label_file(f"y.csv{suffix}", 2).tolist() == ["ä", "ö"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a,b\n1,2\nä,3\n".encode("latin-1"), "it is no text in UTF-8, as line 3 shows; save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "it is no text in UTF-8, as the zero in line 1 shows"),
        (b"a,b\n1,2\n\x00,1\n", "it is no text in UTF-8, as the zero in line 3 shows"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "it is no text in UTF-16, as line 2 shows"),
        (b'1,2\n"3,4\n5,6\n', "a quote in line 2 does not close as it should"),
        (b'1,2\n"3"0,4\n', "a quote in line 2 does not close as it should"),
        (b"a,b\n" + b"1\t" * 70_000, "a cell in line 2 is too long, as if there were another separator"),
    ],
)
def test_text_that_cannot_be_read(data, message):
    for name, read in (("X.csv", read_table), ("y.csv", lambda path: read_label_file(path, 3))):
        with open(name, "wb") as file:
            file.write(data)
        with pytest.raises(StorageError, match=f"'{name}' cannot be read: {message}"):
            read(name)


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.bz2", ".csv.xz", ".npz"])
def test_compressed_files_with_a_flaw(suffix, rng):
    module = {".csv.gz": "gzip", ".csv.bz2": "bz2", ".csv.xz": "lzma"}.get(suffix)
    X = rng.normal(size=(2000, 3))
    if module:
        with importlib.import_module(module).open(f"X{suffix}", "wt") as file:
            np.savetxt(file, X, delimiter=",")
    else:
        np.savez_compressed("X.npz", X=X)
    with open(f"X{suffix}", "rb") as file:
        data = file.read()
    for broken in (data[: len(data) // 2], data[:1000] + bytes(8) + data[1008:]):
        with open(f"X{suffix}", "wb") as file:
            file.write(broken)
        with pytest.raises(StorageError, match=f"'X{suffix}' cannot be read: it is truncated"):
            read_table(f"X{suffix}")


def test_parquet(X):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame(X, columns=list("abcd")).to_parquet("X.parquet")
    np.testing.assert_array_equal(read_table("X.parquet"), X)
    frame = pandas.DataFrame({"a": [1, 2], "b": [True, False], "c": pandas.array([1, None], dtype="Int64")})
    frame.to_parquet("mixed.parquet")
    np.testing.assert_array_equal(read_table("mixed.parquet"), [[1, 1, 1], [2, 0, np.nan]])
    assert (read_table("X.parquet").columns, read_table("mixed.parquet").shape) == (tuple("abcd"), (2, 3))


def test_a_parquet_column_of_vectors_is_a_table(X):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame({"vector": list(X)}).to_parquet("X.parquet")
    np.testing.assert_array_equal(read_table("X.parquet"), X)
    pandas.DataFrame({"vector": [[1.0, 2.0], [1.0]]}).to_parquet("ragged.parquet")
    with pytest.raises(InvalidParameterError, match="got rows of different length"):
        read_table("ragged.parquet")


def test_names_of_columns_are_kept():
    for suffix, text in (
        (".csv", "a, b ,3\n1,2,3\n"),
        (".csv", '"a";"b";"3"\n1;2;3\n'),
        (".tsv", 'a\tb\t3\n"1"\t2\t3\n'),  # read line by line
    ):
        table = read_table(write(f"X{suffix}", text))
        assert (table.columns, table.shape, np.asarray(table).tolist()) == (("a", "b", "3"), (1, 3), [[1, 2, 3]])
    with gzip.open("X.CSV.GZ", "wt") as file:
        file.write("a,b\n1,2\n")
    assert read_table("X.CSV.GZ").columns == ("a", "b")
    assert isinstance(read_table(write("bare.csv", "1,2\n3,4\n")), np.ndarray)


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
        ("a\n1\n\n2\n", InvalidParameterError, r"got '' in column 1 \('a'\), line 3"),
        ("\n1\n2\n", InvalidParameterError, "got '' in column 1, line 1"),
        ('1\n""\n2\n', InvalidParameterError, "got '' in column 1, line 2"),
        (",0,1\n0,5,6\n", InvalidParameterError, "column 1 without a name, which"),
        ("Unnamed: 0,a\n0,1\n", InvalidParameterError, r"column 1 without a name \(now 'Unnamed: 0'\), which"),
        ("a,Unnamed: 0.1\n0,1\n", InvalidParameterError, r"column 2 without a name \(now 'Unnamed: 0.1'\)"),
        ('"x","y"\n"1",1,2\n', InvalidParameterError, "2 cells in every line, got 3 in line 2; if .* names of rows"),
        ("1,5;2,5\n3,5;4,5\n", InvalidTypeError, "must have decimal points .* got '1,5' in column 1, line 1"),
        ("1,5;2,5\n3;4\n", InvalidTypeError, "must have decimal points .* got '1,5' in column 1, line 1"),
        ("a;b\n1;2\n1.234,5;2\n", InvalidTypeError, r"must have decimal points .* got '1.234,5' .* line 3"),
        ("1\t2\n3\t4\n", InvalidTypeError, "must have commas or semicolons between its cells, got tabs in line 1"),
        ("a b\n1  2\n", InvalidTypeError, "commas or semicolons between its cells, got blanks in line 2: '1  2'"),
        ("1|2\n", InvalidTypeError, "commas or semicolons between its cells, got vertical bars in line 1"),
        ("1\n2\n3;4\n", InvalidTypeError, "must have commas between its cells, got semicolons in line 3"),
        ("1;2\n3\n5;6\n", InvalidParameterError, "must have 2 cells in every line, got 1 in line 2"),
        ("1,2\n1_0,2\n", InvalidTypeError, "must hold numbers only, got '1_0' in column 1, line 2"),
        ("1,2\n\u0661,2\n", InvalidTypeError, "must hold numbers only, got '\u0661' in column 1, line 2"),
        ("1,2\n1e999,2\n", InvalidParameterError, "must be finite, got '1e999' in column 1, line 2"),
    ],
)
def test_flaws_of_text_are_named(text, error, message):
    with pytest.raises(error, match=message):
        read_table(write("X.csv", text))


def test_separators_of_tsv_are_named():
    with pytest.raises(InvalidTypeError, match=r"`X` 'X\.tsv' must have tabs between its cells, got commas in line 1"):
        read_table(write("X.tsv", "1,2\n"))
    with pytest.raises(
        InvalidTypeError, match="must have decimal points and no marks of thousands, got '1,5' in column 1"
    ):
        read_table(write("X.tsv", "1,5\t2\n"))


def test_flaws_of_parquet_are_named():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame({"a": [1.0, 2.0], "kind": ["cat", "dog"]}).to_parquet("X.parquet")
    with pytest.raises(InvalidTypeError, match=r"got 'cat' in column 2 \('kind'\), row 1; put labels"):
        read_table("X.parquet")
    pandas.DataFrame({"Unnamed: 0": [1.0], "a": [2.0]}).to_parquet("index.parquet")
    with pytest.raises(InvalidParameterError, match="column 1 without a name"):
        read_table("index.parquet")
    pandas.DataFrame({"a": []}).to_parquet("empty.parquet")
    with pytest.raises(InvalidParameterError, match="at least one row of numbers"):
        read_table("empty.parquet")


def test_parquet_of_lists_of_lists_and_of_one_name_twice(monkeypatch):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table([[1.0, 2.0], [3.0, 4.0]], names=["a", "a"]), "twice.parquet")
    with pytest.raises(InvalidParameterError, match="must have columns of different names, got 'a' twice"):
        read_table("twice.parquet")
    monkeypatch.setattr("opentsne_like._validation.rows.SMALL", 0)  # a file would hold more numbers than rows
    parquet.write_table(pa.table({"v": [[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]]}), "nested.parquet")
    with pytest.raises(InvalidTypeError, match="must hold vectors of numbers, got lists of lists in 'v'"):
        read_table("nested.parquet")


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
    for array in (np.array(5.0), np.zeros(3), np.zeros((2, 2, 2))):
        np.save("shape.npy", array)
        with pytest.raises(InvalidParameterError, match=r"`X` must be two-dimensional .* got shape \("):
            read_table("shape.npy")


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
        ("0\n3\n1\n3\n", [3, 1, 3]),
        ('"1990"\n3\n1\n3\n', [3, 1, 3]),
        ('"3"\n"1"\n"3"\n', [3, 1, 3]),
        ("0.5\n1\n3\n", [0.5, 1, 3]),
        ("inf\n1.5\n3\n", [np.inf, 1.5, 3]),
        ('"a, b"\nb\na\n', ["a, b", "b", "a"]),
        ("a\nb; c\nd\n", ["a", "b; c", "d"]),
        ('"a\nb"\nb\na\n', ["a\nb", "b", "a"]),
        ('a "b"\n"a ""b"""\n\'\n', ['a "b"', 'a "b"', "'"]),
        ("ä\nb\n?\n", ["ä", "b", "?"]),
        ("01\n1\n001\n", ["01", "1", "001"]),
        ("01\n02\n10\n", ["01", "02", "10"]),
        ("1.10\n1.1\n2\n", ["1.10", "1.1", "2"]),
        ("1\n1.0\n+1\n", ["1", "1.0", "+1"]),
        ("1e2\n100\n2\n", ["1e2", "100", "2"]),
        ("10\n1_0\n2\n", ["10", "1_0", "2"]),
        ("1\n\u0661\n2\n", ["1", "\u0661", "2"]),
        ("12345678901234567890\n12345678901234567891\n1\n", ["12345678901234567890", "12345678901234567891", "1"]),
        ("900719925474099312\n900719925474099313\n1\n", [900719925474099312, 900719925474099313, 1]),
        ("900719925474099312\n900719925474099313\nNA\n", [900719925474099312, 900719925474099313, None]),
        ("True\nFalse\nTrue\n", ["True", "False", "True"]),
        ("2020-01-01\n2020-01-02\n1\n", ["2020-01-01", "2020-01-02", "1"]),
        # what is missing
        ("species\nsetosa\n\nvirginica\n", ["setosa", None, "virginica"]),
        ("a\n\nb\n", ["a", None, "b"]),
        ("a\n  \nb\n\n\n \n", ["a", None, "b"]),
        ("\na\nb\n", [None, "a", "b"]),
        ('a\nb\n""\n', ["a", "b", None]),
        ('y\n""\n""\n""\n', [None, None, None]),
        ("a\nNA\n<NA>\n", ["a", None, None]),
        ("Na\nnone\nNA\n", ["Na", "none", None]),
        ("a\r\n\r\nb", ["a", None, "b"]),
    ],
)
def test_labels_of_text(text, expected):
    labels = read_label_file(write("y.csv", text), 3).tolist()
    assert labels == expected
    assert list(map(type, labels)) == list(map(type, expected)) or all(isinstance(v, float) for v in labels)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("y\n1\nNA\n2\n", [1, np.nan, 2]), ("1\n\n2\n", [1, np.nan, 2]), ("0.5\n?\nnone\n", [0.5, np.nan, np.nan])],
)
def test_missing_numbers(text, expected):
    np.testing.assert_array_equal(read_label_file(write("y.csv", text), 3), expected)


def test_many_quantities_are_numbers_however_they_are_written():
    texts = [f"{i / 100:.2f}" for i in range(99)] + ["0.5"]
    labels = read_label_file(write("y.csv", "\n".join(texts)), 100)
    np.testing.assert_array_equal(labels, [float(text) for text in texts])


@pytest.mark.parametrize(
    ("text", "n", "message"),
    [
        ("cluster\n1\n2\n", 3, "each of the 3 rows, got 2 below the name 'cluster'"),
        ('"1990"\n1\n2\n', 3, "each of the 3 rows, got 2 below the name '1990'"),
        ("3\n1\n3\n2\n", 3, "each of the 3 rows, got 4"),
        ("a\nb\n\n", 3, "each of the 3 rows, got 2"),
        ("a\nb\n", 5, "each of the 5 rows, got 2, or 1 below a name 'a'"),
        ("topic\na\nb\nb\na\n", 3, "each of the 3 rows, got 5, or 4 below a name 'topic'"),
        ("", 3, "each of the 3 rows, got 0"),
        ("\n\n\n", 3, "each of the 3 rows, got 0"),
    ],
)
def test_labels_of_another_number(text, n, message):
    with pytest.raises(InvalidParameterError, match=f"`labels` 'y.csv' must hold one label for {message}"):
        read_label_file(write("y.csv", text), n)


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
    pandas.DataFrame({"kind": pandas.Categorical(["a", None, "b"], categories=["z", "b", "a"])}).to_parquet("y.parquet")
    assert read_label_file("y.parquet", 3).dtype.categories == ["z", "b", "a"]
    pandas.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3]}).to_parquet("y.parquet")
    with pytest.raises(InvalidParameterError, match=r"must have one column, got a, b; choose one as y.parquet:COLUMN"):
        read_label_file("y.parquet", 3)


def test_flaws_of_labels():
    with pytest.raises(InvalidParameterError, match=r"`labels` 'y.csv' must have one column, got 2 cells in line 1"):
        read_label_file(write("y.csv", "1,2\n3,4\n"), 2)
    np.save("y.npy", np.zeros((3, 2)))
    with pytest.raises(InvalidParameterError, match=r"one label for each of the 3 rows, got shape \(3, 2\)"):
        read_label_file("y.npy", 3)
    np.save("y.npy", np.zeros(4))
    with pytest.raises(InvalidParameterError, match=r"one label for each of the 3 rows, got 4$"):
        read_label_file("y.npy", 3)
    with pytest.raises(StorageError, match=r"`labels` 'no.npy' cannot be read: there is no such file"):
        read_label_file("no.npy", 3)
