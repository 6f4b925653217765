"""What a bug report has to say about the place where it happened."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata

DISTRIBUTION = "opentsne-like"
OTHERS = ("anndata", "scanpy")  # met beside it, and no extra's


def show_versions() -> None:
    """Print the versions of this package, of Python and of all that it may use, for bug reports.

    Packages that are not installed are left out. Nothing is imported.

    Examples
    --------
    >>> from opentsne_like import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    opentsne-like ...
    """
    found = versions()
    width = max(map(len, found)) + 2
    print("\n".join(f"{name:<{width}}{version}" for name, version in found.items()))  # noqa: T201 (its only purpose)


def versions() -> dict[str, str]:
    """Return the versions by name.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> list(versions())[:3]
    ['opentsne-like', 'Python', 'platform']
    """
    found = {
        DISTRIBUTION: _version(DISTRIBUTION) or "not installed",
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "processors": str(os.cpu_count()),
    }
    for name in (*_required(), *OTHERS):
        if version := _version(name):
            found[name] = version
    return found


def _required() -> list[str]:
    """Return the names of what the package requires, those of its extras last."""
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    names = [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in sorted(lines, key=lambda s: "extra ==" in s)]
    return [name for name in dict.fromkeys(names) if name != DISTRIBUTION]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
