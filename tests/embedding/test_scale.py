"""Maps that are multiplied, with the last step of their optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from opentsne_like import TSNEEmbedding, load
from opentsne_like.embedding import Embedding
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.optimizer import LBFGS, Adam, Momentum

from .makers import affinities, begin, finished, old_and_new


def test_map_and_last_step_are_multiplied_and_nothing_else():
    Y = finished()
    before = {name: array.copy() for name, array in Y.optimizer.state.arrays().items()}
    Z = Y.scale(1.5)
    after = Z.optimizer.state.arrays()
    np.testing.assert_array_equal(Z, 1.5 * np.asarray(Y))
    np.testing.assert_array_equal(after["update"], 1.5 * before["update"])
    for name in ("gains", "counter", "history"):
        np.testing.assert_array_equal(after[name], before[name])
    np.testing.assert_array_equal(Y.optimizer.state["update"], before["update"], "a copy was multiplied")
    assert Z.loss_value != Y.loss_value
    assert np.isnan(Z.force_error)
    assert Y.scale(1.5, inplace=True) is Y
    np.testing.assert_array_equal(Y, Z)


def test_it_is_what_a_momentum_step_would_have_gone_on_by():
    Y = begin(use_gains=False).optimize(30, exaggeration=12)
    step = np.array(Y.optimizer.state["update"])
    Z = Y.scale(2.0).optimize(1, momentum=0.5, learning_rate=1e-12)
    centred = 2 * np.asarray(Y) + 0.5 * 2 * step
    np.testing.assert_allclose(Z, centred - centred.mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"dof": "learn"}, {"repulsion_every": 3}, {"negative_gradient_method": "fft"}])
def test_the_same_bits_however_it_is_stored_in_between(tmp_path, options):
    Y = begin(**options).optimize(11, exaggeration=12).optimize(10)
    Y.save(tmp_path / "before.npz")
    through = Y.scale(1.3)
    through.save(tmp_path / "after.npz")
    ends = [Z.optimize(7) for Z in (through, load(tmp_path / "before.npz").scale(1.3), load(tmp_path / "after.npz"))]
    ends.append(through.optimize(3, n_jobs=1).optimize(4, n_jobs=2))
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])
        assert end.n_iter_ == 28


def test_a_map_that_was_not_begun_is_multiplied_too():
    Y = begin()
    np.testing.assert_array_equal(Y.scale(1e4), 1e4 * np.asarray(Y))
    assert Y.scale(1e4).n_iter_ == 0
    np.testing.assert_array_equal(Y.scale(10.0).optimize(5), begin().scale(10.0, inplace=True).optimize(5))


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam()])
def test_other_optimizers_begin_anew(optimizer):
    Y = Embedding(np.asarray(finished()), affinities()).optimize(5, optimizer=optimizer)
    Z = Y.scale(1.5)
    assert not set(optimizer.keeps) & set(Z.optimizer.state)
    fresh = Embedding(1.5 * np.asarray(Y), affinities()).optimize(5, optimizer=optimizer)
    np.testing.assert_array_equal(Z.optimize(5, optimizer=optimizer), fresh)


@pytest.mark.parametrize(
    ("factor", "kind", "message"),
    [
        (0, InvalidParameterError, "`factor` must be positive, got 0"),
        (-1.5, InvalidParameterError, "`factor` must be positive"),
        (float("nan"), InvalidParameterError, "`factor` must be finite"),
        ("2", InvalidTypeError, "`factor` must be a number"),
        (1e308, InvalidParameterError, r"`factor` must leave coordinates finite, got 1e\+308"),
    ],
)
def test_bad_factors_leave_the_map_as_it_was(factor, kind, message):
    Y = finished()
    before, step = np.array(Y), np.array(Y.optimizer.state["update"])
    with pytest.raises(kind, match=message):
        Y.scale(factor, inplace=True)
    np.testing.assert_array_equal(Y, before)
    np.testing.assert_array_equal(Y.optimizer.state["update"], step)


def test_maps_whose_width_is_not_free_are_refused():
    Y, (_, X_new) = finished(), old_and_new()
    with pytest.raises(UnavailableError, match="points that are placed on a map have its scale"):
        Y.transform(X_new, n_iter=2).scale(2.0)
    held = TSNEEmbedding(np.asarray(Y), affinities(), fixed=np.arange(len(Y)) < 3)
    with pytest.raises(InvalidParameterError, match="`fixed` must be None to multiply a map"):
        held.scale(2.0)
    standard = Embedding(np.asarray(Y), affinities(), constraint="standardized")
    with pytest.raises(InvalidParameterError, match="`constraint` must be 'centered' to multiply a map, got 'standard"):
        standard.scale(2.0)


def test_a_callback_cannot_multiply_the_map_that_it_is_shown():
    def widen(iteration, loss, embedding):
        with pytest.raises(UnavailableError, match="is being optimized already"):
            embedding.scale(2.0, inplace=True)

    np.testing.assert_array_equal(begin().optimize(3, callbacks=widen, callbacks_every_iters=1), begin().optimize(3))


@dataclass(frozen=True)
class Own(Momentum):
    """Keeps steps by Momentum's name, and says nothing of their scale."""

    scales: ClassVar[dict[str, int]] = {}


def test_an_optimizer_that_says_nothing_of_scales_begins_anew():
    Y = begin(optimizer=Own()).optimize(10, exaggeration=12)
    assert np.any(Y.optimizer.state["update"])
    assert "update" not in Y.scale(2.0).optimizer.state
