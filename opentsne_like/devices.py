"""Which operations serve an array, and the ways between the host and a GPU.

An array says by its type where it lies: NumPy's are the host's, and those that have the CUDA array interface, such as
CuPy's, a GPU's. What calls operations asks here for the points at hand, and so serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import ops
from ._types import Array
from .errors import InsufficientMemoryError


def is_on_gpu(array: Any) -> bool:
    """Say whether an array lies on a GPU.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.devices import is_on_gpu
    >>> is_on_gpu(np.zeros(3))
    False
    """
    return hasattr(array, "__cuda_array_interface__")


def operations(array: Any) -> Any:
    """Return the operations for an array: the module `gpu` for one of a GPU, else `ops`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.devices import operations
    >>> operations(np.zeros(3)) is ops
    True
    """
    if is_on_gpu(array):
        from . import gpu

        return gpu
    return ops


def on_host(array: Any) -> Array:
    """Return an array on the host: itself if it lies there.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.devices import on_host
    >>> points = np.zeros(3)
    >>> on_host(points) is points
    True
    """
    return np.asarray(card().read(array) if is_on_gpu(array) else array)


def beside(array: Any, values: Array) -> Any:
    """Return values of the host where an array lies: themselves if it lies on the host.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.devices import beside
    >>> values = np.ones(3)
    >>> beside(np.zeros(3), values) is values
    True
    """
    return to_gpu(values) if is_on_gpu(array) else values


def to_gpu(values: Array) -> Any:
    """Return values of the host on the GPU.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.devices import to_gpu
    >>> to_gpu(np.ones(3))  # doctest: +SKIP
    array([1., 1., 1.])
    """
    return card().xp.asarray(values)


def graph_on_gpu(graph: ops.Graph) -> Any:
    """Return a graph of the host as operations on a GPU take it, see `gpu.Graph`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.devices import graph_on_gpu
    >>> graph = ops.Graph(np.arange(2, dtype=np.int32), np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
    >>> graph_on_gpu(graph).starts  # doctest: +SKIP
    array([0, 1, 1])
    """
    from . import gpu

    return gpu.Graph.of(graph)


def rows(array: Any, places: Array) -> Any:
    """Return the rows of an array at places of the host (m,), where the array lies.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.devices import rows
    >>> rows(np.eye(3), np.array([2])).tolist()
    [[0.0, 0.0, 1.0]]
    """
    return array[beside(array, places)]


class _Copied:
    """Rows of the host whose copy is made when somebody asks for it."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.copy: Any = None


_copied: ContextVar[_Copied | None] = ContextVar("_copied", default=None)


@contextmanager
def copied_to_gpu(values: Any) -> Iterator[None]:
    """Return a context in which dense rows of the host have a copy on the GPU.

    As points are served where they lie, so are data: what searches or multiplies rows asks for their copy, and works
    there if there is one. The copy is made when it is first asked for, and gone at the end.

    Parameters
    ----------
    values : ndarray of shape (n, d), or what `numpy.asarray` makes one of

    Raises
    ------
    InsufficientMemoryError
        The card has not enough memory left for what is done in the context.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.devices import copied_to_gpu, has_copy_on_gpu
    >>> X = np.eye(3)
    >>> with copied_to_gpu(X):
    ...     has_copy_on_gpu(X), has_copy_on_gpu(np.eye(3))
    (True, False)
    >>> has_copy_on_gpu(X)
    False
    """
    if has_copy_on_gpu(values):
        yield
        return
    known = _Copied(values)
    token = _copied.set(known)
    try:
        yield
    except card().memory_error as error:
        if isinstance(error, InsufficientMemoryError):
            raise
        raise InsufficientMemoryError(
            f"a GPU must have more memory left for neighbours and affinities of {values.shape[0]} rows of "
            f"{values.shape[1]} columns, got '{error}'; free some of it, ask for fewer neighbours, or use device='cpu'"
        ) from error
    finally:
        _copied.reset(token)
        if known.copy is not None:
            known.copy = None
            card().give_back()


def has_copy_on_gpu(values: Any) -> bool:
    """Say whether these very rows have a copy on the GPU, see `copied_to_gpu`."""
    known = _copied.get()
    return known is not None and known.values is values


def copy_on_gpu(values: Any) -> Any:
    """Return the copy that rows have on the GPU, see `copied_to_gpu`, or None."""
    known = _copied.get()
    if known is None or known.values is not values:
        return None
    if known.copy is None:
        known.copy = to_gpu(np.asarray(values))
    return known.copy


def matrix_on_host(matrix: Any) -> Any:
    """Return a sparse matrix on the host: itself unless it lies on the GPU, see `gpu.Matrix`.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.devices import matrix_on_host
    >>> P = csr_matrix((3, 3))
    >>> matrix_on_host(P) is P
    True
    """
    return matrix.tocsr() if lies_on_gpu(matrix) else matrix


def lies_on_gpu(matrix: Any) -> bool:
    """Say whether a sparse matrix lies on the GPU."""
    return bool(getattr(matrix, "on_gpu", False))


def card() -> Any:
    """Return the GPU that operations use, see `gpu.device.Device`.

    Examples
    --------
    >>> from opentsne_like.devices import card
    >>> card().xp.__name__  # doctest: +SKIP
    'cupy'
    """
    from .gpu import device

    return device.current()


def undivided() -> AbstractContextManager[None]:
    """Return a context that Ctrl-C waits for.

    Examples
    --------
    >>> from opentsne_like.devices import undivided
    >>> with undivided():
    ...     pass
    """
    from .gpu import device

    return device.deferred_interrupts()
