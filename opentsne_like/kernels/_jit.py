"""How kernels are compiled, in one place."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import numba

from ._cache import KernelCache, warn
from ._interrupts import deferred_interrupts

F = TypeVar("F", bound=Callable[..., object])

# Sums may be reordered and contracted so that LLVM vectorizes them; NaN and infinity keep their meaning.
FAST = ("reassoc", "contract", "arcp", "nsz")  # liberties of the compiler, also taken by vectors in lanes
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": set(FAST)}
# Kernels are called from Python only and helpers from kernels only; the ways in that nobody takes are a twelfth of what
# there is to compile.
_FROM_PYTHON: dict[str, Any] = {"no_cfunc_wrapper": True}
_FROM_KERNELS: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True, "forceinline": True}


def kernel(function: F) -> F:
    """Compile `function` without the GIL and keep the machine code on disk where a folder for it can be written."""
    return _compile(function, **_OPTIONS)


def ordered_kernel(function: F) -> F:
    """Compile `function` like `kernel`, but add in the order that is written: the same bits on every machine."""
    return _compile(function, error_model="numpy")


def _compile(function: F, **options: Any) -> F:
    compiled = _decorate(function, **_FROM_PYTHON, **options)
    if hasattr(compiled, "_compile_for_args"):  # not where the compiler is switched off
        _shield(compiled)
    try:
        compiled._cache = KernelCache(function)  # as `enable_caching` of Numba does, with its own class
    except (RuntimeError, OSError) as error:  # neither the package's nor the user's cache folder can be written
        warn(os.environ.get("NUMBA_CACHE_DIR") or os.path.dirname(__file__), error)
    return compiled  # type: ignore[no-any-return]


def _decorate(function: F, **options: Any) -> Any:
    with deferred_interrupts():
        return numba.njit(nogil=True, **options)(function)


def _shield(compiled: Any) -> None:
    """Let Ctrl-C wait while the function is compiled, or loaded, for types that it was not called with before."""
    compile_for_types = compiled._compile_for_args

    def undisturbed(*args: Any, **kwargs: Any) -> Any:
        with deferred_interrupts():
            return compile_for_types(*args, **kwargs)

    compiled._compile_for_args = undisturbed


def helper(function: F) -> F:
    """Compile a small function that kernels of the same file call, and nobody from Python, where it has no way in.

    It is always inlined. Were it a function by itself, a process that compiles a kernel could link it from the module
    it was first compiled in, and a process that loads the kernel from the cache from the kernel's own: two translations
    that add in different order.
    """
    return _decorate(function, **_FROM_KERNELS, **_OPTIONS)  # type: ignore[no-any-return]


def ordered_helper(function: F) -> F:
    """Compile a small function that ordered kernels of the same file call, see `helper`."""
    return _decorate(function, **_FROM_KERNELS, error_model="numpy")  # type: ignore[no-any-return]
