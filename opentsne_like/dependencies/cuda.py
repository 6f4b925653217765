"""CuPy, which comes as one package for each major version of CUDA, and the driver that says which."""

from __future__ import annotations

import ctypes
import importlib
import sys
from types import ModuleType

from ..errors import MissingDependencyError, UnavailableError

PACKAGES = {12: "cupy-cuda12x", 13: "cupy-cuda13x"}  # by the major version of CUDA; the extras are cuda12 and cuda13


def need_cupy() -> ModuleType:
    """Import CuPy, or say which of its packages the driver of this machine needs.

    Returns
    -------
    module

    Raises
    ------
    MissingDependencyError
        It is not installed.

    Examples
    --------
    >>> from opentsne_like.dependencies import need_cupy
    >>> need_cupy().__name__  # doctest: +SKIP
    'cupy'
    """
    try:
        return importlib.import_module("cupy")
    except ImportError as error:
        raise MissingDependencyError(cure(driver_version())) from error


def need_gpu() -> None:
    """Do nothing where CuPy finds a GPU, or say what is missing.

    Raises
    ------
    MissingDependencyError
        CuPy is not installed.
    UnavailableError
        There is no GPU, or none that CuPy can use.

    Examples
    --------
    >>> from opentsne_like.dependencies.cuda import need_gpu
    >>> need_gpu()  # doctest: +SKIP
    """
    runtime = need_cupy().cuda.runtime
    try:
        found, why = runtime.getDeviceCount(), "no card"
    except Exception as error:  # of CuPy, by whose names it has none here
        found, why = 0, f"'{error}'"
    if not found:
        raise UnavailableError(f"`device` must be 'cpu' where CuPy finds no NVIDIA GPU, got 'cuda' and {why}")


def driver_version() -> tuple[int, int] | None:
    """Return the version of CUDA that the NVIDIA driver of this machine serves; None without one.

    Examples
    --------
    >>> from opentsne_like.dependencies.cuda import driver_version
    >>> driver_version()  # doctest: +SKIP
    (13, 0)
    """
    version = ctypes.c_int()
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        failed = driver.cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return None if failed or not version.value else (version.value // 1000, version.value % 1000 // 10)


def cure(driver: tuple[int, int] | None) -> str:
    """Return what to install for a driver that serves a version of CUDA, or None.

    Examples
    --------
    >>> from opentsne_like.dependencies.cuda import cure
    >>> print(cure((12, 4)))
    `cupy-cuda12x` must be installed for this, got a driver for CUDA 12.4: pip install 'opentsne-like[cuda12]'
    """
    if driver is None:
        return (
            "an NVIDIA driver must be installed for this, none was found; then CuPy, for CUDA 13: "
            "pip install 'opentsne-like[cuda13]'"
        )
    served = f"got a driver for CUDA {driver[0]}.{driver[1]}"
    major = min(driver[0], max(PACKAGES))  # drivers serve older versions, too
    if major not in PACKAGES:
        return f"an NVIDIA driver for CUDA {min(PACKAGES)} or newer must be installed for this, {served}; update it"
    return f"`{PACKAGES[major]}` must be installed for this, {served}: pip install 'opentsne-like[cuda{major}]'"
