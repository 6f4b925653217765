"""Problems that data give: keep neighbours, keep distances, keep neighbours by quadratic penalties."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import initialization
from .._types import Array
from .._validation import check_choice, check_integer, check_matrix, check_real, shown
from ..affinity import Affinities, GivenEdges, NeighborEdges, matrix_of
from ..distortions import LogPenalty
from ..errors import InvalidObjectError, InvalidParameterError
from . import losses, penalties, preprocess, quadratic
from .constraints import Anchored, Centered, Constraint, Standardized, as_constraint
from .graph import Graph, nearest_by_paths, shortest_paths
from .problem import MDE
from .randomness import current, generator

JITTER = 1e-4  # of starts in which two ends of an edge coincide


def preserve_neighbors(
    data: Any,
    embedding_dim: int = 2,
    attractive_penalty: Any = penalties.Log1p,
    repulsive_penalty: Any = penalties.Log,
    constraint: Any = None,
    n_neighbors: int | None = None,
    repulsive_fraction: float | None = None,
    max_distance: float | None = None,
    knn_method: str | None = None,
    init: str = "quadratic",
    device: str = "cpu",
    verbose: bool = False,
    *,
    repulsion: str | None = None,
    metric: Any = "euclidean",
    n_jobs: int = -1,
) -> MDE:
    """Return the problem of an embedding in which neighbours are near each other and others are not.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_items, n_features), or Graph
        Of a graph, neighbours are the nearest by shortest paths. With ``metric="precomputed"`` distances, dense or to
        some neighbours in each row.
    embedding_dim : int
    attractive_penalty, repulsive_penalty : callable
        From weights to a penalty, such as the classes of `penalties`. None in the place of the second for no repulsion.
    constraint : Constraint, optional
        By default `Centered`, or `Standardized` without repulsion.
    n_neighbors : int, optional
        By default 15, or half a per cent of the items where these are fewer than 3,000, and 5 at least.
    repulsive_fraction : float, optional
        How many pairs of weight -1 there are, or repulsion of all pairs stands for, for each edge: 0.5 by default for
        standardized embeddings, else 1.
    max_distance : float, optional
        Neighbours that are farther away do not count; by default all do, and of a graph those within three times the
        upper quartile of its distances.
    knn_method : str, optional
        How neighbours are found, see `preprocess.k_nearest_neighbors`.
    init : {"quadratic", "random"}
    device : {"cpu"}
    verbose : bool
    repulsion : {"all", "sampled"}, keyword only, optional
        Whether all pairs repel each other, or a sample of them, drawn by the seed of the room. By default all do in up
        to three dimensions, where the repulsive penalty is ``Log``.
    metric : str or callable, keyword only
    n_jobs : int, keyword only

    Returns
    -------
    MDE

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> data = np.random.default_rng(0).normal(size=(100, 5))
    >>> X = mde.preserve_neighbors(data).embed()
    >>> X.shape, X.transform(data[:3] + 0.1).shape
    ((100, 2), (3, 2))
    """
    check_choice(init, "init", ("quadratic", "random"))
    d = check_integer(embedding_dim, "embedding_dim", at_least=1)
    given = as_constraint(constraint or (Standardized() if repulsive_penalty is None else Centered()))
    if not isinstance(data, Graph):
        data = check_matrix(data, "data", at_least_rows=2, accept_sparse=True)
    elif not data.n_edges:
        raise InvalidParameterError(f"`data` must be a graph with edges, got {data!r}")
    n = data.n_items if isinstance(data, Graph) else data.shape[0]
    given.check(n, d)
    penalties.formula(attractive_penalty, 1.0, "attractive_penalty")  # before any work
    all_pairs, fraction = _repulsion(repulsion, repulsive_penalty, repulsive_fraction, given, d)
    sampled = 0.0 if all_pairs else fraction
    affinities = _neighbor_edges(
        data, _count(n_neighbors, n), sampled, max_distance, knn_method, metric, n_jobs, verbose, given
    )
    pairs, weights = _edges_of(affinities)
    function: Any = attractive_penalty(weights)
    if sampled:
        function = penalties.PushAndPull(weights, attractive_penalty, repulsive_penalty)
    problem = MDE(
        n, d, pairs, function, given, device,
        repulsion="all" if all_pairs else None, repulsive_fraction=fraction, n_jobs=n_jobs, affinities=affinities,
    )  # fmt: skip
    if init == "quadratic" and n > d:  # beside the constant one there are n - 1 eigenvectors
        pulls = weights > 0
        problem._X_init = _apart(problem, quadratic.start(n, d, pairs[pulls], weights[pulls]))
    return problem


def _repulsion(
    repulsion: str | None, penalty: Any, fraction: float | None, constraint: Constraint, d: int
) -> tuple[bool, float]:
    """Return whether all pairs repel each other, and how many pairs of weight -1 there are for each edge."""
    if repulsion is not None:
        check_choice(repulsion, "repulsion", ("all", "sampled"))
    if penalty is None:
        return False, 0.0
    smooth = penalties.formula(penalty, -1.0, "repulsive_penalty") == LogPenalty()
    if repulsion == "all" and not smooth:
        raise InvalidParameterError(
            "`repulsive_penalty` must be penalties.Log where all pairs repel each other; use repulsion='sampled'"
        )
    usual = 0.5 if isinstance(constraint, Standardized) else 1.0
    share = usual if fraction is None else check_real(fraction, "repulsive_fraction", at_least=0)
    return repulsion == "all" or (repulsion is None and smooth and d <= 3), share


def _count(n_neighbors: int | None, n: int) -> int:
    """Return how many neighbours an item has."""
    if n_neighbors is None:
        return min(n - 1, int(max(min(15.0, (n - 1) / 2 * 0.01), 5.0)))
    return min(n - 1, check_integer(n_neighbors, "n_neighbors", at_least=1))


def _neighbor_edges(
    data: Any,
    k: int,
    sampled: float,
    max_distance: float | None,
    knn_method: str | None,
    metric: Any,
    n_jobs: int,
    verbose: bool,
    constraint: Constraint,
) -> Affinities:
    """Return edges between neighbours of weight 1 or 2, and sampled ones of weight -1."""
    if isinstance(data, Graph):
        if max_distance is None:
            max_distance = 3.0 * float(np.quantile(data.distances, 0.75))
        near = nearest_by_paths(data, k, max_distance)
        pairs, weights = near.edges, near.weights
        count = min(int(sampled * len(pairs)), near.n_all_edges - len(pairs))
        if count:
            pairs = np.concatenate([pairs, preprocess.sample_edges(data.n_items, count, exclude=pairs)])
            weights = np.append(weights, -np.ones(count))
        made: Affinities = GivenEdges(pairs, weights, n_samples=data.n_items)
    else:
        made = NeighborEdges(
            data, k, method=preprocess.search_method(knn_method), metric=metric, n_jobs=n_jobs, verbose=verbose,
            repulsive_fraction=sampled, seed=current(), max_distance=max_distance, random_state=current(),
        )  # fmt: skip
    if isinstance(constraint, Anchored):
        pairs, weights = _edges_of(made)
        moves = ~_between_anchors(pairs, constraint)
        made = GivenEdges(pairs[moves], weights[moves], n_samples=made.n_samples)
    return made


def _between_anchors(pairs: Array, constraint: Anchored) -> Array:
    """Return which edges join two items that do not move."""
    return np.asarray(np.isin(pairs, constraint.anchors).all(axis=1))


def _edges_of(affinities: Affinities) -> tuple[Array, Array]:
    """Return edges and numbers in the order of P."""
    P = matrix_of(affinities).tocoo()
    return np.stack([P.row, P.col], axis=1).astype(np.int64), np.asarray(P.data)


def _apart(problem: MDE, start: Array) -> Array:
    """Return a start in which the ends of no edge coincide."""
    if (problem.distances(start) == 0.0).any():
        start = start + JITTER * generator().normal(size=start.shape)
    return np.asarray(start)


def preserve_distances(
    data: Any,
    embedding_dim: int = 2,
    loss: Any = losses.Absolute,
    constraint: Any = None,
    max_distances: float = 5e7,
    device: str = "cpu",
    verbose: bool = False,
    *,
    n_jobs: int = -1,
) -> MDE:
    """Return the problem of an embedding in which distances are like those of the data.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_items, n_features), or Graph
        Euclidean distances between rows, or lengths of shortest paths.
    embedding_dim : int
    loss : callable
        From deviations to a loss, such as the classes of `losses`.
    constraint : Constraint, optional
        By default `Centered`. Under `Standardized` the distances are scaled to the natural length.
    max_distances : float
        Of more pairs a sample is taken, drawn by the seed of the room.
    device : {"cpu"}
    verbose : bool
    n_jobs : int, keyword only

    Returns
    -------
    MDE
        It begins at the principal components of data of its own dimensions or more, else at random.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
    InsufficientMemoryError
        Before any work, if so many distances have no room.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> flat = np.random.default_rng(0).normal(size=(30, 2))
    >>> problem = mde.preserve_distances(flat, loss=mde.losses.Quadratic)
    >>> _ = problem.embed()
    >>> round(problem.value, 6)
    0.0
    """
    given = as_constraint(constraint)
    if not callable(loss):
        raise InvalidObjectError(f"`loss` must make a loss of deviations, as losses.Absolute does, got {shown(loss)}")
    table = None if isinstance(data, Graph) else check_matrix(data, "data", at_least_rows=2, accept_sparse=True)
    n = data.n_items if table is None else table.shape[0]
    most = check_real(max_distances, "max_distances", above=0)
    share = min(1.0, most / max(1, n * (n - 1) // 2))
    if table is None:
        paths = shortest_paths(data, retain_fraction=share)
        pairs, lengths = paths.edges, paths.distances
    else:
        pairs, lengths = preprocess.pair_distances(table, share)
    if isinstance(given, Standardized):
        lengths = preprocess.scale(lengths, given.natural_length(n, embedding_dim))
    elif isinstance(given, Anchored):
        moves = ~_between_anchors(pairs, given)
        pairs, lengths = pairs[moves], lengths[moves]
    problem = MDE(n, embedding_dim, pairs, loss(lengths), given, device, n_jobs=n_jobs)
    if table is not None and embedding_dim <= min(table.shape):
        found = initialization.pca(table, embedding_dim, random_state=0)
        far = float(problem.distances(found).mean())
        problem._X_init = _apart(problem, found * (float(lengths.mean()) / far if far > 0.0 else 1.0))
    return problem


def laplacian_embedding(
    data: Any,
    embedding_dim: int = 2,
    n_neighbors: int | None = None,
    max_distance: float | None = None,
    init: str = "quadratic",
    device: str = "cpu",
    verbose: bool = False,
    *,
    metric: Any = "euclidean",
    n_jobs: int = -1,
) -> MDE:
    """Return the problem of a standardized embedding of the least squared lengths between neighbours.

    Parameters
    ----------
    data, embedding_dim, n_neighbors, max_distance, init, device, verbose, metric, n_jobs
        As of `preserve_neighbors`.

    Returns
    -------
    MDE
        Its start, `quadratic.spectral`, is the solution where the graph of neighbours is connected.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> X = mde.laplacian_embedding(np.random.default_rng(0).normal(size=(60, 5))).embed()
    >>> bool(np.allclose(X.T @ X / 60, np.eye(2)))
    True
    """
    return preserve_neighbors(
        data, embedding_dim, penalties.Quadratic, None, None, n_neighbors, None, max_distance, None, init, device,
        verbose, metric=metric, n_jobs=n_jobs,
    )  # fmt: skip
