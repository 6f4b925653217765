"""Numba loops over flat arrays, compiled on first use.

``kernels.grid.spread(...)`` imports Numba and the module `grid` when it is first asked for, so that importing the
package stays light. Kernels never validate and never allocate per point.
"""

from __future__ import annotations

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from error
