"""Sums along edges and over all pairs, and steps, against the CPU's operations and float64 without loops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from opentsne_like import gpu, ops
from opentsne_like.errors import InvalidTypeError, UnsupportedDimensionError
from opentsne_like.gpu.forms import KINDS
from opentsne_like.kernels import forms

from .oracles import a_map, check_same

FORMS = [
    forms.Cauchy(),
    forms.StudentT(0.7),
    forms.StudentTTail(1.5),
    forms.Gaussian(),
    forms.LogInverse(0.01),
    forms.LogStudentT(1.0),
    forms.LogStudentTTail(0.8),
    forms.Square(),
    forms.LogOnePlus(3.0),
    forms.LogOnePlusPower(1.6, 0.9, 1e-3),
    forms.SoftenedLog(0.01),
]


def names(values):
    return [type(value).__name__ for value in values]


def test_every_form_of_the_cpu_is_known():
    assert {*KINDS} == {*forms.value_and_slope.table} == {type(form) for form in FORMS}


def a_graph(n, m=None, dtype=np.float32, seed=0):
    """Return a graph with rows of very different lengths, some of them empty."""
    rng = np.random.default_rng(seed)
    m = n if m is None else m
    counts = rng.integers(0, 40, m) * (rng.random(m) < 0.8)
    counts[m // 2] = min(n, 300)
    indptr = np.append(0, np.cumsum(counts)).astype(np.int32)
    indices = np.concatenate([rng.choice(n, count, replace=False) for count in counts]).astype(np.int32)
    return ops.Graph(rng.permutation(m).astype(np.int32), indptr, indices, rng.random(indptr[-1]).astype(dtype))


def value_and_slope(form, square):
    """Return a radial function and its derivative, number by number."""
    return np.vectorize(lambda s: forms.value_and_slope(form, s))(square)


def oracle(graph, points, others, form, exaggeration, repulsion, scale):
    """Return the gradient and the loss in float64."""
    rows = np.repeat(np.arange(len(points)), np.diff(graph.indptr))
    apart = points[rows].astype(np.float64) - others[graph.indices]
    value, slope = value_and_slope(form, (apart**2).sum(axis=1))
    gradient = np.zeros(points.shape)
    np.add.at(gradient, graph.order[rows], exaggeration * (graph.values * slope)[:, None] * apart)
    return gradient + scale * repulsion, (graph.values * value).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS, ids=names(FORMS))
def test_attract(form, d, dtype, both_ways, card):
    n = 150
    graph, rng = a_graph(n, dtype=dtype), np.random.default_rng(1)
    points, repulsion = a_map("clustered", n, d, 0.3).astype(dtype), rng.normal(size=(n, d)).astype(np.float32)
    arguments = (points, points, form, 12.0, repulsion, 0.25)
    there, loss = oracle(graph, *arguments)
    mine = both_ways(lambda: card.attract(graph, *arguments, 1))
    assert mine.dtype == dtype
    tolerance = (2e-5 if dtype is np.float32 else 1e-12) * np.abs(there).max()
    np.testing.assert_allclose(mine, there, rtol=0, atol=tolerance)
    if isinstance(form, forms.LogStudentT):
        theirs = ops.attract(graph, *arguments, 1)
        assert theirs.dtype == dtype
        np.testing.assert_allclose(theirs, there, rtol=0, atol=tolerance)
    both, value = both_ways(lambda: card.attract_with_loss(graph, *arguments, 1))
    check_same(both, mine)
    assert value == pytest.approx(loss, rel=1e-5 if dtype is np.float32 else 1e-12)
    exact = points.astype(np.float64)
    value = both_ways(lambda: card.edge_loss(graph, exact, exact, form, 1))
    assert value == pytest.approx(loss, rel=1e-12)


def test_attraction_to_a_map_that_does_not_move(both_ways, card):
    graph = a_graph(90, 140)
    rng = np.random.default_rng(2)
    points, others = (rng.normal(size=(k, 2)).astype(np.float32) for k in (140, 90))
    arguments = (points, others, forms.LogStudentT(1.0), 1.5, rng.normal(size=(140, 2)), 1.0)
    mine = both_ways(lambda: card.attract(graph, *arguments, 1))
    np.testing.assert_allclose(mine, oracle(graph, *arguments)[0], rtol=0, atol=1e-5)


def test_a_reordered_graph_is_the_same_graph(both_ways, card):
    graph = a_graph(130, dtype=np.float32)._replace(order=np.arange(130, dtype=np.int32))
    points = a_map("clustered", 130, 2)
    order = both_ways(lambda: card.morton_order(points, 1))
    assert sorted(order.tolist()) == list(range(130))
    there = ops.reorder(graph, order, 1)
    turned = both_ways(lambda: card.reorder(graph, order, 1))
    check_same(tuple(turned), tuple(card.back(gpu.Graph.of(there))))
    near = both_ways(lambda: card.take_rows(there, points, np.array([1.0, -2.0]), 1))
    assert np.array_equal(near, ops.take_rows(there, points, np.array([1.0, -2.0]), 1))
    plain = points.astype(np.float32)
    rest = (forms.LogStudentT(1.0), 4.0, np.zeros((130, 2)), 1.0, 1)
    ordered = plain[order]
    check_same(card.attract(there, ordered, ordered, *rest), card.attract(graph, plain, plain, *rest))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_order_along_a_curve_keeps_close_points_together(d, card):
    points = a_map("even", 1000, d)
    order, theirs = card.morton_order(points, 1), ops.morton_order(points, 1)
    length, best = (np.linalg.norm(np.diff(points[each], axis=0), axis=1).sum() for each in (order, theirs))
    assert length < 1.3 * best
    assert np.array_equal(card.morton_order(np.ones((40, d)), 1), np.arange(40))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS, ids=names(FORMS))
def test_exact(form, d, dtype, both_ways, card, monkeypatch):
    monkeypatch.setattr(gpu.pairs, "SLICE", 60)
    points = a_map("clustered", 150, d, 0.3).astype(dtype)
    mine = both_ways(lambda: card.exact(points, None, form, 1))
    assert mine.values.dtype == mine.gradient.dtype == dtype
    apart = points[:, None].astype(np.float64) - points
    value, slope = value_and_slope(form, (apart**2).sum(axis=2))
    np.fill_diagonal(value, 0.0)
    pull = 2 * (slope[:, :, None] * apart).sum(axis=1)
    near = 1e-5 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(mine.values, value.sum(axis=1), rtol=0, atol=near * value.sum(axis=1).max())
    np.testing.assert_allclose(mine.gradient, pull, rtol=0, atol=5 * near * np.abs(pull).max())
    assert mine.total == pytest.approx(value.sum(), rel=near)


@pytest.mark.parametrize("m", [1, 40, 300])
def test_exact_sums_of_charges_at_other_points(m, both_ways, card):
    rng = np.random.default_rng(0)
    targets, sources, charges = rng.normal(size=(m, 2)), rng.normal(size=(700, 2)), rng.normal(size=(700, 3))
    form = forms.StudentT(0.5)
    for columns in (None, charges):
        mine = both_ways(lambda columns=columns: card.exact(targets, sources, form, 1, columns))
        theirs = ops.exact(targets, sources, form, 1, columns)
        assert mine.values.shape == theirs.values.shape
        np.testing.assert_allclose(mine.values, theirs.values, rtol=0, atol=1e-11)
        np.testing.assert_allclose(mine.gradient, theirs.gradient, rtol=0, atol=1e-11)
        assert mine.total == pytest.approx(theirs.total, rel=1e-11)
    own, theirs = card.exact(sources, None, form, 1, charges), ops.exact(sources, None, form, 1, charges)
    np.testing.assert_allclose(own.values, theirs.values, rtol=0, atol=1e-11)


def test_nothing_sums_to_nothing(card):
    for charges in (None, np.empty((0, 2))):
        found = card.exact(np.ones((4, 2)), np.empty((0, 2)), forms.Cauchy(), 1, charges)
        assert not found.values.any()
        assert not found.gradient.any()
        assert found.total == 0
    empty = ops.Graph(np.arange(3, dtype=np.int32), np.zeros(4, np.int32), np.zeros(0, np.int32), np.zeros(0))
    points, repulsion = np.ones((3, 2)), np.ones((3, 2))
    pulled = card.attract(empty, points, points, forms.Square(), 1.0, repulsion, 2.0, 1)
    assert np.array_equal(pulled, 2 * repulsion)


class Stranger(NamedTuple):
    dof: float


@pytest.mark.parametrize("form", [Stranger(1.0), (1.0,), None, "cauchy"])
def test_a_form_that_kernels_do_not_know_is_refused(form, card):
    points = np.ones((3, 2))
    graph = ops.Graph(np.arange(3, dtype=np.int32), np.arange(4), np.zeros(3, np.int64), np.ones(3))
    with pytest.raises(InvalidTypeError, match=r"`form` must be one of Cauchy, .* on a GPU, got"):
        card.exact(points, None, form, 1)
    with pytest.raises(InvalidTypeError, match="`form` must be one of"):
        card.attract(graph, points, points, form, 1.0, points, 1.0, 1)
    with pytest.raises(InvalidTypeError, match="`form` must be one of"):
        card.edge_loss(graph, points, points, form, 1)


def test_maps_of_more_than_three_dimensions_are_refused(card):
    with pytest.raises(UnsupportedDimensionError, match=r"up to 3 dimensions, got 4; use device='cpu'"):
        card.extent(np.zeros((3, 4)), 1)


RATES = [
    ops.StepRates(50.0, 0.8, np.inf, np.inf, 0.01, True),
    ops.StepRates(50.0, 0.8, 0.5, 3.0, 0.01, True),
    ops.StepRates(0.5, 0.95, np.inf, 1.0, 0.05, False),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("held", [False, True])
def test_step(held, rates, d, dtype, both_ways, card):
    n, rng = 700, np.random.default_rng(0)
    points, update = rng.normal(size=(2, n, d))
    gains, gradient = rng.uniform(0.5, 2, (n, d)), rng.normal(size=(n, d)).astype(dtype)
    update[:50] = 0
    gradient[20:70] = 0
    fixed = rng.random(n) < 0.2 if held else np.zeros(0, bool)
    arguments = (points, update, gains, gradient, fixed, rates)

    def run(module):
        out = tuple(np.full((3, n, d), np.nan))
        return out, module.step(*arguments, out, n_jobs=1)

    mine, made = both_ways(lambda: run(card))
    theirs, expected = run(ops)
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-13)
    np.testing.assert_allclose(made.mean, expected.mean, rtol=0, atol=1e-14 * np.abs(theirs[0]).max())
    assert made.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-14)
    order = rng.permutation(n)
    some = [each[order] for each in arguments[:4]]
    again = card.step(*some, fixed[order] if held else fixed, rates, tuple(np.empty((3, n, d))), n_jobs=1)
    check_same(tuple(again), tuple(made))


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_step_out_of_the_numbers_shows(odd, card):
    points, out = np.ones((300, 2)), tuple(np.empty((3, 300, 2)))
    gradient = np.ones((300, 2), np.float32)
    gradient[200, 1] = odd
    made = card.step(points, 0 * points, points, gradient, np.zeros(0, bool), RATES[0], out, n_jobs=1)
    assert not np.isfinite(made.gradient_norm)
    assert np.isfinite(made.mean).tolist() == [True, False]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_commit(d, card):
    rng = np.random.default_rng(0)
    points, new_points, offset = rng.normal(size=(300, d)), rng.normal(size=(300, d)), rng.normal(size=d)
    counter, current = np.array([4]), np.array([1])
    card.commit(points, counter, current, new_points, offset)
    assert np.array_equal(points, new_points - offset)
    assert (counter[0], current[0]) == (5, 0)
