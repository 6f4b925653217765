"""What users call labels: which points are of one class, what it is called, and what is missing or refused."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.plotting import PALETTE
from opentsne_like.plotting.colors import MISSING, Classes, Values, read_labels

# --- what labels mean ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([3, 1, 2, 1], ["1", "2", "3"]),
        ([True, False, True, True], ["False", "True"]),
        (["10", "9", "B2", "a1"], ["9", "10", "a1", "B2"]),
        (["c 10", "c 2", "c 2", "c 1"], ["c 1", "c 2", "c 10"]),
        ([1.0, 2.0, np.nan, 2.0], ["1", "2"]),
        ([None, "x", float("nan"), "y"], ["x", "y"]),
        ([None, 1, 2, 2], ["1", "2"]),
        ([b"x", b"y", b"x", b"x"], ["x", "y"]),
    ],
)
def test_labels_that_name_classes(labels, names):
    meaning = read_labels(labels, 4, None, None)
    assert isinstance(meaning, Classes)
    assert meaning.names == names
    assert meaning.colors == list(PALETTE[: len(names)])
    shown = [names[code] if code >= 0 else None for code in meaning.codes]
    assert [name is None for name in shown] == [label is None or label != label for label in labels]


@pytest.mark.parametrize("labels", [[0.5, 1, 2, 3], [None, 0.1, 2, 3], np.float32([1.5, 2, 3, 4])])
def test_labels_that_measure(labels):
    assert isinstance(read_labels(labels, 4, None, None), Values)
    assert isinstance(read_labels(labels, 4, True, None), Classes)


def test_many_integers_measure():
    assert isinstance(read_labels(np.arange(50), 50, None, None), Classes)
    assert isinstance(read_labels(np.arange(51), 51, None, None), Values)
    assert isinstance(read_labels(np.arange(51), 51, True, None), Classes)
    assert isinstance(read_labels([1, 2], 2, False, None), Values)


def test_pandas_labels_keep_their_order():
    pandas = pytest.importorskip("pandas")
    levels = pandas.Categorical(["high", "low", None, "high"], categories=["low", "mid", "high"])
    for labels in (levels, pandas.Series(levels, index=[9, 8, 7, 6])):
        meaning = read_labels(labels, 4, None, None)
        assert meaning.names == ["low", "high"]
        assert meaning.codes.tolist() == [1, 0, -1, 1]
    assert read_labels(pandas.Series([0.5, 1.5]), 2, None, None).values.tolist() == [0.5, 1.5]
    assert read_labels(pandas.Series(["x", "y"], dtype="string"), 2, None, None).names == ["x", "y"]


# --- forty kinds of labels -----------------------------------------------------------------------


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


def pandas():
    return pytest.importorskip("pandas")


def pyarrow():
    return pytest.importorskip("pyarrow")


def polars():
    return pytest.importorskip("polars")


DAY = datetime.date(2020, 1, 1)
NOON = datetime.datetime(2020, 1, 1, 12)
BIG = 2**60
ODD_INDEX = [7, 7, -1]

# What is handed over, and the name of each point's class; None where it has none.
KINDS = {
    "a list of integers": (lambda: [3, 1, 3], ["3", "1", "3"]),
    "a tuple": (lambda: ("a", "b", "a"), ["a", "b", "a"]),
    "a range": (lambda: range(3), ["0", "1", "2"]),
    "a deque": (lambda: collections.deque("aba"), ["a", "b", "a"]),
    "an array of Python": (lambda: array.array("i", [1, 2, 1]), ["1", "2", "1"]),
    "a column": (lambda: np.array([[1], [2], [1]]), ["1", "2", "1"]),
    "floats with NaN": (lambda: np.array([1.0, np.nan, 2.0]), ["1", None, "2"]),
    "long numbers": (lambda: np.array([1234567, 1234568, np.nan]), ["1234567", "1234568", None]),
    "single precision": (lambda: np.float32([1, 2, 1]), ["1", "2", "1"]),
    "unsigned": (lambda: np.array([2**64 - 1, 0, 2**64 - 2], np.uint64), [f"{2**64 - 1}", "0", f"{2**64 - 2}"]),
    "beyond 64 bits": (lambda: [2**70, 2**70 + 1, None], [f"{2**70}", f"{2**70 + 1}", None]),
    "beyond double precision": (lambda: [BIG, None, BIG + 1], [f"{BIG}", None, f"{BIG + 1}"]),
    "infinity": (lambda: [1.0, np.inf, 1.0], ["1", "inf", "1"]),
    "booleans": (lambda: [True, False, True], ["True", "False", "True"]),
    "booleans and None": (lambda: [True, None, False], ["True", None, "False"]),
    "text and NaN": (lambda: ["a", float("nan"), "nan"], ["a", None, "nan"]),
    "bytes": (lambda: np.array([b"x", b"\xff", b"\xfe"]), ["x", r"\xff", r"\xfe"]),
    "text of variable width": (lambda: np.array(["a", "b", "a"], np.dtypes.StringDType()), ["a", "b", "a"]),
    "its missing value": (
        lambda: np.array(["a", np.nan, "b"], np.dtypes.StringDType(na_object=np.nan)),
        ["a", None, "b"],
    ),
    "the number and its text": (lambda: [1, "1", None], ["1", "'1'", None]),
    "text of blanks": (lambda: ["a", "", " "], ["a", "''", "' '"]),
    "text with a line break": (lambda: ["a\nb", "c", "c"], ["a b", "c", "c"]),
    "zeros before numbers": (lambda: ["01", "1", "001"], ["01", "1", "001"]),
    "an enumeration": (lambda: [Size.SMALL, Size.LARGE, None], ["Size.SMALL", "Size.LARGE", None]),
    "days": (lambda: [DAY, None, DAY], ["2020-01-01", None, "2020-01-01"]),
    "times": (lambda: np.array([NOON, "NaT", DAY], "M8[ns]"), ["2020-01-01T12:00", None, "2020-01-01"]),
    "durations": (lambda: np.array([1, "NaT", 2], "m8[D]"), ["1 day, 0:00:00", None, "2 days, 0:00:00"]),
    "a masked array": (lambda: np.ma.masked_equal([1, 2, 3], 2), ["1", None, "3"]),
    "masked text": (lambda: np.ma.array(["a", "b", "c"], mask=[0, 1, 0]), ["a", None, "c"]),
    "a masked value": (lambda: [1, np.ma.masked, 3], ["1", None, "3"]),
    "a series with any index": (lambda: pandas().Series(["a", "b", "a"], index=ODD_INDEX), ["a", "b", "a"]),
    "an index": (lambda: pandas().Index(["a", "b", "a"]), ["a", "b", "a"]),
    "a frame of one column": (lambda: pandas().DataFrame({"y": ["a", None, "b"]}, index=ODD_INDEX), ["a", None, "b"]),
    "text of pandas": (lambda: pandas().Series(["a", pandas().NA, "b"], dtype="string"), ["a", None, "b"]),
    "objects with NA": (lambda: np.array(["a", pandas().NA, pandas().NaT], object), ["a", None, None]),
    "nullable integers": (lambda: pandas().array([BIG, None, BIG + 1], dtype="Int64"), [f"{BIG}", None, f"{BIG + 1}"]),
    "nullable booleans": (lambda: pandas().Series([True, None, False], dtype="boolean"), ["True", None, "False"]),
    "categories of integers": (
        lambda: pandas().Series(pandas().Categorical([1234567, 1234568, 1])).where([True, True, False]),
        ["1234567", "1234568", None],
    ),
    "an index of categories": (lambda: pandas().CategoricalIndex(["b", None, "a"]), ["b", None, "a"]),
    "intervals": (lambda: pandas().cut([1, 2, np.nan], [0, 1, 2]), ["(0, 1]", "(1, 2]", None]),
    "periods": (lambda: pandas().period_range("2020-01", periods=3, freq="M"), ["2020-01", "2020-02", "2020-03"]),
    "times with a zone": (
        lambda: pandas().Series([NOON, None, NOON]).dt.tz_localize("UTC"),
        ["2020-01-01T12:00", None, "2020-01-01T12:00"],
    ),
    "sparse": (lambda: pandas().arrays.SparseArray([1, 0, 0]), ["1", "0", "0"]),
    "several levels": (
        lambda: pandas().MultiIndex.from_tuples([(1, "a"), (2, "b"), (1, "a")]),
        ["(1, 'a')", "(2, 'b')", "(1, 'a')"],
    ),
    "Arrow in pandas": (
        lambda: pandas().array([3, None, 1], dtype=pandas().ArrowDtype(pyarrow().int64())), ["3", None, "1"]
    ),
    "an array of Arrow": (lambda: pyarrow().array([1, None, 2]), ["1", None, "2"]),
    "chunks of Arrow": (lambda: pyarrow().chunked_array([["x"], [None, "y"]]), ["x", None, "y"]),
    "a dictionary of Arrow": (lambda: pyarrow().array(["x", None, "y"]).dictionary_encode(), ["x", None, "y"]),
    "a table of Arrow": (lambda: pyarrow().table({"y": ["x", None, "y"]}), ["x", None, "y"]),
    "a series of polars": (lambda: polars().Series(["x", None, "y"]), ["x", None, "y"]),
    "integers of polars": (lambda: polars().Series([1, None, 2]), ["1", None, "2"]),
    "categories of polars": (lambda: polars().Series(["x", None, "y"], dtype=polars().Categorical), ["x", None, "y"]),
    "a frame of polars": (lambda: polars().DataFrame({"y": ["x", None, "y"]}), ["x", None, "y"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_classes(kind):
    make, expected = KINDS[kind]
    meaning = read_labels(make(), 3, None, None)
    assert isinstance(meaning, Classes)
    assert [meaning.names[code] if code >= 0 else None for code in meaning.codes] == expected
    assert len(set(meaning.names)) == len(meaning.names) == len(meaning.colors)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_classes_are_drawn(kind):
    pytest.importorskip("matplotlib")
    from opentsne_like.plotting import scatter

    make, expected = KINDS[kind]
    figure = scatter(np.eye(3)[:, :2], make(), legend="side")
    shown = {text.get_text() for text in figure.legends[0].get_texts()}
    assert shown == {name or "no label" for name in expected}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: [decimal.Decimal("1.5"), decimal.Decimal("NaN"), decimal.Decimal("sNaN")], [1.5, np.nan, np.nan]),
        (lambda: [fractions.Fraction(1, 4), 1, None], [0.25, 1, np.nan]),
        (lambda: np.ma.masked_greater([0.5, 1.5, 9.5], 9), [0.5, 1.5, np.nan]),
        (lambda: np.float16([0.5, 1.5, np.nan]), [0.5, 1.5, np.nan]),
        (lambda: np.longdouble([0.5, 1.5, np.nan]), [0.5, 1.5, np.nan]),
        (lambda: pandas().array([1.5, None, 2], dtype="Float64"), [1.5, np.nan, 2]),
        (lambda: pandas().array([1.5, None, 2], dtype=pandas().ArrowDtype(pyarrow().float64())), [1.5, np.nan, 2]),
        (lambda: pyarrow().array([1.5, None, 2]), [1.5, np.nan, 2]),
        (lambda: polars().Series([1.5, None, 2]), [1.5, np.nan, 2]),
    ],
)
def test_kinds_of_quantities(make, expected):
    meaning = read_labels(make(), 3, None, None)
    assert isinstance(meaning, Values)
    np.testing.assert_array_equal(meaning.values, expected)


def test_times_measure_in_days_where_they_are_many():
    hours = np.datetime64("1970-01-02") + np.arange(60).astype("m8[h]")
    for labels in (hours, hours.tolist(), pandas().Series(hours).dt.tz_localize("UTC")):
        meaning = read_labels(labels, 60, None, None)
        assert isinstance(meaning, Values)
        assert meaning.times
        np.testing.assert_allclose(meaning.values, 1 + np.arange(60) / 24)
    with pytest.raises(InvalidTypeError, match="got durations; divide them by a unit"):
        read_labels(hours - hours[0], 60, None, None)


def test_large_numbers_measure_when_asked():
    assert read_labels([2**70, None], 2, False, None).values.tolist() == [2.0**70, pytest.approx(np.nan, nan_ok=True)]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ("abc", InvalidTypeError, "must be a sequence, one per point, got a str"),
        ({"a": 1, "b": 2, "c": 3}, InvalidTypeError, "must be a sequence, one per point, got a dict"),
        ({1, 2, 3}, InvalidTypeError, "must be a sequence, one per point, got a set"),
        (5, InvalidTypeError, "one per point, got a int"),
        (np.array(5), InvalidParameterError, r"one per point, shape \(3,\), got shape \(\)"),
        ([(1, 2), (3, 4), (5, 6)], InvalidParameterError, r"one per point, shape \(3,\), got shape \(3, 2\)"),
        ([[1], [1, 2], [3]], InvalidTypeError, "must be numbers or names, got a list"),
        ([{}, {}, {}], InvalidTypeError, "must be numbers or names, got a dict"),
        (np.array([1j, 2, 3]), InvalidTypeError, "must be numbers or names, got dtype complex128"),
        (
            np.full(3, 2**31, np.uint32).view("U1"),
            InvalidParameterError,
            "must be text, got characters that do not exist",
        ),
        (np.zeros(3, "i4,i4"), InvalidTypeError, "must be numbers or names, got dtype"),
    ],
)
def test_what_is_no_label_is_refused(labels, error, message):
    with pytest.raises(error, match=f"`labels` .*{message}"):
        read_labels(labels, 3, None, None)


def test_frames_of_several_columns_are_refused():
    with pytest.raises(InvalidParameterError, match=r"got shape \(3, 2\)"):
        read_labels(pandas().DataFrame({"a": [1, 2, 3], "b": [1, 2, 3]}), 3, None, None)


# --- names and colours ---------------------------------------------------------------------------


def test_names_have_the_digits_that_tell_them_apart():
    def names(values):
        return read_labels(values, len(values), True, None).names

    assert names([0.1, 0.25]) == ["0.1", "0.25"]
    assert names([0.1, 0.1 + 1e-12]) == ["0.1", "0.100000000001"]
    assert names(np.float32([0.1, 0.2])) == ["0.1", "0.2"]
    assert names([1e-300, 2.0, 1234567.0]) == ["1e-300", "2", "1234567"]
    many = np.nextafter(1, 2) ** np.arange(50)
    assert len(set(names(many))) == 50


def test_colors_are_looked_up_by_value():
    def colors(labels, mapping):
        return read_labels(labels, len(labels), True, mapping).colors

    assert colors(np.array([0.0, 1.0]), {0.0: "red", 1.0: "blue"}) == ["red", "blue"]
    assert colors([1, 2], {1.0: "red"}) == ["red", MISSING]
    assert colors([1, 2], {"1": "red"}) == ["red", MISSING]
    assert colors(["1", "2"], {1: "red"}) == ["red", MISSING]
    assert colors([b"x"], {b"x": "red"}) == ["red"]
    assert colors([DAY], {DAY: "red"}) == ["red"]
    assert colors(np.array([NOON], "M8[ns]"), {NOON: "red"}) == ["red"]
    assert colors(np.array([NOON], "M8[ns]"), {np.datetime64(NOON): "red"}) == ["red"]
    assert colors(np.float32([0.1]), {np.float32(0.1): "red"}) == ["red"]
    assert colors([0.1], {0.1: "red"}) == ["red"]
    assert colors(["a", "b"], pandas().Series({"b": "red", "a": "blue"})) == ["blue", "red"]


def test_colors_stay_with_their_category():
    categories = pandas().Categorical(["a", "b"], categories=["z", "a", "b"])
    for labels in (categories, pandas().Series(categories), pandas().CategoricalIndex(categories)):
        assert read_labels(labels, 2, None, ["black", "red", "blue"]).colors == ["red", "blue"]
        assert read_labels(labels, 2, None, None).colors == list(PALETTE[1:3])
        assert read_labels(labels, 2, None, {"z": "red"}).colors == [MISSING, MISSING]  # met, though it has no point
    moments = pandas().to_datetime(["2020-01-01 00:00:00.000000001", "2020-01-01 00:00:00.000000002"])
    for kinds in (
        [1.5, 1.0],
        [decimal.Decimal("0.1"), decimal.Decimal("0.3")],
        [fractions.Fraction(1, 3), 2],
        list(moments),
        list(moments.tz_localize("UTC")),
        [DAY, NOON],
    ):
        labels = pandas().Categorical([kinds[1], kinds[0]], categories=kinds)
        assert read_labels(labels, 2, None, ["red", "blue"]).codes.tolist() == [1, 0]
    assert read_labels(pandas().Categorical([1.5, 1.0]), 2, None, None).names == ["1", "1.5"]
    assert read_labels(pandas().Categorical([1.5, 1.0]), 2, False, None).values.tolist() == [1.5, 1.0]
    numbers = pandas().Categorical([3, 1], categories=[3, 2, 1])
    assert read_labels(numbers, 2, None, {3: "red", 1: "blue"}).colors == ["red", "blue"]


def test_categories_of_polars_keep_their_order():
    labels = polars().Series(["b", None, "a"], dtype=polars().Enum(["z", "b", "a"]))
    meaning = read_labels(labels, 3, None, ["black", "red", "blue"])
    assert (meaning.names, meaning.colors) == (["b", "a"], ["red", "blue"])
