"""Where a map is good and where it is not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import metrics
from .._types import Array
from .._validation import check_matrix, check_real
from ..errors import InvalidParameterError
from .colors import Values, read_labels
from .figures import blank, save
from .legends import color_bar
from .names import INK, PLAIN
from .panels import frame, marks_of, views_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INCHES = 4.4  # side of a panel, its colour bar included
_DIVERGING = "coolwarm"  # of quantities that may lie on both sides of 0


def diagnostics(
    embedding: Any,
    X: Any = None,
    *,
    k: int = 10,
    metric: Any = "euclidean",
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    size: float | None = None,
    dpi: float = 200,
    n_jobs: int | None = -1,
) -> Figure:
    """Draw a map up to three times, coloured by how well it serves each of its points.

    - The share of the loss: `Embedding.point_losses` divided by their mean, so that 1 is usual. Points with much of it
      have neighbours that the map put elsewhere.
    - The recall of neighbours, `metrics.point_recall`: the share of the k nearest neighbours in the data that are among
      the k nearest in the map.
    - The local scale, `metrics.local_scale`: how much the map magnifies (red) or reduces (blue) the surroundings of the
      point, in powers of 2. Empty space and the sizes of groups mean little where it changes.

    Parameters
    ----------
    embedding : Embedding, or array-like of shape (n_samples, 1 or 2)
        A map; the first panel is that of embeddings, which know their loss.
    X : array-like or sparse matrix of shape (n_samples, n_features), optional
        The data, which the other two panels compare the map with; all neighbours are sought, exactly.
    k : int
        Number of neighbours.
    metric, n_jobs
        As for `metrics.point_recall`.
    path : str or PathLike, optional
        Where to write the picture; the suffix decides the format (png, pdf, svg, ...).
    title : str, optional
    size, dpi
        As for `scatter`.

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InvalidParameterError, InvalidTypeError
        The map is a plain array and there are no data, among others.
    UnavailableError
        The loss does not say what each point contributes.
    StorageError
        The picture cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE, plotting
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
    >>> figure = plotting.diagnostics(Y, X, path="diagnostics.png")
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['share of the KL divergence', 'recall of 10 neighbours', 'local scale, powers of 2']
    """
    points = check_matrix(embedding, "embedding").astype(np.float64, copy=False)
    n, dims = points.shape
    if dims > 2:
        raise InvalidParameterError(f"`embedding` must have 1 or 2 columns, got {dims}; choose two")
    area = None if size is None else check_real(size, "size", above=0)
    resolution = check_real(dpi, "dpi", above=0, at_most=10_000)
    panels = _panels(embedding, points, X, k, metric, n_jobs)
    figure = blank((_INCHES * len(panels), _INCHES if dims == 2 else _INCHES / 2), resolution)
    (view,) = views_of(points)
    for axes, (name, meaning, colors) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        frame(axes, view[0], view[1], equal=dims == 2)
        marks_of(meaning, n, dims, colors, size=area, inches=_INCHES).draw(axes, view)
        axes.set_title(name, fontsize=10, color=INK, **PLAIN)
        color_bar(figure, meaning, colors, axes)
    if title:
        figure.suptitle(title, fontsize=13, color=INK, **PLAIN)
    if path is not None:
        save(figure, path)
    return figure


def _panels(
    embedding: Any, points: Array, X: Any, k: int, metric: Any, n_jobs: int | None
) -> list[tuple[str, Values, str | None]]:
    """Return titles, quantities and their colormaps."""
    knows = hasattr(embedding, "point_losses")
    if not knows and X is None:
        raise InvalidParameterError("`X` must be given for a map that is no Embedding, got None")
    panels: list[tuple[str, Values, str | None]] = []
    if knows:
        losses = embedding.point_losses()
        panels.append((f"share of the {embedding.label}", _quantity(losses / (abs(losses.mean()) or 1.0)), "magma_r"))
    if X is not None:
        recall = metrics.point_recall(X, points, k, metric=metric, n_jobs=n_jobs)
        panels.append((f"recall of {k} neighbours", Values(recall, 0.0, 1.0), None))
        scale = _quantity(metrics.local_scale(X, points, k, metric=metric, n_jobs=n_jobs))
        most = max(-scale.low, scale.high)
        panels.append(("local scale, powers of 2", Values(scale.values, -most, most), _DIVERGING))
    return panels


def _quantity(values: Array) -> Values:
    meaning = read_labels(values, len(values), False, None)
    assert isinstance(meaning, Values)  # what is not categorical is a quantity
    return meaning
