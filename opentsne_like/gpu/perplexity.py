"""Gaussian rows: the precisions that give wanted perplexities, and the probabilities that follow."""

from __future__ import annotations

from typing import Any

from .._types import Array
from . import device
from .neighbors import either

ROWS = 128  # of a block, a thread for each


def search(distances: Array, width: int, log_perplexities: Array, odds: Array) -> Array:
    """Return the precision of every row and scale, see `kernels.perplexity.search`.

    Parameters
    ----------
    distances : ndarray of the device, shape (n, k), float32 or float64
    width : int
        So many entries of a row are used.
    log_perplexities, odds : ndarray of shape (scales,), float64
        Of the host.

    Returns
    -------
    ndarray of the device, shape (n, scales), float64
        In units of 1 / (largest squared distance of the row).
    """
    card, (n, k), scales = device.current(), distances.shape, len(odds)
    precisions: Array = card.xp.empty((n, scales))
    wanted = (scales, card.xp.asarray(log_perplexities), card.xp.asarray(odds))
    arguments = (n, width, k, *either(distances), *wanted, precisions)
    card.launch("search", (device.blocks_for(n, ROWS, most=n),), arguments, ROWS)
    return precisions


def evaluate(distances: Array, width: int, precisions: Array, average: bool, least: float, dtype: Any) -> Array:
    """Return the conditional probabilities of the rows, see `kernels.perplexity.evaluate`.

    Parameters
    ----------
    distances, width
        As in `search`.
    precisions : ndarray of the device, shape (n, scales), float64
    average : bool
        The mean over the scales of the normalized Gaussians, and not the normalized sum of their densities.
    least : float
        What is below counts as it.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray of the device, shape (n, width), dtype
    """
    card, (n, k), scales = device.current(), distances.shape, precisions.shape[1]
    weights: Array = card.xp.empty((n, width), dtype)
    shares = card.xp.empty((n, scales))
    rows = (n, width, k, *either(distances), scales, precisions)
    arguments = (*rows, bool(average), float(least), shares, *either(weights))
    card.launch("evaluate", (device.blocks_for(n, ROWS, most=n),), arguments, ROWS)
    return weights
