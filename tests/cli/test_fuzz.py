"""Files nobody thought of: what pandas reads too is the same, what is refused is named, and nothing is a traceback.

OPENTSNE_LIKE_FUZZ=5000 looks at more of them than the usual number.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like.cli import main
from opentsne_like.cli.delimited import _read_line_by_line, _read_plain
from opentsne_like.cli.headers import find_header
from opentsne_like.cli.tables import read_label_file, read_table
from opentsne_like.cli.text import MISSING, Text
from opentsne_like.errors import OpenTSNEError
from opentsne_like.plotting.colors import read_labels

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

TAB = "\t"

files = settings(
    max_examples=int(os.environ.get("OPENTSNE_LIKE_FUZZ", "200")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "1", "01", "1.10", ".5", "5.", "+1", "1e5", "1E-3", "-0"]),
)
WORDS = st.one_of(
    st.sampled_from(
        ["a", "b c", "ä", "NA", "nan", "None", "", "?", "inf", "1_0", "1,5", "1;5", "1 2", "Unnamed: 0", "x\ty"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters='\r\n"'), max_size=4),
)
ENDS = st.sampled_from(["\n", "\r\n"])


def written(cell: str, separator: str, quoted: bool) -> str:
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if quoted or separator in cell or cell[:1] == '"' else cell


@st.composite
def tables(draw, cells=NUMBERS):
    """Draw the text of a table, its separator and whether it has a header of words."""
    separator = draw(st.sampled_from([",", ";", "\t"]))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6))
    header = draw(st.booleans())
    if header:
        rows = [[f"name {i}" for i in range(width)], *rows]
    quoted, end = draw(st.booleans()), draw(ENDS)
    lines = [separator.join(written(cell, separator, quoted) for cell in row) for row in rows]
    return end.join(lines) + draw(st.sampled_from(["", end, end * 2])), separator, header


def write(path, text):
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def numbers(path):
    return np.asarray(read_table(path))


def read(function, *arguments):
    """Return what was read, and None or the one error about the file."""
    try:
        return function(*arguments), None
    except OpenTSNEError as error:
        return None, str(error)


def named(error, path):
    return re.match(r"`(X|labels)` .*", error) and path in error


@files
@given(tables())
def test_tables_of_numbers_are_those_of_pandas(tmp_path, drawn):
    pandas = pytest.importorskip("pandas")
    text, separator, header = drawn
    path = write(f"{tmp_path}/X{'.tsv' if separator == TAB else '.csv'}", text)
    table, error = read(numbers, path)
    shape = {"sep": separator, "header": 0 if header else None}
    theirs = pandas.read_csv(path, dtype=str, **shape).astype(float).to_numpy()  # its own numbers are rounded
    assert error is None
    np.testing.assert_array_equal(table, theirs[len(theirs) - len(table) :])
    assert len(table) == len(theirs) or (not header and len(table) == len(theirs) - 1)  # 0, 1, ... is taken for names


@files
@given(tables(st.one_of(NUMBERS, WORDS)))
@example(("1,5;2\n3;4\n", ";", False))
def test_a_table_is_read_whole_or_refused_by_name(tmp_path, drawn):
    text, separator, _ = drawn
    path = write(f"{tmp_path}/X{'.tsv' if separator == TAB else '.csv'}", text)
    table, error = read(numbers, path)
    if error is not None:
        assert named(error, path)
        return
    lines = [cells for _, cells in Text.find(path, path[-4:]).lines() if cells]
    assert table.shape[1] == len(lines[0])
    assert len(lines) - len(table) in (0, 1)
    assert table.tolist() == [[float(cell) for cell in cells] for cells in lines[len(lines) - len(table) :]]


@files
@given(st.one_of(tables(st.one_of(NUMBERS, WORDS)).map(lambda drawn: drawn[0]), st.text(' 0123456789.,;_e+-"\n\r\xa0')))
def test_the_quick_reader_of_numbers_reads_as_the_slow_one(tmp_path, text):
    path = write(f"{tmp_path}/X.csv", text)
    try:
        file = Text.find(path, ".csv")
        header, skipped = find_header(file)
    except ValueError:
        return
    quick = _read_plain(file, skipped)
    if quick is not None and (header is None or len(header) == quick.shape[1]):
        np.testing.assert_array_equal(quick, _read_line_by_line(file, "X", header, skipped))


@files
@given(st.lists(st.one_of(NUMBERS, WORDS), min_size=1, max_size=8), st.booleans(), ENDS)
def test_labels_are_those_of_pandas(tmp_path, cells, quoted, end):
    pandas = pytest.importorskip("pandas")
    cells = [cell for cell in cells if "\t" not in cell and "\0" not in cell]
    path = write(f"{tmp_path}/y.tsv", end.join([*(written(cell, TAB, quoted) for cell in cells), "end"]))
    labels, error = read(read_label_file, path, len(cells) + 1)
    assert error is None
    theirs = pandas.read_csv(
        path,
        sep="\t",
        names=["y"],
        dtype=str,
        skip_blank_lines=False,
        keep_default_na=False,
        na_values=sorted(MISSING),
    )["y"].str.strip()
    expected = [None if label in MISSING else label for label in theirs.astype(object).where(theirs.notna(), "")]
    assert labels.tolist() == expected
    meaning = read_labels(labels, len(labels), None, None)
    assert len(meaning.names) == len(set(expected) - {None})
    assert [code < 0 for code in meaning.codes] == [label is None for label in expected]


@files
@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_labels_of_numbers_stay_apart_as_they_are_written(tmp_path, cells):
    labels = read_label_file(write(f"{tmp_path}/y.csv", "\n".join(cells)), len(cells))
    pairs = {(cell, label) for cell, label in zip(cells, labels.tolist(), strict=True)}
    assert len({label for _, label in pairs}) == len({cell for cell, _ in pairs})
    if labels.dtype.kind == "i":
        assert [str(label) for label in labels] == cells


# --- the program ---------------------------------------------------------------------------------

X = np.arange(12.0).reshape(6, 2) ** 2
QUICK = ["--out", "map.npz", "--perplexity", "1.5", "--n-iter", "0", "--early-exaggeration-iter", "0", "-q"]


def embed(capsys, *words):
    """Run the program; it may only succeed without a word, or say in one line what is wrong."""
    status = main(["embed", *words, *QUICK])
    out, err = capsys.readouterr()
    assert out == ""
    assert (status, err) == (0, "") or (status == 2 and re.fullmatch("opentsne-like: error: [^\n]*\n", err))
    return status


def through_the_door(capsys, door, name):
    """Run the program on a file as table, labels or start."""
    np.save("X.npy", X)
    words = {"table": [name], "labels": ["X.npy", "--labels", name, "--plot", "m.png"]}
    return embed(capsys, *words.get(door, ["X.npy", "--initialization", name]))


QUIET = pytest.mark.filterwarnings(  # letters that no font has; sums of numbers like 1e300
    "ignore:Glyph:UserWarning", "ignore:Matplotlib currently:UserWarning", "ignore:overflow:RuntimeWarning"
)
DOORS = st.sampled_from(["table", "labels", "start"])


@QUIET
@settings(files, max_examples=files.max_examples * 3 // 5)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=40).map(str.encode),
        tables(st.one_of(NUMBERS, WORDS)).map(lambda drawn: drawn[0].encode()),
        tables().map(lambda drawn: drawn[0].encode("utf-16")),
    ),
    st.sampled_from([".csv", ".tsv", ".csv.gz", ".TSV.bz2", ".npy", ".npz", ".parquet"]),
    DOORS,
)
def test_no_content_ends_the_program_with_a_traceback(tmp_path, capsys, monkeypatch, data, suffix, door):
    monkeypatch.chdir(tmp_path)
    write(f"file{suffix}", data)
    through_the_door(capsys, door, f"file{suffix}")


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """Return the bytes of a file of every kind that the program reads."""
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", X)
    np.save("b.npy", np.array(["a", "b", "c", "a", "b", "c"]))
    np.savez("a.npz", X=X, y=np.arange(6))
    np.savez_compressed("b.npz", X=X)
    sp.save_npz("c.npz", sp.csr_matrix(X))
    for suffix, opened in {"csv": open, "csv.gz": gzip.open, "csv.bz2": bz2.open, "csv.xz": lzma.open}.items():
        with opened(f"a.{suffix}", "wt") as file:
            np.savetxt(file, X, delimiter=",")
    try:
        import pandas
        import pyarrow  # noqa: F401
    except ImportError:
        pass
    else:
        pandas.DataFrame(X, columns=["a", "b"]).to_parquet("a.parquet")
        pandas.DataFrame({"y": pandas.Categorical(list("abcabc"))}).to_parquet("b.parquet")
    return {path.name: path.read_bytes() for path in sorted(tmp_path.iterdir())}


@pytest.mark.slow
@QUIET
@settings(files, max_examples=files.max_examples * 2 // 5)
@given(st.data(), DOORS)
def test_no_flaw_ends_the_program_with_a_traceback(whole, capsys, data, door):
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    places = st.integers(0, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=3)):
        content[place] = value
    cut = data.draw(st.one_of(st.just(len(content)), places))
    write(f"file{name[1:]}", bytes(content[:cut]))
    through_the_door(capsys, door, f"file{name[1:]}")


@QUIET
@settings(files, max_examples=files.max_examples // 20)
@given(st.lists(st.text(max_size=30), min_size=6, max_size=6))
@example(["$", "$$", r"$\frac$", "_a", "#", "%"])
def test_no_label_ends_the_program_with_a_traceback(tmp_path, capsys, monkeypatch, labels):
    monkeypatch.chdir(tmp_path)
    np.save("y.npy", np.array(labels))
    assert through_the_door(capsys, "labels", "y.npy") == 0
