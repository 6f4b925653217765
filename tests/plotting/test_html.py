"""Pages as files: what stands in them, how exactly, how much room it takes, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import html as markup
import json
import re
import subprocess
import sys
import zlib

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError, InvalidTypeError, MissingDependencyError, StorageError
from opentsne_like.plotting import PALETTE, Page, html
from opentsne_like.plotting.page.columns import VIRIDIS

EVIL = "</script><script>alert(1)</script> \"double\" 'single' & {{script}} \u2028\u2029 \udc80"


def opened(page):
    """Return the header of a page, and a function that returns an array that the header names: the format's twin."""
    text = re.search(r'<script id="payload" type="application/octet-stream">([A-Za-z0-9+/=]*)</script>', page.text)[1]
    content = zlib.decompress(base64.b64decode(text))
    length = int.from_bytes(content[:4], "little")
    start = 8 + -(-length // 8) * 8

    def taken(block):
        at = start + block["at"]
        assert at % 8 == 0
        kind = np.dtype(f"<{block['type']}")
        return np.frombuffer(content[at : at + block["length"] * kind.itemsize], kind)

    return json.loads(content[8 : 8 + length]), taken


def coordinates(page):
    """Return the map as the page gives it back."""
    header, taken = opened(page)
    steps = taken(header["coarse"]).reshape(-1, 2).astype(float)
    if "fine" in header:
        steps += taken(header["fine"]).reshape(-1, 2) / 65_536
    return (np.array(header["origin"]) + header["step"] * steps) * header["unit"]


# --- what stands in it ---------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1.0, 1e-12, 1e12, 1e-300, 1e307])
def test_coordinates_are_rounded_to_sixteen_bits(rng, width):
    Y = rng.normal(size=(2000, 2)) * [width, width / 3] + width
    header, _ = opened(html(Y))
    assert "fine" not in header
    half_a_step = np.ptp(Y, axis=0).max() / 65_535 / 2
    np.testing.assert_allclose(coordinates(html(Y)), Y, rtol=1e-12, atol=half_a_step * 1.0001)


def test_crowds_beside_an_outlier_have_more_bits(rng):
    Y = np.vstack([rng.normal(size=(2000, 2)), [[1e6, -1e6]]])
    page = html(Y)
    assert "fine" in opened(page)[0]
    half_a_step = 1e6 / 65_535 / 65_536 / 2
    np.testing.assert_allclose(coordinates(page), Y, atol=half_a_step * 1.01)
    assert coordinates(page).shape == (2001, 2)


def test_points_that_coincide_anyway_need_no_more_bits(rng):
    Y = np.repeat(rng.normal(size=(20, 2)), 50, axis=0)
    assert "fine" not in opened(html(Y))[0]
    np.testing.assert_allclose(coordinates(html(np.ones((3, 2)))), np.ones((3, 2)), atol=1e-12)
    np.testing.assert_allclose(coordinates(html(np.zeros((3, 2)))), np.zeros((3, 2)), atol=1e-12)


def test_a_map_on_a_line_becomes_a_strip(rng):
    x = np.sort(rng.normal(size=(500, 1)), axis=0)
    found = coordinates(html(x))
    np.testing.assert_allclose(found[:, 0], x[:, 0], atol=np.ptp(x) / 65_535)
    assert 0.05 < np.ptp(found[:, 1]) / np.ptp(found[:, 0]) < 0.4


def test_columns_of_all_kinds(rng):
    n = 400
    labels = np.array(["b", "a", None, "c"] * 100, object)
    years = np.datetime64("2020-01-01") + np.arange(n)
    hover = {
        "title": [f"text {i}" if i else None for i in range(n)],
        "wide": rng.normal(size=n) * 1e-9 + 1,
        "narrow": np.where(np.arange(n) % 5, np.arange(n) / 4, np.nan),
        "time": years,
        "many": np.char.add("class ", (np.arange(n) % 150).astype(str)),
        7: np.arange(n) % 3,
    }
    header, taken = opened(html(rng.normal(size=(n, 2)), labels, hover=hover, title=EVIL))
    label, title, wide, narrow, time, many, seven = header["columns"]
    assert [column["name"] for column in header["columns"]] == ["label", *map(str, hover)]
    assert [column["kind"] for column in header["columns"]] == [
        *("classes", "text", "values", "values", "values", "classes", "classes")
    ]
    assert (label["names"], label["colors"]) == (["a", "b", "c"], list(PALETTE[:3]))
    assert taken(label["codes"]).tolist() == [1, 0, 3, 2] * 100  # 3 is none
    assert title["texts"] == hover["title"]
    np.testing.assert_array_equal(taken(wide["values"]), hover["wide"])
    np.testing.assert_array_equal(taken(narrow["values"]), hover["narrow"])
    assert (wide["values"]["type"], narrow["values"]["type"]) == ("f8", "f4")
    assert time["times"]
    np.testing.assert_array_equal(taken(time["values"]), (years - np.datetime64(0, "D")).astype(float))
    assert [many["names"][code] for code in taken(many["codes"])] == hover["many"].tolist()
    assert seven["codes"]["type"] == "u1"


def test_columns_of_data_frames(rng):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    Y = rng.normal(size=(4, 2))
    table = {"kind": ["x", "y", None, "x"], "size": [0.5, 1.5, 2.5, None]}
    expected = opened(html(Y, hover=table))[0]
    frames = [pandas.DataFrame(table, index=[9, 9, 8, 7]), polars.DataFrame(table), polars.DataFrame(table).to_arrow()]
    for frame in frames:
        assert opened(html(Y, hover=frame))[0] == expected
    series = pandas.Series([1, 2, 3, 4], name="cluster")
    for labels in (series, series.to_frame(), polars.from_pandas(series)):
        assert opened(html(Y, labels))[0]["columns"][0]["name"] == "cluster"
        assert opened(html(Y, labels, label_name="topic"))[0]["columns"][0]["name"] == "topic"


def test_colors(rng):
    Y = rng.normal(size=(60, 2))

    def column(labels, colors):
        return opened(html(Y, labels, colors=colors))[0]["columns"][0]

    halves = ["a", "b"] * 30
    assert column(halves, {"a": "#123456", "b": "#abcdef"})["colors"] == ["#123456", "#abcdef"]
    assert column(halves, {"a": "red"})["colors"] == ["#ff0000", "#d8d8d8"]
    assert column(halves, [(0, 0, 1), "lime"])["colors"] == ["#0000ff", "#00ff00"]
    assert column(Y[:, 0], None)["scale"] == list(VIRIDIS)
    assert column(Y[:, 0], "gray")["scale"][0] == "#000000"
    assert opened(html(Y, colors="black"))[0]["color"] == "#000000"
    assert opened(html(Y))[0]["color"] == "#2f6690"


def test_the_scale_is_that_of_pictures():
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    assert [to_hex(colormaps["viridis"](i / 15)) for i in range(16)] == list(VIRIDIS)


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 3), (5, 4, 4)])
def test_pictures_from_arrays(rng, shape):
    images = rng.integers(0, 256, (7, *shape), dtype=np.uint8)
    header, taken = opened(html(rng.normal(size=(7, 2)), images=images))
    size = {key: header["images"][key] for key in ("height", "width", "channels")}
    assert size == {"height": 5, "width": 4, "channels": shape[2] if len(shape) == 3 else 1}
    np.testing.assert_array_equal(taken(header["images"]["bytes"]), images.ravel())


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([0.0, 0.2, 1.0], [0, 51, 255]),  # floats up to 1
        ([0, 8, 16], [0, 128, 255]),  # scikit-learn's digits
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([False, True, True], [0, 255, 255]),
        ([0.0, 0.0, 0.5], [0, 0, 128]),
    ],
)
def test_numbers_become_grey(pixels, expected):
    header, taken = opened(html(np.eye(3)[:, :2], images=np.reshape(pixels, (3, 1, 1))))
    np.testing.assert_allclose(taken(header["images"]["bytes"]), expected, atol=1)
    listed = html(np.eye(3)[:, :2], images=[np.full((1, 1), pixel) for pixel in pixels])
    assert opened(listed)[0] == header


