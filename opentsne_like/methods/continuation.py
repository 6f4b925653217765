"""Continuation: one graph of neighbours, and a row of maps each of which begins where the one before it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._validation import check_choice, check_real
from ..affinity import Affinities, matrix_of
from ..embedding import Embedding
from ..errors import InvalidParameterError
from ..utils import align
from .base import Method
from .contrastive import NegTSNE
from .tsne import TSNE


class _Road(NamedTuple):
    """A method, its parameter that is walked along, parameters that say the same, and usual values."""

    method: type[Method]
    parameter: str
    others: tuple[str, ...]
    values: tuple[float, ...]


_ROADS = {
    "negtsne": _Road(NegTSNE, "s", ("Z_bar", "c"), (0.0, 0.25, 0.5, 0.75, 1.0)),
    "tsne": _Road(TSNE, "exaggeration", (), (1.0, 2.0, 4.0, 8.0, 16.0)),
}


def spectrum(
    data: Any, method: str = "negtsne", values: Sequence[float] | None = None, **parameters: Any
) -> list[Embedding]:
    r"""Return maps of the same neighbours from those that keep what is near to those that keep what is far.

    The balance of attraction and repulsion is changed step by step: by `s` of Neg-t-SNE, or by t-SNE's exaggeration.
    The first map made is that of the highest value, where attraction is strongest and clusters still pass each other;
    each of the others begins where the one with the next higher value ended (a *warm start*), and is turned, mirrored
    and shifted, as by `align`, to lie upon it. So what differs from map to map is the value's doing.

    Parameters
    ----------
    data : array-like of shape (n, n_features), or Affinities
        Neighbours are found and affinities are made once.
    method : {"negtsne", "tsne"}
        Estimators `NegTSNE` and `TSNE`. t-SNE's spectrum ends at t-SNE itself; that of Neg-t-SNE does not, with few
        negatives, and of 500 rows or fewer it is walked the other way, see `NegTSNE`: take "tsne" there.
    values : sequence of float, optional
        Of `s`, by default 0, 0.25, 0.5, 0.75 and 1; or of the exaggeration, by default 1, 2, 4, 8 and 16. In any order.
    **parameters
        Of the estimator, such as ``n_neighbors``, ``n_iter`` (for each map) or ``random_state``.

    Returns
    -------
    list of Embedding
        One for each of `values`, in their order, with its own state: each optimizes further, places new points and is
        saved like any other. The same bits for any ``n_jobs``, and for the same values in any order.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        Before any work.

    References
    ----------
    Böhm, Berens & Kobak, *Attraction-repulsion spectrum in neighbor embeddings* (2022); Damrich, Böhm, Hamprecht &
    Kobak, *From t-SNE to UMAP with contrastive learning* (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import spectrum
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> maps = spectrum(X, "tsne", values=[1, 4], perplexity=10, n_iter=50, random_state=0)
    >>> bool(np.ptp(maps[0]) > np.ptp(maps[1]))
    True
    """
    road = _ROADS[check_choice(method, "method", tuple(_ROADS))]
    wanted = _checked_values(road, values)
    for name in (road.parameter, *road.others):
        if name in parameters:
            raise InvalidParameterError(
                f"`{name}` must be left to `values`, which say where on the spectrum the maps lie, got "
                f"{parameters[name]!r}"
            )
    downwards = sorted(wanted, reverse=True)
    first, *others = (road.method().set_params(**{**parameters, road.parameter: value}) for value in downwards)
    row = [_first(first, others, data)]
    for estimator in others:
        row.append(_next(estimator, row[-1]))
    made = dict(zip(downwards, row, strict=True))
    return [made[value] for value in wanted]


def _checked_values(road: _Road, values: Any) -> list[float]:
    """Return the values as floats, or refuse what is no sequence of different numbers."""
    if values is None:
        return list(road.values)
    given = np.atleast_1d(np.asarray(values, dtype=object)).tolist()
    if not given:
        raise InvalidParameterError("`values` must be one number or more, got none")
    above = 0.0 if road.parameter == "exaggeration" else None
    wanted = [check_real(value, "values", above=above) for value in given]
    if len(set(wanted)) < len(wanted):
        raise InvalidParameterError(f"`values` must differ from each other, got {wanted}")
    return wanted


def _first(estimator: Method, others: Sequence[Method], data: Any) -> Any:
    """Return the map of one estimator, whose data the others have no reason to refuse."""
    affinities = data if isinstance(data, Affinities) else None
    X, start = estimator._checked(None if affinities is data else data, affinities, None)
    for other in others:
        other._check_stages((X if affinities is None else matrix_of(affinities)).shape[0])
    return estimator._run(estimator._begin(X, affinities, start), None)


def _next(estimator: Method, before: Embedding) -> Any:
    """Return the map that an estimator's last stage makes of another, with the same affinities, and that lies on it."""
    following = estimator._embedding(before, before.affinities).going_on(before.optimizer.copy())
    following.optimize(**estimator._onward(len(before)), inplace=True)
    following[:] = align(following, before)
    following.optimizer.rest(following, following.settings)
    return following
