"""The scores of rows against columns in panels, and the selection of the lowest, against plain NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from opentsne_like import kernels
from opentsne_like.nearest_neighbors._prefilter import PAD, PANEL, extended, left_sides, panels

PRODUCTS, MANHATTAN, CHEBYSHEV = 0, 2, 3
every_kind = pytest.mark.parametrize("kind", [PRODUCTS, MANHATTAN, CHEBYSHEV])


def in_panels(columns, sizes):
    """Return the panels of blocks of some sizes of the rows of `columns`, and where the blocks begin."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    first = np.concatenate([[0], np.cumsum(-(-np.asarray(sizes) // PANEL))])
    flat = np.concatenate([panels(columns[a:b]) for a, b in itertools.pairwise(starts)])
    return flat, np.column_stack([first, starts])


def run_scan(rows, columns, sizes, keep, kind=PRODUCTS, groups=None, visits=None, visit=None):
    m = len(rows)
    left = np.concatenate([rows, np.zeros((PAD, rows.shape[1]), np.float32)])
    flat, blocks = in_panels(columns, sizes)
    groups = np.array([0, m]) if groups is None else groups
    visits = np.array([0, len(sizes)]) if visits is None else visits
    visit = np.arange(len(sizes)) if visit is None else visit
    column = np.empty((m, keep), np.int32)
    count, threshold = np.empty(m, np.int64), np.empty(m, np.float32)
    kernels.products.scan(left, flat, blocks, kind, groups, visits, visit, column, count, threshold)
    return column, count, threshold


def as_scores(scores):
    """Return rows and columns whose products are these scores."""
    return np.eye(len(scores), dtype=np.float32), np.ascontiguousarray(scores.T, np.float32)


def truth(rows, columns, kind):
    rows, columns = rows.astype(np.float64), columns.astype(np.float64)
    if kind == PRODUCTS:
        return rows @ columns.T
    steps = np.abs(rows[:, None] - columns)
    return steps.sum(axis=2) if kind == MANHATTAN else steps.max(axis=2)


def test_the_numbers_of_the_kernels():
    assert kernels.products.PANEL == PANEL
    assert kernels.products.ROWS == PAD + 1
    assert kernels.products.GROUP % kernels.products.ROWS == 0


@every_kind
@pytest.mark.parametrize("d", [1, 2, 51, 130])
@pytest.mark.parametrize("m", [1, 6, 20])
def test_scores_are_the_definition(rng, m, d, kind):
    rows, columns = (rng.normal(size=(count, d)).astype(np.float32) for count in (m, 45))
    left = np.concatenate([rows, np.zeros((PAD, d), np.float32)])
    tile = np.full((m + PAD, 2 * PANEL), np.nan, np.float32)
    kernels.products.scores(left, panels(columns), kind, 1, tile)
    np.testing.assert_allclose(tile[:m, : 45 - PANEL], truth(rows, columns, kind)[:, PANEL:], rtol=1e-5, atol=1e-4)


@every_kind
def test_scores_do_not_depend_on_the_place_or_the_company(rng, kind):
    rows, columns = (rng.normal(size=(count, 77)).astype(np.float32) for count in (13, 32))
    tiles = []
    for first in range(6):
        left = np.concatenate([rows[first:], np.zeros((PAD, 77), np.float32)])
        tiles.append(np.empty((len(left), 2 * PANEL), np.float32))
        kernels.products.scores(left, panels(columns), kind, 0, tiles[-1])
        np.testing.assert_array_equal(tiles[-1][:-PAD], tiles[0][first:-PAD])


