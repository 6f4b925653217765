"""The precision of each row: exact, whatever the scale, the ties and the number of threads."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from opentsne_like.affinity.gaussian import _largest_odds, find_precisions, gaussian_rows, joint_probabilities_nn
from opentsne_like.affinity.neighbors import as_lists
from opentsne_like.kernels.perplexity import _bracket, _exp_minus, _load

from . import twins


@numba.njit  # helpers of kernels are called from compiled code alone
def bracket(distances, delta, log_perplexity, odds):
    nearest = _load(distances, 0, len(delta), delta)
    return _bracket(delta, len(delta), nearest, log_perplexity, odds)


@numba.njit
def exp_minus(x):
    return np.array([_exp_minus(value) for value in x])


def rows(distances, perplexities, *, average=False, n_jobs=-1):
    """Return the conditional probabilities that the kernels give."""
    distances = np.asarray(distances)
    n, k = distances.shape
    indices = np.tile(np.arange(k), (n, 1))
    lists = as_lists(indices, distances, k, self_allowed=True)
    precisions = find_precisions(lists, perplexities, n_jobs=n_jobs)
    out = np.empty(n * k)
    gaussian_rows(lists, precisions, average=average)(0, n, out)
    return out.reshape(n, k)


@pytest.mark.parametrize("perplexity", [1.01, 2, 5, 29.5, 60, 89, 89.999])
def test_agrees_with_the_twin(rng, perplexity):
    distances = np.sort(rng.gamma(5.0, size=(40, 90)), axis=1)
    expected = twins.conditional(distances, [perplexity])
    np.testing.assert_allclose(rows(distances, [perplexity]), expected, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("shape", [0.1, 0.5, 5.0, 500.0, 50000.0])
def test_every_row_has_the_perplexity(rng, shape):
    distances = rng.gamma(shape, size=(300, 60))
    for perplexity in (3.0, 20.0, 50.0):
        p = rows(distances, [perplexity])
        found = np.exp([twins.entropy(row) for row in p])
        np.testing.assert_allclose(found, perplexity, rtol=1e-8)


@pytest.mark.parametrize("average", [False, True])
def test_several_perplexities_agree_with_the_twin(rng, average):
    distances = np.sort(rng.gamma(5.0, size=(40, 90)), axis=1)
    expected = twins.conditional(distances, [3, 10, 40], average=average)
    np.testing.assert_allclose(rows(distances, [3, 10, 40], average=average), expected, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("factor", [1e-150, 1e-6, 1e6, 1e150])
def test_the_unit_of_the_distances_does_not_matter(rng, factor):
    distances = np.sort(rng.gamma(5.0, size=(100, 60)), axis=1)
    for perplexities in ([20.0], [5.0, 20.0]):
        expected = rows(distances, perplexities)
        np.testing.assert_allclose(rows(distances * factor, perplexities), expected, rtol=1e-9)


def test_distances_far_from_zero_keep_their_differences(rng):
    gaps = np.sort(rng.random((50, 40)), axis=1)
    far = rows(1e5 + gaps, [10.0])
    near = rows(np.sqrt(2e5 * gaps + gaps**2), [10.0])
    np.testing.assert_allclose(far, near, rtol=1e-4)


def test_ties_at_the_smallest_distance_share_the_row():
    distances = np.array([[0.0] * 8 + [1.0] * 12, [0.5] * 8 + [1.0] * 12, [0.0] * 8 + [1e-9] + [1.0] * 11])
    p = rows(distances, [5.0])
    np.testing.assert_allclose(p[:, :8], 1 / 8)
    assert p[:, 8:].max() < 1e-100
    fewer = rows(distances, [10.0])
    np.testing.assert_allclose(np.exp([twins.entropy(row) for row in fewer]), 10.0, rtol=1e-6)
    assert (fewer[:, :8] > fewer[:, 9:10]).all()


@pytest.mark.parametrize("value", [0.0, 3.0, 1e-300, 1e300])
def test_equal_distances_give_equal_weights(value):
    np.testing.assert_allclose(rows(np.full((3, 7), value), [2.0]), 1 / 7)


def test_a_perplexity_beyond_the_row_gives_equal_weights(rng):
    np.testing.assert_allclose(rows(rng.random((5, 7)), [7.0]), 1 / 7)
    np.testing.assert_allclose(rows(rng.random((5, 7)), [30.0]), 1 / 7)


def test_a_perplexity_of_one_leaves_the_nearest(rng):
    p = rows(np.sort(rng.random((5, 7)), axis=1), [1.0])
    np.testing.assert_allclose(p[:, 0], 1.0)


def test_near_ties_and_extreme_rows_converge(rng):
    awkward = [
        np.r_[1.0, 1.0 + 1e-12 * np.arange(1, 30)],
        np.r_[0.0, 1e-12, np.ones(28)],
        np.r_[0.0, np.full(29, 1e12)],
        np.r_[np.zeros(9), 1e-160, np.ones(20)],
        np.logspace(-14, 0, 30),
        np.logspace(-150, 150, 30),
    ]
    p = rows(np.array(awkward), [9.5])
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    entropies = np.exp([twins.entropy(row) for row in p])
    np.testing.assert_allclose(entropies[[1, 2, 4]], 9.5, rtol=1e-6)


def test_the_bounds_hold(rng):
    for trial in range(300):
        m = int(rng.integers(3, 200))
        perplexity = float(rng.uniform(1.05, m * 0.95))
        distances = np.sort(rng.gamma(rng.uniform(0.2, 50), size=m))
        delta = np.empty(m)
        low, high, guess = bracket(distances, delta, np.log(perplexity), _largest_odds(m, perplexity))
        exact = twins.precision(distances, perplexity) * distances.max() ** 2
        assert low * (1 - 1e-9) <= exact <= high * (1 + 1e-9), (trial, m, perplexity)
        assert low <= guess <= high


def test_the_exponential_is_as_exact_as_stated(rng):
    x = np.concatenate([np.linspace(0, 2, 2001), rng.uniform(0, 700, 20000)])
    np.testing.assert_allclose(exp_minus(x), np.exp(-x), rtol=1e-13)
    least, beyond = exp_minus(np.array([700.0, 1e9]))
    assert 0 < least == beyond < 1e-300


def test_rows_do_not_depend_on_each_other_or_on_threads(rng):
    distances = rng.gamma(5.0, size=(3000, 40))
    for perplexities in ([12.0], [3.0, 12.0]):
        whole = rows(distances, perplexities, n_jobs=1)
        np.testing.assert_array_equal(rows(distances, perplexities, n_jobs=3), whole)
        np.testing.assert_array_equal(rows(distances[1000:1100], perplexities), whole[1000:1100])
        np.testing.assert_array_equal(rows(distances[::-1], perplexities)[::-1], whole)


def test_float32_distances_are_worked_with_in_float64(rng):
    distances = rng.gamma(5.0, size=(50, 40)).astype(np.float32)
    np.testing.assert_allclose(rows(distances, [12.0]), rows(distances.astype(np.float64), [12.0]), rtol=1e-12)


def test_joint_probabilities_agree_with_the_twin(rng):
    indices, distances = twins.random_graph(rng, 60, 20)
    P = joint_probabilities_nn(indices, distances, [6.0])
    conditional = twins.dense(indices, twins.conditional(distances, [6.0]), 60)
    np.testing.assert_allclose(P.toarray(), twins.joint(conditional), rtol=1e-8, atol=1e-13)
    one_way = joint_probabilities_nn(indices, distances, [6.0], symmetrize=False)
    np.testing.assert_allclose(one_way.toarray(), conditional / 60, rtol=1e-8, atol=1e-13)
    new = joint_probabilities_nn(indices, distances, [6.0], symmetrize=False, normalization="point-wise")
    np.testing.assert_allclose(new.toarray(), conditional, rtol=1e-8, atol=1e-13)
    assert joint_probabilities_nn(indices, distances, [6.0], False, "point-wise", 100).shape == (60, 100)


def test_agrees_with_numbers_from_opentsne():
    n = 12
    indices = (np.arange(n)[:, None] + np.array([1, 2, 3, 5, 7, 11])) % n
    distances = 1 + np.abs(np.sin(1.7 * np.arange(n)[:, None] + np.arange(6))) + 0.3 * np.arange(6)
    P = joint_probabilities_nn(indices, distances, [3.0]).toarray()
    row = [0.00983515, 0, 0.00323897, 0.02517498, 0.02658743, 0, 0.0111854, 0.02450678, 0.00189538, 0, 0.0007949, 0]
    np.testing.assert_allclose(P[5], row, atol=1e-8)
    P = joint_probabilities_nn(indices, distances, [3.0], symmetrize=False, normalization="point-wise").toarray()
    row = [0, 0, 0, 0.00542136, 0, 0.63550638, 0.10250013, 0.13900718, 0, 0.11187707, 0, 0.00568788]
    np.testing.assert_allclose(P[4], row, atol=1e-8)
