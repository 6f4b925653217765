"""The judge of maps: exact neighbours, exact affinities and measures in float64, the same for every participant.

Nothing here uses the package that is measured. What depends on the data alone is kept in ``benchmarks/results/judge``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import data, loops

if TYPE_CHECKING:
    from scipy import sparse

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]

SPARE = 16  # candidates beyond k, so that rounding in the expanded square cannot push a true neighbour out


def exact_neighbors(X: npt.NDArray[np.floating], k: int) -> tuple[Integers, Floats]:
    """Return indices and Euclidean distances of the `k` nearest other rows: (n, k) int32 and float64, ties by index."""
    X = np.ascontiguousarray(X, dtype=np.float64)
    X = X - X.mean(axis=0)  # closer to the origin, the expanded square loses fewer digits
    n = len(X)
    kept = min(n - 1, k + SPARE)
    squares = np.einsum("ij,ij->i", X, X)
    indices, distances = np.empty((n, k), np.int32), np.empty((n, k))
    for low in range(0, n, 1024):
        rows = slice(low, min(n, low + 1024))
        count = rows.stop - rows.start
        nearest, candidates = np.full((count, kept), np.inf), np.zeros((count, kept), np.int64)
        for left in range(0, n, 16_384):
            columns = slice(left, min(n, left + 16_384))
            products = X[rows] @ X[columns].T
            loops.keep_nearest(products, squares[rows], squares[columns], low, left, nearest, candidates)
        for i in range(count):
            exact = ((X[candidates[i]] - X[low + i]) ** 2).sum(axis=1)
            order = np.lexsort((candidates[i], exact))[:k]
            indices[low + i] = candidates[i][order]
            distances[low + i] = np.sqrt(exact[order])
    return indices, distances


def exact_affinities(indices: Integers, distances: Floats, perplexity: float) -> sparse.csr_matrix:
    """Return the symmetric P that sums to 1, Gaussian with the given perplexity over the given neighbours."""
    from scipy import sparse

    n, k = indices.shape
    probabilities = np.empty((n, k))
    loops.conditional(distances**2, float(perplexity), probabilities)
    starts = np.arange(0, n * k + 1, k)
    P = sparse.csr_matrix((probabilities.ravel(), indices.ravel(), starts), shape=(n, n))
    P = (P + P.T).tocsr()
    P.data /= P.data.sum()
    return P


def columns(Y: npt.NDArray[np.floating]) -> tuple[Floats, Floats, Floats]:
    """Return the coordinates of a map of up to three dimensions as three columns, zeros where it has fewer."""
    padded = np.zeros((3, len(Y)))
    padded[: Y.shape[1]] = np.asarray(Y, dtype=np.float64).T
    return padded[0], padded[1], padded[2]


def kl_divergence(P: sparse.csr_matrix, Y: npt.NDArray[np.floating]) -> float:
    """Return KL(P || Q) with the normalizer of Q summed over all pairs."""
    coordinates = columns(Y)
    attraction = loops.attraction_term(P.indptr, P.indices, P.data, *coordinates)
    return float(attraction + P.data.sum() * np.log(loops.normalizer(*coordinates)))


def spread(Y: npt.NDArray[np.floating]) -> float:
    """Return the root mean square distance of the points from their mean, which no single point decides."""
    return float(np.sqrt(np.var(Y, axis=0, dtype=np.float64).sum()))


def map_neighbors(Y: npt.NDArray[np.floating], k: int) -> tuple[Integers, Floats]:
    """Return indices and distances of the `k` nearest other points of a map, coincident points included."""
    from scipy.spatial import cKDTree

    n = len(Y)
    distances, indices = cKDTree(Y).query(Y, k=min(n, k + 1), workers=-1)
    own = indices == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True  # so many coincide with the point that it is not listed itself
    return indices[~own].reshape(n, -1), distances[~own].reshape(n, -1)


def recall(true: Integers, found: Integers) -> float:
    """Return the mean share of each row of `true` that is in the same row of `found`."""
    shared = 0
    for column in range(true.shape[1]):
        shared += int((found == true[:, column : column + 1]).any(axis=1).sum())
    return shared / true.size


def distance_correlation(
    X: npt.NDArray[np.floating], Y: npt.NDArray[np.floating], pairs: int = 1_000_000, seed: int = 0
) -> float:
    """Return Spearman's rank correlation of the distances of random pairs in the data and in the map."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(seed)
    a = rng.integers(0, len(X), pairs)
    b = (a + rng.integers(1, len(X), pairs)) % len(X)
    ranks = []
    for Z in (X, Y):
        squares = np.empty(pairs)
        for low in range(0, pairs, 50_000):
            part = slice(low, low + 50_000)
            squares[part] = ((Z[a[part]].astype(np.float64) - Z[b[part]]) ** 2).sum(axis=1)
        ranks.append(rankdata(squares))
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def class_accuracy(labels: Integers, found: Integers, first: int = 0) -> float:
    """Return how often the most frequent label among the neighbours, smallest first in a tie, is the point's own.

    The rows of `found` are those of the points from `first` on.
    """
    _, codes = np.unique(labels, return_inverse=True)
    votes, true = codes[found], codes[first:]
    own = 0
    for low in range(0, len(true), 4096):
        part = votes[low : low + 4096]
        table = np.zeros((len(part), codes.max() + 1), np.int32)
        np.add.at(table, (np.arange(len(part))[:, None], part), 1)
        own += int((table.argmax(axis=1) == true[low : low + 4096]).sum())
    return own / len(true)


