"""What is drawn on a page, and that nothing on it acts but its own code."""

from __future__ import annotations

import time

import numpy as np
import pytest

from opentsne_like.plotting import PALETTE, html
from tests.plotting.page.browser import browsing, move
from tests.plotting.page.looks import alone, colored, drawn, pixels, places


def test_points_are_drawn_by_webgl_in_the_colors_of_their_classes(page):
    assert page.value("viewer.painter.constructor.name") == "GLPainter"
    assert min(colored(page, color) for color in (*PALETTE[:2], "#d8d8d8")) > 1000
    assert drawn(page) == 600


def test_places_are_those_of_the_map(page, data):
    at = places(page) * [1, -1]
    Y = data[0]
    scale = np.linalg.norm(at[0] - at[500]) / np.linalg.norm(Y[0] - Y[500])
    np.testing.assert_allclose(at - at[0], (Y - Y[0]) * scale, atol=0.05)
    width, height = page.value("[viewer.camera.width, viewer.camera.height]")
    assert places(page).min() > 0
    assert (places(page) < [width - 220, height]).all()  # beside the legend


def test_titles_and_texts_are_text(page):
    assert page.text("h1") == page.value("document.title.trim()")
    assert page.value("document.querySelector('h1').children.length") == 0
    assert "</script><script>window.evil" in page.text("h1")
    x, y = places(page)[5]
    page.mouse(move(x, y))
    assert "onerror" in page.text(".card")
    assert page.value("document.querySelectorAll('.card img, .card script').length") == 0


def test_the_policy_forbids_the_network(browser, data, tmp_path):
    html(data[0], path=tmp_path / "map.html")
    browser.open(tmp_path / "map.html")
    blocked = """return fetch("data:text/plain,hello").then(() => false, () => true)"""
    assert browser.run(blocked)
    assert any("Content Security Policy" in text for text in browser.complaints())


def test_the_page_follows_dark_mode(page):
    try:
        for value, paper in (("dark", [22, 24, 27]), ("light", [255, 255, 255])):
            page.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])
            page.frame()
            assert pixels(page)[-1, 0].tolist() == paper
            grey = "#4b4f55" if value == "dark" else "#d8d8d8"
            assert colored(page, grey, 12) > 300
    finally:
        page.devtools("Emulation.setEmulatedMedia", features=[])


def test_without_webgl_pixels_are_drawn(data, tmp_path):
    Y, labels, hover = data
    html(Y, labels, hover=hover, path=tmp_path / "map.html")
    with browsing("--disable-3d-apis") as plain:
        plain.open(tmp_path / "map.html")
        assert plain.value("viewer.painter.constructor.name") == "PixelPainter"
        assert min(colored(plain, color) for color in (*PALETTE[:2], "#d8d8d8")) > 1000
        i = alone(plain)
        plain.mouse(move(*places(plain)[i]))
        assert f"point number {i}," in plain.text(".card")
        assert plain.complaints() == []


@pytest.mark.parametrize("kind", ["grey", "colour", "files"])
def test_pictures_are_shown(browser, tmp_path, kind):
    from PIL import Image

    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    Y = np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]])
    if kind == "grey":
        pictures[..., 1:] = pictures[..., :1]
        images = pictures[..., 0]
    elif kind == "colour":
        images = pictures
    else:
        images = [tmp_path / f"{i}.png" for i in range(4)]
        for picture, path in zip(pictures, images, strict=True):
            Image.fromarray(picture).save(path)
        images[3] = None
    html(Y, images=images, path=tmp_path / "map.html")
    browser.complaints()
    browser.open(tmp_path / "map.html")
    for i in range(4):
        browser.mouse(move(5, 5))
        browser.mouse(move(*places(browser)[i]))
        if images[i] is None:
            assert browser.value("document.querySelector('.card canvas')") is None
            continue
        browser.wait("document.querySelector('.card canvas').height === 6")
        shown = browser.value(
            "[...document.querySelector('.card canvas').getContext('2d').getImageData(0, 0, 5, 6).data]"
        )
        np.testing.assert_array_equal(np.reshape(shown, (6, 5, 4))[..., :3], pictures[i])
    assert browser.complaints() == []


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("dims", [1, 2])
def test_small_and_coincident_maps(browser, tmp_path, n, dims):
    for Y in (np.ones((n, dims)), np.arange(n * dims, dtype=float).reshape(n, dims)):
        html(Y, np.arange(n), path=tmp_path / "map.html")
        browser.complaints()
        browser.open(tmp_path / "map.html")
        assert np.isfinite(places(browser)).all()
        assert colored(browser, PALETTE[0]) > 20
        assert browser.complaints() == []


