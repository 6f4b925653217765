"""How a loss is spread over points and edges."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._validation import check_choice, check_real
from ..errors import InvalidParameterError, InvalidTypeError
from .figures import blank, save
from .names import INK, PLAIN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INCHES = (5.0, 4.0)
_LINE, _EVEN = "#2f6690", "#9a9a9a"
_MOST = 2000  # places of the curve that are drawn


def loss_cdf(
    embedding: Any,
    of: str = "points",
    *,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    dpi: float = 200,
) -> Figure:
    """Draw how much of the loss its largest parts hold: the cumulative share, from the largest part on.

    The curve of parts that are all alike is the dashed diagonal. One that rises steeply at first and is flat then says
    that a few points, or a few edges, are badly placed and the others well. Parts below zero, which some points of
    t-SNE's loss have, come last: there the curve comes down to 1 from above.

    Parameters
    ----------
    embedding : Embedding
        A map, or points that are placed on one, see `Embedding.point_losses` and `Embedding.edge_losses`.
    of : {"points", "edges"}
        Parts of the loss by points; or, by edges, of its attraction alone.
    path : str or PathLike, optional
        Where to write the picture; the suffix decides the format (png, pdf, svg, ...).
    title : str, optional
    dpi : float
        Pixels per inch.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InvalidParameterError, InvalidTypeError
        The parts sum to nothing or less, of which there are no shares, among others.
    UnavailableError
        The loss does not say what its parts are.
    StorageError
        The picture cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE, plotting
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
    >>> figure = plotting.loss_cdf(Y, of="edges", path="losses.png")
    >>> figure.axes[0].get_xlabel()
    'share of the edges, worst first'
    """
    check_choice(of, "of", ("points", "edges"))
    resolution = check_real(dpi, "dpi", above=0, at_most=10_000)
    if not hasattr(embedding, "point_losses"):
        raise InvalidTypeError(
            f"`embedding` must be an Embedding, which knows its loss, got {type(embedding).__name__}"
        )
    parts = embedding.point_losses() if of == "points" else embedding.edge_losses().data
    total = float(parts.sum())
    if not total > 0:
        other = "edges" if of == "points" else "points"
        raise InvalidParameterError(
            f"`of` must be parts with a positive sum to have shares in it, got {of!r} with {total:.4g}; try {other!r}"
        )
    ends = np.concatenate([[0.0], np.cumsum(np.sort(parts)[::-1]) / total])
    shown = np.unique(np.linspace(0, len(parts), min(len(ends), _MOST)).astype(np.int64))
    figure = blank(_INCHES, resolution)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_EVEN, linewidth=0.8, linestyle="--")
    axes.plot(shown / len(parts), ends[shown], color=_LINE, linewidth=1.6)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, None)
    whole = embedding.label if of == "points" else "attraction"
    axes.set_xlabel(f"share of the {of}, worst first", color=INK)
    axes.set_ylabel(f"share of the {whole}", color=INK, **PLAIN)
    axes.spines[["top", "right"]].set_visible(False)
    if title is not None:
        axes.set_title(title, color=INK, **PLAIN)
    if path is not None:
        save(figure, path)
    return figure
