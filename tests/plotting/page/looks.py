"""What is to be seen on a page."""

from __future__ import annotations

import io

import numpy as np


def pixels(browser):
    """Return the picture of the window as an array of bytes."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB")).astype(int)


def colored(browser, color, tolerance=60):
    """Return how many pixels have about a colour."""
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels(browser) - wanted).max(axis=2) < tolerance).sum())


def places(browser):
    """Return where on the screen all points are, (n, 2)."""
    return np.array(browser.value("Array.from({ length: viewer.data.points.n }, (_, i) => viewer.placeOf(i))"))


def alone(browser):
    """Return a point with no other near by."""
    at = places(browser)
    gaps = np.linalg.norm(at[:, None] - at[None], axis=2) + 1e9 * np.eye(len(at))
    return int(gaps.min(axis=1).argmax())


def drawn(browser):
    """Return how many points are drawn."""
    return browser.value("viewer.shades.order.length")
