"""Every public callable of openTSNE 1.0.4 is here, with its parameters, their order and their defaults."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

# What openTSNE 1.0.4 offers, save that `n_jobs` is 1 there and -1 here: no result depends on it.
SIGNATURES = """
tsne.OptimizationInterrupt(error, final_embedding)
tsne.PartialTSNEEmbedding(embedding, reference_embedding, P, optimizer=None)
tsne.PartialTSNEEmbedding.optimize(n_iter, inplace=False, propagate_exception=False)
tsne.TSNEEmbedding(embedding, affinities, dof=1, n_interpolation_points=3, min_num_intervals=50, ints_in_interval=1,
    negative_gradient_method="auto", random_state=None, optimizer=None)
tsne.TSNEEmbedding.optimize(n_iter, inplace=False, propagate_exception=False)
tsne.TSNEEmbedding.transform(X, perplexity=5, initialization="median", k=25, learning_rate=0.1, early_exaggeration=4,
    early_exaggeration_iter=0, exaggeration=1.5, n_iter=250, initial_momentum=0.8, final_momentum=0.8,
    max_grad_norm=0.25, max_step_norm=None)
tsne.TSNEEmbedding.prepare_partial(X, initialization="median", k=25)
tsne.TSNEEmbedding.prepare_interpolation_grid(padding=0.25)
tsne.TSNE(n_components=2, perplexity=30, learning_rate="auto", early_exaggeration_iter=250, early_exaggeration="auto",
    n_iter=500, exaggeration=None, dof=1, theta=0.5, n_interpolation_points=3, min_num_intervals=50,
    ints_in_interval=1, initialization="pca", metric="euclidean", metric_params=None, initial_momentum=0.8,
    final_momentum=0.8, max_grad_norm=None, max_step_norm=5, n_jobs=-1, neighbors="auto", knn_kwargs=None,
    negative_gradient_method="auto", callbacks=None, callbacks_every_iters=50, random_state=None, verbose=False)
tsne.TSNE.fit(X=None, affinities=None, initialization=None)
tsne.TSNE.prepare_initial(X=None, affinities=None, initialization=None)
tsne.kl_divergence_bh(embedding, P, dof, bh_params, reference_embedding=None, should_eval_error=False, n_jobs=-1)
tsne.kl_divergence_fft(embedding, P, dof, fft_params, reference_embedding=None, should_eval_error=False, n_jobs=-1)
tsne.gradient_descent()
tsne.gradient_descent.copy()
tsne.gradient_descent.__call__(embedding, P, n_iter, objective_function, learning_rate="auto", momentum=0.8,
    exaggeration=None, dof=1, min_gain=0.01, max_grad_norm=None, max_step_norm=5, theta=0.5, n_interpolation_points=3,
    min_num_intervals=50, ints_in_interval=1, reference_embedding=None, n_jobs=-1, use_callbacks=False,
    callbacks=None, callbacks_every_iters=50, verbose=False)
affinity.Affinities(verbose=False)
affinity.Affinities.to_new(data, return_distances=False)
affinity.PerplexityBasedNN(data=None, perplexity=30, method="auto", metric="euclidean", metric_params=None,
    symmetrize=True, n_jobs=-1, random_state=None, verbose=False, k_neighbors="auto", knn_kwargs=None, knn_index=None)
affinity.PerplexityBasedNN.set_perplexity(new_perplexity)
affinity.PerplexityBasedNN.to_new(data, perplexity=None, return_distances=False, k_neighbors="auto")
affinity.get_knn_index(data, method, k, metric, metric_params=None, n_jobs=-1, random_state=None, verbose=False,
    knn_kwargs=None)
affinity.joint_probabilities_nn(neighbors, distances, perplexities, symmetrize=True, normalization="pair-wise",
    n_reference_samples=None, n_jobs=-1)
affinity.FixedSigmaNN(data=None, sigma=None, k=30, method="auto", metric="euclidean", metric_params=None,
    symmetrize=True, n_jobs=-1, random_state=None, verbose=False, knn_kwargs=None, knn_index=None)
