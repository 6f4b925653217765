"""TSNE of rows that stand on the workers of a cluster."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from .. import methods
from .._validation import check_choice
from ..affinity import Affinities, matrix_of
from ..embedding import as_loss
from ..errors import ClusterLostError, InvalidParameterError, UnavailableError
from ..nearest_neighbors import IVF
from ..objectives import METHODS
from .affinities import DaskAffinities
from .matrix import PartitionedMatrix
from .rows import PartitionedRows
from .start import landmarks, pca
from .tasks import check_client


class TSNE(methods.TSNE):
    """t-SNE of a dask array or data frame on the workers of a cluster, with the bits of `opentsne_like.TSNE`.

    Rows, neighbours and P stay on the workers, which sum along the edges of P. Coordinates, the state of the optimizer
    and all that goes over pairs of points are in the process that asks, which needs about 256 bytes a point. What comes
    out is the map that `opentsne_like.TSNE` makes of the same rows with the same parameters, whatever the number of
    workers and of chunks, and whichever of them die meanwhile.

    Parameters
    ----------
    client : distributed.Client, keyword only, optional
        Of the cluster; by default that of the process.
    **parameters
        Those of `opentsne_like.TSNE`, with its defaults. `initialization` is "pca", "landmarks", "random" or an array;
        `neighbors` "auto" or "ivf"; `metric` one of those of the inverted file; `device` not "cuda", and
        `negative_gradient_method` a name.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from opentsne_like.dask import TSNE
    >>> with Client(n_workers=2, threads_per_worker=1) as client:  # doctest: +SKIP
    ...     X = da.random.default_rng(0).normal(size=(100_000, 20), chunks=(20_000, 20))
    ...     Y = TSNE(n_neighbors=15, random_state=0).fit(X, checkpoint="run.npz")
    """

    starts: ClassVar[tuple[str, ...]] = ("pca", "random", "landmarks")
    _multiscale: ClassVar[Callable[..., Any]] = staticmethod(landmarks)
    free: ClassVar[frozenset[str]] = methods.TSNE.free | {"client"}

    def __init__(self, *args: Any, client: Any = None, **parameters: Any) -> None:
        super().__init__(*args, **parameters)
        self.client = client

    __init__.__signature__ = (  # type: ignore[attr-defined]  # what is asked for the names of parameters
        lambda given: given.replace(
            parameters=[
                *given.parameters.values(),
                inspect.Parameter("client", inspect.Parameter.KEYWORD_ONLY, default=None),
            ]
        )
    )(inspect.signature(methods.TSNE.__init__))

    def __deepcopy__(self, memo: dict[int, Any]) -> TSNE:
        """Return a copy that asks the same client."""
        memo[id(self.client)] = self.client
        return type(self)(**copy.deepcopy(self.get_params(deep=False), memo))

    def __sklearn_clone__(self) -> TSNE:
        """Return a copy for scikit-learn."""
        return copy.deepcopy(self)

    def fit(self, X: Any = None, affinities: Any = None, initialization: Any = None, *, checkpoint: Any = None) -> Any:
        """Make a map.

        Parameters
        ----------
        X : dask array or data frame of shape (n, n_features), optional
        affinities : Affinities, optional
            Instead of `X`; those of one machine are sent to the workers.
        initialization : array of shape (n, n_components) or str, optional
            Instead of the estimator's own.
        checkpoint : path-like or callbacks.Checkpoint, keyword only, optional
            As of `opentsne_like.TSNE.fit`. P is not in it: a run that goes on, on this cluster or on another one, makes
            P again from the same data.

        Returns
        -------
        TSNEEmbedding of shape (n, n_components)
            Coordinates in this process; the affinities stay on the workers for as long as it lives.

        Raises
        ------
        ClusterLostError
            If the cluster goes away.
        InvalidParameterError, InvalidTypeError, UnavailableError
            Before any work.
        """
        try:
            return super().fit(X, affinities, initialization, checkpoint=checkpoint)
        except ClusterLostError as error:
            path = os.fsdecode(getattr(checkpoint, "path", checkpoint)) if checkpoint is not None else ""
            if not os.path.exists(path):
                raise
            raise ClusterLostError(
                f"{error}; the checkpoint {path!r} is kept: `fit` with it and another cluster goes on from there"
            ) from error

    def estimate(self, X: Any) -> NoReturn:
        """Refuse: what is known beforehand is what one machine needs.

        Raises
        ------
        UnavailableError
        """
        raise UnavailableError(
            "`estimate` is of one machine, by a trial on it; ask opentsne_like.TSNE(...).estimate(X): neighbours, "
            "affinities and their memory are what workers share"
        )

    def _table(self, X: Any) -> PartitionedRows:
        self._check_search()
        rows = PartitionedRows(X, self.client)
        self._columns = rows.columns
        return rows

    def _advise(self, X: Any) -> None:
        """Say nothing: that would be a look at all rows."""

    def _check_search(self) -> None:
        """Refuse searches for neighbours that no workers make, before they read any rows."""
        check_choice(self.metric, "metric", IVF.VALID_METRICS)
        check_choice(self.neighbors, "neighbors", ("auto", "ivf"))
        if self.metric_params:
            raise InvalidParameterError(f"`metric_params` must be None on a cluster, got {self.metric_params!r}")

    def _check_parameters(self, X: Any) -> None:
        super()._check_parameters(X)
        if self.device == "cuda":
            raise UnavailableError("`device` must be 'cpu' or 'auto' where P stands on the workers of a cluster")
        if not isinstance(self.negative_gradient_method, str):
            name = type(as_loss(self.negative_gradient_method)).__name__
            raise UnavailableError(
                f"`negative_gradient_method` must be one of {', '.join(METHODS)} on a cluster, got {name}; give a loss "
                "to `optimize` of an Embedding with affinities of dask.DaskAffinities"
            )

    def _affinities(self, X: Any) -> Affinities:
        return DaskAffinities(
            X,
            self.perplexity,
            n_neighbors=self.n_neighbors,
            metric=self.metric,
            neighbors=self.neighbors,
            random_state=self.random_state,
            knn_kwargs=self.knn_kwargs,
            verbose=self.verbose,
        )

    def _starts_from(self, X: Any, affinities: Affinities, how: str) -> Any:
        if how == "pca":
            return pca(X, self.n_components, random_state=self.random_state)
        return super()._starts_from(X, affinities, how)

    def _embedding(self, start: Any, affinities: Any) -> Any:
        """Return the map, whose affinities stand on the workers from now on."""
        if isinstance(affinities, Affinities) and not isinstance(P := matrix_of(affinities), PartitionedMatrix):
            affinities = copy.copy(affinities)
            affinities.P = PartitionedMatrix.from_csr(P, check_client(self.client))
        return super()._embedding(start, affinities)
