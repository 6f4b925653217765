"""The course of an optimization."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from .._validation import check_real, shown
from ..errors import InvalidParameterError, InvalidTypeError
from .colors import ONE_COLOR, PALETTE
from .figures import blank, save
from .names import INK, PLAIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = (6.0, 2.2)  # of a panel
_SHADE = "#f0f0f0"  # behind iterations with exaggeration


def history(
    embeddings: Any,
    *,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    dpi: float = 200,
) -> Figure:
    """Draw how the loss and the gradient went down.

    The loss is drawn where it was computed while the map was optimized: with a progress bar, a callback that asks for
    it, such as ``callbacks.History(loss_every=10)``, or by an optimizer that needs it. It never contains the
    exaggeration, so it may rise in the first phase and falls steeply when that ends. Norms of the gradient are known of
    all iterations; those with exaggeration have a grey ground.

    Parameters
    ----------
    embeddings : Embedding, or mapping
        A map that was optimized, or several to compare: a mapping of names to maps.
    path : str or PathLike, optional
        Where to write the picture; the suffix decides the format (png, pdf, svg, ...).
    title : str, optional
    dpi : float
        Pixels per inch.

    Returns
    -------
    matplotlib.figure.Figure
        With two panels, or one where the loss was never computed.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InvalidParameterError, InvalidTypeError
        A map has not been optimized, or is no embedding.
    StorageError
        The picture cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE, plotting
    >>> from opentsne_like.callbacks import History
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> asked = History(loss_every=10)
    >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, callbacks=asked, random_state=0).fit(X)
    >>> figure = plotting.history(Y, path="history.png")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['KL divergence', 'norm of the gradient']
    """
    resolution = check_real(dpi, "dpi", above=0, at_most=10_000)
    named = dict(embeddings) if hasattr(embeddings, "keys") else {"": embeddings}
    if not named:
        raise InvalidParameterError("`embeddings` must hold at least one map, got none")
    courses = {str(name): _course(embedding) for name, embedding in named.items()}
    with_loss = any(np.isfinite(course[:, 1]).any() for course in courses.values())
    labels = list(dict.fromkeys(embedding.label for embedding in named.values()))
    figure = blank((_INCHES[0], _INCHES[1] * (1 + with_loss)), resolution)
    panels = figure.subplots(1 + with_loss, squeeze=False, sharex=True)[:, 0]
    colors = [ONE_COLOR] if len(courses) == 1 else PALETTE
    if with_loss:
        _draw(panels[0], courses, 1, colors)
        panels[0].set_ylabel(labels[0] if len(labels) == 1 else "loss", color=INK, **PLAIN)
    _draw(panels[-1], courses, 2, colors)
    panels[-1].set_ylabel("norm of the gradient", color=INK)
    panels[-1].set_yscale("log")
    panels[-1].set_xlabel("iteration", color=INK)
    if len(courses) == 1:
        _shade(panels, next(iter(courses.values())))
    else:
        key = panels[0].legend(panels[0].lines, [" "] * len(courses), frameon=False, fontsize=9, labelcolor=INK)
        for text, name in zip(key.get_texts(), courses, strict=True):  # matplotlib would read it as a formula
            text.set(text=name, **PLAIN)
    if title:
        figure.suptitle(title, color=INK, **PLAIN)
    if path is not None:
        save(figure, path)
    return figure


def _course(embedding: Any) -> Array:
    """Return iteration, loss, norm of the gradient and exaggeration in the rows of an array."""
    if not hasattr(embedding, "history") or not hasattr(embedding, "label"):
        raise InvalidTypeError(f"`embeddings` must be an Embedding or a mapping to some, got {shown(embedding)}")
    if not embedding.history:
        raise InvalidParameterError(
            "`embeddings` must have been optimized, got one without iterations, as are maps of which the coordinates "
            "alone were stored"
        )
    return np.array([(r.iteration, r.loss, r.gradient_norm, r.exaggeration) for r in embedding.history], np.float64)


def _draw(axes: Axes, courses: dict[str, Array], column: int, colors: Any) -> None:
    for i, course in enumerate(courses.values()):
        known = np.isfinite(course[:, column])
        axes.plot(course[known, 0], course[known, column], color=colors[i % len(colors)], linewidth=1.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, color=INK, labelcolor=INK)


def _shade(panels: Any, course: Array) -> None:
    """Give iterations with exaggeration a grey ground."""
    iterations, above = course[:, 0], course[:, 3] > 1
    turns = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]])))
    for start, stop in zip(turns[::2], turns[1::2], strict=True):
        for axes in panels:
            axes.axvspan(iterations[start] - 1, iterations[stop - 1], color=_SHADE, linewidth=0, zorder=0)