affinity.FixedSigmaNN.to_new(data, k=None, sigma=None, return_distances=False)
affinity.MultiscaleMixture(data=None, perplexities=None, method="auto", metric="euclidean", metric_params=None,
    symmetrize=True, n_jobs=-1, random_state=None, verbose=False, knn_kwargs=None, knn_index=None)
affinity.MultiscaleMixture.set_perplexities(new_perplexities)
affinity.MultiscaleMixture.to_new(data, perplexities=None, return_distances=False)
affinity.MultiscaleMixture.check_perplexities(perplexities, n_samples)
affinity.Multiscale(data=None, perplexities=None, method="auto", metric="euclidean", metric_params=None,
    symmetrize=True, n_jobs=-1, random_state=None, verbose=False, knn_kwargs=None, knn_index=None)
affinity.Uniform(data=None, k_neighbors=30, method="auto", metric="euclidean", metric_params=None, symmetrize=True,
    n_jobs=-1, random_state=None, verbose=False, knn_kwargs=None, knn_index=None)
affinity.Uniform.to_new(data, k_neighbors=None, return_distances=False)
affinity.PrecomputedAffinities(affinities, normalize=True)
affinity.PrecomputedAffinities.to_new(data, return_distances=False)
nearest_neighbors.KNNIndex(data, k, metric="euclidean", metric_params=None, n_jobs=-1, random_state=None,
    verbose=False, knn_kwargs=None)
nearest_neighbors.KNNIndex.build()
nearest_neighbors.KNNIndex.query(query, k)
nearest_neighbors.KNNIndex.check_metric(metric)
nearest_neighbors.Sklearn.build()
nearest_neighbors.Sklearn.query(query, k)
nearest_neighbors.Annoy(data, k, metric="euclidean", metric_params=None, n_jobs=-1, random_state=None, verbose=False,
    knn_kwargs=None)
nearest_neighbors.Annoy.build()
nearest_neighbors.Annoy.query(query, k)
nearest_neighbors.NNDescent.check_metric(metric)
nearest_neighbors.NNDescent.build()
nearest_neighbors.NNDescent.query(query, k)
nearest_neighbors.HNSW.build()
nearest_neighbors.HNSW.query(query, k)
nearest_neighbors.PrecomputedDistanceMatrix(distance_matrix, k)
nearest_neighbors.PrecomputedDistanceMatrix.build()
nearest_neighbors.PrecomputedDistanceMatrix.query(query, k)
nearest_neighbors.PrecomputedNeighbors(neighbors, distances)
nearest_neighbors.PrecomputedNeighbors.build()
initialization.rescale(x, inplace=False, target_std=0.0001)
initialization.jitter(x, inplace=False, scale=0.01, random_state=None)
initialization.random(n_samples, n_components=2, random_state=None, verbose=False)
initialization.pca(X, n_components=2, svd_solver="auto", random_state=None, verbose=False, add_jitter=True)
initialization.spectral(A, n_components=2, tol=0.0001, max_iter=None, random_state=None, verbose=False,
    add_jitter=True)
initialization.weighted_mean(X, embedding, neighbors, distances, verbose=False)
initialization.median(embedding, neighbors, verbose=False)
callbacks.Callback.optimization_about_to_start()
callbacks.Callback.__call__(iteration, error, embedding)
callbacks.VerifyExaggerationError(embedding)
callbacks.VerifyExaggerationError.__call__(iteration, corrected_error, embedding)
callbacks.ErrorApproximations(P)
callbacks.ErrorApproximations.__call__(iteration, error, embedding)
callbacks.ErrorApproximations.report()
metrics.pBIC(embedding)
sklearn.TSNE(n_components=2, perplexity=30, learning_rate="auto", early_exaggeration_iter=250,
    early_exaggeration="auto", n_iter=500, exaggeration=None, dof=1, theta=0.5, n_interpolation_points=3,
    min_num_intervals=50, ints_in_interval=1, initialization="pca", metric="euclidean", metric_params=None,
    initial_momentum=0.8, final_momentum=0.8, max_grad_norm=None, max_step_norm=5, n_jobs=-1, neighbors="auto",
    knn_kwargs=None, negative_gradient_method="auto", callbacks=None, callbacks_every_iters=50, random_state=None,
    verbose=False)
