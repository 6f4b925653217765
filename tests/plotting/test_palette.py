"""Whether the colours of classes are told apart, by CIEDE2000 and by eyes that lack a kind of cones."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.plotting import PALETTE
from opentsne_like.plotting.colors import MISSING

XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
# What is left of linear sRGB without one kind of cones: G. M. Machado, M. M. Oliveira & L. A. F. Fernandes, A
# physiologically-based model for simulation of color vision deficiency, IEEE Trans. Vis. Comput. Graph. 2009.
EYES = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colors, eyes="all cones"):
    """Return CIE Lab, white of D65, of colours such as "#1f77b4"."""
    srgb = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(EYES[eyes]), 0, 1) @ XYZ.T / XYZ.sum(axis=1)
    f = np.where(seen > 216 / 24389, np.cbrt(seen), (24389 / 27 * seen + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def ciede2000(one, other):
    """Return the difference of two colours in Lab (CIE 142-2001), written as in G. Sharma et al. 2005."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    grown = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    c1, c2 = np.hypot(a1 * grown, b1), np.hypot(a2 * grown, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * grown)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    light, chroma, hue = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    l, c = (l1 + l2) / 2, (c1 + c2) / 2  # noqa: E741
    h = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    waves = ((0.17, 1, -30), (-0.24, 2, 0), (-0.32, 3, 6), (0.2, 4, -63))
    t = 1 - sum(size * np.cos(np.radians(k * h + shift)) for size, k, shift in waves)
    of_l = 1 + 0.015 * (l - 50) ** 2 / np.sqrt(20 + (l - 50) ** 2)
    of_c, of_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    rotation = -2 * np.sqrt(c**7 / (c**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2))))
    x, y, z = light / of_l, chroma / of_c, hue / of_h
    return np.sqrt(x * x + y * y + z * z + rotation * y * z)


def closest(colors, eyes="all cones"):
    """Return the smallest difference of two colours, or of one from white or the grey of points without a label."""
    seen, others = lab(colors, eyes), lab([MISSING, "#ffffff"], eyes)
    return min(ciede2000(one, other) for i, one in enumerate(seen) for other in [*seen[:i], *others])


@pytest.mark.parametrize(  # pairs 1, 7, 13, 17 and 25 of the published test data
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_difference_is_the_published_one(one, other, expected):
    assert ciede2000(one, other) == pytest.approx(expected, abs=1e-4)


def test_sixty_four_colours_are_told_apart():
    assert len(PALETTE) == 64
    assert closest(PALETTE) > 10
    assert closest(PALETTE[:32]) > 14


@pytest.mark.parametrize(("eyes", "least"), [(eyes, 20 if eyes == "all cones" else 12) for eyes in EYES])
def test_the_first_ten_are_told_apart_by_all_eyes(eyes, least):
    assert closest(PALETTE[:10], eyes) > least
