"""What a map knows of its loss: the value, and what edges, points and pairs add to it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import check_integer
from ..affinity import matrix_of
from ..errors import InvalidParameterError, UnavailableError
from ..objectives import AdditiveObjective, Loss, checksum
from .array import StatefulArray

_RECENT = 50  # iterations, among whose losses `repr` looks for one: as often as a progress bar asks


class DiagnosedArray(StatefulArray):
    """A map with a loss: what it is, as a number and in parts. The base of embeddings, not made by itself.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import DiagnosedArray, Embedding
    >>> Y = Embedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> isinstance(Y, DiagnosedArray), bool(np.isclose(Y.point_losses().sum(), Y.loss_value))
    (True, True)
    """

    _made_of: ClassVar[str] = "affinities"

    @property
    def loss(self) -> Loss:
        """The loss, as data: which, and with which options."""
        return self._own.settings.loss

    @property
    def label(self) -> str:
        """What the value of the loss is called."""
        return self._own.settings.loss.label

    @property
    def loss_value(self) -> float:
        """The loss of the current coordinates, without exaggeration; computed when it is read."""
        state = self._own
        if not state.settings.loss.is_data:
            return self.evaluate()
        key = self._value_key(state.settings.loss)
        if state.value is None or state.value[0] != key:
            state.value = (key, self.evaluate(loss=state.settings.loss.precise()))
        return state.value[1]

    @loss_value.setter
    def loss_value(self, value: float) -> None:
        if self.loss.is_data:
            self._own.value = (self._value_key(self.loss), float(value))

    def evaluate(self, P: Any = None, **changes: Any) -> float:
        """Return the loss of the current coordinates, without exaggeration, by other numbers than the map's own.

        Parameters
        ----------
        P : sparse matrix, optional
            In the place of the affinities.
        **changes
            Of the loss: ``method="exact"`` or ``loss=NegativeSampling(c=0.1)``, say.

        Returns
        -------
        float

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
        >>> abs(Y.evaluate(method="fft") - Y.evaluate(method="exact")) < 1e-3
        True
        """
        state = self._own
        edges = self._edges_of() if P is None else P
        settings = state.settings.asked(**changes)
        return state.optimizer.value(self, edges, settings, state.reference, state.affinities)

    def _value_key(self, loss: Loss) -> tuple[Any, ...]:
        """Return what the value of the loss depends on."""
        state = self._own
        source = state.affinities if state.reference is None else getattr(state.reference, "affinities", None)
        parts = [part for part in (self, state.reference) if part is not None]
        sums = (checksum(np.ascontiguousarray(part), -1) for part in (*parts, *loss.takes(source)))
        return (state.optimizer.settled(loss, state.reference), state.optimizer.parts.key(self._edges_of(), -1), *sums)

    def _has_edges(self) -> bool:
        state = self._own
        return state.affinities is not None if state.P is None else state.reference is not None

    def _edges_of(self) -> Any:
        """Return the sparse matrix that attracts the points."""
        state = self._own
        if state.P is None and state.affinities is None:
            raise UnavailableError(
                f"this {type(self).__name__} was stored without its affinities; make a new one with "
                f"{type(self).__name__}(embedding, {self._made_of}, optimizer=embedding.optimizer)"
            )
        if state.P is None:
            return matrix_of(state.affinities)
        if state.reference is None:
            raise UnavailableError(
                f"this {type(self).__name__} was stored without the map that its points are placed on"
            )
        return state.P

    def _known_value(self) -> str:
        state = self._own
        if state.value is not None and self._has_edges() and state.value[0] == self._value_key(state.settings.loss):
            return f"{state.value[1]:.4f}"
        descent = state.optimizer.state
        recent = [] if descent is None else descent.history[-_RECENT:]
        seen = [record for record in recent if record.loss == record.loss]
        return f"{seen[-1].loss:.4f} in iteration {int(seen[-1].iteration)}" if seen else "not computed"

    def edge_losses(self) -> Any:
        r"""Return the value of the attraction along each edge of P.

        Of an edge it is :math:`p_{ij} A(d_{ij}^2)`, with A the attraction of the loss, for t-SNE
        :math:`a \log(1 + d^2 / a)` with `a` degrees of freedom: large where points that belong together lie far
        apart. An edge has it once in either direction.

        Returns
        -------
        csr_matrix of shape (n, n), or (m, n) for points that are placed on a map, float64
            With the structure of P.

        Raises
        ------
        UnavailableError
            If the loss is an objective or a function of one's own, which does not say.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
        >>> P, L = Y.affinities.P, Y.edge_losses()
        >>> d2 = ((Y[0] - Y[P.indices[0]]) ** 2).sum()
        >>> bool(np.isclose(L.data[0], P.data[0] * np.log(1 + d2)))
        True
        """
        from scipy.sparse import csr_matrix

        P = self._edges_of().tocsr()
        losses = self._parted().edge_losses(np.asarray(self))
        return csr_matrix((losses, P.indices.copy(), P.indptr.copy()), shape=P.shape)

    def point_losses(self) -> Array:
        r"""Return what each point contributes to the loss: together they are `loss_value`.

        It is the attraction along the edges of the point's row of P, and its share of what the loss makes of the
        potentials :math:`\varphi_i`: :math:`\nu \varphi_i` where that is their weighted sum, and for the KL divergence
        of t-SNE :math:`\sum_j p_{ij} (\log p_{ij} + \log Z)`, so that a point contributes the divergence of its row,
        :math:`\sum_j p_{ij} \log(p_{ij} / q_{ij})`, which may be negative. A point that is placed on a map has a loss
        of its own.

        Returns
        -------
        float64 ndarray of shape (n,)

        Raises
        ------
        UnavailableError
            If the loss is an objective or a function of one's own, which does not say.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
        >>> bool(np.isclose(Y.point_losses().sum(), Y.kl_divergence))
        True
        """
        return self._parted().point_losses(np.asarray(self))

    def worst_pairs(self, k: int) -> tuple[Array, Array]:
        """Return the pairs of points whose attraction has the largest share in the loss.

        Parameters
        ----------
        k : int
            How many.

        Returns
        -------
        pairs : intp ndarray of shape (k, 2)
            The smaller index first; of points that are placed on a map, the new point and the old one. The worst pair
            comes first, and of equal ones that with the smaller indices.
        losses : float64 ndarray of shape (k,)
            Of both directions of the edge together, see `edge_losses`.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            If there are not so many pairs with an edge.
        UnavailableError
            If the loss is an objective or a function of one's own, which does not say.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
        >>> pairs, losses = Y.worst_pairs(3)
        >>> pairs.shape, bool(losses[0] >= losses[1] >= losses[2])
        ((3, 2), True)
        """
        from scipy.sparse import triu

        edges = self.edge_losses().tocoo()
        if self._own.reference is None:
            edges = triu(edges + edges.T, k=1).tocoo()
        check_integer(k, "k", at_least=1)
        if k > edges.nnz:
            raise InvalidParameterError(f"`k` must be at most the number of pairs with an edge, {edges.nnz}, got {k}")
        order = np.lexsort((edges.col, edges.row, -edges.data))[:k]
        return np.stack([edges.row[order], edges.col[order]], axis=1).astype(np.intp), edges.data[order]

    def _parted(self) -> AdditiveObjective:
        """Return the objective by which the value is read, if it says what edges and points add to that."""
        state = self._own
        loss = state.settings.loss
        settings = state.settings.changed(loss=loss.precise())
        objective = state.optimizer.resting(self, self._edges_of(), settings, state.reference, state.affinities)
        if not isinstance(objective, AdditiveObjective):
            raise UnavailableError(
                f"`loss` {type(loss).__name__} does not say what edges and points add to it: its objective, a "
                f"{type(objective).__name__}, has no methods `edge_losses` and `point_losses`; write these, or take a "
                "loss of `objectives.LOSSES`"
            )
        return objective
