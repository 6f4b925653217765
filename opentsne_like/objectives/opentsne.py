"""t-SNE's objective as functions of openTSNE's contract: usable as ``negative_gradient_method``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..repulsion import Method, RepulsionEngine, StudentT
from .edges import Edges
from .tsne import PartialTSNEObjective, TSNEObjective

Array = np.ndarray[Any, Any]


def kl_divergence_bh(
    embedding: Any,
    P: Any,
    dof: float = 1,
    bh_params: dict[str, Any] | None = None,
    reference_embedding: Any = None,
    should_eval_error: bool = False,
    n_jobs: int = -1,
    **_: Any,
) -> tuple[float, Array]:
    """Return the KL divergence and a quarter of its gradient by Barnes-Hut.

    Parameters
    ----------
    embedding : array of shape (n, d)
    P : csr_matrix of shape (n, n), or (n, m) where `reference_embedding` is given
        With exaggeration, if any.
    dof : float
        Degrees of freedom.
    bh_params : dict, optional
        ``{"theta": 0.5}``.
    reference_embedding : array of shape (m, d), optional
    should_eval_error : bool
        NaN is returned for the KL divergence unless it is asked for.
    n_jobs : int

    Returns
    -------
    error : float
    gradient : ndarray of shape (n, d)
    """
    theta = (bh_params or {}).get("theta", 0.5)
    return _evaluate("bh", embedding, P, dof, theta, reference_embedding, should_eval_error, n_jobs)


def kl_divergence_fft(
    embedding: Any,
    P: Any,
    dof: float = 1,
    fft_params: dict[str, Any] | None = None,
    reference_embedding: Any = None,
    should_eval_error: bool = False,
    n_jobs: int = -1,
    **_: Any,
) -> tuple[float, Array]:
    """Return the KL divergence and a quarter of its gradient by interpolation on a grid; see `kl_divergence_bh`."""
    return _evaluate("fft", embedding, P, dof, 0.5, reference_embedding, should_eval_error, n_jobs)


def method_of(objective_function: Any) -> Any:
    """Return the name of the built-in method that is meant, or None for a function of the user's own."""
    if objective_function is kl_divergence_bh:
        return "bh"
    if objective_function is kl_divergence_fft:
        return "fft"
    return None if callable(objective_function) else objective_function


def _evaluate(
    method: Method, embedding: Any, P: Any, dof: float, theta: float, reference: Any, with_loss: bool, n_jobs: int
) -> tuple[float, Array]:
    points = np.ascontiguousarray(embedding, dtype=np.float64)
    engine = RepulsionEngine(StudentT(float(dof)), method=method, theta=theta, n_jobs=n_jobs)
    edges = Edges.of(P, n_jobs=n_jobs)
    if reference is None:
        return TSNEObjective(edges, dof, engine).evaluate(points, exaggeration=1.0, with_loss=with_loss)
    frozen = engine.freeze(np.ascontiguousarray(reference, dtype=np.float64))
    return PartialTSNEObjective(edges, dof, frozen, n_jobs).evaluate(points, exaggeration=1.0, with_loss=with_loss)
