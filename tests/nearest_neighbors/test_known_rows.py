"""Rows of a table, found again by equality."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from opentsne_like.nearest_neighbors import KnownRows, _known_rows


def by_bytes(table, rows):
    """Return the first equal row by a dictionary: the slow, obvious twin."""
    first = {}
    for i, row in enumerate(np.asarray(table) + 0.0):
        first.setdefault(row.tobytes(), i)
    return [first.get(row.tobytes(), -1) for row in np.asarray(rows, dtype=table.dtype) + table.dtype.type(0)]


def drawn(n, d, dtype=np.float64, seed=0):
    """Return rows of few different numbers, so that many are equal or nearly so."""
    return np.random.default_rng(seed).integers(-1, 2, size=(n, d)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (50, 1), (300, 3), (2000, 6)])
@pytest.mark.parametrize("kept", [np.array, csr_matrix])
@pytest.mark.parametrize("asked", [np.array, csr_matrix])
def test_as_by_a_dictionary(dtype, shape, kept, asked):
    table, rows = drawn(*shape, dtype), drawn(400, shape[1], dtype, seed=1)
    rows[::3] += 0.5
    found = KnownRows(kept(table)).find(asked(rows))
    assert found.tolist() == by_bytes(table, rows)


def test_zeros_with_and_without_a_sign_and_stored_ones_are_equal():
    table = np.array([[0.0, 1.0], [2.0, 0.0]])
    stored = csr_matrix((np.array([-0.0, 1.0, 2.0, 0.0]), np.array([0, 1, 0, 1]), np.array([0, 2, 4])), shape=(2, 2))
    for known in (KnownRows(table), KnownRows(-csr_matrix(-table)), KnownRows(stored)):
        assert known.find(np.array([[-0.0, 1.0], [2.0, -0.0], [0.0, 0.0]])).tolist() == [0, 1, -1]
        assert known.find(stored).tolist() == [0, 1]


def test_numbers_decide_where_hashes_are_equal(monkeypatch):
    monkeypatch.setattr(_known_rows, "_mixed", lambda values, columns: np.ones(np.shape(values), np.uint64))
    table = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert KnownRows(table).find(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).tolist() == [0, -1, -1]


def test_rows_are_compared_in_the_precision_of_the_table():
    table = np.array([[0.1, 0.2]], np.float32)
    assert KnownRows(table).find(np.array([[0.1, 0.2], [0.1, 0.3]])).tolist() == [0, -1]
    assert KnownRows(table.astype(np.float64)).find(np.array([[0.1, 0.2]])).tolist() == [-1]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_blocks_do_not_show(monkeypatch, kind):
    table = drawn(700, 5)
    made = table if kind == "dense" else csr_matrix(table)
    whole = KnownRows(made).find(made)
    monkeypatch.setattr(_known_rows, "BLOCK", 7)
    assert KnownRows(made).find(made).tolist() == whole.tolist() == by_bytes(table, table)


def test_a_column_counts(rng):
    table = np.zeros((6, 6)) + np.diag(np.full(6, 3.0))
    assert KnownRows(table).find(table[::-1].copy()).tolist() == [5, 4, 3, 2, 1, 0]
    assert len(np.unique(_known_rows._hashes(table))) == 6
