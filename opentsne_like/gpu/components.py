"""Products of centred data with themselves and with axes, in float64, for principal components."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._types import Array
from . import device, sums
from .neighbors import centre

NUMBERS = 2**24  # of a block of rows


class Table:
    """Dense data on the device around a point near their mean, in blocks of rows.

    It has the methods of the table of `initialization.pca`, and answers on the host. What the point misses of the true
    mean is corrected in the results.

    Parameters
    ----------
    rows : ndarray of the device, shape (n, d), float32 or float64
    center : ndarray of shape (d,)
        Of the host.
    """

    def __init__(self, rows: Array, center: Array) -> None:
        self.rows, self.shape, self.factor = rows, rows.shape, 1.0
        self.center = device.current().xp.asarray(np.asarray(center, np.float64))

    def scale(self) -> None:
        """Bring the numbers near 1 by a power of 2."""
        found = sums.column_sums(self.rows.reshape(-1, 1))
        largest = float(max(found.high[0], -found.low[0]))
        if largest > 0:
            self.factor = float(2.0 ** -np.floor(np.log2(largest)))

    def covariance(self) -> Array:
        """Return the sums of products of columns about their means, float64 of shape (d, d)."""
        return self._products(None, self.shape[1])

    def normal(self, basis: Array) -> Array:
        """Return the covariance, not divided by n, times a basis of shape (d, m)."""
        return self._products(basis, basis.shape[1])

    def _products(self, basis: Array | None, width: int) -> Array:
        """Return what centred rows, transposed, make of themselves, or of their products with a basis."""
        card, (n, d) = device.current(), self.shape
        total, added, out = np.zeros((d, width)), np.zeros(d), card.xp.empty((d, width))
        line, ones = card.xp.empty((1, d)), card.xp.asarray(np.ones((1, self._step)))
        for block in self._blocks():
            card.xp.dot(ones[:, : len(block)], block, out=line)
            added += card.read(line)[0]
            right = block if basis is None else self._times(block, basis)
            card.xp.dot(block.T, right, out=out)
            total += card.read(out)
        return total - np.outer(added, added / n if basis is None else added @ basis / n)

    def project(self, axes: Array) -> Array:
        """Return the centred rows' coordinates along the axes, float64 of shape (n, k)."""
        parts = [device.current().read(self._times(block, axes)) for block in self._blocks()]
        scores: Array = np.concatenate(parts)
        scores -= scores.mean(axis=0)
        return scores

    @staticmethod
    def _times(block: Array, axes: Array) -> Array:
        xp = device.current().xp
        out: Array = xp.empty((len(block), axes.shape[1]))
        xp.dot(block, xp.asarray(np.ascontiguousarray(axes)), out=out)
        return out

    @property
    def _step(self) -> int:
        n, d = self.shape
        return max(1, min(int(n), NUMBERS // int(d)))

    def _blocks(self) -> Iterator[Array]:
        """Yield centred rows in float64; each block is there until the next is asked for."""
        n, d = self.shape
        room = device.current().xp.empty((self._step, d))
        for low in range(0, n, self._step):
            rows = self.rows[low : low + self._step]
            centre(rows, None, self.center, self.factor, room[: len(rows)])
            yield room[: len(rows)]
