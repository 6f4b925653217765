"""How kernels are compiled, in one place."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import numba

from ._cache import KernelCache, warn

F = TypeVar("F", bound=Callable[..., object])

# Sums may be reordered and contracted so that LLVM vectorizes them; NaN and infinity keep their meaning.
FAST = ("reassoc", "contract", "arcp", "nsz")  # liberties of the compiler, also taken by vectors in lanes
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": set(FAST)}


def kernel(function: F) -> F:
    """Compile `function` without the GIL and keep the machine code on disk where a folder for it can be written."""
    return _compile(function, **_OPTIONS)


def ordered_kernel(function: F) -> F:
    """Compile `function` like `kernel`, but add in the order that is written: the same bits on every machine."""
    return _compile(function, error_model="numpy")


def _compile(function: F, **options: Any) -> F:
    compiled: Any = numba.njit(nogil=True, **options)(function)
    try:
        compiled._cache = KernelCache(function)  # as `enable_caching` of Numba does, with its own class
    except (RuntimeError, OSError) as error:  # neither the package's nor the user's cache folder can be written
        warn(os.environ.get("NUMBA_CACHE_DIR") or os.path.dirname(__file__), error)
    return compiled  # type: ignore[no-any-return]


def helper(function: F) -> F:
    """Compile a small function that kernels of the same file call.

    It is always inlined. Were it a function by itself, a process that compiles a kernel could link it from the module
    it was first compiled in, and a process that loads the kernel from the cache from the kernel's own: two translations
    that add in different order.
    """
    compiled: Any = numba.njit(nogil=True, forceinline=True, **_OPTIONS)(function)
    return compiled  # type: ignore[no-any-return]


def ordered_helper(function: F) -> F:
    """Compile a small function that ordered kernels of the same file call, see `helper`."""
    compiled: Any = numba.njit(nogil=True, forceinline=True, error_model="numpy")(function)
    return compiled  # type: ignore[no-any-return]
