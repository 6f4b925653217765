"""Annoy's index, where openTSNE keeps its own copy of it. Importing this module needs the extra `annoy`."""

from __future__ import annotations

from . import need

AnnoyIndex = need("annoy", "annoy").AnnoyIndex
