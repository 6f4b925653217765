"""Memory of the device that is used again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._types import Array
from . import device


class Workspace:
    """Buffers by name, as `ops.Workspace` has them on the host, and what is made once.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.gpu import Workspace
    >>> Workspace().take("charges", (4, 4), np.float32).shape  # doctest: +SKIP
    (4, 4)
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}
        self._made: dict[str, Any] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: type) -> Array:
        """Return an array of unknown content, valid until `name` is taken again."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if name not in self._buffers or len(self._buffers[name]) < size:
            self._buffers[name] = device.current().xp.empty(size + size // 8, np.uint8)
        return self._buffers[name][:size].view(dtype).reshape(shape)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` makes when it is first asked for."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]