@pytest.mark.parametrize("sizes", [[257], [64, 64, 129], [1] * 257, [31, 33, 193]])
@pytest.mark.parametrize("keep", [1, 7, 100, 257])
def test_scan_keeps_the_lowest(rng, keep, sizes):
    scores = rng.normal(size=(9, 257)).astype(np.float32)
    column, count, threshold = run_scan(*as_scores(scores), sizes, keep)
    for i in range(9):
        assert count[i] == keep
        assert set(column[i]) == set(np.argsort(scores[i])[:keep])
        rising = np.append(np.sort(scores[i]), np.inf)
        assert rising[keep - 1] <= threshold[i] <= rising[keep]


@pytest.mark.parametrize("order", ["rising", "falling", "equal", "few values"])
def test_scan_bounds_what_it_leaves_out(rng, order):
    scores = rng.normal(size=(3, 1000)).astype(np.float32)
    if order == "equal":
        scores[:] = 1
    elif order == "few values":
        scores = np.floor(scores)
    else:
        scores.sort(axis=1)
        scores = np.ascontiguousarray(scores if order == "rising" else scores[:, ::-1])
    column, count, threshold = run_scan(*as_scores(scores), [512, 488], 20)
    for i in range(3):
        left_out = np.setdiff1d(np.arange(1000), column[i])
        assert count[i] == 20
        assert len(np.unique(column[i])) == 20
        assert scores[i, left_out].min() >= threshold[i] >= scores[i, column[i]].max()


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_never_rises(seed):
    """A cut in the middle of a tile is followed by scores that were found below the threshold before it."""
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.integers(-4, 0, size=(5, 40)), rng.integers(1, 999, size=(5, 260))], axis=1)
    scores[2:] = scores[2:, rng.permutation(300)]
    column, count, threshold = run_scan(*as_scores(scores), [300], 25)
    for i in range(5):
        left_out = np.delete(scores[i], column[i])
        assert count[i] == 25
        assert left_out.min() >= max(threshold[i], scores[i, column[i]].max())


def test_scan_ignores_scores_that_are_not_numbers():
    scores = np.full((1, 40), np.nan, np.float32)
    scores[0, 7] = 1
    column, count, _ = run_scan(*as_scores(scores), [40], 5)
    assert column[0, : count[0]].tolist() == [7]


@every_kind
def test_every_group_looks_at_its_own_blocks(rng, kind):
    rows, columns = (rng.normal(size=(count, 9)).astype(np.float32) for count in (600, 500))
    groups, visits = np.array([0, 5, 5, 300, 600]), np.array([0, 2, 3, 6, 7])
    visit, sizes, keep = np.array([4, 0, 1, 2, 1, 3, 3]), [100, 17, 183, 33, 167], 12
    column, count, threshold = run_scan(rows, columns, sizes, keep, kind, groups, visits, visit)
    scores, starts = truth(rows, columns, kind), np.concatenate([[0], np.cumsum(sizes)])
    for g in (0, 2, 3):
        seen = np.concatenate([np.arange(starts[b], starts[b + 1]) for b in visit[visits[g] : visits[g + 1]]])
        for i in range(groups[g], groups[g + 1], 7):
            assert count[i] == keep
            assert np.isin(column[i], seen).all()
            np.testing.assert_allclose(
                np.sort(scores[i, column[i]]), np.sort(scores[i, seen])[:keep], rtol=1e-4, atol=1e-5
            )
            assert np.isclose(threshold[i], np.sort(scores[i, seen])[keep - 1 : keep + 1], atol=1e-4).any() or (
                np.sort(scores[i, seen])[keep - 1] < threshold[i] < np.sort(scores[i, seen])[keep]
            )


def test_lowest_is_the_nearest(rng):
    rows, columns = (rng.normal(size=(count, 8)).astype(np.float32) for count in (40, 50))
    columns[30] = columns[20]
    rows[3] = columns[20]
    column = np.empty(40, np.int64)
    kernels.products.lowest(left_sides(rows), panels(extended(columns)), 50, column)
    np.testing.assert_array_equal(column, ((rows[:, None] - columns) ** 2).sum(axis=2).argmin(axis=1))
    assert column[3] == 20
