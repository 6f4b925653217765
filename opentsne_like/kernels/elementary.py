"""A logarithm and a power in single precision that are short enough to be inlined, and have no branch.

The compiler's own are calls, which take most of what an edge costs and keep loops from being vectorized. In double
precision they serve as they are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from ._jit import FAST

INLINED: Any = {"nogil": True, "forceinline": True, "error_model": "numpy", "fastmath": set(FAST)}

# log(1 + r) / r from 1/sqrt(2) - 1 to sqrt(2) - 1, relative error 3e-8, and 2^f from -1/2 to 1/2, 1e-7: interpolation
# at Chebyshev nodes.
_LOG = (1.0, -0.49999988, 0.33334184, -0.25002155, 0.19956978, -0.16560696, 0.14949095, -0.1437733, 0.087439455)
_EXP = (1.0000001, 0.6931472, 0.24022107, 0.05550327, 0.009676037, 0.0013400433)
_L, _E = (tuple(np.float32(c) for c in row) for row in (_LOG, _EXP))
_ONE, _LOG_2, _LOG2_E = np.float32(1.0), np.float32(math.log(2.0)), np.float32(1.0 / math.log(2.0))
_ROOT_HALF = np.int32(0x3F3504F3)  # the bits of 1/sqrt(2)
_MANTISSA = np.int32(23)  # bits
_SHIFT, _SHIFT_BITS = np.float32(12582912.0), np.int32(0x4B400000)  # 1.5 * 2^23: adding it rounds to integers
_MOST = np.float32(126.0)  # exponent of two


@register_jitable(**INLINED)
def _split(t: Any) -> Any:
    """Return k and r of ``t = 2^k (1 + r)``, with 1 + r between the roots of 1/2 and 2."""
    bits = np.float32(t).view(np.int32)
    k = np.int32(np.int32(bits - _ROOT_HALF) >> _MANTISSA)
    return np.float32(k), np.int32(bits - np.int32(k << _MANTISSA)).view(np.float32) - _ONE


@register_jitable(**INLINED)
def _logarithm(r: Any) -> Any:
    """Return ``log(1 + r)``."""
    high = _L[4] + r * (_L[5] + r * (_L[6] + r * (_L[7] + r * _L[8])))
    return r * (_L[0] + r * (_L[1] + r * (_L[2] + r * (_L[3] + r * high))))


def _single_log_one_plus(s: Any) -> Any:
    k, r = _split(_ONE + s)
    return k * _LOG_2 + _logarithm(s if k == np.float32(0.0) else r)  # s itself, where 1 + s has lost digits of it


def _double_log_one_plus(s: Any) -> Any:
    return math.log1p(s)


def _single_power(t: Any, b: Any) -> Any:
    k, r = _split(t)
    y = min(max(b * (k + _LOG2_E * _logarithm(r)), -_MOST), _MOST)
    n = np.int32(np.float32(y + _SHIFT).view(np.int32) - _SHIFT_BITS)
    f = np.float32(y - np.float32(n))
    root = _E[0] + f * (_E[1] + f * (_E[2] + f * (_E[3] + f * (_E[4] + f * _E[5]))))
    return np.int32(np.int32(n << _MANTISSA) + np.float32(root).view(np.int32)).view(np.float32)


def _double_power(t: Any, b: Any) -> Any:
    return t**b


def log_one_plus(s: Any) -> Any:
    """Return ``log(1 + s)`` for s of 0 or more, relative error 3e-7 in single precision."""
    return _single_log_one_plus(s) if isinstance(s, np.float32) else _double_log_one_plus(s)


def power(t: Any, b: Any) -> Any:
    """Return ``t^b`` for t above 0, relative error ``1e-6 (1 + |b log t| / 4)`` in single precision.

    Results are kept between 2^-126 and 2^126.
    """
    return _single_power(t, b) if isinstance(t, np.float32) else _double_power(t, b)


@overload(log_one_plus, strict=False, jit_options=INLINED)
def _compiled_log_one_plus(s: Any) -> Any:
    return _single_log_one_plus if s == types.float32 else _double_log_one_plus


@overload(power, strict=False, jit_options=INLINED)
def _compiled_power(t: Any, b: Any) -> Any:
    return _single_power if t == types.float32 else _double_power
