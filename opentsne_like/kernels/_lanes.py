"""Vectors of a few float32 as values in kernels, for loops that the compiler does not turn into vector instructions.

It refuses where many rows of one array are read and written in turn, since it cannot prove them apart. Here a vector is
loaded, computed with (``+``, ``-``, ``*``) and stored by one instruction each, on processors of any width.

Compiled kernels are kept on disk by their own file's age, so a change here calls for a change there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from .._types import Array
from ._jit import FAST


class Lanes(types.Type):
    """The type of a vector of `width` float32."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(name=f"lanes{width}")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(ir.FloatType(), lanes.width))  # type: ignore[no-untyped-call]


def _operator(symbol: Callable[[Any, Any], Any], instruction: str) -> None:
    @type_callable(symbol)
    def typer(_: Any) -> Any:
        return lambda a, b: a if isinstance(a, Lanes) and a == b else None

    @lower_builtin(symbol, Lanes, Lanes)  # type: ignore[no-untyped-call, untyped-decorator]
    def generate(_: Any, builder: Any, signature: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args, flags=FAST)


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")


class Vectors(NamedTuple):
    """What can be done with vectors of one width, beside arithmetic.

    Attributes
    ----------
    load : function
        ``load(array, i)``: the elements from `i` of a flat, contiguous array of float32.
    store : function
        ``store(array, i, vector)``.
    splat : function
        ``splat(x)``: a float32 in all lanes.
    pick : function
        ``pick(vector, k)``: lane k in all lanes.
    total : function
        ``total(vector)``: the sum of the lanes, always in the same order.
    turn : function
        ``turn(source, i, run, target, j, pitch)``: a square tile, transposed. Its rows, as many as there are lanes,
        begin `run` elements apart from `i` in the source, and `pitch` apart from `j` in the target.
    """

    load: Any
    store: Any
    splat: Any
    pick: Any
    total: Any
    turn: Any


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    first = builder.gep(context.make_array(array_type)(context, builder, array).data, [index])
    return builder.bitcast(first, vector.as_pointer())


def _compiled(width: int) -> Vectors:
    """Return the operations as instructions."""
    load, store = _memory(width)
    splat, pick, total = _across(width)
    return Vectors(load, store, splat, pick, total, _turning(width))


def _memory(width: int) -> tuple[Any, Any]:
    """Return how vectors come from memory and go there."""
    lanes, vector = Lanes(width), ir.VectorType(ir.FloatType(), width)

    @intrinsic
    def load(_: Any, array: Any, index: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(_place(context, builder, array, args[0], args[1], vector), align=4)

        return lanes(array, types.uintp), generate

    @intrinsic
    def store(_: Any, array: Any, index: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[2], _place(context, builder, array, args[0], args[1], vector), align=4)
            return context.get_dummy_value()

        return types.void(array, types.uintp, lanes), generate

    return load, store


def _across(width: int) -> tuple[Any, Any, Any]:
    """Return what goes from one lane to the others."""
    lanes, vector = Lanes(width), ir.VectorType(ir.FloatType(), width)
    number, numbers = ir.IntType(32), ir.VectorType(ir.IntType(32), width)
    unset = ir.Constant(vector, ir.Undefined)

    @intrinsic
    def splat(_: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            one = builder.insert_element(unset, args[0], ir.Constant(number, 0))
            return builder.shuffle_vector(one, unset, ir.Constant(numbers, [0] * width))

        return lanes(types.float32), generate

    @intrinsic
    def pick(_: Any, value: Any, lane: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            one = builder.insert_element(unset, builder.extract_element(args[0], args[1]), ir.Constant(number, 0))
            return builder.shuffle_vector(one, unset, ir.Constant(numbers, [0] * width))

        return lanes(lanes, types.uint32), generate

    @intrinsic
    def total(_: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            folded, half = args[0], width // 2
            while half:  # halves onto each other
                mask = [k + half if k < half else 0 for k in range(width)]
                folded = builder.fadd(folded, builder.shuffle_vector(folded, unset, ir.Constant(numbers, mask)))
                half //= 2
            return builder.extract_element(folded, ir.Constant(number, 0))

        return types.float32(lanes), generate

    return splat, pick, total


def _turning(width: int) -> Any:
    """Return how a tile is transposed."""
    vector, numbers = ir.VectorType(ir.FloatType(), width), ir.VectorType(ir.IntType(32), width)

    @intrinsic
    def turn(_: Any, source: Any, i: Any, run: Any, target: Any, j: Any, pitch: Any) -> Any:
        low = ir.Constant(numbers, [k // 2 + width * (k % 2) for k in range(width)])
        high = ir.Constant(numbers, [(k + width) // 2 + width * (k % 2) for k in range(width)])

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            places = [(args[a], args[a + 1], args[a + 2], signature.args[a]) for a in (0, 3)]
            rows, out = (
                [
                    _place(context, builder, kind, array, builder.add(first, builder.mul(step, step.type(k))), vector)
                    for k in range(width)
                ]
                for array, first, step, kind in places
            )
            tile = [builder.load(row, align=4) for row in rows]
            for _ in range(width.bit_length() - 1):  # perfect shuffles: each moves a bit of the row to the column
                pairs = list(zip(tile[: width // 2], tile[width // 2 :], strict=True))
                tile = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in (low, high)]
            for row, place in zip(tile, out, strict=True):
                builder.store(row, place, align=4)
            return context.get_dummy_value()

        return types.void(source, types.uintp, types.uintp, target, types.uintp, types.uintp), generate

    return turn


def _plain(width: int) -> Vectors:
    """Return the operations for kernels that are not compiled, on small arrays."""

    def load(array: Array, i: int) -> Array:
        return array[int(i) : int(i) + width].copy()

    def store(array: Array, i: int, value: Array) -> None:
        array[int(i) : int(i) + width] = value

    def splat(x: float) -> Array:
        return np.full(width, x, np.float32)

    def pick(value: Array, lane: int) -> Array:
        return splat(value[lane])

    def total(value: Array) -> Any:
        return value.sum()

    def turn(source: Array, i: int, run: int, target: Array, j: int, pitch: int) -> None:
        for row in range(width):
            target[int(j) + int(pitch) * np.arange(width) + row] = load(source, int(i) + int(run) * row)

    return Vectors(load, store, splat, pick, total, turn)


EIGHT, SIXTEEN = (_plain(8), _plain(16)) if config.DISABLE_JIT else (_compiled(8), _compiled(16))  # type: ignore[attr-defined]
