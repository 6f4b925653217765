"""The exception and warning tree.

Every class is also a built-in one (``ValueError``, ``TypeError``, ``ImportError``, ...), so code that knows nothing of
this package catches what it expects. Messages follow one grammar: the argument, what holds for it, the value that was
given and, where it is not obvious, the cure.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AdviceWarning",
    "ClusterLostError",
    "ColumnRangesWarning",
    "CompileCacheWarning",
    "DetachedError",
    "DuplicatesWarning",
    "FewNeighborsWarning",
    "InsufficientMemoryError",
    "InvalidObjectError",
    "InvalidParameterError",
    "InvalidTypeError",
    "LearningRateWarning",
    "ManyColumnsWarning",
    "MissingDependencyError",
    "NumericalError",
    "OpenTSNEError",
    "OpenTSNEWarning",
    "OptimizationInterrupt",
    "RawCountsWarning",
    "StorageError",
    "TreeDimensionWarning",
    "UnavailableError",
    "UnknownParameterError",
    "UnsupportedDimensionError",
]


class OpenTSNEError(Exception):
    """Base of everything this package raises on purpose."""


class InvalidParameterError(OpenTSNEError, ValueError):
    """An argument has the right type but a value that cannot work."""


class InvalidTypeError(OpenTSNEError, TypeError):
    """An argument has a type that cannot work."""


class InvalidObjectError(InvalidTypeError, ValueError):
    """An object of another class is needed; also a ValueError, which openTSNE raises there."""


class UnknownParameterError(OpenTSNEError, TypeError):
    """An estimator has no parameter of that name; the message says what it is called, where that is known."""


class MissingDependencyError(OpenTSNEError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


class StorageError(OpenTSNEError, ValueError):
    """A file is truncated, altered, foreign, too new or cannot be written."""


class DetachedError(OpenTSNEError, RuntimeError):
    """A slice of an embedding was asked for something that only the whole embedding knows."""


class UnavailableError(OpenTSNEError, RuntimeError):
    """Something was asked for that needs data which this object never had or has dropped."""


class ClusterLostError(OpenTSNEError, ConnectionError):
    """The workers of a cluster, or its scheduler, are gone; maps are those of their last iteration."""


class UnsupportedDimensionError(InvalidParameterError, RuntimeError):
    """A map has too many dimensions for the method that was asked for."""


class InsufficientMemoryError(OpenTSNEError, MemoryError):
    """The work would need more memory than there is; the message says how much and what to change."""


class NumericalError(OpenTSNEError, ArithmeticError):
    """The optimization left the finite numbers; the last good coordinates are kept."""


class OptimizationInterrupt(OpenTSNEError, InterruptedError):  # noqa: N818 (openTSNE's name)
    """A callback asked the optimization to stop.

    Parameters
    ----------
    error : float
        KL divergence at the time of the interruption.
    final_embedding : TSNEEmbedding
        The embedding as it was then.
    """

    def __init__(self, error: float, final_embedding: Any) -> None:
        super().__init__(f"the optimization was stopped by a callback at KL divergence {error:.4f}")
        self.error = error
        self.final_embedding = final_embedding


class OpenTSNEWarning(UserWarning):
    """Something works, but not as well as the user could make it."""


class CompileCacheWarning(OpenTSNEWarning, RuntimeWarning):
    """Compiled kernels cannot be read from, or kept in, their folder, and are compiled anew in each process."""


class TreeDimensionWarning(OpenTSNEWarning, FutureWarning):
    """Barnes-Hut was asked for where a map has more than three dimensions; exact sums are taken."""


class AdviceWarning(OpenTSNEWarning):
    """Data or parameters that work, where others are likely to make a better map; each kind comes once in a process.

    ``warnings.simplefilter("ignore", AdviceWarning)`` silences all kinds, a subclass in its place that kind.
    """


class RawCountsWarning(AdviceWarning):
    """The data look like raw counts, whose largest columns decide alone."""


class ColumnRangesWarning(AdviceWarning):
    """The columns have very different ranges, so that a few of them decide alone."""


class ManyColumnsWarning(AdviceWarning):
    """There are hundreds of columns: slower, and with more noise, than some principal components."""


class DuplicatesWarning(AdviceWarning):
    """Many rows are the same, so that their neighbours are nothing but each other."""


class FewNeighborsWarning(AdviceWarning):
    """A given graph has too few neighbours for the perplexity."""


class LearningRateWarning(AdviceWarning):
    """The learning rate is far from what suits so many points."""