def test_pictures_from_files(tmp_path):
    contents = [b"\x89PNG\r\n\x1a\n1", None, b"\xff\xd8\xff22", b"RIFF0000WEBP333"]
    paths = [None if content is None else tmp_path / str(i) for i, content in enumerate(contents)]
    for path, content in zip(paths, contents, strict=True):
        if path is not None:
            path.write_bytes(content)
    header, taken = opened(html(np.eye(4)[:, :2], images=paths))
    everything, ends = taken(header["images"]["bytes"]).tobytes(), taken(header["images"]["ends"])
    found = [everything[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert found == [content or b"" for content in contents]


# --- the page ------------------------------------------------------------------------------------


def test_foreign_text_stays_text(rng):
    Y = rng.normal(size=(300, 2))
    page = html(Y, [EVIL] * 150 + ["b"] * 150, hover={EVIL: [f"{i}{EVIL}" for i in range(300)]}, title=EVIL)
    assert page.text.count("<script") == page.text.count("</script>") == 2
    assert "alert(1)</script>" not in page.text
    title = re.search("<title>(.*?)</title>", page.text)[1]
    assert markup.unescape(title).startswith(EVIL[:-1])
    page.text.encode()  # no half of a pair is left
    header, _ = opened(page)
    assert "</script><script>alert(1)</script>" in header["columns"][0]["names"][0]
    assert [text[:3] for text in header["columns"][1]["texts"][:3]] == ["0</", "1</", "2</"]


def test_the_policy_allows_the_code_of_the_page_and_nothing_else():
    text = html(np.eye(2), title="A map").text
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)[1]
    script, style = (
        f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'" for part in (script, style)
    )
    assert policy == (
        f"default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'"
    )
    assert "http" not in text.replace("http-equiv", "")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(| style=| on\w+=", text)
    assert "{{" not in text


def test_sixty_thousand_titles_take_little_room(rng):
    words = np.array(["map", "point", "cluster", "of", "neighbours", "large", "small", "new", "old", "text"])
    titles = [" ".join(words[rng.integers(0, 10, 5)]) + f" {i}" for i in range(60_000)]
    page = html(rng.normal(size=(60_000, 2)), rng.integers(0, 20, 60_000), hover={"title": titles})
    assert 0.3e6 < len(page.text) < 1.1e6
    assert "MB" in repr(page)
    assert len(repr(page)) < 60


def test_the_same_map_gives_the_same_page(rng):
    Y = rng.normal(size=(50, 1))
    assert html(Y, hover={"x": Y[:, 0]}) == html(Y, hover={"x": Y[:, 0]})


def test_pages_are_saved(tmp_path, rng):
    Y = rng.normal(size=(20, 2))
    page = html(Y, path=tmp_path / "one.html", title="été")
    assert isinstance(page, Page)
    page.save(str(tmp_path / "two.HTM"))
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.HTM").read_bytes() == page.text.encode()


def test_notebooks_get_a_frame(rng):
    page = html(rng.normal(size=(20, 2)), title=EVIL)
    frame = page._repr_html_()
    assert frame.startswith("<iframe ")
    inner = re.search(r'srcdoc="([^"]*)"', frame)[1]
    assert markup.unescape(inner) == page.text
    assert "allow-same-origin" not in frame


def test_pages_need_nothing_but_numpy():
    code = """
import sys
import numpy as np
from opentsne_like.plotting import html
html(np.eye(3)[:, :2], ["a", "b", "c"], hover={"x": [0.5, 1.5, 2.5], "t": ["p", "q", "r"]}, images=np.ones((3, 2, 2)))
assert not {"matplotlib", "PIL", "pandas", "numba", "sklearn"} & set(sys.modules)
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def test_without_matplotlib_other_colors_name_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"opentsne-like\[plot\]"):
        html(np.eye(2), colors="red")


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda Y: html(np.zeros((5, 3))), InvalidParameterError, "`embedding` must have 1 or 2 columns for a page"),
        (lambda Y: html(Y * np.nan), InvalidParameterError, "`embedding` must be finite"),
        (lambda Y: html(Y, [1, 2]), InvalidParameterError, r"`labels` must be one per point, shape \(6,\)"),
        (lambda Y: html(Y, ["a"] * 6, categorical=False), InvalidTypeError, "`labels` must be numbers or times"),
        (lambda Y: html(Y, colors="nocolor"), InvalidParameterError, "`colors` must be colours that matplotlib knows"),
        (lambda Y: html(Y, Y[:, 0], colors="nomap"), InvalidParameterError, "matplotlib's colormaps"),
        (lambda Y: html(Y, title=3), InvalidTypeError, "`title` must be text, got 3"),
        (lambda Y: html(Y, label_name=3), InvalidTypeError, "`label_name` must be text, got 3"),
        (lambda Y: html(Y, hover=["a"] * 6), InvalidTypeError, "`hover` must be a mapping .* such as .*got a list"),
        (lambda Y: html(Y, hover={"t": [1]}), InvalidParameterError, r"`hover\['t'\]` must be one per point"),
        (lambda Y: html(Y, hover={"t": [{}] * 6}), InvalidTypeError, r"`hover\['t'\]` must be numbers or names"),
        (lambda Y: html(Y, hover={"t": "abcdef"}), InvalidTypeError, r"`hover\['t'\]` must be a sequence"),
        (lambda Y: html(Y, images="a.png"), InvalidTypeError, "`images` must be one per point, .* got a str"),
        (lambda Y: html(Y, images=5), InvalidTypeError, "`images` must be one per point, .* got a int"),
        (lambda Y: html(Y, images=["a.png"]), InvalidParameterError, "one per point, 6, got 1 paths"),
        (lambda Y: html(Y, images=["no.png"] * 6), StorageError, "`images` must be files that can be read, got 'no.p"),
        (lambda Y: html(Y, images=[__file__] * 6), InvalidParameterError, "PNG, JPEG, GIF or WebP files, got"),
        (lambda Y: html(Y, images=["a.png", 3, 3, 3, 3, 3]), StorageError, "`images` must be files"),
        (lambda Y: html(Y, images=np.ones((5, 2, 2))), InvalidParameterError, r"shape \(6, height, width\).*\(5, 2"),
        (lambda Y: html(Y, images=np.ones((6, 2))), InvalidParameterError, r"got shape \(6, 2\)"),
        (lambda Y: html(Y, images=np.ones((6, 2, 2, 2))), InvalidParameterError, r"got shape \(6, 2, 2, 2\)"),
        (lambda Y: html(Y, images=np.ones((6, 0, 2))), InvalidParameterError, r"got shape \(6, 0, 2\)"),
        (lambda Y: html(Y, images=np.full((6, 2, 2), np.nan)), InvalidParameterError, "`images` must be finite"),
        (lambda Y: html(Y, images=np.full((6, 2, 2), 1j)), InvalidTypeError, "`images` must be numbers or paths"),
        (
            lambda Y: html(Y, images=[np.ones((i + 1, 2)) for i in range(6)]),
            InvalidParameterError,
            "`images` must all have the same shape",
        ),
    ],
)
def test_bad_input(tmp_path, rng, call, error, message):
    with pytest.raises(error, match=message):
        call(rng.normal(size=(6, 2)))


def test_paths_are_checked_before_the_work(tmp_path):
    for path, error, message in (
        (tmp_path / "map.png", InvalidParameterError, "`path` must end in .html, got"),
        (tmp_path / "no" / "map.html", StorageError, "`path` must be in an existing folder"),
        (tmp_path, StorageError, "`path` must be a file, got the folder"),
    ):
        with pytest.raises(error, match=message):
            html("no map at all", path=path)
    assert not list(tmp_path.iterdir())


def test_pages_that_no_browser_can_hold_are_refused(rng, monkeypatch):
    from opentsne_like.plotting.page import payload

    monkeypatch.setattr(payload, "_MOST", 1000)
    with pytest.raises(InvalidParameterError, match="`hover` and `images` must take at most"):
        html(rng.normal(size=(6, 2)), images=rng.integers(0, 256, (6, 40, 40)))