def test_notebooks_show_the_page_in_a_frame(browser, data, tmp_path):
    frame = html(*data[:2], title="A map")._repr_html_()
    file = tmp_path / "notebook.html"
    file.write_text(f"<!doctype html><html data-ready=1><meta charset=utf-8><p id=message>{frame}", encoding="utf-8")
    browser.complaints()
    browser.open(file)
    give_up = time.monotonic() + 30
    while colored(browser, PALETTE[0]) < 1000:  # nobody reaches into the frame to ask
        assert time.monotonic() < give_up
    assert browser.complaints() == []


def test_a_map_that_moves_late_is_drawn_in_part_and_then_whole(browser, tmp_path):
    n = 30_000
    html(np.random.default_rng(0).normal(size=(n, 2)), path=tmp_path / "map.html")
    browser.open(tmp_path / "map.html")
    counts = browser.run("""
        const counts = [], draw = viewer.painter.draw.bind(viewer.painter);
        viewer.painter.draw = (camera, size, ratio, count) => { counts.push(count); draw(camera, size, ratio, count); };
        window.counts = counts;
        viewer.move(performance.now() - 500);
        viewer.move(performance.now());
        return counts;
    """)
    assert counts == [n, 20_000]
    browser.wait("counts.length > 2")
    assert browser.value("counts[2]") == n


@pytest.mark.slow
@pytest.mark.parametrize("n", [100_000, 1_000_000])
def test_many_points_answer_within_a_frame(browser, tmp_path, n, record_property):
    random = np.random.default_rng(0)
    centers = random.uniform(-40, 40, size=(30, 2))
    labels = random.integers(0, 30, n)
    html(centers[labels] + random.normal(size=(n, 2)) * 2, labels, path=tmp_path / "map.html")
    browser.open(tmp_path / "map.html")
    assert drawn(browser) == n
    figures = browser.run("""
        const many = 2000, gl = viewer.painter.gl, pixel = new Uint8Array(4);
        const spots = Array.from({ length: many }, (_, k) => [(k * 37) % 760, (k * 91) % 550]);
        let began = performance.now();
        const hits = spots.filter(([x, y]) => viewer.pick(x, y) >= 0).length;
        const pick = (performance.now() - began) / many;
        let slowest = 0;
        for (const [x, y] of spots) {
          const start = performance.now(); viewer.pick(x, y); slowest = Math.max(slowest, performance.now() - start);
        }
        const times = [];
        for (let k = 0; k < 5; k++) {
          began = performance.now();
          viewer.camera.zoom(1.05); viewer.draw();
          gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
          times.push(performance.now() - began);
        }
        began = performance.now(); viewer.recolor(); const recolor = performance.now() - began;
        return { hits, pick, slowest, frame: times.sort((a, b) => a - b)[2], recolor };
    """)
    print(f"\n{n:,} points, {(tmp_path / 'map.html').stat().st_size / 1e6:.1f} MB, milliseconds: {figures}")
    for name, value in figures.items():
        record_property(name, value)
    assert figures["hits"] > 100
    assert figures["pick"] < 16
