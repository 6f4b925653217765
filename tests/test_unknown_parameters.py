"""Parameters that an estimator lacks are answered by what they are called here."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import opentsne_like.sklearn
from opentsne_like import NCTSNE, SNE, TSNE, UMAP, InfoNCTSNE, LargeVis, NegTSNE, NeighborEmbedding, PaCMAP, methods
from opentsne_like.errors import InvalidParameterError, UnknownParameterError

ESTIMATORS = (
    *(TSNE, SNE, InfoNCTSNE, NegTSNE, NCTSNE, LargeVis, UMAP, PaCMAP, methods.ElasticEmbedding, NeighborEmbedding),
    *(methods.ParametricEmbedding, opentsne_like.sklearn.TSNE, opentsne_like.sklearn.UMAP),
)
# What scikit-learn 1.9, umap-learn 0.5 and openTSNE 1.0 know; of umap-learn, what says how a map is to look.
ELSEWHERE = {
    "scikit-learn": (
        *("n_components", "perplexity", "early_exaggeration", "learning_rate", "max_iter", "n_iter_without_progress"),
        *("min_grad_norm", "metric", "metric_params", "init", "verbose", "random_state", "method", "angle", "n_jobs"),
    ),
    "umap-learn": (
        *("n_neighbors", "n_components", "metric", "metric_kwds", "n_epochs", "learning_rate", "init", "min_dist"),
        *("spread", "set_op_mix_ratio", "local_connectivity", "repulsion_strength", "negative_sample_rate", "a", "b"),
        *("random_state", "n_jobs", "verbose", "precomputed_knn"),
    ),
    "openTSNE": tuple(name for name in TSNE().get_params() if name not in ("schedule", "repulsion_every", "device")),
}
# Without a counterpart, because the method or the estimator has nothing of the kind.
NONE = {
    *("theta", "dof", "exaggeration", "early_exaggeration", "early_exaggeration_iter", "min_dist", "spread", "a", "b"),
    *("set_op_mix_ratio", "local_connectivity", "repulsion_strength", "negative_sample_rate", "angle"),
    *("n_interpolation_points", "min_num_intervals", "ints_in_interval", "initial_momentum", "final_momentum"),
    *("max_grad_norm", "max_step_norm", "grid_tolerance", "callbacks", "callbacks_every_iters"),
}


def refusal(estimator, name):
    """Return what is said of a parameter, or None if there is one of that name."""
    if name in inspect.signature(estimator).parameters:
        return None
    with pytest.raises(UnknownParameterError, match=f"`{name}` is no parameter of {estimator.__name__}") as refused:
        estimator(**{name: 3})
    return str(refused.value)


@pytest.mark.parametrize(
    ("estimator", "name", "said"),
    [
        (TSNE, "max_iter", "did you mean 'n_iter'?"),
        (TSNE, "init", "did you mean 'initialization'?"),
        (TSNE, "method", "did you mean 'negative_gradient_method'?"),
        (TSNE, "angle", "did you mean 'theta'?"),
        (TSNE, "metric_kwds", "did you mean 'metric_params'?"),
        (TSNE, "min_grad_norm", "write `callbacks=EarlyStopping()`"),
        (TSNE, "precomputed_knn", "give them to `fit(affinities=affinity.from_neighbors(...))`"),
        (TSNE, "perplexty", "did you mean 'perplexity'?"),
        (TSNE, "densmap", ", which has n_components, perplexity, "),
        (UMAP, "max_iter", "did you mean 'n_epochs'?"),
        (UMAP, "initialization", "did you mean 'init'?"),
        (UMAP, "perplexity", "did you mean 'n_neighbors'?"),
        (SNE, "n_neighbors", "did you mean 'perplexity'?"),
        (PaCMAP, "n_iter", "did you mean 'num_iters'?"),
        (NegTSNE, "early_exaggeration_iter", "did you mean 'early_iter'?"),
        (NeighborEmbedding, "perplexity", "`affinities` says it"),
        (NeighborEmbedding, "max_iter", "did you mean 'n_iter'?"),
        (NeighborEmbedding, "exaggeration", "`schedule` says it"),
        (NeighborEmbedding, "angle", "`loss` says it"),
        (methods.ParametricEmbedding, "perplexity", "`loss` says it"),
        (opentsne_like.sklearn.TSNE, "max_iter", "did you mean 'n_iter'?"),
    ],
)
def test_what_is_said(estimator, name, said):
    assert said in refusal(estimator, name)


@pytest.mark.parametrize("package", ELSEWHERE)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_parameter_of_other_packages_has_an_answer(estimator, package):
    unanswered = {name for name in ELSEWHERE[package] if ", which has " in (refusal(estimator, name) or "")}
    assert unanswered <= NONE


def test_it_is_a_type_error_before_the_class_is_made():
    with pytest.raises(TypeError, match="max_iter"):
        TSNE(max_iter=300)
    with pytest.raises(InvalidParameterError, match=r"`max_iter` must be one of .*; did you mean 'n_iter'\?"):
        TSNE().set_params(max_iter=300)


def test_estimators_are_made_and_copied_as_ever():
    made = SNE(perplexity=7)
    assert repr(pickle.loads(pickle.dumps(made))) == repr(copy.deepcopy(made)) == "SNE(perplexity=7)"
    assert list(inspect.signature(TSNE).parameters) == list(TSNE().get_params())


def test_an_estimator_of_ones_own_may_take_any_name():
    class Open(methods.Parameters):
        def __init__(self, **options):
            self.options = options

    assert Open(max_iter=3).options == {"max_iter": 3}

    class Own(TSNE):
        def __init__(self, max_iter=3):
            super().__init__(n_iter=max_iter)

    assert Own(max_iter=5).n_iter == 5
    assert Own(max_iter=5).fit(np.eye(20)).n_iter_ == 255
    with pytest.raises(UnknownParameterError, match=r"`n_iter` is no parameter of Own; did you mean 'max_iter'\?"):
        Own(n_iter=5)
