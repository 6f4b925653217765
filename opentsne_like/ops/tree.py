"""Sums over all pairs by a tree, where points that are far away are summed in groups (Barnes & Hut 1986).

Nodes are expanded to second order about their centres, not to the zeroth as is usual for t-SNE, so that fewer of them
serve at a smaller error. All points of a group share one walk through the tree and its lists of nodes and points.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .. import _parallel, kernels
from .._types import Array
from .extents import Extent, bulk, extent
from .forms import check_form
from .potential import Potential

GRAIN = 8192  # points
GROUP = 128  # most points that share one walk through the tree
ROOM = 1000.0  # widths of the bulk that are resolved on either side of it


@dataclass(frozen=True)
class Tree:
    """A tree over charges that do not move, from `build_tree`.

    The points are sorted along the Morton curve, and the tree halves the cells of a quad- or octree down to at most 16
    points. It holds about 40 bytes per point.

    Attributes
    ----------
    shape : (int, int)
        Of the points as they were given, (n, d).
    points : ndarray of shape (max(d, 2), n), float64
        In the order of the tree.
    order : ndarray of shape (n,), int32
        Where each of them came from.
    groups : ndarray of shape (groups + 1,), int32
        Where the groups begin that share a walk through the tree, and n.
    link, centre, moment : ndarray
        Of the nodes, see `kernels.tree`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> tree = ops.build_tree(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]), n_jobs=1)
    >>> tree.shape, sorted(tree.order.tolist())
    ((3, 2), [0, 1, 2])
    """

    shape: tuple[int, int]
    points: Array
    order: Array
    groups: Array
    link: Array
    centre: Array
    moment: Array


def build_tree(sources: Array, n_jobs: int) -> Tree:
    """Return a tree over points.

    Parameters
    ----------
    sources : ndarray of shape (n, d), float64
        Finite, in one, two or three dimensions. Coincident points are fine.
    n_jobs : int
        Threads; the tree does not depend on it.

    Returns
    -------
    Tree

    References
    ----------
    Barnes & Hut, *A hierarchical O(N log N) force-calculation algorithm* (1986); van der Maaten, *Accelerating t-SNE
    using tree-based algorithms* (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> sources = np.random.default_rng(0).normal(size=(500, 2))
    >>> tree = ops.build_tree(sources, n_jobs=1)
    >>> bool((tree.points.T == sources[tree.order]).all())
    True
    """
    points = _in_plane_or_space(sources)
    n, d = points.shape
    codes, order, in_order = _sort(points, n_jobs)
    link, groups = np.empty((2 * n, 3), np.int32), np.empty(n + 1, np.int32)
    nodes, count = kernels.tree.split(codes, kernels.tree.LEAF, GROUP, link, groups)
    link, groups = link[:nodes].copy(), groups[: count + 1].copy()
    centre, moment, box = np.empty((nodes, 4)), np.empty((nodes, 8), np.float32), np.empty((nodes, 6))
    measures = (link, centre, moment, box)
    _parallel.for_chunks(kernels.tree.measure_leaves, nodes, (in_order, *measures), n_jobs=n_jobs)
    kernels.tree.measure_nodes(*measures, d)
    return Tree((n, sources.shape[1]), in_order, order, groups, link, centre, moment)


def walk_tree(
    tree: Tree, targets: Array | None, form: Any, theta: float, n_jobs: int, charges: Array | None = None
) -> Potential:
    """Return the potential of the charges of a tree and its gradient.

    Parameters
    ----------
    tree : Tree
    targets : ndarray of shape (m, d), float64, optional
        What is returned for a target depends on it and the tree alone, not on which others come along. None stands
        for the charges themselves, which do not feel their own charge and are much faster than as many targets.
    form : NamedTuple
        The radial kernel: one of `kernels.forms` that `kernels.barnes_hut` can expand.
    theta : float
        Opening angle: a node is expanded where its width is below about `theta` times its distance. The smaller the
        more exact; 0 sums all pairs.
    n_jobs : int
        Threads; the result has the same bits for any number.
    charges : ndarray of shape (n, q), float32, optional
        Of any sign, in the order of the sources; each column is a walk of its own. By default there is one, of ones.

    Returns
    -------
    Potential
        ``values`` (m,) and ``gradient`` (m, d), float32; (m, q) and (m, q, d) with charges.

    Raises
    ------
    InvalidTypeError
        If no expansion is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> tree = ops.build_tree(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]), n_jobs=1)
    >>> ops.walk_tree(tree, None, forms.Cauchy(), theta=0.5, n_jobs=1).values.round(3)
    array([0.7  , 0.667, 0.367], dtype=float32)
    >>> ops.walk_tree(tree, np.array([[1.0, 0.0]]), forms.Cauchy(), theta=0.5, n_jobs=1).values.round(3)
    array([1.667], dtype=float32)
    """
    check_form(form, kernels.barnes_hut.ratio)
    if charges is None:
        return _walk(tree, targets, form, theta, n_jobs, kernels.barnes_hut.Unit())
    found = [_walk(tree, targets, form, theta, n_jobs, _measured(tree, column)) for column in charges.T]
    values, gradient = np.stack([each.values for each in found], 1), np.stack([each.gradient for each in found], 1)
    return Potential(values, gradient, sum(each.total for each in found))


def _measured(tree: Tree, charges: Array) -> Any:
    """Return charges (n,) as the walk takes them: of the points in the order of the tree, and of the nodes."""
    point = np.ascontiguousarray(charges[tree.order], np.float32)
    nodes = len(tree.link)
    mass, dipole, moment = np.empty(nodes), np.empty((nodes, 3)), np.empty((nodes, 6))
    kernels.tree.measure_charges(tree.points, tree.link, tree.centre, point, mass, dipole, moment)
    return kernels.barnes_hut.Charges(point, mass, dipole, moment)


def _walk(tree: Tree, targets: Array | None, form: Any, theta: float, n_jobs: int, charges: Any) -> Potential:
    own = targets is None
    if targets is None:
        places, order, groups = tree.points, tree.order, tree.groups
    else:
        places = np.ascontiguousarray(_in_plane_or_space(targets).T)
        order, groups = np.arange(len(targets), dtype=np.int32), np.arange(len(targets) + 1, dtype=np.int32)
    values = np.empty(len(order), np.float32)
    gradient = np.empty((len(order), len(places)), np.float32)
    nodes = (tree.points, tree.centre, tree.moment, tree.link)
    args = (form, (0,) * len(places), charges, nodes, places, groups, own, float(theta), order, values, gradient)
    grain = 8 if own else 512
    total = _parallel.sum_chunks(kernels.barnes_hut.evaluate, len(groups) - 1, args, n_jobs=n_jobs, grain=grain)
    return Potential(values, np.ascontiguousarray(gradient[:, : tree.shape[1]]), total)


def morton_order(points: Array, n_jobs: int) -> Array:
    """Return the numbers (n,) int32 of points (n, d), d at most 3, along a curve that keeps close ones together.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> ops.morton_order(np.array([[0.0, 0.0], [9.0, 9.0], [0.1, 0.1]]), n_jobs=1).tolist()
    [0, 2, 1]
    """
    return _sort(_in_plane_or_space(points), n_jobs)[1]


def _in_plane_or_space(points: Array) -> Array:
    """Return contiguous points; those of one dimension get a second that is zero."""
    if points.shape[1] == 1:
        return np.column_stack([points, np.zeros(len(points))])
    return np.ascontiguousarray(points, dtype=np.float64)


def morton_box(whole: Extent, first: Array, last: Array) -> tuple[Array, float]:
    """Return the lowest corner (d,) and the width of the box that the Morton codes of a map resolve.

    Outliers farther than `ROOM` widths of the bulk lie outside of it, lest one of them squeeze all other points into
    one cell. They cost time if they are many, but no accuracy: nodes are measured by their points.

    Parameters
    ----------
    whole : Extent
    first, last : ndarray of shape (d,)
        From `bulk`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.ops.tree import morton_box
    >>> points = np.linspace(0.0, 1.0, 1001)[:, None]
    >>> morton_box(ops.extent(points, n_jobs=1), *ops.bulk(points))[1]
    1.0
    """
    low, spans, _ = whole
    width = float(np.max(last - first))
    if width == 0.0:
        return low, float(spans.max())
    low, high = np.maximum(low, first - ROOM * width), np.minimum(low + spans, last + ROOM * width)
    return low, float(np.max(high - low))


def _sort(points: Array, n_jobs: int) -> tuple[Array, Array, Array]:
    """Return sorted Morton codes (n,), where each point of that order came from (n,), and the points in it (d, n)."""
    n, d = points.shape
    tree = kernels.tree
    corner, width = morton_box(extent(points, n_jobs), *bulk(points))
    scale = (2.0 ** tree.AXIS_BITS[d] - 1.0) / width if width > 1e-290 else 0.0
    chunks = _parallel.chunk_bounds(n, GRAIN)
    codes, counts = np.empty(n, np.uint64), np.zeros((len(chunks), tree.DIGITS), np.int64)
    tasks: list[Any] = [
        (tree.encode, (*chunk, points, corner, scale, codes, counts[c])) for c, chunk in enumerate(chunks)
    ]
    _parallel.run_tasks(tasks, n_jobs=n_jobs)

    slots = np.cumsum(counts.T).reshape(tree.DIGITS, -1) - counts.T  # by digit, then by chunk
    starts = np.append(slots[:, 0], n)
    coarse_codes, coarse_order = np.empty(n, np.uint64), np.empty(n, np.int32)
    slots = np.ascontiguousarray(slots.T)
    tasks = [(tree.scatter, (*chunk, codes, slots[c], coarse_codes, coarse_order)) for c, chunk in enumerate(chunks)]
    _parallel.run_tasks(tasks, n_jobs=n_jobs)

    order, in_order = np.empty(n, np.int32), np.empty((d, n))
    cuts = np.unique(starts[np.searchsorted(starts, [low for low, _ in chunks] + [n])]).tolist()
    shared = (coarse_codes, coarse_order, codes, order, points, in_order)
    _parallel.run_tasks([(tree.sort, (*cut, *shared)) for cut in pairwise(cuts)], n_jobs=n_jobs)
    return codes, order, in_order
