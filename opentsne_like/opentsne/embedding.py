"""openTSNE's embeddings: the general ones, with its signatures and defaults."""

from __future__ import annotations

import inspect
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any, Self

from .. import embedding as general
from ..embedding import Embedding, EmbeddingState, PlacedEmbedding
from ..errors import UnavailableError
from ..objectives import AllPairs, Context, KullbackLeibler, Parts
from .descent import gradient_descent
from .divergences import kl_divergence_bh, kl_divergence_fft
from .settings import METHOD, Parameters, TSNESettings

_FUNCTIONS: dict[str, Any] = {"bh": kl_divergence_bh, "fft": kl_divergence_fft}  # whose names these are


class TSNENames(Embedding):
    """What openTSNE's embeddings have beside the general ones; it is not made by itself."""

    settings_class = TSNESettings
    descent_class = gradient_descent

    def _descend(self, settings: Any) -> None:
        """Go down the loss; an optimizer of the user's own is called as openTSNE calls it, with everything by name."""
        if type(self._own.optimizer).__call__ is gradient_descent.__call__:
            super()._descend(settings)
        else:
            self._call(self._own.optimizer, settings)

    def _call(self, optimizer: Any, settings: Any) -> None:
        state = self._own
        told = dict(Parameters(replace(state, settings=settings)))
        method = told.pop(METHOD)
        optimizer(
            embedding=self,
            P=self._edges_of(),
            n_iter=settings.schedule.n_iter,
            objective_function=_FUNCTIONS.get(method, method) if isinstance(method, str) else method,
            reference_embedding=state.reference,
            first_iteration=settings.schedule.first_iteration,
            loss=settings.loss,
            optimizer=settings.optimizer,
            **told,
        )

    @property
    def gradient_descent_params(self) -> MutableMapping[str, Any]:
        """What `optimize` uses unless it is told otherwise, by openTSNE's names."""
        return Parameters(self._own)

    @property
    def kl_divergence(self) -> float:
        """KL divergence of the current coordinates, without exaggeration; computed when it is read."""
        if not isinstance(self.loss, KullbackLeibler):
            raise UnavailableError(f"the loss of this map is no KL divergence but its {self.label}: read `loss_value`")
        return self.loss_value

    @kl_divergence.setter
    def kl_divergence(self, value: float) -> None:
        self.loss_value = value


