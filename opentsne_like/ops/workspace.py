"""Memory that is used again."""

from __future__ import annotations

import numpy as np

from .._types import Array


class Workspace:
    """Buffers by name: fresh pages cost as much as the work that is done on them.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.ops import Workspace
    >>> work = Workspace()
    >>> np.shares_memory(work.take("charges", (4, 4), np.float32), work.take("charges", (3, 5), np.float32))
    True
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: type) -> Array:
        """Return an array of unknown content, valid until `name` is taken again."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if name not in self._buffers or len(self._buffers[name]) < size:
            self._buffers[name] = np.empty(size + size // 8, np.uint8)
        return self._buffers[name][:size].view(dtype).reshape(shape)
