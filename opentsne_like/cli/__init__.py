"""The command line: ``opentsne-like demo``, ``embed``, ``plot`` and others, also as ``python -m opentsne_like``."""

from .entry import main

__all__ = ["main"]
