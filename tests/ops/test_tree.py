"""Barnes-Hut sums against float64 sums over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import ops
from opentsne_like.errors import InvalidTypeError
from opentsne_like.kernels import forms
from opentsne_like.repulsion import StudentT

from ..repulsion.oracle import RADIALS, SHAPES, all_pairs, make, relative, spread_map

CAUCHY = StudentT(1.0)
DEFAULT_ERROR = 5e-3  # of forces at theta = 0.5, for every radial, dimension, scale and shape below
EXACT_ERROR = 1e-5  # at theta = 0, in float32


def barnes_hut(points, form, theta, n_jobs):
    return ops.walk_tree(ops.build_tree(points, n_jobs), None, form, theta, n_jobs)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_agrees_with_all_pairs(d, shape):
    for scale in (1e-4, 1.0, 30.0):
        points = scale * make(shape, d, n=400)
        for radial in RADIALS:
            values, gradient = all_pairs(points, points, radial, same=True)
            if np.abs(gradient).max() < 1e-30:  # nothing in float32
                continue
            case = f"scale {scale}, {radial}"
            for theta, bound in ((0.5, DEFAULT_ERROR), (0.0, EXACT_ERROR)):
                result = barnes_hut(points, radial.form, theta, 2)
                assert result.gradient.shape == points.shape
                assert relative(result.gradient, gradient) < bound, case
                assert relative(result.values, values) < bound, case
                assert result.total == pytest.approx(values.sum(), rel=min(bound, 2e-3)), case


def sampled(points, n=200):
    """Return some points and their exact potential and gradient."""
    picks = np.random.default_rng(0).permutation(len(points))[:n]
    values, gradient = all_pairs(points[picks], points, CAUCHY, same=False)
    return picks, values - 1, gradient


@pytest.mark.parametrize("d", [2, 3])
def test_error_falls_with_theta(d):
    points = spread_map(15000, d)
    picks, values, gradient = sampled(points)
    errors, biases = [], []
    for theta in (1.0, 0.5, 0.25, 0.0):
        result = barnes_hut(points, CAUCHY.form, theta, -1)
        errors.append(relative(result.gradient[picks], gradient))
        biases.append(abs(result.values[picks].sum() / values.sum() - 1))
    assert np.all(np.diff(errors) < 0)
    assert np.all(np.array(errors) < [3e-2, 2e-3, 3e-4, 1e-6])
    assert np.all(np.array(biases) < [5e-3, 5e-4, 1e-4, 1e-6])


@pytest.mark.parametrize("d", [1, 2, 3])
def test_same_bits_for_any_number_of_threads(d):
    points = spread_map(20000, d)
    points[100:3000] = points[100]
    targets = spread_map(2000, d, seed=1)
    tree = ops.build_tree(points, n_jobs=1)
    own, foreign = ops.walk_tree(tree, None, CAUCHY.form, 0.5, 1), ops.walk_tree(tree, targets, CAUCHY.form, 0.5, 1)
    for n_jobs in (2, 3, 7):
        again = ops.build_tree(points, n_jobs=n_jobs)
        for first, second in (
            (own, ops.walk_tree(again, None, CAUCHY.form, 0.5, n_jobs)),
            (foreign, ops.walk_tree(again, targets, CAUCHY.form, 0.5, n_jobs)),
        ):
            assert first.values.tobytes() == second.values.tobytes()
            assert first.gradient.tobytes() == second.gradient.tobytes()
            assert first.total == second.total


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("radial", RADIALS)
def test_frozen_reference(d, radial):
    sources = spread_map(1500, d)
    rng = np.random.default_rng(2)
    targets = np.concatenate([sources[:50], rng.uniform(-20, 20, size=(100, d)), [[1e5] * d]])
    tree = ops.build_tree(sources, n_jobs=1)
    values, gradient = all_pairs(targets, sources, radial, same=False)
    for theta, bound in ((0.5, DEFAULT_ERROR), (0.0, EXACT_ERROR)):
        result = ops.walk_tree(tree, targets, radial.form, theta, 2)
        assert relative(result.values, values) < bound
        assert relative(result.gradient, gradient) < bound


def test_a_target_does_not_depend_on_the_others():
    tree = ops.build_tree(spread_map(3000, 2), n_jobs=1)
    targets = spread_map(60, 2, seed=3)
    together = ops.walk_tree(tree, targets, CAUCHY.form, 0.5, 1)
    backwards = ops.walk_tree(tree, targets[::-1], CAUCHY.form, 0.5, 1)
    alone = ops.walk_tree(tree, targets[7:8], CAUCHY.form, 0.5, 1)
    assert np.array_equal(together.values, backwards.values[::-1])
    assert np.array_equal(together.gradient, backwards.gradient[::-1])
    assert alone.values[0] == together.values[7]
    assert np.array_equal(alone.gradient[0], together.gradient[7])


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_points(n, d):
    points = np.random.default_rng(n).normal(size=(n, d))
    values, gradient = all_pairs(points, points, CAUCHY, same=True)
    result = barnes_hut(points, CAUCHY.form, 0.5, -1)
    np.testing.assert_allclose(result.values, values, rtol=1e-6)
    np.testing.assert_allclose(result.gradient, gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("place", [0.0, -3.3, 1e12])
def test_all_points_coincide(d, place):
    n = 30000
    result = barnes_hut(np.full((n, d), place), CAUCHY.form, 0.5, -1)
    assert np.all(result.values == n - 1)
    assert not result.gradient.any()


@pytest.mark.parametrize("d", [2, 3])
def test_pairs_of_coincident_points_far_apart_feel_each_other_only_by_value(d):
    places = np.random.default_rng(4).uniform(-1e9, 1e9, size=(500, d))
    result = barnes_hut(np.repeat(places, 2, axis=0), CAUCHY.form, 0.5, 1)
    np.testing.assert_allclose(result.values, 1.0, atol=1e-6)
    assert np.abs(result.gradient).max() < 1e-6


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e9])
def test_scales(d, scale):
    points = scale * np.random.default_rng(5).normal(size=(1000, d))
    values, gradient = all_pairs(points, points, CAUCHY, same=True)
    result = barnes_hut(points, CAUCHY.form, 0.5, 1)
    assert relative(result.values, values) < DEFAULT_ERROR
    assert relative(result.gradient, gradient) < DEFAULT_ERROR


@pytest.mark.parametrize("offset", [1e3, 1e8, -1e12])
def test_an_offset_changes_nothing_but_what_float64_loses(offset):
    points = np.round(spread_map(2000, 2) * 1024) / 1024  # representable with any of these offsets but the last
    here = barnes_hut(points, CAUCHY.form, 0.5, 1)
    there = barnes_hut((points + offset), CAUCHY.form, 0.5, 1)
    np.testing.assert_allclose(there.values, here.values, rtol=1e-3)
    assert relative(there.gradient, here.gradient) < 2e-3


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("distance", [1e3, 1e6, 1e12])
def test_outliers_do_not_squeeze_the_others_into_one_cell(d, distance):
    points = spread_map(4000, d)
    usual = np.median(_leaf_sizes(ops.build_tree(points, n_jobs=1)))
    points[[5, 77]] = [[distance] * d, [-distance] * d]
    tree = ops.build_tree(points, n_jobs=1)
    assert np.median(_leaf_sizes(tree)) < 1.2 * usual
    picks, values, gradient = sampled(points)
    result = ops.walk_tree(tree, None, CAUCHY.form, 0.5, 1)
    assert relative(result.values[picks], values) < DEFAULT_ERROR
    assert relative(result.gradient[picks], gradient) < DEFAULT_ERROR


def _leaf_sizes(tree):
    leaves = tree.link[:, 2] == 0
    return tree.centre[leaves, 3] ** (1 / 6)


def test_clusters_much_smaller_than_their_distance_are_resolved():
    rng = np.random.default_rng(6)
    points = rng.normal(size=(6000, 3))
    points[::2] += 1e5
    tree = ops.build_tree(points, n_jobs=1)  # 2,048 cells of the coarse codes are 85 wide here, the fine ones 0.08
    assert np.median(_leaf_sizes(tree)) < 1.0


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_tree_is_sound(d):
    points = spread_map(3000, d)
    points[:500] = points[0]
    tree = ops.build_tree(points, n_jobs=2)
    assert np.array_equal(np.sort(tree.order), np.arange(3000))
    assert np.array_equal(tree.points[:d].T, points[tree.order])
    assert tree.groups[0] == 0
    assert tree.groups[-1] == 3000
    assert np.all(np.diff(tree.groups) > 0)
    for v, (first, last, right) in enumerate(tree.link):
        inside = points[tree.order[first:last]]
        centred = inside - inside.mean(axis=0)
        np.testing.assert_allclose(tree.centre[v, :d], inside.mean(axis=0), rtol=1e-9, atol=1e-9)
        rows, columns = np.triu_indices(d)
        places = [0] if d == 1 else list(range(len(rows)))
        second = (centred.T @ centred)[rows, columns]
        np.testing.assert_allclose(tree.moment[v, places], second, rtol=1e-4, atol=1e-4)
        if right == 0:
            assert last - first <= 16
        else:
            assert tree.link[v + 1, 0] == first
            assert tree.link[v + 1, 1] == tree.link[right, 0]
            assert tree.link[right, 1] == last


@pytest.mark.parametrize("d", [1, 2, 3])
def test_size_is_the_width_of_an_evenly_filled_cube(d):
    tree = ops.build_tree(np.random.default_rng(7).uniform(0, 2, size=(20000, d)), n_jobs=1)
    assert tree.centre[0, 3] ** (1 / 6) == pytest.approx(2.0, rel=2e-2)


def test_follows_the_points_when_they_are_shuffled():
    points = spread_map(5000, 2)
    shuffled = np.random.default_rng(8).permutation(len(points))
    first = barnes_hut(points, CAUCHY.form, 0.5, 1)
    second = barnes_hut(points[shuffled], CAUCHY.form, 0.5, 1)
    np.testing.assert_allclose(second.values, first.values[shuffled], rtol=1e-4)
    assert relative(second.gradient, first.gradient[shuffled]) < 1e-4


def test_non_finite_points_end_in_non_finite_forces_and_nothing_worse():
    points = spread_map(3000, 2)
    points[3], points[700] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        result = barnes_hut(points, CAUCHY.form, 0.5, 2)
    assert not np.isfinite(result.gradient).all()


def test_input_is_left_alone_and_may_be_read_only_and_in_any_order():
    points = spread_map(1000, 2)
    expected = barnes_hut(points, CAUCHY.form, 0.5, 1)
    strange = np.asfortranarray(points)
    strange.setflags(write=False)
    result = barnes_hut(strange, CAUCHY.form, 0.5, 1)
    assert np.array_equal(result.gradient, expected.gradient)
    assert np.array_equal(strange, points)


@pytest.mark.parametrize(
    "form", [forms.LogInverse(0.1), forms.StudentTTail(1.0), None, (1.0,), (1.0, 2.0), (0.0, 0.0, 0.0)]
)
def test_a_form_that_has_no_expansion_is_refused(form):
    with pytest.raises(InvalidTypeError, match="`form` must be one of Cauchy, StudentT, Gaussian, got "):
        ops.walk_tree(ops.build_tree(spread_map(50, 2), 1), None, form, 0.5, 1)
