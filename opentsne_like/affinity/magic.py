"""MAGIC's affinities: Gaussian, of each point's own scale, the mean of both directions."""

from __future__ import annotations

import numpy as np

from .._types import Array
from .self_tuning import SelfTuning, Weigh


class MAGIC(SelfTuning):
    r"""Affinities of MAGIC: Gaussians of each point's own scale, the mean of both directions.

    :math:`a_{ij} = \exp(-d_{ij}^2 / \sigma_i^2)` with :math:`\sigma_i` the distance to neighbour number
    `scale_neighbor`, on the neighbour graph; an edge gets :math:`(a_{ij} + a_{ji}) / 2` (D. van Dijk et al., Recovering
    gene interactions from single-cell data using data diffusion, Cell 2018). `P` is that divided by its sum. Its rows,
    each divided by its own sum, are the transitions of MAGIC's diffusion, ``P / P.sum(axis=1)``.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    k_neighbors, scale_neighbor, normalize, **options
        As in `SelfTuning`.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
    sigmas_ : float64 ndarray of shape (n_samples,)
        In units of the distances.
    knn_index : KNNIndex

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> MAGIC(X, k_neighbors=2, scale_neighbor=1, normalize=False).P.toarray().round(3).tolist()
    [[0.0, 0.368, 0.053], [0.368, 0.0, 0.193], [0.053, 0.193, 0.0]]
    """

    JOIN = "mean"

    def _weigh(self, own: Array) -> Weigh:
        # half of each direction, as their sum is taken
        return lambda d, rows, columns: 0.5 * np.exp(-np.square(d / own[rows]))
