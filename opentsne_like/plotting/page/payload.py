"""What a page holds besides its code: a header in JSON and arrays, deflated, in base64."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..._types import Array
from ...errors import InvalidParameterError

_CODES = {1: "u1", 2: "u2", 4: "u4"}  # of unsigned integers by their width
_STEPS = 65_535  # of the map's width, in 16 bits
_MERGED = 0.001  # share of the points that may fall on others in 16 bits
_MOST = 350_000_000  # bytes; browsers hold no text of more than about 500 million characters


@dataclass
class Payload:
    """Arrays one after another, each of which the header refers to by what `put` returns."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def put(self, array: Array) -> dict[str, Any]:
        """Add an array of unsigned integers or floats; return its type, its place and its length."""
        code = f"f{array.itemsize}" if array.dtype.kind == "f" else _CODES[array.itemsize]
        at = self._append(np.ascontiguousarray(array, f"<{code}").tobytes())
        return {"type": code, "at": at, "length": array.size}

    def encode(self, header: dict[str, Any]) -> str:
        """Return all of it as text."""
        # Halves of pairs of code units, which UTF-8 does not know, become JSON's escapes.
        text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
        squeeze = zlib.compressobj(6)
        start = [len(text).to_bytes(8, "little"), text, bytes(-len(text) % 8)]
        packed = b"".join([*map(squeeze.compress, [*start, *self.parts]), squeeze.flush()])
        if len(packed) > _MOST:
            raise InvalidParameterError(
                f"`hover` and `images` must take at most {_MOST // 1_000_000} MB, packed, in a page, "
                f"got {len(packed) // 1_000_000} MB; leave some out, or make them smaller"
            )
        return base64.b64encode(packed).decode("ascii")

    def _append(self, part: bytes) -> int:
        at = self.size
        padded = part + bytes(-len(part) % 8)  # so that every array starts where its numbers may
        self.parts.append(padded)
        self.size += len(padded)
        return at


def pack_points(points: Array, payload: Payload) -> dict[str, Any]:
    """Add coordinates in the plane; return what the header says of them.

    They are stored in whole steps, 1/65535 of the longer side of the map, which is an error of 1/131070 at most. Where
    a thousandth of the points would fall on others by that, as beside a far outlier, 65536ths of a step are stored as
    well.
    """
    unit = float(np.abs(points).max()) or 1.0
    scaled = points / unit  # whose differences do not overflow
    low, high = scaled.min(axis=0), scaled.max(axis=0)
    step = float((high - low).max()) / _STEPS or 1e-12  # where all points are one
    origin = (low + high) / 2 - step * _STEPS / 2
    exact = (scaled - origin) / step
    coarse = np.clip(np.rint(exact), 0, _STEPS).astype(np.uint16)
    header: dict[str, Any] = {"n": len(points)}
    if _distinct(scaled) - _distinct(coarse) > _MERGED * len(points):
        whole = np.clip(np.rint(exact * 65_536), 0, 2**32 - 1).astype(np.uint64)
        coarse = (whole >> np.uint64(16)).astype(np.uint16)
        header["fine"] = payload.put((whole & np.uint64(0xFFFF)).astype(np.uint16))
    header["coarse"] = payload.put(coarse)
    return {**header, "origin": origin.tolist(), "step": step, "unit": unit}


def _distinct(points: Array) -> int:
    """Return the number of different places."""
    x, y = points[np.lexsort(points.T)].T
    return 1 + int(((x[1:] != x[:-1]) | (y[1:] != y[:-1])).sum())