class TSNEEmbedding(TSNENames):
    """A t-SNE map: an array of coordinates with affinities and the state of its optimization.

    Parameters
    ----------
    embedding : array-like of shape (n, d)
        Initial coordinates; copied.
    affinities : Affinities
        With a matrix `P` of shape (n, n).
    dof : float or "learn"
        Degrees of freedom of the kernel; 1 is t-SNE's.
    n_interpolation_points, min_num_intervals, ints_in_interval : int
        openTSNE's grid parameters, mapped onto an accuracy; 3, 50, 1 mean the default.
    negative_gradient_method : {"auto", "exact", "bh", "fft"}, callable, Loss or Objective
        How repulsion is computed, or what takes the place of t-SNE's loss, which has no degrees of freedom then.
    random_state : int, RandomState or None
        For random starts of points that are added.
    optimizer : gradient_descent or Optimizer, optional
        An optimization to go on with, or another optimizer.
    **gradient_descent_params
        Defaults for `optimize`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNEEmbedding, affinity, initialization
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> affinities = affinity.PerplexityBasedNN(X, perplexity=10)
    >>> Y = TSNEEmbedding(initialization.pca(X), affinities)
    >>> Y = Y.optimize(50, exaggeration=12).optimize(50)
    >>> Y.shape, Y.n_iter_
    ((100, 2), 100)
    """

    def __new__(  # noqa: D102 (the class says it)
        cls,
        embedding: Any,
        affinities: Any,
        dof: float | str = 1,
        n_interpolation_points: int = 3,
        min_num_intervals: int = 50,
        ints_in_interval: int = 1,
        negative_gradient_method: Any = "auto",
        random_state: Any = None,
        optimizer: Any = None,
        **gradient_descent_params: Any,
    ) -> Self:
        descent, params = cls._begun(optimizer, gradient_descent_params)
        grid = {
            "n_interpolation_points": n_interpolation_points,
            "min_num_intervals": min_num_intervals,
            "ints_in_interval": ints_in_interval,
        }
        loss = {"negative_gradient_method": negative_gradient_method}
        if dof != 1:  # which other losses than t-SNE's do not have
            loss["dof"] = dof
        chosen = TSNESettings().changed(**{**({} if "loss" in params else loss), **grid, **params})
        array = general.check_start(embedding, general.check_affinities(affinities), chosen)
        return cls._make(array, EmbeddingState(affinities, descent, random_state, chosen))

    def prepare_interpolation_grid(self, padding: float = 0.25) -> None:
        """Compute the potential of this map now, which placing new points would do when it is first needed.

        Parameters
        ----------
        padding : float
            Room around the map that the grid covers, in widths of the map; points further out are summed over a tree.
        """
        loss = self.optimizer.settled(self.loss, self)
        self._own.frozen = {}
        if isinstance(loss, AllPairs):
            self.frozen(loss.engine(Context(self.settings.resources.n_jobs, None, Parts())), padding)

    def transform(  # type: ignore[override]  # openTSNE's order and defaults
        self,
        X: Any,
        perplexity: Any = 5,
        initialization: Any = "median",
        k: int = 25,
        learning_rate: float | str = 0.1,
        early_exaggeration: float = 4,
        early_exaggeration_iter: int = 0,
        exaggeration: float = 1.5,
        n_iter: int = 250,
        initial_momentum: float = 0.8,
        final_momentum: float = 0.8,
        max_grad_norm: float | None = 0.25,
        max_step_norm: float | None = None,
        *,
        callbacks: Any = None,
        verbose: bool = False,
    ) -> PartialTSNEEmbedding:
        """Place new points on this map, which does not move.

        Where a point lands depends on the map and on that point alone.

        Parameters
        ----------
        X : array-like of shape (m, n_features)
            New data, with the columns of the old; may be memory-mapped.
        perplexity : float or sequence of float
            Of the affinities of new points to old ones, where these have one.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.
        learning_rate : float or "auto"
            "auto" is 0.1.
        early_exaggeration, exaggeration : float
        early_exaggeration_iter, n_iter : int
        initial_momentum, final_momentum : float
        max_grad_norm, max_step_norm : float or None
        callbacks : callable, Hook, or a list of them, keyword only
            Those of this map stay silent.
        verbose : bool, keyword only

        Returns
        -------
        PartialTSNEEmbedding of shape (m, d)

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        UnavailableError
            A RuntimeError, if the affinities know no data that new points could be compared with.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
        >>> Y.transform(X[:3], n_iter=20).shape
        (3, 2)
        """
        shared: dict[str, Any] = {
            "learning_rate": learning_rate,
            "max_grad_norm": max_grad_norm,
            "max_step_norm": max_step_norm,
            "callbacks": callbacks,
            "verbose": verbose,
        }
        stages = [
            {"n_iter": early_exaggeration_iter, "exaggeration": early_exaggeration, "momentum": initial_momentum},
            {"n_iter": n_iter, "exaggeration": exaggeration, "momentum": final_momentum},
        ]
        bounds = {"max_grad_norm": 0.25, "max_step_norm": None}  # of Momentum; other optimizers have none
        shared = {name: value for name, value in shared.items() if self.settings.has(name) or value != bounds[name]}
        to_new = self._perplexity_argument(perplexity)
        return general.transform(self, X, initialization, k, to_new, stages, shared)  # type: ignore[no-any-return]

    def _perplexity_argument(self, perplexity: Any) -> dict[str, Any]:
        """Return `perplexity` as the argument of ``to_new`` where the affinities have one."""
        names = inspect.signature(general.known_affinities(self).to_new).parameters
        if "perplexities" in names:
            return {"perplexities": perplexity}
        return {"perplexity": perplexity} if "perplexity" in names else {}


class PartialTSNEEmbedding(PlacedEmbedding, TSNENames):
    """New points on a frozen map.

    Parameters
    ----------
    embedding : array-like of shape (m, d)
        Initial coordinates; copied.
    reference_embedding : TSNEEmbedding of shape (n, d)
    P : csr_matrix of shape (m, n)
        Affinities of the new points to the old ones; each row sums to 1.
    optimizer : gradient_descent, optional
    **gradient_descent_params
        Defaults for `optimize`.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like import PartialTSNEEmbedding, TSNEEmbedding, affinity
    >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> PartialTSNEEmbedding(np.zeros((1, 2)), Y, csr_matrix([[0.0, 0.0, 0.0, 0.5, 0.5]])).optimize(10).shape
    (1, 2)
    """

    def __new__(  # noqa: D102 (the class says it)
        cls,
        embedding: Any,
        reference_embedding: Any,
        P: Any,
        optimizer: Any = None,
        **gradient_descent_params: Any,
    ) -> Self:
        descent, params = cls._begun(optimizer, gradient_descent_params)
        made = cls.on(embedding, reference_embedding, P, TSNESettings().changed(**params))
        made._own.optimizer = descent
        return made


TSNEEmbedding.placed_class = PartialTSNEEmbedding
