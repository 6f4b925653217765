"""What maps keep to, for every optimizer and every loss."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import Embedding, NeighborEmbedding, load
from opentsne_like.errors import InvalidParameterError
from opentsne_like.optimizer import Anchored, Centered, Schedule, Standardized, Unconstrained

from ..test_contract import CASES, N, assert_same, begin, data
from .test_contract import ANNEALED, EVERY, OPTIMS, REFUSED


def some(n=60, d=2):
    return np.random.default_rng(0).normal(size=(n, d)) @ np.triu(np.ones((d, d))) + 3.0


def deviation(Y):
    Y = np.asarray(Y)
    return max(np.abs(Y.mean(axis=0)).max(), np.abs(Y.T @ Y / len(Y) - np.eye(Y.shape[1])).max())


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_polar_factor_is_the_nearest_map_of_unit_covariance(d):
    points = some(d=d)
    made = Standardized().project(points, points)
    assert deviation(made) < 1e-12
    U, _, V = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(made, np.sqrt(len(points)) * U @ V, atol=1e-12)
    rng = np.random.default_rng(1)
    for _ in range(20):
        other = Standardized().project(rng.normal(size=points.shape), points)
        assert np.linalg.norm(points - made) <= np.linalg.norm(points - other)
    assert Standardized().project(made, made) is made


def test_the_golden_projection():
    """By pymde, of a spiral."""
    i = np.arange(12)
    Y = np.column_stack([np.cos(1.7 * i) * (1 + 0.1 * i), np.sin(2.3 * i) * (1 + 0.05 * i)])
    golden = [[0.7588396, 0.0357748], [-0.1892389, 0.8809025]]
    np.testing.assert_allclose(Standardized().project(Y, Y)[:2], golden, atol=1e-6)


def test_tangents_keep_to_it_to_first_order_and_lose_nothing_else():
    points = Standardized().project(some(), some())
    vectors = np.random.default_rng(1).normal(size=points.shape)
    tangent = Standardized().tangent(points, vectors)
    product = points.T @ tangent
    np.testing.assert_allclose(product + product.T, 0.0, atol=1e-12)
    np.testing.assert_allclose(tangent.mean(axis=0), 0.0, atol=1e-15)
    np.testing.assert_allclose(Standardized().tangent(points, tangent), tangent, atol=1e-12)
    away = vectors - tangent
    np.testing.assert_allclose((away * tangent).sum(), 0.0, atol=1e-12)
    for t in (1e-3, 1e-4):
        there = points + t * tangent
        assert np.linalg.norm(Standardized().project(there, points) - there) < 10 * t**2 * len(points)


@pytest.mark.parametrize("constraint", [Unconstrained(), Centered(), Anchored(np.arange(60) < 7), Standardized()])
def test_projections_and_tangents_are_such(constraint):
    points = constraint.project(some(), some())
    np.testing.assert_allclose(constraint.project(points, points), points, atol=1e-14)
    vectors = np.random.default_rng(1).normal(size=points.shape)
    tangent = constraint.tangent(points, vectors)
    np.testing.assert_allclose(constraint.tangent(points, tangent), tangent, atol=1e-12)
    if not constraint.curved:
        there = constraint.project(points + tangent, points)
        np.testing.assert_allclose(there, points + tangent, atol=1e-14)
    assert (constraint.project(points + tangent, points) == points)[constraint.fixed.nonzero()].all()


@EVERY
@pytest.mark.parametrize("name", CASES)
def test_every_optimizer_keeps_a_standardized_map(which, name):
    if (which, name) in REFUSED:
        return
    Y = begin(name, optimizer=OPTIMS[which], constraint="standardized")
    first = Y.optimize(1)
    further = first.optimize(25)
    assert deviation(first) < 1e-10
    assert deviation(further) < 1e-10
    start = Embedding(Standardized().project(np.asarray(Y), np.asarray(Y)), Y.affinities, loss=Y.loss)
    assert further.loss_value < start.loss_value


@EVERY
@pytest.mark.parametrize("name", CASES)
def test_every_optimizer_keeps_a_centred_and_an_anchored_map(which, name):
    if (which, name) in REFUSED:
        return
    Y = begin(name, optimizer=OPTIMS[which])
    centred = Y.optimize(7)
    assert np.abs(centred.mean(axis=0)).max() < 1e-9 * np.ptp(centred)
    Y += 1.0
    fixed = np.arange(N) % 4 == 0
    held = Y.optimize(7, fixed=fixed)
    assert np.asarray(held)[fixed].tobytes() == np.asarray(Y)[fixed].tobytes()
    assert (held[~fixed] != Y[~fixed]).any()


@EVERY
def test_a_constraint_is_stored_and_goes_on_with_the_same_bits(which, tmp_path):
    Y = begin("Neg-t-SNE", optimizer=OPTIMS[which], constraint="standardized").optimize(9)
    Y.save(tmp_path / "map.npz")
    Z = load(tmp_path / "map.npz")
    assert Z.settings.schedule.constraint == "standardized"
    assert_same(Z.optimize(7), Y.optimize(7))
    assert deviation(Z.optimize(7)) < 1e-10
    if which not in ANNEALED:
        pieces = Y.copy()
        for _ in range(7):
            pieces.optimize(1, inplace=True)
        assert_same(pieces, Y.optimize(7))


def test_an_estimator_asks_for_it():
    schedule = [Schedule(10, exaggeration=4.0, constraint="standardized"), Schedule(10, constraint="standardized")]
    Y = NeighborEmbedding(schedule=schedule, random_state=0).fit(data()[:N])
    assert deviation(Y) < 1e-10
    assert deviation(Y.optimize(5)) > 1e-2  # a call says for itself what it keeps to


def test_what_excludes_it_is_refused_before_any_work():
    Y = begin("t-SNE")
    with pytest.raises(InvalidParameterError, match=r"`constraint` must be one of .*centered.*standardized"):
        Y.optimize(3, constraint="round")
    with pytest.raises(InvalidParameterError, match="`constraint` must be 'centered' with fixed points"):
        Y.optimize(3, constraint="standardized", fixed=np.arange(N) < 5)
    with pytest.raises(InvalidParameterError, match="`constraint` must be 'centered' with points that are placed"):
        Y.optimize(5).transform(data()[N:], constraint="standardized")
    with pytest.raises(InvalidParameterError, match="must be 'centered' with points that are placed"):
        Y.prepare_partial(data()[N:]).optimize(3, constraint="standardized")


@EVERY
@pytest.mark.parametrize("how", ["line", "point"])
def test_a_map_without_extent_is_refused_and_stays(which, how):
    Y = begin("t-SNE", optimizer=OPTIMS[which])
    Y[:, 1] = 2 * Y[:, 0] if how == "line" else 0.0
    if how == "point":
        Y[:, 0] = 0.0
    before = np.array(Y)
    with pytest.raises(InvalidParameterError, match="without extent in each of its 2 dimensions"):
        Y.optimize(3, constraint="standardized", inplace=True)
    np.testing.assert_array_equal(Y, before)
