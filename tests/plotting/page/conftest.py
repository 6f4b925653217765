"""A browser, and a page that is open in it."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.plotting import html
from tests.plotting.page.browser import browsing, is_installed

EVIL = "</script><script>window.evil = 1</script><img src=x onerror='window.evil = 1'>\u2028\"'&{{script}}"


@pytest.fixture(autouse=True, scope="session")
def _needs_a_browser():
    if not is_installed():
        pytest.skip("needs Chromium and its driver")


@pytest.fixture(scope="module")
def browser():
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def data():
    """Three groups of 200 points, with a text for each point, a quantity, and a class where there is one."""
    random = np.random.default_rng(1)
    Y = np.repeat([[0, 0], [12, 0], [0, 12]], 200, axis=0) + random.normal(size=(600, 2))
    labels = np.repeat(["left", "right", None], 200).astype(object)
    hover = {
        "title": [f"point number {i}, {EVIL}" for i in range(600)],
        "height": np.where(np.arange(600) % 7, Y[:, 1], np.nan),
        "half": np.arange(600) // 300,
    }
    return Y, labels, hover


@pytest.fixture
def page(browser, data, tmp_path):
    """The page of the data, open; afterwards nobody has complained, and no foreign text has become code."""
    Y, labels, hover = data
    html(Y, labels, hover=hover, title=EVIL, path=tmp_path / "map.html")
    browser.complaints()
    browser.open(tmp_path / "map.html")
    yield browser
    assert browser.complaints() == []
    assert browser.value("window.evil === undefined")
