"""The neighbour graph on its map."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from .._validation import check_integer, check_matrix
from ..errors import InvalidParameterError
from .figures import save
from .maps import scatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = 0.25  # opacity of the heaviest edges
_FULL = 0.9  # share of the edges, above which all have that opacity
_FEW = 2000  # edges that are drawn at full strength; more are fainter


def edges(
    embedding: Any,
    labels: Any = None,
    *,
    graph: Any = None,
    n_edges: int = 50_000,
    path: str | os.PathLike[str] | None = None,
    **parameters: Any,
) -> Figure:
    """Draw a map with the edges of its neighbour graph.

    Long edges are what the map tore apart: points that belong together by the affinities and lie far from each other.
    Bundles of them say which groups are neighbours although there is a gap between them.

    Parameters
    ----------
    embedding : Embedding, or array-like of shape (n_samples, 2)
        The map.
    labels : array-like of shape (n_samples,), optional
        As for `scatter`.
    graph : sparse matrix of shape (n_samples, n_samples), optional
        Its entries are the edges, the stronger the larger; by default the affinities P of the embedding.
    n_edges : int
        How many are drawn; of more, a sample that is the same in every run.
    path : str or PathLike, optional
        Where to write the picture; the suffix decides the format (png, pdf, svg, ...).
    **parameters
        Others of `scatter`.

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InvalidParameterError, InvalidTypeError
    StorageError
        The picture cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE, plotting
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
    >>> figure = plotting.edges(Y, path="edges.png")
    >>> len(figure.axes[0].collections)  # edges and points
    2
    """
    points = np.asarray(check_matrix(embedding, "embedding", n_columns=2), np.float64)
    most = check_integer(n_edges, "n_edges", at_least=1)
    pairs, weights = _pairs(embedding, graph, len(points))
    if len(pairs) > most:
        kept = np.sort(np.random.RandomState(0).choice(len(pairs), most, replace=False))
        pairs, weights = pairs[kept], weights[kept]
    figure = scatter(points, labels, **parameters)
    _draw(figure.axes[0], points[pairs], weights)
    if path is not None:
        save(figure, path)
    return figure


def _pairs(embedding: Any, graph: Any, n: int) -> tuple[Array, Array]:
    """Return the pairs of points that an edge joins, (m, 2), each once, and how strong it is."""
    if graph is None and getattr(embedding, "affinities", None) is None:
        raise InvalidParameterError("`graph` must be given for a map that has no affinities, got None")
    from scipy.sparse import csr_matrix

    given = embedding.affinities.P if graph is None else graph
    matrix = csr_matrix(check_matrix(given, "graph", accept_sparse=True))
    if matrix.shape != (n, n):
        raise InvalidParameterError(f"`graph` must have a row and a column for each point, {n}, got {matrix.shape}")
    both = (matrix + matrix.T).tocoo()
    once = (both.row < both.col) & (both.data > 0)
    return np.column_stack([both.row[once], both.col[once]]), both.data[once].astype(np.float64)


def _draw(axes: Axes, lines: Array, weights: Array) -> None:
    """Draw lines (m, 2, 2) beneath the points, the stronger the heavier they are."""
    from matplotlib.collections import LineCollection

    full = float(np.quantile(weights, _FULL)) if len(weights) else 1.0
    colors = np.zeros((len(lines), 4))
    colors[:, 3] = np.minimum(1.0, weights / full) * _INK * min(1.0, (_FEW / max(1, len(lines))) ** 0.35)
    axes.add_collection(
        LineCollection(list(lines), colors=colors, linewidths=0.5, zorder=0, rasterized=True), autolim=False
    )
