"""Exact neighbours: products of single precision propose, distances in float64 decide, and a bound proves it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._types import Array
from . import device
from .sums import precision

BLOCK = 8192  # rows whose products are there at once, on either side
SELECTORS = 128  # threads of a block that selects or ranks
EACH = 4  # scores that each of them looks at between waits, as in `sources/neighbors.cu`
SCORE_BYTES, DISTANCE_BYTES = 8, 16  # of a key by a score, and by a distance
WARP = 32


class Prefilter:
    """Rows on the device as centred vectors of single precision, whose products tell in which order to look.

    Frame and scores are those of `nearest_neighbors.Prefilter`.

    Parameters
    ----------
    rows : ndarray of the device, shape (n, d), float32 or float64
    kind : int
        0 for euclidean distances, 1 for cosine ones, as in `kernels.knn`.
    norms : ndarray of shape (n,) or (0,), float64
        Of the host; those of the rows under cosine distance.
    middle : ndarray of shape (d,), float64
        Of the host; what is taken off the rows, or off unit vectors.
    scale : float
        What they are multiplied by then.
    """

    def __init__(self, rows: Array, kind: int, norms: Array, middle: Array, scale: float) -> None:
        card, (n, d) = device.current(), rows.shape
        xp = card.xp
        self.rows, self.kind, self.scale = rows, kind, float(scale)
        self.norms = xp.asarray(norms) if len(norms) else None
        self.vectors, self.squares, self.sizes = xp.empty((n, d), np.float32), xp.empty(n, np.float32), xp.empty(n)
        centre(rows, self.norms, xp.asarray(middle), self.scale, self.vectors)
        sizes = (d, np.int64(n), self.vectors, self.squares, self.sizes)
        card.launch("row_sizes", (device.blocks_for(n * WARP, most=n),), sizes)

    @property
    def unit(self) -> float:
        """The rounding of a score, in units of the magnitudes that are added up; see `limits` on the CPU.

        Tensor cores cut factors to 11 bits, where CuPy was told to use them.
        """
        cut = 2.0**-9 if int(os.environ.get("CUPY_TF32", "0")) > 0 else 0.0
        return float((self.rows.shape[1] + 8) * 2.0**-24 + cut)


def centre(rows: Array, norms: Array | None, middle: Array, scale: float, out: Array) -> None:
    """Write ``(row / norm - middle) * scale`` for every row.

    Parameters
    ----------
    rows : ndarray of the device, shape (m, d), float32 or float64
    norms : ndarray of the device, shape (m,), float64, or None
    middle : ndarray of the device, shape (d,), float64
    scale : float
    out : ndarray of the device, shape (m, d), float32 or float64
    """
    m, d = rows.shape
    arguments = (d, np.int64(m), rows, norms, middle, scale, *either(out))
    device.current().launch(f"centre_{precision(rows)}", (device.blocks_for(m * d),), arguments)


def either(out: Array) -> tuple[Array | None, Array | None]:
    """Return an array as kernels take one of single or of double precision: as a pair, of which one is None."""
    return (out, None) if out.dtype == np.float32 else (None, out)


def exact_neighbors(prefilter: Prefilter, k: int, *, dtype: Any) -> tuple[Array, Array]:
    """Return the first k rows by (distance, index) for every row, without the row itself.

    Distances are those of the CPU, bit for bit where their sums are exact and under cosine distance, and elsewhere but
    for the rounding of sums in another order.

    Parameters
    ----------
    prefilter : Prefilter
    k : int
        At most n - 1, and so many that their keys fit into the shared memory of the card: 1,000 on every one.
    dtype : dtype
        What the distances are returned in.

    Returns
    -------
    indices : ndarray of the device, shape (n, k), int32
    distances : ndarray of the device, shape (n, k)
    """
    card, n = device.current(), len(prefilter.rows)
    indices, distances = card.xp.empty((n, k), np.int32), card.xp.empty((n, k), dtype)
    doubtful, products = card.xp.empty(n, np.int32), card.xp.empty(min(n, BLOCK) ** 2, np.float32)
    keep = min(n - 1, k + max(8, k // 8))  # a margin for rounding
    for low in range(0, n, BLOCK):
        kept, counts = _select(prefilter, low, min(low + BLOCK, n), keep, products)
        _rank(prefilter, low, k, kept, counts, (indices, distances, doubtful))
    again = np.flatnonzero(card.read(doubtful)).astype(np.int32)
    if len(again):
        _rank_all(prefilter, again, k, indices, distances)
    return indices, distances


def _select(prefilter: Prefilter, low: int, high: int, keep: int, products: Array) -> tuple[Array, Array]:
    """Return keys of the lowest scores of rows (high - low, keep), and how many there are of each row."""
    card, n, rows = device.current(), len(prefilter.rows), high - low
    kept, counts = card.xp.empty((rows, keep), np.uint64), card.xp.zeros(rows, np.int32)
    capacity = keep + EACH * SELECTORS
    for first in range(0, n, BLOCK):
        last = min(first + BLOCK, n)
        tile = products[: rows * (last - first)].reshape(rows, last - first)
        card.xp.dot(prefilter.vectors[low:high], prefilter.vectors[first:last].T, out=tile)
        arguments = (last - first, low, first, keep, capacity, tile, prefilter.squares, kept, counts)
        card.launch("select_lowest", (rows,), arguments, SELECTORS, capacity * SCORE_BYTES)
    return kept, counts


def _rank(prefilter: Prefilter, low: int, k: int, kept: Array, counts: Array, out: tuple[Array, Array, Array]) -> None:
    """Write the neighbours of the rows from `low` on, and which of them are doubtful."""
    (rows, keep), (n, d), (indices, distances, doubtful) = kept.shape, prefilter.rows.shape, out
    numbers = (prefilter.sizes, prefilter.scale, prefilter.unit, keep < n - 1, kept, counts)
    arguments = (prefilter.kind, d, k, keep, low, prefilter.rows, prefilter.norms, *numbers)
    written = (indices, *either(distances), doubtful)
    kernel = f"rank_{precision(prefilter.rows)}"
    device.current().launch(kernel, (rows,), (*arguments, *written), SELECTORS, keep * SCORE_BYTES)


def _rank_all(prefilter: Prefilter, at: Array, k: int, indices: Array, distances: Array) -> None:
    """Write the neighbours of some rows, of which all others are looked at."""
    card, (n, d) = device.current(), prefilter.rows.shape
    capacity = k + SELECTORS
    arguments = (prefilter.kind, d, n, k, capacity, card.xp.asarray(at), prefilter.rows, prefilter.norms)
    kernel, shared = f"rank_all_{precision(prefilter.rows)}", capacity * DISTANCE_BYTES
    card.launch(kernel, (len(at),), (*arguments, indices, *either(distances)), SELECTORS, shared)
