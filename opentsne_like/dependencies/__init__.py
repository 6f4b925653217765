"""Other packages: which extra installs the optional ones, and which versions are here."""

from __future__ import annotations

import importlib
from types import ModuleType

from ..errors import MissingDependencyError
from .cuda import need_cupy, need_gpu
from .versions import show_versions, versions

__all__ = ["need", "need_cupy", "need_gpu", "show_versions", "versions"]


def need(package: str, extra: str) -> ModuleType:
    """Import an optional package, or say what to install.

    Parameters
    ----------
    package : str
        What is imported.
    extra : str
        The extra of this package that installs it.

    Returns
    -------
    module

    Raises
    ------
    MissingDependencyError
        It is not installed.

    Examples
    --------
    >>> need("json", "standard").__name__
    'json'
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingDependencyError(
            f"`{package}` must be installed for this: pip install 'opentsne-like[{extra}]'"
        ) from error
