"""Spreading, convolving and gathering against sums over all nodes, and against the operations of the CPU."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import gpu, ops
from opentsne_like.errors import UnsupportedDimensionError
from opentsne_like.gpu.fourier import factors_of
from opentsne_like.gpu.grid import MANY_WINDOW
from opentsne_like.repulsion import Gaussian, StudentT, fft

from . import oracles
from .oracles import a_map, check_same, on_grid

MAPS = [
    ("even", 1, 1.0),
    ("clustered", 1, 1.0),
    ("even", 2, 1.0),
    ("clustered", 2, 1.0),
    ("stray", 2, 1.0),
    ("clustered", 2, 1e-4),
    ("even", 2, 6.0),
    ("clustered", 1, 200.0),
]


@pytest.mark.parametrize(("kind", "d", "scale"), MAPS)
def test_spread(kind, d, scale, both_ways, card):
    points = a_map(kind, 400, d, scale)
    grid, place = on_grid(points)
    mine = both_ways(lambda: card.spread(points, place, grid, gpu.Workspace(), 1).copy())
    assert mine.shape == grid.shape
    there = oracles.spread(points, place, grid, np.ones((400, 1)))
    rows, columns = oracles.weights(points, place, grid)
    touching = 1.0 * (rows > 0).T @ (columns > 0)  # points at each node, each of which is rounded twice
    bound = touching * 2.0**-22 + 2e-6 * there
    assert (np.abs(mine - there) <= bound).all()
    theirs = ops.spread(points, place, grid, ops.Workspace(), 1)[..., : grid.shape[2]]
    assert (np.abs(mine - theirs) <= bound + 2e-6 * there).all()


@pytest.mark.parametrize(("kind", "d", "scale"), MAPS)
def test_spreading_has_the_same_bits_for_any_order_of_points_and_any_blocks(kind, d, scale, card, monkeypatch):
    points = a_map(kind, 700, d, scale)
    grid, place = on_grid(points)
    once = card.spread(points, place, grid, gpu.Workspace(), 1).copy()
    shuffled = np.random.default_rng(1).permutation(points)
    along = np.ascontiguousarray(points[card.morton_order(points, 1)])
    for window in ((128, 4096), (32, 40), (96, 300), MANY_WINDOW, (1024, 40_000)):
        monkeypatch.setattr(gpu.grid, "FEW_WINDOW", window)
        for each in (points, shuffled, along):
            check_same(card.spread(each, place, grid, gpu.Workspace(), 1), once)


def test_spreading_leaves_out_what_is_not_within_the_grid(card):
    grid = ops.Grid(1.0, (1, 16, 16), (1, 32, 32))
    place = ops.Place(np.zeros(2), np.full(2, 7.0), 1.0)
    points = np.array([[0.0, 0.0], [1e9, 0.0], [0.0, -4.1], [np.nan, 0.0], [3.1, 0.0]])
    charges = card.spread(points, place, grid, gpu.Workspace(), 1)
    assert charges.sum() == pytest.approx(1.0, abs=1e-5)
    assert not card.spread(points[1:], place, grid, gpu.Workspace(), 1).any()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5])
@pytest.mark.parametrize("d", [1, 2])
def test_spread_charges(d, scale, both_ways, card):
    points = a_map("clustered", 300, d)
    grid, place = on_grid(points)
    charges = (scale * np.random.default_rng(0).normal(size=(300, 3))).astype(np.float32)
    charges[:, 2] = 0
    mine = both_ways(lambda: card.spread(points, place, grid, gpu.Workspace(), 1, charges).copy())
    there = oracles.spread(points, place, grid, charges)
    np.testing.assert_allclose(mine[:, 0], there, rtol=1e-5, atol=1e-6 * scale)
    order = np.random.default_rng(1).permutation(300)
    check_same(card.spread(points[order], place, grid, gpu.Workspace(), 1, charges[order]), mine)


@pytest.mark.parametrize("length", [*range(1, 50), 128, 600, 1024, 13 * 49, 4099])
def test_factors(length):
    assert np.prod(factors_of(length)) == length


SHAPES = [(1, 16), (1, 31), (1, 45), (16, 16), (15, 16), (16, 27), (25, 20), (24, 64), (18, 14)]


@pytest.mark.parametrize("memory", ["shared", "of all"])
@pytest.mark.parametrize("shape", SHAPES)
def test_convolve(shape, memory, both_ways, card, monkeypatch):
    """With any even spectrum, against the sum over all pairs of nodes."""
    if memory == "of all":
        monkeypatch.setattr(card.device, "shared_bytes", 100)
        monkeypatch.setattr(gpu.fourier, "BLOCKS", 3)
    rng = np.random.default_rng(0)
    padded = (1, 2 * shape[0] if shape[0] > 1 else 1, 2 * shape[1])
    grid = ops.Grid(1.0, (1, *shape), padded)
    spectrum = rng.normal(size=[n // 2 + 1 if n > 1 else 1 for n in padded])
    charges = rng.normal(size=(1, *shape)).astype(np.float32)
    arranged, work = card.arrange(spectrum, grid), gpu.Workspace()
    mine = both_ways(lambda: card.convolve(charges.copy(), arranged, grid, work, 1))
    rows = np.minimum(np.arange(padded[1]), padded[1] - np.arange(padded[1]))
    kernel = np.fft.irfft2(spectrum[0][rows], s=padded[1:])
    if shape[0] == 1:
        kernel = np.repeat(kernel, 2, axis=0)
    there = oracles.convolved(charges[0].astype(np.float64), kernel)
    np.testing.assert_allclose(mine[0], there, rtol=0, atol=2e-6 * np.abs(there).max())


@pytest.mark.parametrize("shape", [(96, 128), (125, 81), (60, 200)])
def test_convolve_is_that_of_the_cpu(shape, card):
    rng = np.random.default_rng(0)
    grid = ops.Grid(1.0, (1, *shape), (1, 2 * shape[0], 2 * shape[1]))
    spectrum = rng.normal(size=(1, shape[0] + 1, shape[1] + 1))
    place = ops.Place(np.zeros(2), np.full(2, 7.0), 1.0)
    points = rng.uniform(0, 40, size=(500, 2))
    work = ops.Workspace()
    theirs = ops.spread(points, place, grid, work, 1)
    charges = theirs[..., : shape[1]].copy()
    ops.convolve(theirs, ops.arrange(spectrum, grid), grid, work, 1)
    mine = card.convolve(charges, card.arrange(spectrum, grid), grid, gpu.Workspace(), 1)
    np.testing.assert_allclose(mine, theirs[..., : shape[1]], rtol=0, atol=3e-6 * np.abs(theirs).max())


def influence_of(card, grid, radial):
    """Return the influence function and the self-interaction, as `repulsion` has them made for a device."""
    made = fft.make_influence(grid, radial, gpu)
    return card.back((made.spectrum, made.own))


@pytest.mark.parametrize("radial", [StudentT(), StudentT(0.5), Gaussian()])
@pytest.mark.parametrize("shape", [(16, 16), (20, 27), (45, 32)])
@pytest.mark.parametrize("spacing", [0.36, 1e-3])
def test_influence(spacing, shape, radial, both_ways, card):
    grid = ops.Grid(spacing, (1, *shape), (1, 2 * shape[0], 2 * shape[1]))
    mine, own = both_ways(lambda: influence_of(card, grid, radial))
    expected = fft.make_influence(grid, radial)
    np.testing.assert_allclose(own, expected.own, rtol=1e-9, atol=1e-15)
    rng = np.random.default_rng(0)
    charges = rng.normal(size=(1, *shape)).astype(np.float32)
    there = np.zeros((1, shape[0], ops.plane.row_length(shape[1])), np.float32)
    there[..., : shape[1]] = charges
    ops.convolve(there, expected.spectrum, grid, ops.Workspace(), 1)
    here = card.convolve(charges, mine, grid, gpu.Workspace(), 1)
    np.testing.assert_allclose(here, there[..., : shape[1]], rtol=0, atol=1e-5 * np.abs(there).max())


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("kind", "d", "scale"), MAPS)
def test_gather(kind, d, scale, own, both_ways, card):
    points = a_map(kind, 400, d, scale)
    grid, place = on_grid(points)
    rng = np.random.default_rng(0)
    potential = rng.normal(size=grid.shape).astype(np.float32)
    harmonics = np.zeros((3, 3, 3))
    if own:
        harmonics[:1, : 3 if d == 2 else 1] = rng.normal(size=(1, 3 if d == 2 else 1, 3))
    arguments = (potential, points, place, grid, harmonics, 7.0)
    found, missing = both_ways(lambda: card.gather(*arguments, -np.inf, 1))
    theirs, _ = ops.gather(*arguments, -np.inf, 1)
    assert missing == 0
    where = (points, place, grid)
    there = 7.0 + oracles.gather(potential[0], *where) - oracles.self_interaction(harmonics, points, place)
    np.testing.assert_allclose(found.values, there, atol=2e-5)
    np.testing.assert_allclose(theirs.values, there, atol=2e-5)
    for k in range(d):
        there = oracles.gather(potential[0], *where, k) - oracles.self_interaction(harmonics, points, place, k)
        np.testing.assert_allclose(found.gradient[:, k], there, atol=3e-5 / grid.spacing)
        np.testing.assert_allclose(theirs.gradient[:, k], there, atol=1e-4 / grid.spacing)
    assert found.total == pytest.approx(found.values.sum(dtype=np.float64), rel=1e-14)
    order = rng.permutation(400)
    again, _ = card.gather(potential, points[order], *arguments[2:], -np.inf, 1)
    check_same(again.values, found.values[order])
    check_same(again.gradient, found.gradient[order])
    assert again.total == found.total


def test_gather_tells_where_the_grid_is_not_good(card):
    grid = ops.Grid(1.0, (1, 16, 16), (1, 32, 32))
    place = ops.Place(np.zeros(2), np.full(2, 7.0), 1.0)
    points = np.array([[0.0, 0.0], [1e9, 0.0], [0.0, -4.1], [np.nan, 0.0], [2.9, 0.0], [3.1, 0.0]])
    level = np.full((1, 16, 16), 3.0, np.float32)
    for faintest, values, lost in [(-np.inf, [3, 0, 0, 0, 3, 0], 4), (3.5, [0] * 6, 6)]:
        found, missing = card.gather(level, points, place, grid, np.zeros((3, 3, 3)), 0.0, faintest, 1)
        np.testing.assert_allclose(found.values, values, atol=1e-5)
        assert missing == lost
        assert found.total == pytest.approx(sum(values), abs=1e-5)


@pytest.mark.parametrize("d", [1, 2])
def test_gather_charges(d, both_ways, card):
    points = a_map("clustered", 300, d)
    grid, place = on_grid(points)
    rng = np.random.default_rng(0)
    potentials = rng.normal(size=(3, *grid.shape)).astype(np.float32)
    charges = rng.normal(size=(300, 3)).astype(np.float32)
    own = np.zeros((3, 3, 3))
    own[:1, : 3 if d == 2 else 1] = rng.normal(size=(1, 3 if d == 2 else 1, 3))
    arguments = (potentials, points, place, grid, own, np.array([1.0, 2.0, -3.0]), charges, 1)
    mine, theirs = both_ways(lambda: card.gather_charges(*arguments)), ops.gather_charges(*arguments)
    np.testing.assert_allclose(mine.values, theirs.values, atol=2e-5)
    np.testing.assert_allclose(mine.gradient, theirs.gradient, atol=3e-4)
    assert mine.total == pytest.approx(theirs.total, rel=1e-5)


@pytest.mark.parametrize(("kind", "d", "scale"), [m for m in MAPS if m[2] < 10])
def test_forces_on_a_grid(kind, d, scale, card):
    """From points to forces, as `repulsion` puts operations together, against the sum over all pairs."""
    points, radial = a_map(kind, 400, d, scale), StudentT()
    grid, place = on_grid(points)
    made = fft.make_influence(grid, radial)
    n = len(points)

    def potential(module, space, influence, own, shift):
        charges = module.spread(points, place, grid, space, 1)
        field = module.convolve(charges, influence, grid, space, 1)
        return module.gather(field, points, place, grid, own, shift, -np.inf, 1)[0]

    own, shift = made.own, made.constant * (n - 1)
    if n > fft.CROWDED * fft.count_cells(grid):
        own, shift = np.zeros_like(own), shift - own[0, 0, 0]
    theirs = potential(ops, ops.Workspace(), made.spectrum, own, shift)
    mine = potential(card, gpu.Workspace(), influence_of(card, grid, radial)[0], own, shift)
    scale_of = np.linalg.norm(theirs.gradient)
    assert np.linalg.norm(mine.gradient - theirs.gradient) < 1e-4 * scale_of
    assert mine.total == pytest.approx(theirs.total, rel=1e-5)
    _, exact = oracles.potential(points, points, radial, np.ones((n, 1)), True)
    assert np.linalg.norm(mine.gradient - exact[:, 0]) < 1e-2 * np.linalg.norm(exact)


def test_points_in_space_have_no_grid(card):
    grid, place = ops.Grid(1.0, (16, 16, 16), (32, 32, 32)), ops.Place(np.zeros(3), np.full(3, 7.0), 1.0)
    points, own = np.zeros((4, 3)), np.zeros((3, 3, 3))
    says = r"grids for maps of 1 or 2 dimensions, got 3; use exact sums"
    with pytest.raises(UnsupportedDimensionError, match=says):
        card.spread(points, place, grid, gpu.Workspace(), 1)
    with pytest.raises(UnsupportedDimensionError, match=says):
        card.gather(np.zeros((16, 16, 16)), points, place, grid, own, 0.0, 0.0, 1)
