"""Functions of the user's own as radial functions, and radial functions by the names that files give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidObjectError, InvalidParameterError
from .levelling import Hyperbola, Saturation
from .powers import LogOnePlusPower, SoftenedPower
from .radial import Gaussian, LogInverse, LogOnePlus, LogStudentT, Radial, Square, StudentT
from .softened import SoftenedLog

TRIED = np.concatenate([[0.0], np.geomspace(1e-8, 1e4, 31)])  # squared distances at which a function is looked at
RADIALS: dict[str, type[Radial]] = {
    kind.__name__: kind
    for kind in (
        *(Gaussian, Hyperbola, LogInverse, LogOnePlus, LogOnePlusPower, LogStudentT),
        *(Saturation, SoftenedLog, SoftenedPower, Square, StudentT),
    )
}


@dataclass(frozen=True)
class FunctionRadial(Radial):
    """A NumPy function of squared distances as a radial function.

    Parameters
    ----------
    function : callable
    width : float
        The length over which it changes.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import FunctionRadial
    >>> FunctionRadial(np.sqrt).slope(np.array([4.0])).round(6).tolist()
    [0.25]
    """

    function: Callable[[Array], Array]
    width: float = 1.0

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape.

        It is told a copy of them in one row, so it may write into what it is given.
        """
        return np.asarray(self.function(squared_distance.flatten()), np.float64).reshape(squared_distance.shape)


def as_radial(value: Any, name: str) -> Radial:
    """Return a radial function, or a NumPy function as one, after a look at what it returns.

    Parameters
    ----------
    value : Radial or callable
    name : str
        Of the argument.

    Raises
    ------
    InvalidObjectError
        If it is neither.
    InvalidParameterError
        If it raises, or returns something else than one finite number for each squared distance.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import as_radial
    >>> as_radial(np.log, "attraction")
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `attraction` must return finite numbers, got -inf at a squared ...
    """
    if isinstance(value, type) or not callable(value):
        raise InvalidObjectError(
            f"`{name}` must be a Radial such as StudentT(), or a function of squared distances, got {value!r}"
        )
    radial = value if isinstance(value, Radial) else FunctionRadial(value)
    found = _tried(value, name)
    if found.shape != TRIED.shape:
        raise InvalidParameterError(
            f"`{name}` must return a number for each squared distance, got shape {found.shape} for {TRIED.shape}"
        )
    if len(bad := np.flatnonzero(~np.isfinite(found))):
        raise InvalidParameterError(
            f"`{name}` must return finite numbers, got {found[bad[0]]} at a squared distance of {TRIED[bad[0]]:g}"
        )
    return radial


def _tried(function: Callable[[Array], Array], name: str) -> Array:
    """Return what a function makes of an array of squared distances, as real numbers of any shape."""
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(function(TRIED.copy()))
            if not np.iscomplexobj(found):
                return np.asarray(found, np.float64)
    except Exception as error:
        raise InvalidParameterError(
            f"`{name}` must be a function of an array of squared distances alone, as numpy.exp is "
            f"(not math.exp); it raised {type(error).__name__}: {error}"
        ) from error
    raise InvalidParameterError(f"`{name}` must return real numbers, got {found.dtype}")
