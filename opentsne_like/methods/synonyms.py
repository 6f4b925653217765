"""What parameters are called in other packages and in other estimators, to answer those who write these names.

No second name is taken, so that `get_params` stays one to one.
"""

from __future__ import annotations

from collections.abc import Collection

from .._validation import near_miss

# Names of one thing, in scikit-learn, umap-learn, openTSNE, Rtsne, TorchDR, contrastive-ne and in estimators of this
# package. Each estimator has one of a row, or some that say different things, of which the first is meant.
_SAME = (
    ("n_iter", "max_iter", "n_epochs", "num_iters", "maxit", "n_iterations"),
    ("initialization", "init", "Y_init"),
    ("negative_gradient_method", "method"),
    ("theta", "angle"),
    ("metric_params", "metric_kwds"),
    ("neighbors", "knn_method", "force_approximation_algorithm"),
    ("n_neighbors", "k", "k_neighbors", "perplexity"),
    ("random_state", "seed", "random_seed"),
    ("n_components", "dims", "n_dims", "no_dims", "embd_dim", "embedding_dim"),
    ("n_jobs", "num_threads", "n_threads"),
    ("learning_rate", "lr", "eta"),
    ("early_exaggeration", "exaggeration_factor", "early_exaggeration_coeff"),
    ("early_exaggeration_iter", "early_iter", "stop_lying_iter"),
    ("final_momentum", "momentum"),
    ("n_negatives", "negative_sample_rate", "negative_samples"),
    ("process_duplicates", "check_duplicates", "unique"),
)
# Arguments that are objects of their own, and what these say where an estimator has no parameter for it.
_OF_AFFINITIES = ("perplexity", "n_neighbors", "metric", "metric_params", "neighbors", "knn_kwargs", "set_op_mix_ratio")
_OF_THE_SCHEDULE = (
    *("n_iter", "learning_rate", "early_exaggeration", "early_exaggeration_iter", "exaggeration"),
    *("initial_momentum", "final_momentum", "max_grad_norm", "max_step_norm"),
)
_OF_THE_LOSS = (
    *("negative_gradient_method", "theta", "grid_tolerance", "dof", "n_negatives", "repulsion", "repulsion_every"),
    *("s", "Z_bar", "c", "lam", "min_dist", "spread", "a", "b"),
)
_INSIDE = {
    "affinities": _OF_AFFINITIES,
    "schedule": _OF_THE_SCHEDULE,
    "loss": (*_OF_THE_LOSS, *_OF_AFFINITIES, *_OF_THE_SCHEDULE, "n_components", "initialization"),  # or an estimator
}
_ELSEWHERE = {
    "affinities": "give them to `fit(affinities=...)`",
    "precomputed_knn": "give them to `fit(affinities=affinity.from_neighbors(...))`",
    "is_distance": "write `metric='precomputed'`",
    "n_iter_without_progress": "write `callbacks=EarlyStopping()`",
    "min_grad_norm": "write `callbacks=EarlyStopping()`",
}


def meant_by(name: str, known: Collection[str]) -> str:
    """Return what somebody may have meant by the name of a parameter, as the end of a message, or nothing.

    Parameters
    ----------
    name : str
    known : collection of str
        The parameters that there are.

    Examples
    --------
    >>> from opentsne_like import TSNE
    >>> meant_by("max_iter", TSNE().get_params())
    "; did you mean 'n_iter'?"
    """
    names = next((row for row in _SAME if name in row), (name,))
    own = next((other for other in names if other in known), None)
    if own is not None:
        return f"; did you mean {own!r}?"
    if name in _ELSEWHERE:
        return f"; {_ELSEWHERE[name]}"
    outer = next((outer for outer in _INSIDE if outer in known and not set(names).isdisjoint(_INSIDE[outer])), None)
    return near_miss(name, list(known)) if outer is None else f"; `{outer}` says it"