sklearn.TSNE.fit(X, y=None)
sklearn.TSNE.fit_transform(X, y=None)
utils.Timer(message, verbose=False)
utils.is_package_installed(libname)
utils.clip_point_to_disc(points, radius, inplace=False)
kl_divergence.kl_divergence_exact(P, embedding, dof=1)
kl_divergence.kl_divergence_approx_bh(indices, indptr, P_data, embedding, theta=0.5, dof=1)
kl_divergence.kl_divergence_approx_fft(indices, indptr, P_data, embedding, dof=1, n_interpolation_points=3,
    min_num_intervals=10, ints_in_interval=1)
"""

# What must be given there and may be left out here.
OPTIONAL_HERE = {
    ("tsne.kl_divergence_bh", "dof"),
    ("tsne.kl_divergence_bh", "bh_params"),
    ("tsne.kl_divergence_fft", "dof"),
    ("tsne.kl_divergence_fft", "fft_params"),
    ("nearest_neighbors.PrecomputedDistanceMatrix", "k"),
    ("initialization.weighted_mean", "distances"),
}
# Positional nowhere but in openTSNE's own code; here by keyword.
BY_KEYWORD = {"tsne.gradient_descent.__call__"}
# Classes that hand all their arguments on to their base.
OF_BASE = {"nearest_neighbors.Annoy": "nearest_neighbors.KNNIndex"}


def _expected():
    text = " ".join(SIGNATURES.split())
    return dict(re.findall(r"([\w.]+)\(((?:[^()])*)\)", text))


EXPECTED = _expected()


def _find(name):
    module, *path = name.split(".")
    found = importlib.import_module(f"opentsne_like.{module}")
    for part in path:
        found = getattr(found, part)
    if inspect.isclass(found):
        return found.__new__ if "__new__" in vars(found) else found.__init__
    return found


def _parameters(function):
    """Return (name, default, whether by keyword only) of what a caller may pass by name."""
    kinds = {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    return [
        (p.name, p.default, p.kind is p.KEYWORD_ONLY)
        for p in inspect.signature(function).parameters.values()
        if p.kind not in kinds and p.name not in {"self", "cls"}
    ]


def test_the_list_is_whole():
    assert len(EXPECTED) == 77


@pytest.mark.parametrize("name", EXPECTED)
def test_signature(name):
    expected = _parameters(eval(f"lambda {EXPECTED[name]}: None"))
    found = _parameters(_find(OF_BASE.get(name, name)))
    for (wanted, default, _), (given, ours, by_keyword) in zip(expected, found, strict=False):
        assert given == wanted
        assert ours == default or (name, given) in OPTIONAL_HERE
        assert not by_keyword or name in BY_KEYWORD
    assert len(found) >= len(expected)
    new = found[len(expected) :]
    assert all(by_keyword or default is not inspect.Parameter.empty for _, default, by_keyword in new)


@pytest.mark.parametrize("name", ["NNDescent", "HNSW", "Sklearn", "Annoy"])
def test_backends_take_the_arguments_of_their_base(name):
    from opentsne_like import nearest_neighbors

    assert issubclass(getattr(nearest_neighbors, name), nearest_neighbors.KNNIndex)


MODULES = ["affinity", "callbacks", "initialization", "nearest_neighbors", "tsne"]


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_its_logger(module):
    log = importlib.import_module(f"opentsne_like.{module}").log
    assert log.name == f"opentsne_like.{module}"


def test_names_that_moved_stay_importable_from_where_they_were():
    from opentsne_like import TSNE, PartialTSNEEmbedding, TSNEEmbedding, __version__, tsne

    assert tsne.TSNE is TSNE
    assert tsne.TSNEEmbedding is TSNEEmbedding
    assert tsne.PartialTSNEEmbedding is PartialTSNEEmbedding
    assert issubclass(tsne.OptimizationInterrupt, InterruptedError)
    assert __version__
