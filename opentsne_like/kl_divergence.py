"""The KL divergence of a map from its affinities, by each of three methods, under openTSNE's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._validation import check_real
from .metrics import kl_divergence as exact_divergence
from .opentsne import kl_divergence_bh, kl_divergence_fft

__all__ = ["kl_divergence_approx_bh", "kl_divergence_approx_fft", "kl_divergence_exact"]


def kl_divergence_exact(P: Any, embedding: Any, dof: float = 1) -> float:
    """Return the KL divergence by sums over all pairs, in float64.

    The formula stands with `opentsne_like.metrics.kl_divergence`, which this is.

    Parameters
    ----------
    P : array or sparse matrix of shape (n, n)
        Joint probabilities; those on the diagonal do not count.
    embedding : array of shape (n, d)
    dof : float
        Degrees of freedom of the map's kernel.

    Returns
    -------
    float
        In nats.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import kl_divergence
    >>> P = np.array([[0, 0.5], [0.5, 0]])
    >>> round(kl_divergence.kl_divergence_exact(P, np.array([[0.0], [1.0]])), 6)
    0.0
    """
    return exact_divergence(P, embedding, dof)


def kl_divergence_approx_bh(
    indices: Any, indptr: Any, P_data: Any, embedding: Any, theta: float = 0.5, dof: float = 1
) -> float:
    """Return the KL divergence with the sum over all pairs taken by Barnes-Hut.

    Parameters
    ----------
    indices, indptr, P_data : arrays
        The joint probabilities, as the arrays of a CSR matrix of shape (n, n).
    embedding : array of shape (n, d)
    theta : float
        Opening angle; 0 is exact.
    dof : float
        Degrees of freedom of the map's kernel.

    Returns
    -------
    float
        In nats.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import kl_divergence
    >>> Y = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> round(kl_divergence.kl_divergence_approx_bh(np.array([1, 0]), np.array([0, 1, 2]), np.array([0.5, 0.5]), Y), 6)
    0.0
    """
    P = _matrix(indices, indptr, P_data, embedding)
    params = {"theta": check_real(theta, "theta", at_least=0)}
    return kl_divergence_bh(embedding, P, dof, params, should_eval_error=True)[0]


def kl_divergence_approx_fft(
    indices: Any,
    indptr: Any,
    P_data: Any,
    embedding: Any,
    dof: float = 1,
    n_interpolation_points: int = 3,
    min_num_intervals: int = 10,
    ints_in_interval: float = 1,
) -> float:
    """Return the KL divergence with the sum over all pairs taken by convolution on a grid.

    Parameters
    ----------
    indices, indptr, P_data : arrays
        The joint probabilities, as the arrays of a CSR matrix of shape (n, n).
    embedding : array of shape (n, d)
    dof : float
        Degrees of freedom of the map's kernel.
    n_interpolation_points, min_num_intervals : int
    ints_in_interval : float
        openTSNE's grid parameters, mapped onto an accuracy; 3, 10, 1 mean the default.

    Returns
    -------
    float
        In nats.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import kl_divergence
    >>> Y = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> kl = kl_divergence.kl_divergence_approx_fft(np.array([1, 0]), np.array([0, 1, 2]), np.array([0.5, 0.5]), Y)
    >>> abs(kl) < 1e-3
    True
    """
    P = _matrix(indices, indptr, P_data, embedding)
    params = {
        "n_interpolation_points": n_interpolation_points,
        "min_num_intervals": min_num_intervals,
        "ints_in_interval": ints_in_interval,
    }
    return kl_divergence_fft(embedding, P, dof, params, should_eval_error=True)[0]


def _matrix(indices: Any, indptr: Any, data: Any, embedding: Any) -> Any:
    from scipy.sparse import csr_matrix

    n = len(embedding)
    return csr_matrix((np.asarray(data), np.asarray(indices), np.asarray(indptr)), shape=(n, n))
