"""A user's function as an objective."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like.errors import InvalidTypeError
from opentsne_like.objectives import FunctionObjective
from opentsne_like.opentsne import kl_divergence_bh


def graph(n=60):
    P = sparse.random(n, n, density=0.2, random_state=0)
    P = sparse.csr_matrix(P + P.T)
    return P / P.sum()


def test_exaggeration_comes_inside_p_and_the_error_without_it():
    P, Y = graph(), np.random.default_rng(0).normal(size=(60, 2))
    of = FunctionObjective(kl_divergence_bh, P, {"dof": 1.0, "n_jobs": 1})
    plain_error, plain = kl_divergence_bh(Y, P, should_eval_error=True)
    error, gradient = of.evaluate(Y, exaggeration=1.0, with_loss=True)
    assert error == plain_error
    assert np.array_equal(gradient, plain)
    before = P.data.copy()
    error, gradient = of.evaluate(Y, exaggeration=12.0, with_loss=True)
    assert error == pytest.approx(plain_error, rel=1e-4)
    assert np.array_equal(gradient, kl_divergence_bh(Y, P * 12)[1])
    assert np.array_equal(P.data, before)


def test_the_error_without_exaggeration_is_right_for_any_sum_of_p():
    P, Y = graph() * 60, np.random.default_rng(0).normal(size=(60, 2))
    of = FunctionObjective(kl_divergence_bh, P, {"n_jobs": 1})
    errors = [of.evaluate(Y, exaggeration=rho, with_loss=True)[0] for rho in (1.0, 4.0)]
    assert errors[1] == pytest.approx(errors[0], rel=1e-6)


def test_the_function_gets_what_the_contract_says():
    seen = {}

    def function(embedding, P, **options):
        seen.update(options, mass=P.sum())
        return None, np.zeros_like(embedding)

    of = FunctionObjective(function, graph(), {"dof": 2.0, "n_jobs": 3})
    error, gradient = of.evaluate(np.ones((60, 2)), exaggeration=4.0, with_loss=False)
    assert np.isnan(error)
    assert not gradient.any()
    assert seen == {"dof": 2.0, "n_jobs": 3, "should_eval_error": False, "mass": pytest.approx(4.0)}


@pytest.mark.parametrize("result", [None, 3.0, (1.0,), (1.0, np.zeros((60, 3))), (1.0, "no"), (1.0, np.zeros(60))])
def test_results_of_another_form_are_refused(result):
    of = FunctionObjective(lambda *args, **kwargs: result, graph(), {})
    with pytest.raises(InvalidTypeError, match="`negative_gradient_method` must return"):
        of.evaluate(np.ones((60, 2)), exaggeration=1.0, with_loss=True)
