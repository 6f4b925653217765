"""A device without a card: arrays that look like CuPy's, and kernels that the host's compiler made.

The arrays can do what the package does with CuPy's beside its kernels, and nothing else; above all they do not turn
into arrays of the host unseen, nor meet them in an expression. Both would be errors on a card. How kernels run is said
in `emulation.hpp`.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from opentsne_like.gpu import source
from opentsne_like.gpu.device import THREADS, as_argument

OPTIONS = ["-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-U_FORTIFY_SOURCE", "-shared", "-fPIC", "-w"]
HEADER = Path(__file__).with_name("emulation.hpp")
MARK = "[[maybe_unused]] static void"  # what `KERNEL` becomes
NUMBERS = {"int": np.int32, "i64": np.int64, "u64": np.uint64, "float": np.float32, "double": np.float64}
TYPES = {**NUMBERS, "bool": np.bool_, "float2": np.complex64}


class DeviceArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that lies elsewhere; `held` is where the emulation keeps it."""

    def __init__(self, held: Any) -> None:
        self.held = np.asarray(held)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"shape": self.shape, "typestr": self.dtype.str, "data": (self.held.ctypes.data, False), "version": 3}

    shape = property(lambda self: self.held.shape)
    dtype = property(lambda self: self.held.dtype)
    size = property(lambda self: self.held.size)
    ndim = property(lambda self: self.held.ndim)
    flags = property(lambda self: self.held.flags)
    T = property(lambda self: DeviceArray(self.held.T))

    def __len__(self) -> int:
        return len(self.held)

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("an array of the device comes to the host by `read` alone")

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        assert method == "__call__"
        out = options.pop("out", None)
        made = function(*map(_unwrapped, inputs), out=out and tuple(map(_unwrapped, out)), **options)
        return out[0] if out else DeviceArray(made)

    def __getitem__(self, key: Any) -> DeviceArray:
        return DeviceArray(self.held[_unwrapped(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.held[_unwrapped(key)] = _unwrapped(value)

    def copy(self) -> DeviceArray:
        return DeviceArray(self.held.copy())

    def reshape(self, *shape: Any) -> DeviceArray:
        return DeviceArray(self.held.reshape(*shape))

    def view(self, dtype: Any) -> DeviceArray:
        return DeviceArray(self.held.view(dtype))

    def astype(self, dtype: Any, copy: bool = True) -> DeviceArray:
        return self if not copy and self.dtype == dtype else DeviceArray(self.held.astype(dtype))

    def fill(self, value: Any) -> None:
        self.held.fill(value)

    def sort(self) -> None:
        self.held.sort()


def _unwrapped(value: Any) -> Any:
    """Return what the emulation works on; an array of the host may not stand beside one of the device."""
    if isinstance(value, DeviceArray):
        return value.held
    assert not isinstance(value, np.ndarray) or value.ndim == 0, "an array of the host in an expression of the device's"
    return value


def _asarray(values: Any) -> DeviceArray:
    return values if isinstance(values, DeviceArray) else DeviceArray(np.array(values, order="C"))


def _cumsum(values: DeviceArray, out: DeviceArray) -> DeviceArray:
    np.cumsum(values.held, out=out.held)
    return out


def _dot(a: DeviceArray, b: DeviceArray, out: DeviceArray) -> DeviceArray:
    with np.errstate(all="ignore"):  # of which a card says nothing
        np.dot(a.held, b.held, out=out.held)
    return out


MODULE = SimpleNamespace(
    asarray=_asarray,
    cumsum=_cumsum,
    dot=_dot,
    empty=lambda *shape: DeviceArray(np.empty(*shape)),
    empty_like=lambda other: DeviceArray(np.empty_like(other.held)),
    zeros=lambda *shape: DeviceArray(np.zeros(*shape)),
)


class Launch(ctypes.Structure):
    _fields_ = [("grid", ctypes.c_int * 3), ("threads", ctypes.c_int), ("shared", ctypes.c_int), ("back", ctypes.c_int)]


def parameters(text: str) -> dict[str, list[tuple[str, type]]]:
    """Return the kernels of preprocessed sources: names and types of their parameters, pointers as `name*`."""
    found = {}
    for name, inside in re.findall(rf"{re.escape(MARK)} (\w+)\(([^)]*)\)", text):
        parts = [re.fullmatch(r"(?:const )?(\w+?)(\*?) (\w+)", " ".join(each.split())) for each in inside.split(",")]
        found[name] = [(part[3] + part[2], TYPES[part[1]]) for part in parts]
    return found


def build(folder: Path) -> tuple[Path, dict[str, list[tuple[str, type]]]]:
    """Compile all kernels, unless it was done, and return the library and the kernels' parameters."""
    if sys.platform != "linux" or not (compiler := shutil.which("g++")):
        pytest.skip("kernels are run on the host where g++ is, on Linux")
    text = f'#include "{HEADER}"\n{source()}'
    name = hashlib.sha256("".join([text, HEADER.read_text(), *OPTIONS]).encode()).hexdigest()[:16]
    standard = [compiler, "-std=c++20", "-x", "c++"]
    plain = subprocess.run([*standard, "-E", "-P", "-"], input=text, capture_output=True, text=True, check=True).stdout
    kernels = parameters(plain)
    library = folder / f"kernels-{name}.so"
    if not library.exists():
        made = library.with_suffix(f".{os.getpid()}")
        code = text + "".join(f"\nENTRY({kernel})" for kernel in kernels)
        run = subprocess.run([*standard, *OPTIONS, "-o", str(made), "-"], input=code, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        made.replace(library)
    return library, kernels


class Emulated:
    """Runs kernels on the host, and refuses arguments that a card would take for something else.

    Attributes
    ----------
    backward : bool
        Whether the last block and thread come first.
    """

    xp = MODULE
    memory_error = MemoryError

    def __init__(self, folder: Path) -> None:
        library, self.kernels = build(folder)
        self.library = ctypes.CDLL(str(library))
        self.shared_bytes = 200 * 1024
        self.backward = False
        self.launched: list[str] = []

    def launch(
        self, name: str, blocks: tuple[int, ...], arguments: tuple[Any, ...], threads: int = THREADS, shared: int = 0
    ) -> None:
        self.launched.append(name)
        expected, given = self.kernels[name], [as_argument(each) for each in arguments]
        assert len(given) == len(expected), f"{name} takes {len(expected)} arguments, got {len(given)}"
        assert shared <= self.shared_bytes
        pointers = (ctypes.c_void_p * len(given))()
        held = []
        for k, (value, (label, kind)) in enumerate(zip(given, expected, strict=True)):
            if label.endswith("*"):
                empty = isinstance(value, np.uintp) and value == 0
                if not empty:
                    assert isinstance(value, DeviceArray), f"{name}: {label} must be the device's, got {value!r}"
                    value = value.held
                    assert value.dtype == kind, f"{name}: {label} must hold {kind.__name__}, got {value.dtype}"
                    assert value.flags.c_contiguous, f"{name}: {label} must be contiguous"
                held.append(ctypes.c_void_p(None if empty else value.ctypes.data))
            else:
                assert type(value) is kind, f"{name}: {label} must be {kind.__name__}, got {value!r}"
                held.append(np.ctypeslib.as_ctypes_type(kind)(value.item()))
            pointers[k] = ctypes.cast(ctypes.byref(held[-1]), ctypes.c_void_p)
        grid = (ctypes.c_int * 3)(*(*blocks, 1, 1)[:3])
        run = self.library[f"run_{name}"]
        run.restype = ctypes.c_char_p
        trouble = run(ctypes.byref(Launch(grid, threads, shared, self.backward)), pointers)
        assert trouble is None, f"{name}: {trouble.decode()}"

    def read(self, array: DeviceArray) -> np.ndarray:
        assert isinstance(array, DeviceArray)
        return array.held.copy()

    def free_bytes(self) -> int:
        return 2**40

    def give_back(self) -> None:
        self.launched.append("give back")
