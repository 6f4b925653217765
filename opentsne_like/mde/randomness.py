"""The seed of everything in this room that is drawn: random starts and sampled edges."""

from __future__ import annotations

import numpy as np

from .._validation import check_integer

_seed = 0


def seed(seed: int) -> None:
    """Set the seed of random starts and of sampled edges.

    Each draw begins at the seed anew, so a call gives the same bits however many came before; the seed is 0 at first.

    Parameters
    ----------
    seed : int

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.seed(1)
    >>> edges = mde.preprocess.sample_edges(100, 5)
    >>> bool((edges == mde.preprocess.sample_edges(100, 5)).all())
    True
    >>> mde.seed(0)
    """
    global _seed
    _seed = check_integer(seed, "seed", at_least=0)


def current() -> int:
    """Return the seed."""
    return _seed


def generator(own: int | None = None) -> np.random.Generator:
    """Return a generator that begins at the seed, or at one of the call's own."""
    return np.random.default_rng(_seed if own is None else check_integer(own, "seed", at_least=0))
