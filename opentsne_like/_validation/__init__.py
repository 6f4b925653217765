"""Checks at the door, with one message grammar: "`perplexity` must be positive, got -3"."""

from __future__ import annotations

from .advice import advise, forget_advice, note_once
from .distances import check_distances, forgiven
from .frames import column_names, column_order
from .handing_on import calling
from .rows import Rows
from .scalars import (
    check_choice,
    check_flag,
    check_integer,
    check_k,
    check_n_jobs,
    check_random_state,
    check_real,
    check_verbose,
    near_miss,
    shown,
)
from .tables import as_array, as_table, check_csr, check_csr_parts, check_matrix, check_rows, is_missing

__all__ = [
    "Rows",
    "advise",
    "as_array",
    "as_table",
    "calling",
    "check_choice",
    "check_csr",
    "check_csr_parts",
    "check_distances",
    "check_flag",
    "check_integer",
    "check_k",
    "check_matrix",
    "check_n_jobs",
    "check_random_state",
    "check_real",
    "check_rows",
    "check_verbose",
    "column_names",
    "column_order",
    "forget_advice",
    "forgiven",
    "is_missing",
    "near_miss",
    "note_once",
    "shown",
]
