"""The command line: ``opentsne-like demo``, ``embed`` and ``transform``, also as ``python -m opentsne_like``."""

from .entry import main

__all__ = ["main"]
