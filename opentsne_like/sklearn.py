"""t-SNE as a transformer of scikit-learn: for pipelines, with the map in the attribute `embedding_`."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from . import tsne
from ._types import Array
from .nearest_neighbors import KnownRows
from .opentsne import TSNEEmbedding

__all__ = ["TSNE"]


class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, tsne.TSNE):  # type: ignore[misc]
    """`opentsne_like.TSNE`, with all of its parameters, as a scikit-learn estimator.

    Attributes
    ----------
    embedding_ : TSNEEmbedding of shape (n, n_components)
        The map of the last fit.
    kl_divergence_ : float
        Of the map.
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

    embedding_: TSNEEmbedding

    def fit(self, X: Any, y: Any = None) -> TSNE:  # type: ignore[override]
        """Make a map of `X` and keep it as `embedding_`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : ignored

        Returns
        -------
        TSNE
            This estimator.
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.embedding_ = super().fit(X)
        self.learning_rate_ = self._last_rate()
        self._known = KnownRows(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Make a map of `X` and return its coordinates.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : ignored

        Returns
        -------
        ndarray of shape (n, n_components), float64
        """
        return np.array(self.fit(X, y).embedding_)

    def transform(self, X: Any, *args: Any, **kwargs: Any) -> Array:
        """Place new points on the map, which does not change.

        A row that is equal to one of the data, number for number, has that one's place, the first of several; so
        ``transform(X)`` of the data is the map. All others land where the embedding's `transform` puts them, each by
        itself.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, n_features)
        *args, **kwargs
            As in `opentsne_like.TSNEEmbedding.transform`.

        Returns
        -------
        ndarray of shape (m, n_components), float64
        """
        check_is_fitted(self, "embedding_")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        places = self._known.find(X)
        new = places < 0
        made = np.asarray(self.embedding_)[places]
        if new.any():
            options = inspect.signature(self.embedding_.transform).bind(X[new], *args, **kwargs)
            start = options.arguments.get("initialization")
            if not isinstance(start, str | None) and np.shape(np.asarray(start)) == made.shape:
                options.arguments["initialization"] = np.asarray(start)[new]
            made[new] = self.embedding_.transform(*options.args, **options.kwargs)
        return made

    @property
    def kl_divergence_(self) -> float:
        """The KL divergence of the map."""
        return self.embedding_.kl_divergence

    @property
    def n_iter_(self) -> int:
        """Iterations of the last fit."""
        return self.embedding_.n_iter_

    def _last_rate(self) -> float:
        """Return the learning rate that the last stage ends with."""
        stage = dict(self._stages(len(self.embedding_))[-1])
        plan = self.embedding_.settings.called(stage.pop("n_iter"), stage).plan(len(self.embedding_), placed=False)
        return plan.at(max(plan.n_iter - 1, 0)).learning_rate

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __sklearn_tags__(self) -> Any:
        """Say what the estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = isinstance(self.metric, str) and self.metric == "precomputed"
        return tags
