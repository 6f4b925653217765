"""What a page says of its points, and how they are found and selected."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest

from opentsne_like.plotting import PALETTE, html
from tests.plotting.page.browser import DOWN, UP, move
from tests.plotting.page.looks import alone, colored, drawn, pixels, places

SHIFT = "\ue008"
ESCAPE = "\ue00c"
ENTER = "\ue007"


# --- points --------------------------------------------------------------------------------------


def test_a_point_under_the_pointer_shows_its_columns(page, data):
    i = alone(page)
    _, labels, hover = data
    page.mouse(move(*places(page)[i] + [2, -2]))
    card = page.text(".card.passing")
    expected = ["label", labels[i], "title", f"point number {i},", "half", str(hover["half"][i]), "row", str(i)]
    assert all(text in card for text in expected if text)
    if np.isfinite(hover["height"][i]):
        assert f"height{hover['height'][i]:.6g}" in card
    page.mouse(move(5, 540))
    assert page.value("document.querySelectorAll('.card').length") == 0


def test_clicks_pin_cards_which_follow_their_points(page):
    at = places(page)
    first, second = alone(page), int(np.argmin(at[:, 0]))  # cards are to the right
    for i in (first, second):
        page.mouse(move(*at[i]), DOWN, UP)
    assert sorted(page.value("[...viewer.pins.keys()]")) == sorted({first, second})
    page.mouse(move(5, 540))
    assert page.value("document.querySelectorAll('.card.pinned').length") == 2
    place = "document.querySelector('.card').getBoundingClientRect().x"
    before = page.value(place)
    page.mouse(move(5, 540), DOWN, move(45, 540), UP)
    assert page.value(place) == pytest.approx(before + 40, abs=1)
    page.click(".card .close")
    assert page.value("[...viewer.pins.keys()]") == [second]
    page.press(ESCAPE)
    assert page.value("document.querySelectorAll('.card').length") == 0


def test_picking_agrees_with_all_distances(page):
    at = places(page)
    random = np.random.default_rng(0)
    spots = np.round(random.uniform([0, 0], [760, 550], size=(300, 2)), 2)
    found = page.run("return arguments[0].map(([x, y]) => viewer.pick(x, y))", spots.tolist())
    gaps = np.linalg.norm(spots[:, None] - at, axis=2)
    expected = np.where(gaps.min(axis=1) <= 8, gaps.argmin(axis=1), -1)
    np.testing.assert_array_equal(found, expected)
    assert (expected >= 0).sum() > 20


# --- classes and selections ----------------------------------------------------------------------


def test_the_legend_toggles_classes(page):
    entries = page.value("[...document.querySelectorAll('.entry')].map((entry) => entry.textContent)")
    assert entries == ["left200", "right200", "no label200"]
    page.click(".entry")
    assert drawn(page) == 400
    assert colored(page, PALETTE[0], 30) < 100  # the swatch; text is greyer than that
    assert page.value("viewer.pick(...viewer.placeOf(3))") == -1
    page.click(".entry")
    assert drawn(page) == 600
    page.click(".entry:nth-child(3)", times=2)
    assert page.value("[...viewer.hidden].sort()") == [0, 1]
    assert drawn(page) == 200


def test_colors_by_any_column(page, data):
    names = page.value("[...document.getElementById('by').options].map((option) => option.text)")
    assert names == ["label", "height", "half", "one colour"]

    def choose(i):
        page.run(
            "const by = document.getElementById('by'); by.selectedIndex = arguments[0];"
            "by.dispatchEvent(new Event('change'))",
            i,
        )
        page.frame()

    choose(1)
    assert colored(page, "#fde725") > 20
    assert colored(page, "#472f7d") > 100
    height = data[2]["height"]
    assert page.text(".entry") == f"no value{np.isnan(height).sum()}"
    choose(2)
    entries = page.value("[...document.querySelectorAll('.entry')].map((entry) => entry.textContent)")
    assert entries == ["0300", "1300"]
    choose(3)
    assert page.value("document.querySelectorAll('.entry').length") == 0
    assert colored(page, "#2f6690") > 3000


def test_many_classes_are_bounded(browser, tmp_path):
    labels = [f"class {i % 300}" for i in range(3000)] + ["large"] * 20
    html(np.random.default_rng(0).normal(size=(3020, 2)), labels, path=tmp_path / "map.html")
    browser.open(tmp_path / "map.html")
    entries = browser.value("[...document.querySelectorAll('.entry')].map((entry) => entry.textContent)")
    assert len(entries) == 104
    assert "large20" in entries
    assert entries[-1] == "and 198 more1,980"
    browser.run("document.querySelector('.entry:last-child').click()")
    assert drawn(browser) == 3020 - 1980


def test_search_finds_texts_and_classes(page):
    page.press("/")
    page.press(*"Number 59")
    page.wait("!document.getElementById('chosen').hidden")
    assert page.value("viewer.chosen()") == [59, *range(590, 600)]
    assert page.text("#count") == "11 points"
    box = "document.getElementById('search')"
    page.run(f"{box}.value = 'RIGHT'; {box}.dispatchEvent(new Event('input'))")
    page.wait("viewer.chosen().length === 200")
    assert page.value("viewer.chosen()") == list(range(200, 400))
    before = np.ptp(places(page)[200:400], axis=0)
    page.press(ENTER)
    assert (np.ptp(places(page)[200:400], axis=0) > 1.5 * before).all()
    page.press(ESCAPE)
    assert page.value("viewer.selected") is None


def test_the_lasso_gives_the_rows_inside(page, data):
    at = places(page)
    (left, top), (right, bottom) = at[200:400].min(axis=0), at[200:400].max(axis=0)
    middle = (left + right) / 2
    corners = np.round([[middle, top - 5], [right + 5, (top + bottom) / 2], [middle, bottom + 5], [left - 5, top + 9]])
    steps = [move(*corners[0]), DOWN, *[move(*corner) for corner in [*corners[1:], corners[0]]], UP]
    held = [{"type": "keyDown", "value": SHIFT}, *[{"type": "pause"}] * len(steps), {"type": "keyUp", "value": SHIFT}]
    page.mouse({"type": "pause"}, *steps, keys=held)
    from matplotlib.path import Path as Outline

    inside = np.flatnonzero(Outline([*corners, corners[0]], closed=True).contains_points(at))
    assert 50 < len(inside) < 190
    assert page.value("viewer.chosen()") == inside.tolist()
    assert page.text("#count") == f"{len(inside)} points"
    check_table(page, data, inside)
    page.run("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    page.click("#copy")
    assert page.value("window.copied") == ", ".join(map(str, inside))
    page.click("#clear")
    assert page.value("document.getElementById('chosen').hidden")


def check_table(page, data, rows):
    """The table that is saved has the selected rows, with their places and texts."""
    page.click("#save")
    file = Path(page.folder) / "points.csv"
    give_up = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < give_up
        time.sleep(0.05)
    with file.open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    file.unlink()
    Y, labels, hover = data
    assert list(table[0]) == ["row", "x", "y", "label", *hover]
    assert [int(line["row"]) for line in table] == rows.tolist()
    found = [[float(line["x"]), float(line["y"])] for line in table]
    np.testing.assert_allclose(found, Y[rows], atol=np.ptp(Y, axis=0).max() / 131_070 * 1.001)
    assert [line["label"] or None for line in table] == labels[rows].tolist()
    assert all(line["title"].startswith(f"point number {i}, </script>") for line, i in zip(table, rows, strict=True))


def test_the_lasso_by_its_button(page):
    page.run("viewer.startLasso(50, 50); viewer.extendLasso(150, 50); viewer.extendLasso(150, 150)")
    page.frame()
    assert pixels(page)[52, 100].tolist() != [255, 255, 255]  # the line is seen while it is drawn
    page.run("viewer.dropLasso()")
    assert page.value("document.getElementById('line').getAttribute('points')") == ""
    at = places(page)[:200]
    page.click("#lasso")
    (left, top), (right, bottom) = at.min(axis=0) - 9, at.max(axis=0) + 9
    page.mouse(move(left, top), DOWN, move(right, top), move(right, bottom), move(left, bottom), UP)
    assert page.value("viewer.chosen()") == list(range(200))
    assert page.value("viewer.lassoing") is False
