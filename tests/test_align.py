"""One map laid upon another, against SciPy's Procrustes rotation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import pdist

from opentsne_like import Embedding, affinity, align
from opentsne_like.errors import InvalidParameterError, InvalidTypeError


@pytest.mark.parametrize("d", [1, 2, 3, 7])
@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e150])
def test_align_is_the_procrustes_rotation(d, unit, rng):
    source, target = rng.normal(size=(30, d)) + 5, rng.normal(size=(30, d)) - 3
    centred, goal = source - source.mean(axis=0), target - target.mean(axis=0)
    rotation, _ = orthogonal_procrustes(centred, goal)
    found = align(unit * source, target)
    np.testing.assert_allclose(found, unit * centred @ rotation + target.mean(axis=0), rtol=1e-8, atol=1e-9 * unit)
    scaled = align(unit * source, target, scale=True)
    best = minimize_scalar(lambda f: ((f * centred @ rotation - goal) ** 2).sum(), tol=1e-14).x
    np.testing.assert_allclose(scaled, best * centred @ rotation + target.mean(axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_what_was_moved_comes_back(d, rng):
    Y = rng.normal(size=(20, d))
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    turn[:, 0] *= -1
    np.testing.assert_allclose(align(Y @ turn + 7, Y), Y, atol=1e-10)
    np.testing.assert_allclose(align(0.1 * Y @ turn + 7, Y, scale=True), Y, atol=1e-10)
    np.testing.assert_allclose(pdist(align(Y @ turn, rng.normal(size=(20, d)))), pdist(Y))
    np.testing.assert_allclose(align(Y, Y), Y, atol=1e-12)


@pytest.mark.parametrize("scale", [False, True])
def test_little_to_go_by(scale, rng):
    np.testing.assert_array_equal(align([[3.0, 4.0]], [[1.0, 2.0]], scale), [[1.0, 2.0]])
    heap, cloud = np.full((5, 2), 3.0), rng.normal(size=(5, 2))
    np.testing.assert_allclose(align(heap, cloud, scale), np.tile(cloud.mean(axis=0), (5, 1)), atol=1e-12)
    line = np.arange(5.0)[:, np.newaxis] * [[1.0, 2.0]]
    np.testing.assert_allclose(align(line[::-1] + 9, line, scale), line, atol=1e-9)
    upon = align(cloud, heap, scale)  # no turn is better than another, so there is none
    np.testing.assert_allclose(upon.mean(axis=0), 3.0)
    if not scale:
        np.testing.assert_allclose(upon - 3.0, cloud - cloud.mean(axis=0), atol=1e-9)


def test_a_second_axis_that_nothing_decides_keeps_its_side(rng):
    cloud = rng.normal(size=(50, 2))
    target = cloud * [1.0, 0.0]
    moved = align(cloud, target)
    assert np.corrcoef(moved[:, 1], cloud[:, 1])[0, 1] > 0


def test_embeddings_give_coordinates_and_keep_their_own(rng):
    X = rng.normal(size=(20, 4))
    Y = Embedding(X[:, :2], affinity.Uniform(X, k_neighbors=5))
    before = np.array(Y)
    moved = align(Y, X[:, 2:])
    assert type(moved) is np.ndarray
    np.testing.assert_array_equal(Y, before)
    again = Embedding(moved, Y.affinities, loss=Y.loss)
    assert again.evaluate(method="exact") == pytest.approx(Y.evaluate(method="exact"))


@pytest.mark.parametrize(
    ("source", "target", "scale", "error", "message"),
    [
        (
            np.eye(3),
            np.eye(4),
            False,
            InvalidParameterError,
            r"`target` must have the shape of `source`, \(3, 3\), got",
        ),
        (np.eye(3) * np.nan, np.eye(3), False, InvalidParameterError, "`source` must"),
        (np.eye(3), "map", False, (InvalidTypeError, InvalidParameterError), "`target` must"),
        (np.eye(3), np.eye(3), "yes", InvalidParameterError, "`scale` must be one of True, False, got 'yes'"),
    ],
)
def test_one_clear_error(source, target, scale, error, message):
    with pytest.raises(error, match=message):
        align(source, target, scale)
