"""The card: its arrays, its memory of a block, and the launch of a kernel."""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import numpy as np

from .._types import Array
from ..dependencies import need_cupy
from ..kernels._interrupts import deferred_interrupts
from .source import source

THREADS = 256  # of a block, unless a launch says otherwise
FREE_BYTES = 48 * 1024  # that a block may share without asking
OPTIONS = ("-std=c++17",)

__all__ = ["Card", "Device", "as_argument", "blocks_for", "current", "deferred_interrupts"]


class Device(Protocol):
    """What operations ask of a card.

    Attributes
    ----------
    xp : module
        Of its arrays, with NumPy's names.
    shared_bytes : int
        Memory that the threads of a block may share.
    memory_error : type
        The exception of an array for which there is no memory.
    """

    xp: Any
    shared_bytes: int
    memory_error: type[Exception]

    def launch(
        self, name: str, blocks: tuple[int, ...], arguments: tuple[Any, ...], threads: int = THREADS, shared: int = 0
    ) -> None:
        """Run a kernel.

        Parameters
        ----------
        name : str
        blocks : tuple of int
            Along up to three axes.
        arguments : tuple
            Arrays of the device, which have to be contiguous; None for no array; numbers: an `int` is the kernel's
            int, a `float` its double, and what is neither is a NumPy scalar of its type.
        threads : int
            Of a block; a multiple of 32.
        shared : int
            Bytes that the threads of a block share, besides those that the kernel names itself.
        """

    def read(self, array: Array) -> Array:
        """Return an array on the host, when all that was launched before is done."""

    def free_bytes(self) -> int:
        """Return how much memory arrays may take now."""

    def give_back(self) -> None:
        """Give the memory of arrays that are gone back to the card, for other processes."""


class Card:
    """The current device of CuPy. Kernels are compiled with the first launch, and kept on disk by CuPy.

    Raises
    ------
    MissingDependencyError
        If CuPy is not installed; the message names the package for the driver that is here.
    """

    def __init__(self) -> None:
        self.xp = need_cupy()
        self.memory_error = self.xp.cuda.memory.OutOfMemoryError
        self.shared_bytes = int(self.xp.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"])
        self._module = self.xp.RawModule(code=source(), options=OPTIONS, backend="nvrtc")
        self._kernels: dict[str, Any] = {}

    def launch(
        self, name: str, blocks: tuple[int, ...], arguments: tuple[Any, ...], threads: int = THREADS, shared: int = 0
    ) -> None:
        """Run a kernel, see `Device.launch`."""
        kernel = self._kernels.get(name)
        if kernel is None:
            kernel = self._kernels[name] = self._module.get_function(name)
        if shared > FREE_BYTES:
            kernel.max_dynamic_shared_size_bytes = self.shared_bytes
        kernel(blocks, (threads,), tuple(map(as_argument, arguments)), shared_mem=shared)

    def read(self, array: Array) -> Array:
        """Return an array on the host, see `Device.read`."""
        return np.asarray(self.xp.asnumpy(array))

    def free_bytes(self) -> int:
        """Return how much memory arrays may take, see `Device.free_bytes`."""
        return int(self.xp.cuda.runtime.memGetInfo()[0] + self.xp.get_default_memory_pool().free_bytes())

    def give_back(self) -> None:
        """Give memory back, see `Device.give_back`."""
        self.xp.get_default_memory_pool().free_all_blocks()


def as_argument(value: Any) -> Any:
    """Return an argument of a launch as an array or a NumPy scalar of the kernel's type.

    Examples
    --------
    >>> from opentsne_like.gpu.device import as_argument
    >>> as_argument(3), as_argument(0.5)
    (np.int32(3), np.float64(0.5))
    """
    if value is None:
        return np.uintp(0)
    if isinstance(value, bool | int):
        return np.int32(value)
    return np.float64(value) if type(value) is float else value


@cache
def current() -> Device:
    """Return the device that operations use.

    Examples
    --------
    >>> from opentsne_like.gpu.device import current
    >>> current().xp.__name__  # doctest: +SKIP
    'cupy'
    """
    return Card()


def blocks_for(count: int, threads: int = THREADS, most: int = 2**16) -> int:
    """Return how many blocks have a thread for each of `count` things, or `most` whose threads take turns.

    Examples
    --------
    >>> from opentsne_like.gpu.device import blocks_for
    >>> blocks_for(0), blocks_for(257)
    (1, 2)
    """
    return max(1, min(most, -(-count // threads)))
