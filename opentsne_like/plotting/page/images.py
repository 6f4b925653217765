"""Pictures of the points: pixels from an array, or files as they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..._types import Array
from ...errors import InvalidParameterError, InvalidTypeError, StorageError
from .payload import Payload

# How files begin that every browser shows; WebP says so from the ninth byte on.
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def read_images(images: Any, n: int, payload: Payload) -> dict[str, Any] | None:
    """Return what the header says of the pictures.

    Parameters
    ----------
    images : array-like of shape (n, height, width) or (n, height, width, channels), sequence of paths, or None
    n : int
    payload : Payload
        Where pixels or the bytes of the files go.
    """
    if images is None:
        return None
    if isinstance(images, (str, bytes, os.PathLike)) or not isinstance(images, Iterable):
        raise InvalidTypeError(f"`images` must be one per point, as an array or paths, got a {type(images).__name__}")
    if not isinstance(images, np.ndarray) or images.ndim == 1:
        images = list(images)
        if any(isinstance(item, (str, os.PathLike)) for item in images):
            return _pack_files(images, n, payload)
    return _pack_pixels(images, n, payload)


def _pack_files(paths: Sequence[Any], n: int, payload: Payload) -> dict[str, Any]:
    if len(paths) != n:
        raise InvalidParameterError(f"`images` must be one per point, {n}, got {len(paths)} paths")
    files = [_read(path) for path in paths]
    ends = np.cumsum([len(file) for file in files])
    if ends[-1] >= 2**32:
        raise InvalidParameterError(f"`images` must take less than 4 GB together, got {ends[-1] / 1e9:.1f} GB")
    together = np.frombuffer(b"".join(files), np.uint8)
    return {"bytes": payload.put(together), "ends": payload.put(ends.astype(np.uint32))}


def _read(path: Any) -> bytes:
    """Return a file's bytes, none where there is no picture."""
    if path is None:
        return b""
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidTypeError(f"`images` must be paths, or None where there is no picture, got {path!r:.60}")
    try:
        with open(path, "rb") as file:
            content = file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise StorageError(f"`images` must be files that can be read, got {path!r:.200}: {reason or error}") from error
    if not content.startswith(_BEGINNINGS) and content[8:12] != b"WEBP":
        raise InvalidParameterError(f"`images` must be PNG, JPEG, GIF or WebP files, got {path!r:.200}")
    return content


def _pack_pixels(images: Any, n: int, payload: Payload) -> dict[str, Any]:
    try:
        pixels: Array = np.asarray(images)
    except ValueError as error:
        raise InvalidParameterError("`images` must all have the same shape; pass paths of files otherwise") from error
    if pixels.dtype.kind not in "buif":
        raise InvalidTypeError(f"`images` must be numbers or paths, got dtype {pixels.dtype}")
    channels = pixels.shape[3] if pixels.ndim == 4 else 1
    if pixels.ndim not in (3, 4) or channels not in (1, 3, 4) or len(pixels) != n or not pixels.size:
        raise InvalidParameterError(
            f"`images` must have shape ({n}, height, width), or ({n}, height, width, 3) with colours, "
            f"got shape {pixels.shape}"
        )
    size = {"height": pixels.shape[1], "width": pixels.shape[2], "channels": channels}
    return {**size, "bytes": payload.put(_as_bytes(pixels).ravel())}


def _as_bytes(pixels: Array) -> Array:
    """Return bytes as they are; of other numbers, 0 or the smallest is black and 1 or the largest white."""
    if pixels.dtype == np.uint8:
        return pixels
    if not np.isfinite(pixels).all():
        raise InvalidParameterError("`images` must be finite, got NaN or infinity")
    low, high = min(0.0, float(pixels.min())), max(1.0, float(pixels.max()))
    grey: Array = np.rint((pixels.astype(np.float32) - low) * (255 / (high - low))).astype(np.uint8)
    return grey
