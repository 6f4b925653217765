"""t-SNE and its family as transformers of scikit-learn: for pipelines, with the map in the attribute `embedding_`."""

from __future__ import annotations

import inspect
import re
from typing import Any, Self, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from . import methods, tsne
from ._types import Array
from .embedding import Embedding
from .nearest_neighbors import KnownRows

__all__ = [
    "NCTSNE",
    "SNE",
    "TSNE",
    "UMAP",
    "ElasticEmbedding",
    "InfoNCTSNE",
    "LargeVis",
    "MapTransformer",
    "NegTSNE",
    "PaCMAP",
    "transformer",
]


class MapTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What makes an estimator of this package one of scikit-learn's; the base of all here.

    Attributes
    ----------
    embedding_ : Embedding of shape (n, n_components)
        The map of the last fit.
    loss_, kl_divergence_ : float
        Of the map; the second of t-SNE's alone.
    n_iter_ : int
        Iterations of the last fit.
    learning_rate_ : float
        That its last stage ended with: "auto" as a number.
    n_features_in_ : int
        Columns of the data.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from opentsne_like.sklearn import TSNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> pipeline = make_pipeline(StandardScaler(), TSNE(perplexity=10, n_iter=50, random_state=0))
    >>> pipeline.fit_transform(X).shape, pipeline.transform(X[:3]).shape
    ((100, 2), (3, 2))
    """

    embedding_: Embedding

    def fit(self, X: Any, y: Any = None, *, checkpoint: Any = None) -> Self:
        """Make a map of `X` and keep it as `embedding_`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : ignored
        checkpoint : path-like or callbacks.Checkpoint, optional
            As of `opentsne_like.TSNE.fit`.

        Returns
        -------
        estimator
            This one.
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.embedding_ = super().fit(X, checkpoint=checkpoint)
        self.learning_rate_ = self._last_rate()
        self._known = KnownRows(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, *, checkpoint: Any = None, **placing: Any) -> Array:
        """Make a map of `X` and return its coordinates.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : ignored
        checkpoint : path-like or callbacks.Checkpoint, optional
        **placing
            What pipelines hand on for `transform`; rows of the data are not placed, they have their places.

        Returns
        -------
        ndarray of shape (n, n_components), float64
        """
        return np.array(self.fit(X, y, checkpoint=checkpoint).embedding_)

    def transform(
        self,
        X: Any,
        *args: Any,
        n_iter: int | None = None,
        initialization: Any = None,
        k: int | None = None,
        **kwargs: Any,
    ) -> Array:
        """Place new points on the map, which does not change.

        A row that is equal to one of the data, number for number, has that one's place, the first of several; so
        ``transform(X)`` of the data is the map. All others land where the embedding's `transform` puts them, each by
        itself, which is near the places of rows that are nearly equal.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, n_features)
        n_iter, initialization, k, *args, **kwargs
            As in the `transform` of `embedding_`; None leaves its default.

        Returns
        -------
        ndarray of shape (m, n_components), float64
        """
        check_is_fitted(self, "embedding_")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        given = {"n_iter": n_iter, "initialization": initialization, "k": k}
        kwargs |= {name: value for name, value in given.items() if value is not None}
        places = self._known.find(X)
        new = places < 0
        made = np.asarray(self.embedding_)[places]
        if new.any():
            options = inspect.signature(self._map.transform).bind(X[new], *args, **kwargs)
            start = options.arguments.get("initialization")
            if not isinstance(start, str | None) and np.shape(np.asarray(start)) == made.shape:
                options.arguments["initialization"] = np.asarray(start)[new]
            made[new] = self._map.transform(*options.args, **options.kwargs)
        return made

    @property
    def _map(self) -> Embedding:
        """The map that was optimized: of the different rows, where equal ones were one point."""
        return cast(Embedding, getattr(self.embedding_, "reference_embedding", self.embedding_))

    @property
    def loss_(self) -> float:
        """The value of the loss."""
        return self._map.loss_value

    @property
    def kl_divergence_(self) -> float:
        """The KL divergence of a map of t-SNE; others have none."""
        return float(self.embedding_.kl_divergence)  # type: ignore[attr-defined]

    @property
    def n_iter_(self) -> int:
        """Iterations of the last fit."""
        return self._map.n_iter_

    def _last_rate(self) -> float:
        """Return the learning rate that the last stage ends with."""
        stage = dict(self._stages(len(self._map))[-1])
        plan = self._map.settings.called(stage.pop("n_iter"), stage).plan(len(self._map), placed=False)
        return plan.at(max(plan.n_iter - 1, 0)).learning_rate

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __sklearn_tags__(self) -> Any:
        """Say what the estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = not self._data_have_columns()
        return tags


def transformer(estimator: type[methods.Method]) -> Any:
    """Return the transformer that an estimator becomes, also one of your own.

    Parameters
    ----------
    estimator : type
        A subclass of `methods.Method`; its parameters and its name are the transformer's.

    Returns
    -------
    type
        A subclass of `MapTransformer` and of the estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import methods, sklearn
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> sklearn.transformer(methods.SNE)(n_iter=20, random_state=0).fit_transform(X).shape
    (100, 2)
    """
    name = estimator.__name__
    described = inspect.cleandoc(estimator.__doc__ or "")  # from Python 3.13 on without its indentation anyway
    parameters = re.search(r"\nParameters\n.*?(?=\n\n[A-Z]\w+\n---|\Z)", described, re.DOTALL)
    text = f"`opentsne_like.{name}`, with all of its parameters, as a scikit-learn estimator.\n"
    text += f"{parameters[0] if parameters else ''}\n\nAttributes are those of `MapTransformer`.\n"
    return type(name, (MapTransformer, estimator), {"__doc__": text, "__module__": __name__})


TSNE = transformer(tsne.TSNE)
SNE = transformer(methods.SNE)
InfoNCTSNE = transformer(methods.InfoNCTSNE)
NegTSNE = transformer(methods.NegTSNE)
NCTSNE = transformer(methods.NCTSNE)
LargeVis = transformer(methods.LargeVis)
UMAP = transformer(methods.UMAP)
PaCMAP = transformer(methods.PaCMAP)
ElasticEmbedding = transformer(methods.ElasticEmbedding)
