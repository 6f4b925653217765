"""Parametric maps: a network that takes rows to their places, trained on any loss."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, Self

import numpy as np

from ..._types import Array
from ..._validation import (
    as_table,
    check_flag,
    check_integer,
    check_n_jobs,
    check_random_state,
    check_real,
    column_names,
)
from ...dependencies import need
from ...embedding import Embedding
from ...errors import InvalidParameterError, InvalidTypeError, UnavailableError
from ...objectives import Loss
from ...optimizer import State
from ...utils import Timer
from ..base import Method
from ..neighbor_embedding import NeighborEmbedding
from ..parameters import Parameters
from ..tsne import TSNE
from . import archive
from .checks import check_network
from .networks import BATCH, Network, center_and_spread, multilayer, seeded
from .steps import NetworkSteps, check_free

LEAST_STEPS = 2000  # of a regression on a small map, which has few mini-batches
LEAST_EPOCHS = 20


@dataclass(repr=False, eq=False)
class ParametricEmbedding(Parameters):
    """A network as a map: a function of a row, which needs the data no longer once it is trained.

    `fit` makes a map as `loss` says, trains the network to give each row its place on it, and then moves the weights
    down the loss itself. Any loss will do, because a network needs no more of it than the derivative in the
    coordinates.

    Take it for a function without the data, for streams, and for maps that go on with new data. New points are placed
    better by an embedding's own `transform`, see the guide.

    Parameters
    ----------
    loss : Method, Loss, or None
        An estimator such as ``UMAP(n_neighbors=30)``, with its affinities, start and stages; or a loss, with those of
        `NeighborEmbedding`. By default `TSNE`.
    network : torch.nn.Module, optional
        From rows of the data, of unit variance, to coordinates. It is copied. By default a multilayer perceptron.
    hidden : sequence of int
        The units of its layers between input and output.
    batch_norm : bool
        Whether the input of each of its units is normalized over the mini-batch.
    n_epochs : int, optional
        How often the network sees each row while it is trained on the finished map; by default 20, and more below
        25,600 rows, so that it makes 2,000 steps.
    n_iter : int
        Steps on the loss, each of all rows. With 0 the network is a regression on the map.
    learning_rate : float
        Of these steps, by Adam; it falls to nothing along a cosine.
    n_jobs : int
        Threads; -1 for all cores. The network does not depend on it.
    random_state : int, RandomState or None
        Of the network; the map has that of `loss`, if it is an estimator.
    verbose : bool

    Attributes
    ----------
    network_ : Network
        What was trained; ``network_.module`` is the PyTorch module.

    References
    ----------
    van der Maaten, *Learning a parametric embedding by preserving local structure* (2009); Sainburg, McInnes & Gentner,
    *Parametric UMAP embeddings for representation and semisupervised learning* (2021); Damrich, Böhm, Hamprecht &
    Kobak, *From t-SNE to UMAP with contrastive learning* (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import NegTSNE, ParametricEmbedding
    >>> X = np.random.default_rng(0).normal(size=(120, 5))
    >>> parametric = ParametricEmbedding(NegTSNE(n_iter=50, random_state=0), n_epochs=5, n_iter=20, random_state=0)
    >>> Y = parametric.fit(X[:100])
    >>> bool((parametric.transform(X[:100]) == Y).all()), parametric.transform(X[100:]).shape
    (True, (20, 2))
    >>> parametric.fine_tune(X[100:], n_iter=10).shape
    (20, 2)
    """

    loss: Any = None
    network: Any = None
    _: KW_ONLY
    hidden: Sequence[int] = (100, 100)
    batch_norm: bool = False
    n_epochs: int | None = None
    n_iter: int = 150
    learning_rate: float = 1e-3
    n_jobs: int = -1
    random_state: Any = None
    verbose: bool = False

    def fit(self, X: Any, embedding: Any = None) -> Embedding:
        """Make a map, and train a network to be it.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
            May be memory-mapped: rows go through the network in blocks.
        embedding : Embedding of shape (n, d), optional
            A finished map of these rows to begin with, under its own loss; it is not changed. Otherwise one is made.

        Returns
        -------
        Embedding of shape (n, d)
            The places that the network gives to the rows, with affinities and loss.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        MissingDependencyError
            PyTorch is not installed.
        """
        recipe = self._checked()
        table = as_table(X, "X", at_least_rows=2)
        given = None if embedding is None else _finished(embedding, table.shape[0])
        d = recipe.n_components if given is None else given.shape[1]
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        module = self._module(table.shape[1], d, seed)
        stage = _last_stage(recipe, table.shape[0]) if given is None else {}
        made: Embedding = recipe.fit(X) if given is None else given
        points = np.asarray(made)
        width = float(np.sqrt(points.var(axis=0).mean())) or 1.0
        network = Network(module, *center_and_spread(table), width, self.n_jobs)
        with Timer("Training the network on the map...", self.verbose):
            network.regress(table, points - points.mean(axis=0), self._epochs(len(points)), seed)
        self._descend(made, network, table, self.n_iter, stage)
        self.network_, self._columns = network, column_names(X)
        return made

    def transform(self, X: Any) -> Array:
        """Return the places of rows, old or new.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, n_features)
            May be memory-mapped.

        Returns
        -------
        ndarray of shape (m, d), float64
        """
        return self._fitted().outputs(as_table(X, "X", columns=self._columns))

    def fine_tune(self, X: Any, n_iter: int | None = None) -> Embedding:
        """Go on with other data from where the network stands.

        The network moves down the loss of a map of these rows alone, beginning with the places that it gives them.
        Rows that it is not to forget have to be among them.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, n_features)
        n_iter : int, optional
            Steps; by default as many as `fit` makes.

        Returns
        -------
        Embedding of shape (m, d)
            The places that the network now gives to the rows, with affinities and loss.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work; the network is as it was.
        """
        network, recipe = copy.deepcopy(self._fitted()), self._checked()
        table = as_table(X, "X", at_least_rows=2, columns=self._columns)
        steps = self.n_iter if n_iter is None else check_integer(n_iter, "n_iter", at_least=0)
        network.outputs(table[:2])  # refuses other columns
        embedding: Embedding = recipe.prepare_initial(table, initialization="random")
        names = column_names(X) if self._columns is None else self._columns  # which the table is in the order of
        if embedding.affinities.knn_index is not None:
            embedding.affinities.knn_index.columns = names
        self._descend(embedding, network, table, steps, _last_stage(recipe, table.shape[0]))
        self.network_, self._columns = network, names
        return embedding

    def save(self, path: Any) -> None:
        """Write the network and the parameters to one file, weights as arrays, which `ParametricEmbedding.load` reads.

        Maps are not in it; `Embedding.save` stores those.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        StorageError
            The file cannot be written; what was there before stays.
        InvalidParameterError
            A parameter cannot be stored.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import ParametricEmbedding, SNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> parametric = ParametricEmbedding(SNE(perplexity=10, n_iter=20), n_epochs=5, n_iter=5)
        >>> Y = parametric.fit(X)
        >>> parametric.save("network.npz")
        >>> bool((ParametricEmbedding.load("network.npz").transform(X) == Y).all())
        True
        """
        archive.save(self, self._fitted(), self._columns, path)

    @classmethod
    def load(cls, path: Any, network: Any = None) -> Self:
        """Return an estimator with the network that `save` wrote.

        Parameters
        ----------
        path : path-like
        network : torch.nn.Module, optional
            A network of one's own, as `fit` had it: the file holds its weights and no code.

        Raises
        ------
        StorageError
            The file is missing, altered, or of something else.
        """
        parameters, stored, columns = archive.read(path, network)
        estimator = cls(network=network, **parameters)
        with archive.read_from(path):
            estimator._checked()
            if network is None:
                stored.check_layers(estimator.hidden, estimator.batch_norm)
        module = estimator._module(len(stored.center), stored.d, 0)
        estimator.network_, estimator._columns = stored.onto(module, path, estimator.n_jobs), columns
        return estimator

    def _checked(self) -> Method:
        """Return the estimator that makes maps, and refuse parameters that cannot work."""
        need("torch", "torch")
        if not isinstance(self.hidden, Sequence) or isinstance(self.hidden, str):
            raise InvalidTypeError(f"`hidden` must be a sequence of integers, such as (100, 100), got {self.hidden!r}")
        for units in self.hidden:
            check_integer(units, "hidden", at_least=1)
        check_n_jobs(self.n_jobs)
        for name in ("batch_norm", "verbose"):
            check_flag(getattr(self, name), name)
        check_integer(self.n_iter, "n_iter", at_least=0)
        check_real(self.learning_rate, "learning_rate", above=0)
        if self.n_epochs is not None:
            check_integer(self.n_epochs, "n_epochs", at_least=0)
        if isinstance(self.loss, Method):
            if getattr(self.loss, "process_duplicates", False):
                raise InvalidParameterError(
                    "`process_duplicates` of `loss` must be False, got True; a network gives equal rows one place"
                )
            return self.loss
        shared = {"random_state": self.random_state, "n_jobs": self.n_jobs, "verbose": self.verbose}
        if self.loss is None:
            return TSNE(**shared)
        if not isinstance(self.loss, Loss):
            raise InvalidTypeError(
                "`loss` must be an estimator such as TSNE(), or a Loss such as objectives.NegativeSampling(), got "
                f"{self.loss.__name__ + ' itself' if isinstance(self.loss, type) else type(self.loss).__name__}"
            )
        return NeighborEmbedding(loss=self.loss, **shared)

    def _module(self, n_features: int, d: int, seed: int) -> Any:
        """Return the module to train: a copy of the user's, or a new one."""
        if self.network is None:
            with seeded(seed):
                return multilayer(n_features, d, self.hidden, self.batch_norm)
        module = copy.deepcopy(self.network)
        check_network(module, n_features, d)
        return module

    def _epochs(self, n: int) -> int:
        if self.n_epochs is not None:
            return self.n_epochs
        return max(LEAST_EPOCHS, -(-LEAST_STEPS // max(1, n // BATCH)))

    def _descend(self, embedding: Any, network: Network, table: Any, n_iter: int, stage: dict[str, Any]) -> None:
        """Put the points where the network has them, and move its weights down the loss of the map."""
        embedding[:] = network.outputs(table)
        steps = NetworkSteps(network=network, rows=table)
        how = {"optimizer": steps, "learning_rate": self.learning_rate, "momentum": 0.9, **stage}
        with Timer("Training the network on the loss...", self.verbose):
            embedding.optimize(n_iter, inplace=True, **how)
        state = embedding.optimizer.state
        network.weights = state["weights"]
        kept = {name: state[name] for name in state if name not in steps.keeps}  # the network is not a part of the map
        embedding.optimizer.state = State(
            kept, counter=int(state.counter[0]), history=state.history, carried=state.carried
        )

    def _fitted(self) -> Network:
        """Return the network, or say that there is none yet."""
        network: Network | None = getattr(self, "network_", None)
        if network is None:
            raise UnavailableError("this ParametricEmbedding has no network yet; call fit(X), or load a stored one")
        return network


def _finished(embedding: Any, n: int) -> Any:
    """Return a copy of a finished map of `n` rows."""
    if not isinstance(embedding, Embedding) or embedding.affinities is None:
        raise InvalidTypeError(f"`embedding` must be an Embedding with affinities, got {type(embedding).__name__}")
    if len(embedding) != n:
        raise InvalidParameterError(f"`embedding` must have the {n} rows of `X`, got shape {embedding.shape}")
    schedule = embedding.settings.schedule
    check_free(schedule.fixed is not None or schedule.constraint != "centered")
    return embedding.copy()


def _last_stage(recipe: Method, n: int) -> dict[str, Any]:
    """Return what the last stage of a method says of the loss, but not of the steps."""
    stage = recipe._onward(n)
    check_free(stage.get("fixed") is not None or stage.get("constraint", "centered") != "centered")
    known = {"loss", "exaggeration", *(option.name for option in fields(recipe._settings(n).get("loss", Loss)))}
    return {name: value for name, value in stage.items() if name in known}
