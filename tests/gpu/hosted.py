"""The operations of a device for arrays of the host, so that one test serves the emulated device and a real one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from opentsne_like import gpu, ops

# Arguments that stay on the host, by the documentation of the operations.
HOST = {"place", "offset", "counter", "current", "squares", "factors", "waves", "rates", "form"}


class Hosted:
    """Operations whose arguments are brought to a device; results are brought back, and so is what was changed.

    Attributes
    ----------
    device : gpu.device.Device
    """

    def __init__(self, device: Any) -> None:
        self.device = device

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self.call, getattr(gpu, name))

    def call(self, operation: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Return what any operation of the device returns."""
        bound = inspect.signature(operation).bind(*arguments, **named)
        there: list[tuple[Any, Any]] = []
        for name, value in bound.arguments.items():
            if name not in HOST:
                bound.arguments[name] = self._sent(value, there)
        made = self.back(operation(*bound.args, **bound.kwargs))
        for here, array in there:
            np.copyto(here, self.device.read(array))
        return made

    def _sent(self, value: Any, there: list[tuple[Any, Any]]) -> Any:
        if isinstance(value, ops.Graph):
            return gpu.Graph.of(value)
        if type(value) is tuple:
            return tuple(self._sent(each, there) for each in value)
        if not isinstance(value, np.ndarray):
            return value
        there.append((value, self.device.xp.asarray(value)))
        return there[-1][1]

    def back(self, value: Any) -> Any:
        """Return a result on the host."""
        if isinstance(value, tuple):
            parts = [self.back(each) for each in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        return self.device.read(value) if hasattr(value, "__cuda_array_interface__") else value
