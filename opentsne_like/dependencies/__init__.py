"""Optional packages: which extra installs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from ..errors import MissingDependencyError

__all__ = ["need"]


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
