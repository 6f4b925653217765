"""t-SNE's objective as functions of openTSNE's contract: usable as ``negative_gradient_method``."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from .._types import Array
from .._validation import check_choice, check_integer, check_real
from ..objectives import METHODS, Edges, check_dimension, check_shapes, divergence, placed_divergence
from ..repulsion import DEFAULT_TOLERANCE, Control, RepulsionEngine, StudentT

_ALIASES = {"BH": "bh", "barnes-hut": "bh", "FFT": "fft", "interpolation": "fft"}


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
    gradient : ndarray of shape (n, d), float64

    Raises
    ------
    InvalidParameterError
        If the shapes of P and of the maps do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.opentsne import kl_divergence_bh
    >>> P, Y = csr_matrix(np.array([[0, 0.5], [0.5, 0]])), np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> error, gradient = kl_divergence_bh(Y, P, bh_params={"theta": 0.3}, should_eval_error=True)
    >>> round(abs(error), 6), gradient.shape
    (0.0, (2, 2))
    """
    engine = RepulsionEngine(StudentT(float(dof)), method="bh", n_jobs=n_jobs, **(bh_params or {}))
    return _evaluate(engine, embedding, P, reference_embedding, should_eval_error)


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
    """Return the KL divergence and a quarter of its gradient by convolution on a grid.

    Parameters
    ----------
    embedding, P, dof, reference_embedding, should_eval_error, n_jobs
        As in `kl_divergence_bh`.
    fft_params : dict, optional
        ``{"n_interpolation_points": 3, "min_num_intervals": 50, "ints_in_interval": 1}``; see `tolerance_of`.

    Returns
    -------
    error : float
    gradient : ndarray of shape (n, d), float64

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.opentsne import kl_divergence_fft
    >>> P, Y = csr_matrix(np.array([[0, 0.5], [0.5, 0]])), np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> error, gradient = kl_divergence_fft(Y, P, should_eval_error=True)
    >>> abs(error) < 1e-3, gradient.shape
    (True, (2, 2))
    """
    tolerance = tolerance_of(**(fft_params or {}))
    engine = RepulsionEngine(StudentT(float(dof)), method="fft", tolerance=tolerance, n_jobs=n_jobs)
    return _evaluate(engine, embedding, P, reference_embedding, should_eval_error)


def tolerance_of(n_interpolation_points: int = 3, min_num_intervals: int = 50, ints_in_interval: float = 1) -> float:
    """Return the relative error of the forces that openTSNE's grid parameters stand for here.

    Its error falls about with the square of the nodes per unit of length, which is what they set: 3, 50, 1 mean the
    default. A `min_num_intervals` below 50 makes nothing worse, because small maps get a fine grid anyway.

    Parameters
    ----------
    n_interpolation_points : int
        Nodes of a cell, along each axis.
    min_num_intervals : int
        The fewest cells along an axis.
    ints_in_interval : float
        Side of a cell, in units of the map.

    Returns
    -------
    float

    Examples
    --------
    >>> from opentsne_like.opentsne import tolerance_of
    >>> tolerance_of(6) == tolerance_of() / 4 == tolerance_of(ints_in_interval=0.5)
    True
    """
    points = check_integer(n_interpolation_points, "n_interpolation_points", at_least=1)
    cells = check_integer(min_num_intervals, "min_num_intervals", at_least=1)
    nodes = points / check_real(ints_in_interval, "ints_in_interval", above=0) * max(1.0, cells / 50)
    coarser = min(3 / nodes, 10.0)  # beyond, the bound below holds anyway
    return float(np.clip(DEFAULT_TOLERANCE * coarser**2, 1e-5, 5e-2))


def method_of(objective_function: Any) -> Any:
    """Return the name of the built-in method that is meant, or None for a function of the user's own.

    Parameters
    ----------
    objective_function : str or callable
        "auto", "exact", "bh", "fft", openTSNE's other names of them, one of the two functions above, or any callable.

    Examples
    --------
    >>> from opentsne_like.opentsne import kl_divergence_fft, method_of
    >>> method_of("barnes-hut"), method_of(kl_divergence_fft), method_of(lambda embedding, P, **_: (0.0, embedding))
    ('bh', 'fft', None)
    """
    if objective_function is kl_divergence_bh:
        return "bh"
    if objective_function is kl_divergence_fft:
        return "fft"
    if callable(objective_function):
        return None
    name = _ALIASES.get(objective_function, objective_function) if isinstance(objective_function, str) else None
    return check_choice(objective_function if name is None else name, "negative_gradient_method", METHODS)


def _evaluate(engine: RepulsionEngine, embedding: Any, P: Any, reference: Any, with_loss: bool) -> tuple[float, Array]:
    points = _columns(embedding)
    check_dimension(engine.method, points.shape[1])
    sources = None if reference is None else _columns(reference)
    check_shapes(P, points.shape, None if sources is None else sources.shape)
    edges = Edges.of(P, n_jobs=engine.n_jobs)
    dof = float(cast(StudentT, engine.radial).dof)
    if sources is None:
        objective = divergence(edges, dof, engine, Control())
        found = objective.evaluate(points, exaggeration=1.0, with_loss=with_loss)
    else:
        placed = placed_divergence(edges, dof, engine.freeze(sources), engine.n_jobs)
        found = placed.evaluate(points, exaggeration=1.0, with_loss=with_loss)
    error, gradient = found
    return error, gradient.astype(np.float64).reshape(np.shape(embedding))


def _columns(points: Any) -> Array:
    """Return coordinates as (n, d) float64; a flat array is a map of one dimension."""
    array = np.ascontiguousarray(points, dtype=np.float64)
    return array.reshape(len(array), -1)
