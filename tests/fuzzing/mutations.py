"""What can be done to arrays and a header whose names and shapes nobody has to know."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

SMALL = [0, 1, -1, 2, 3, 7, 39, 40, 41, 255, 256]
NUMBERS = [*SMALL, 2**15, 10**7, 2**31 - 1, 2**31, -(2**31), 2**53, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 0.5, -1.0, 1e-300, 1e-20, 1e10, 1e300, -1e308, np.inf, -np.inf, np.nan]
WORDS = ["", "x", "auto", "exact", "bh", "fft", "euclidean", "precomputed", "cosine", "float32", ">f8", "\0", "é" * 50]
VALUES: list[Any] = [None, True, False, *NUMBERS, 10**30, 10**400, *FLOATS, *WORDS, [], {}, [1], [[1], 2], {"p": 3}]
DTYPES = ["<f8", "<f4", ">f8", "<f2", "<i8", "<i4", ">i4", "<u8", "|u1", "|i1", "|b1", "<c16"]


def mutated(arrays: Arrays, header: dict[str, Any], rng: np.random.Generator) -> tuple[Arrays, dict[str, Any]]:
    """Return a copy of a file's contents in which one to three things were changed.

    Parameters
    ----------
    arrays : dict of str to ndarray
    header : dict
    rng : Generator
    """
    arrays = {name: array.copy() for name, array in arrays.items()}
    header = copy.deepcopy(header)
    for _ in range(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])):
        if rng.random() < 0.5 and arrays:
            _change_arrays(arrays, rng)
        else:
            _change_header(header, rng)
    return arrays, header


def _pick(rng: np.random.Generator, choices: Any) -> Any:
    found = list(choices)
    return found[rng.integers(len(found))]


def _change_arrays(arrays: Arrays, rng: np.random.Generator) -> None:
    name = _pick(rng, arrays)
    change = _pick(rng, ["values"] * 5 + ["shape"] * 2 + ["dtype"] * 2 + ["drop", "swap", "new"])
    if change == "drop":
        del arrays[name]
    elif change == "swap":
        other = _pick(rng, arrays)
        arrays[name], arrays[other] = arrays[other], arrays[name]
    elif change == "new":
        arrays[f"{name}{_pick(rng, ['', '_', '.x', '2'])}"] = arrays[_pick(rng, arrays)].copy()
    elif change == "dtype":
        with np.errstate(all="ignore"):
            dtype = np.dtype(_pick(rng, DTYPES))
            arrays[name] = arrays[name].astype(dtype) if rng.random() < 0.7 else _reread(arrays[name], dtype)
    else:
        arrays[name] = (_other_values if change == "values" else _other_shape)(arrays[name], rng)


def _reread(array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return the bytes of an array as numbers of another kind."""
    raw = array.tobytes()
    return np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], dtype=dtype).copy()


def _other_values(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    flat = array.reshape(-1)
    if not len(flat):
        return array
    with np.errstate(all="ignore"):
        value = np.array(_pick(rng, FLOATS if array.dtype.kind in "fc" else NUMBERS)).astype(array.dtype)
        low, high = np.sort(rng.integers(0, len(flat) + 1, 2))
        match _pick(rng, ["one", "one", "ends", "run", "all", "order", "scale", "noise"]):
            case "one":
                flat[rng.integers(len(flat))] = value
            case "ends":
                flat[_pick(rng, [0, -1])] = value
            case "run":
                flat[low:high] = value
            case "all":
                flat[:] = value
            case "order":
                rng.shuffle(flat)
            case "scale":
                flat *= np.array(_pick(rng, [-1, 2, 1000])).astype(array.dtype)
            case "noise":
                flat[low:high] = np.frombuffer(rng.bytes((high - low) * array.itemsize), dtype=array.dtype)
    return flat.reshape(array.shape)


def _other_shape(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows = array.reshape(array.shape[0], math.prod(array.shape[1:])) if array.ndim else array.reshape(1, 1)
    match _pick(rng, ["flat", "fewer", "more", "none", "axis", "turned", "narrow", "scalar"]):
        case "flat":
            return array.reshape(-1)
        case "fewer":
            return array[: rng.integers(len(rows) + 1)] if array.ndim else array.reshape(1)
        case "more":
            return np.concatenate([array, array]) if array.ndim else array.reshape(1).repeat(2)
        case "none":
            return array[:0] if array.ndim else array.reshape(1)[:0]
        case "axis":
            return array[np.newaxis]
        case "turned":
            return np.ascontiguousarray(array.T)
        case "narrow":
            return np.ascontiguousarray(rows[:, :1])
        case _:
            return np.array(array.reshape(-1)[:1].sum())


def _change_header(header: dict[str, Any], rng: np.random.Generator) -> None:
    places = list(_places(header))
    if not places:
        return
    holder, key = _pick(rng, places)
    match _pick(rng, ["value"] * 4 + ["near"] * 2 + ["drop", "swap", "new"]):
        case "drop":
            del holder[key]
        case "swap":
            other, place = _pick(rng, places)
            holder[key], other[place] = copy.deepcopy(other[place]), copy.deepcopy(holder[key])
        case "new" if isinstance(holder, dict):
            holder[f"{key}{_pick(rng, ['_', '2', ''])}"] = copy.deepcopy(_pick(rng, VALUES))
        case "near" if isinstance(holder[key], (int, float)):
            number = holder[key]
            holder[key] = _pick(rng, [-number, number + 1, number - 1, 10**7 * number, str(number)])
        case _:
            holder[key] = copy.deepcopy(_pick(rng, VALUES))


def _places(value: Any) -> Any:
    """Yield every place of a JSON value as its holder and its key; of long lists only a few."""
    keys = list(value) if isinstance(value, dict) else range(min(3, len(value))) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