class Judge:
    """Measures maps of the first `n` rows of one data set.

    Parameters
    ----------
    name : str
        A data set of :mod:`benchmarks.data`.
    n : int or None
        How many of its first rows; None for all.
    perplexity : float
        Perplexity of the common exact P.
    """

    def __init__(self, name: str, n: int | None = None, perplexity: float = 30) -> None:
        self.X, self.labels = data.load(name, n)
        self.n = len(self.X)
        self.perplexity = perplexity
        folder = data.RESULTS / "judge"
        folder.mkdir(parents=True, exist_ok=True)
        k = min(self.n - 1, int(3 * perplexity))
        self.indices, self.distances = self._neighbors(folder / f"{name}-{self.n}-k{k}.npz", k)
        self.P = self._affinities(folder / f"{name}-{self.n}-perplexity{perplexity:g}.npz")

    def _neighbors(self, path: Path, k: int) -> tuple[Integers, Floats]:
        if path.exists():
            with np.load(path) as archive:
                return archive["indices"], archive["distances"]
        indices, distances = exact_neighbors(self.X, k)
        np.savez(path, indices=indices, distances=distances)
        return indices, distances

    def _affinities(self, path: Path) -> sparse.csr_matrix:
        from scipy import sparse

        if path.exists():
            return sparse.load_npz(path).tocsr()
        P = exact_affinities(self.indices, self.distances, self.perplexity)
        sparse.save_npz(path, P, compressed=False)
        return P

    def measure(self, Y: npt.NDArray[np.floating]) -> dict[str, float]:
        """Return the KL divergence, recall at 10, distance correlation, class accuracy, span and share of strays.

        The span is the longest side of the map. A stray point is one whose tenth neighbour in the map is more than
        ten times as far as is usual (the median).
        """
        if len(Y) != self.n or not np.isfinite(Y).all():
            raise ValueError(f"a map of {self.n} finite points is needed, got the shape {Y.shape}")
        k = min(10, self.n - 1)
        found, distances = map_neighbors(Y, k)
        return {
            "kl": kl_divergence(self.P, Y),
            "recall": recall(self.indices[:, :k], found),
            "correlation": distance_correlation(self.X, Y),
            "accuracy": class_accuracy(self.labels, found),
            "span": float(np.ptp(Y, axis=0).max()),
            "stray": float((distances[:, -1] > 10 * np.median(distances[:, -1])).mean()),
        }

    def compare(self, maps: Sequence[npt.NDArray[np.floating]]) -> list[dict[str, float]]:
        """Return the measures of each map and, as "matched", its KL divergence at the spread of the widest of them.

        A t-SNE map that is merely enlarged has another divergence, for most a lower one, and keeps the same neighbours.
        What is left between maps of one spread is how the points are arranged.
        """
        measures = [self.measure(Y) for Y in maps]
        widest = max(map(spread, maps), default=0.0)
        return [
            {**own, "matched": kl_divergence(self.P, np.asarray(Y, np.float64) * (widest / spread(Y)))}
            for own, Y in zip(measures, maps, strict=True)
        ]
