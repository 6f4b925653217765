"""What users call a file of data and a file of labels, through the functions and through the program."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like import load
from opentsne_like.cli import main
from opentsne_like.cli.tables import read_label_file, read_table
from opentsne_like.errors import OpenTSNEError
from opentsne_like.plotting.colors import read_labels

ROWS = [[1.5, 2.0], [3.0, 4.25], [5.0, 7.0], [2.0, 9.0], [8.0, 1.0], [0.5, 6.0]]
CELLS = [[f"{value:g}" for value in row] for row in ROWS]
NAMES = ["a", "b", "a", "c", "b", "a"]
QUICK = ["--out", "map.npz", "--perplexity", "1.5", "--n-iter", "0", "--early-exaggeration-iter", "0", "-q"]


def frame(**columns):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    return pandas.DataFrame(columns or dict(zip("ab", zip(*ROWS, strict=True), strict=True)))


def text(separator=",", header="", end="\n", rows=CELLS):
    return header + end.join(separator.join(row) for row in rows) + end


# The name of the file, and its content: text, bytes, or a function of the path.
TABLES = {
    "commas": ("X.csv", text()),
    "semicolons": ("X.csv", text(";")),
    "tabs": ("X.tsv", text("\t")),
    "a header": ("X.csv", text(header="a,b\n")),
    "a header of counts": ("X.csv", text(header="0,1\n")),
    "a header of years in quotes": ("X.csv", text(header='"1990","1991"\n')),
    "a header with commas in quotes": ("X.csv", text(";", header='"a, in m";"b, in s"\n')),
    "a header on two lines": ("X.csv", text(header='"a\nb",c\n')),
    "quotes everywhere": ("X.csv", "\n".join(",".join(f'"{cell}"' for cell in row) for row in CELLS)),
    "of Windows": ("X.csv", text(end="\r\n")),
    "of an old Macintosh": ("X.csv", text(end="\r")),
    "without an end of the last line": ("X.csv", text()[:-1]),
    "lines of blanks": ("X.csv", "\n" + text(end="\n \n") + "\n\n"),
    "blanks around numbers": ("X.csv", text(" , ")),
    "capital letters": ("X.CSV", text()),
    "a mark of UTF-8": ("X.csv", text(header="\ufeffa,b\n")),
    "UTF-16": ("X.csv", text(header="ä,b\n").encode("utf-16")),
    "gzip": ("X.csv.gz", gzip.compress(text().encode())),
    "bzip2": ("X.tsv.bz2", bz2.compress(text("\t").encode())),
    "xz": ("X.CSV.XZ", lzma.compress(text().encode())),
    "NumPy": ("X.npy", lambda path: np.save(path, ROWS)),
    "NumPy in single precision": ("X.npy", lambda path: np.save(path, np.float32(ROWS))),
    "NumPy in Fortran's order": ("X.npy", lambda path: np.save(path, np.asfortranarray(ROWS))),
    "an archive": ("X.npz", lambda path: np.savez(path, y=np.zeros(6), X=ROWS)),
    "a sparse archive": ("X.npz", lambda path: sp.save_npz(path, sp.coo_array(ROWS))),
    "parquet": ("X.parquet", lambda path: frame().to_parquet(path)),
    "parquet with an index": ("X.parquet", lambda path: frame().set_index(np.arange(6) * 3).to_parquet(path)),
}

# The same, and what the error says.
NO_TABLES = {
    "nothing": ("X.csv", "", "the empty file"),
    "a header only": ("X.csv", "a,b\n", "at least one line of numbers"),
    "names of rows": ("X.csv", text(header=",b\n"), "column 1 without a name"),
    "names of rows, kept": ("X.csv", text(header="Unnamed: 0,b\n"), "column 1 without a name"),
    "names of rows, by R": ("X.csv", text(header="b\n"), "if the first are names of rows, remove them"),
    "labels among the data": ("X.csv", text(header="a,b\n") + "1,cat\n", "got 'cat' in column 2 ('b'), line 8"),
    "a gap": ("X.csv", text() + "1,\n", "must be finite, got '' in column 2, line 7"),
    "infinity": ("X.csv", text() + "1,inf\n", "must be finite, got 'inf' in column 2, line 7"),
    "a short line": ("X.csv", text() + "1\n", "must have 2 cells in every line, got 1 in line 7"),
    "decimal commas": ("X.csv", text(";").replace(".", ","), "decimal points and no marks of thousands, got '1,5'"),
    "tabs in .csv": ("X.csv", text("\t"), "got tabs in line 1"),
    "blanks": ("X.csv", text(" "), "got blanks in line 1"),
    "bars": ("X.csv", text("|", header="a|b\n"), "got vertical bars in line 2"),
    "commas in .tsv": ("X.tsv", text(","), "must have tabs between its cells, got commas in line 1"),
    "Latin-1": ("X.csv", text(header="ä,b\n").encode("latin-1"), "no text in UTF-8, as line 1 shows"),
    "a spreadsheet": ("X.csv", b"PK\x03\x04\x14\x00\x08", "no text in UTF-8, as the zero in line 1 shows"),
    "half a file": ("X.csv.gz", gzip.compress(text().encode())[:30], "it is truncated"),
    "an open quote": ("X.csv", text() + '"1,2\n', "a quote in line 7 does not close"),
    "another suffix": ("X.xlsx", "", "must end in .npy, .npz, .csv, .tsv or .parquet"),
    "a vector": ("X.npy", lambda path: np.save(path, np.zeros(3)), "must be two-dimensional"),
    "a number": ("X.npy", lambda path: np.save(path, np.array(3.0)), "must be two-dimensional"),
    "objects": ("X.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True), "holds Python objects"),
    "text in parquet": ("X.parquet", lambda path: frame(a=["x", "y"]).to_parquet(path), "got 'x' in column 1 ('a')"),
}

DAY = "M8[D]"
LABELS = {
    "text": ("y.csv", "\n".join(NAMES), NAMES),
    "below a name": ("y.csv", "\n".join(["kind", *NAMES]), NAMES),
    "in quotes": ("y.tsv", '"kind"\n' + "\n".join(f'"{name}"' for name in NAMES), NAMES),
    "with gaps": ("y.csv", "kind\na\n\nb\nNA\n\"\"\nc\n\n", ["a", None, "b", None, None, "c"]),
    "integers": ("y.csv", "3\n1\n3\n2\n1\n1", ["3", "1", "3", "2", "1", "1"]),
    "integers of pandas": ("y.csv", "0\n3\n1\n3\n2\n1\n1", ["3", "1", "3", "2", "1", "1"]),
    "integers with gaps": ("y.csv", "y\n3.0\n\n3.0\n2.0\n1.0\n1.0", ["3", None, "3", "2", "1", "1"]),
    "codes": ("y.csv", "01\n1\n001\n1\n01\n1", ["01", "1", "001", "1", "01", "1"]),
    "versions": ("y.csv", "1.10\n1.1\n1.2\n1.1\n1.10\n1.2", ["1.10", "1.1", "1.2", "1.1", "1.10", "1.2"]),
    "long numbers": ("y.csv", "1234567\n1234568\n" * 3, ["1234567", "1234568"] * 3),
    "longer numbers": ("y.csv", f"{10**30}\n{10**30 + 1}\n" * 3, [f"{10**30}", f"{10**30 + 1}"] * 3),
    "amounts": ("y.csv", "$0 - $10\n$20 +\n" * 3, ["$0 - $10", "$20 +"] * 3),
    "UTF-16": ("y.csv", "\n".join("äöüäöü").encode("utf-16"), list("äöüäöü")),
    "gzip": ("y.csv.gz", gzip.compress("\n".join(NAMES).encode()), NAMES),
    "NumPy": ("y.npy", lambda path: np.save(path, np.array(NAMES)), NAMES),
    "bytes": ("y.npy", lambda path: np.save(path, np.array(NAMES, "S1")), NAMES),
    "booleans": ("y.npy", lambda path: np.save(path, np.arange(6) > 2), ["False"] * 3 + ["True"] * 3),
    "a column": ("y.npy", lambda path: np.save(path, np.arange(6)[:, None] % 2), ["0", "1"] * 3),
    "days": ("y.npy", lambda path: np.save(path, np.array(["2020-01-01", "NaT"] * 3, DAY)), ["2020-01-01", None] * 3),
    "an archive": ("y.npz", lambda path: np.savez(path, X=ROWS, y=np.arange(6) % 2), ["0", "1"] * 3),
    "parquet": ("y.parquet", lambda path: frame(y=[*NAMES[:5], None]).to_parquet(path), [*NAMES[:5], None]),
    "categories": ("y.parquet", lambda path: frame(y=NAMES).astype("category").to_parquet(path), NAMES),
}  # fmt: skip

NO_LABELS = {
    "one too few": ("y.csv", "a\nb\nc\na\nb\n", "one label for each of the 6 rows, got 5"),
    "a name for one": ("y.csv", "cluster\n1\n2\n3\n1\n2\n", "6 rows, got 5 below the name 'cluster'"),
    "two columns": ("y.csv", "1,a\n2,b\n", "must have one column, got 2 cells in line 1"),
    "a table": ("y.npy", lambda path: np.save(path, ROWS), "got shape (6, 2)"),
    "complex numbers": ("y.npy", lambda path: np.save(path, np.zeros(6) * 1j), "must be numbers or names"),
    "records": ("y.npy", lambda path: np.save(path, np.zeros(6, "i4,i4")), "must be numbers or names"),
    "objects": ("y.npy", lambda path: np.save(path, np.array(["a", None] * 3), allow_pickle=True), "Python objects"),
    "lists": ("y.parquet", lambda path: frame(y=[[1]] * 6).to_parquet(path), "must be numbers or names, got a"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make(path, content):
    if callable(content):
        content(path)
    else:
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
    return path


def dense(table):
    return np.asarray(table.toarray() if hasattr(table, "toarray") else table)


@pytest.mark.parametrize("kind", TABLES)
def test_kinds_of_tables(kind, capsys):
    path = make(*TABLES[kind])
    np.testing.assert_array_equal(dense(read_table(path)), ROWS)
    assert main(["embed", path, *QUICK]) == 0
    assert capsys.readouterr() == ("", "")
    assert load("map.npz").shape == (6, 2)


@pytest.mark.parametrize("kind", NO_TABLES)
def test_kinds_of_files_that_are_no_tables(kind, capsys):
    path, content, message = NO_TABLES[kind]
    make(path, content)
    with pytest.raises(OpenTSNEError) as caught:
        read_table(path)
    assert message in str(caught.value)
    assert main(["embed", path, *QUICK]) == 2
    assert capsys.readouterr() == ("", f"opentsne-like: error: {caught.value}\n")


@pytest.mark.parametrize("kind", LABELS)
def test_kinds_of_labels(kind, capsys, monkeypatch):
    from opentsne_like import plotting

    path, content, expected = LABELS[kind]
    np.save("X.npy", ROWS)
    drawn = []
    monkeypatch.setattr(plotting, "scatter", lambda points, labels, **_: drawn.append(labels))
    labels = read_label_file(make(path, content), 6)
    assert main(["embed", "X.npy", "--labels", path, "--plot", "map.png", *QUICK]) == 0
    assert capsys.readouterr() == ("", "")
    for found in (labels, *drawn):
        meaning = read_labels(found, 6, None, None)
        assert [meaning.names[code] if code >= 0 else None for code in meaning.codes] == expected
    assert len(drawn) == 1


@pytest.mark.parametrize("kind", NO_LABELS)
def test_kinds_of_files_that_are_no_labels(kind, capsys):
    path, content, message = NO_LABELS[kind]
    make(path, content)
    np.save("X.npy", ROWS)
    assert main(["embed", "X.npy", "--labels", path, "--plot", "map.png", *QUICK]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("opentsne-like: error: `--labels` ")
    assert message in err
    assert err.count("\n") == 1
    assert not os.path.exists("map.npz")  # found out before the work
