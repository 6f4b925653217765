"""How a map is moved by mouse, fingers and keys."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.plotting import html
from tests.plotting.page.browser import DOWN, UP, move
from tests.plotting.page.looks import pixels, places

LEFT = "\ue012"


def test_the_map_is_dragged(page):
    before = places(page)
    page.mouse(move(100, 500), DOWN, move(130, 480), move(160, 440), UP)
    np.testing.assert_allclose(places(page) - before, np.tile([60, -60], (600, 1)), atol=1e-6)


def test_the_wheel_zooms_about_the_pointer(page):
    before = places(page)
    wheel = {"type": "scroll", "duration": 0, "x": 200, "y": 300, "deltaX": 0, "deltaY": -200, "origin": "viewport"}
    page.act({"type": "wheel", "id": "wheel", "actions": [wheel]})
    np.testing.assert_allclose(places(page) - [200, 300], (before - [200, 300]) * np.exp(0.4), rtol=1e-6)
    page.click("#fit")
    np.testing.assert_allclose(places(page), before, atol=1e-6)


def test_two_fingers_zoom_and_one_moves(page):
    before = places(page)

    def finger(name, *at):
        steps = [move(*at[0]), DOWN, *[move(*place) for place in at[1:]], UP]
        return {"type": "pointer", "id": name, "parameters": {"pointerType": "touch"}, "actions": steps}

    page.act(finger("a", (300, 300), (320, 310), (340, 320)))
    np.testing.assert_allclose(places(page) - before, np.tile([40, 20], (600, 1)), atol=1e-6)
    before = places(page)
    page.act(finger("a", (300, 300), (250, 300), (200, 300)), finger("b", (400, 300), (450, 300), (500, 300)))
    np.testing.assert_allclose(places(page) - [350, 300], (before - [350, 300]) * 3, atol=2)


def test_the_map_fits_the_window_until_it_is_moved(page):
    def resize(width, height):
        page.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        page.wait(f"viewer.camera.width === {width}")
        page.frame()
        return places(page)

    try:
        for width, height in ((1000, 300), (400, 700)):
            at = resize(width, height)
            assert at.min() >= 0
            assert (at <= [width, height]).all()
            legend = page.value("document.getElementById('side').getBoundingClientRect()")
            assert (at[:, 0] < legend["x"]).all() or (at[:, 1] > legend["y"] + legend["height"]).all()
        page.press("+")
        before = places(page) - [200, 350]
        np.testing.assert_allclose(resize(600, 500) - [300, 250], before, atol=1e-6)
    finally:
        page.devtools("Emulation.clearDeviceMetricsOverride")


def test_keys_move_and_zoom(page):
    before = places(page)
    page.press(LEFT)
    assert (places(page) - before)[0, 0] > 20
    page.press("+", "+")
    assert np.ptp(places(page)[:, 0]) == pytest.approx(1.25**2 * np.ptp(before[:, 0]))
    page.press("0")
    np.testing.assert_allclose(places(page), before, atol=1e-6)


def test_points_stay_apart_at_the_largest_zoom(browser, tmp_path):
    """Beside a far outlier, 16 bits would put all others into one place."""
    Y = np.vstack([np.random.default_rng(0).normal(size=(500, 2)), [[1e6, 1e6]]])
    html(Y, path=tmp_path / "map.html")
    browser.open(tmp_path / "map.html")
    mask = "Uint8Array.from({ length: 501 }, (_, i) => i < 500)"
    browser.run(f"viewer.fit({mask})")
    browser.frame()
    at = places(browser)[:500] * [1, -1]
    scale = np.ptp(at[:, 0]) / np.ptp(Y[:500, 0])
    np.testing.assert_allclose(at - at[0], (Y[:500] - Y[0]) * scale, atol=0.5)
    found = browser.value("Array.from({ length: 500 }, (_, i) => viewer.pick(...viewer.placeOf(i)))")
    assert np.mean(np.array(found) == np.arange(500)) > 0.98  # a few are within a step of each other
    picture = pixels(browser)
    for x, y in places(browser)[:50].round().astype(int):
        assert picture[y - 1 : y + 2, x - 1 : x + 2].min() < 200
