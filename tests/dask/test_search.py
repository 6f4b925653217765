"""Groups of cells, and edges that are joined in parts, without a cluster."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from opentsne_like.affinity import Uniform
from opentsne_like.affinity.matrix import row_chunks
from opentsne_like.dask import search, weights
from opentsne_like.dask.rows import row_bounds
from opentsne_like.nearest_neighbors import Sklearn


@pytest.mark.parametrize("sizes", ["even", "uneven", "holes", "one"])
@pytest.mark.parametrize("most", [1, 50, 10**6])
@pytest.mark.parametrize("spread", [1.0, 0.0])
def test_groups_have_rows_and_are_about_as_large_as_asked(sizes, most, spread, rng):
    count = {
        "even": np.full(200, 10),
        "uneven": rng.integers(1, 100, 200),
        "holes": rng.integers(0, 3, 200),
        "one": np.eye(1, 200, 77, dtype=int)[0] * 1000,
    }[sizes]
    centres = (spread * rng.normal(size=(200, 5))).astype(np.float32)
    group = search.compact_groups(centres, count, most)
    rows = np.bincount(group, weights=count)
    assert rows.min() > 0
    assert len(rows) == group.max() + 1
    assert rows.max() <= 2 * most + 2 * count.max()
    np.testing.assert_array_equal(group, search.compact_groups(centres, count, most))


def test_groups_lie_together(rng):
    centres = np.concatenate([rng.normal(size=(50, 3)) + 100 * c for c in range(4)]).astype(np.float32)
    order = rng.permutation(200)
    group = search.compact_groups(centres[order], np.full(200, 7), 350)
    assert {len(set(group[order // 50 == c])) for c in range(4)} == {1}
    assert group.max() == 3


@pytest.mark.parametrize("partitions", [1, 3, 9])
def test_parts_that_are_joined_are_the_rows_of_the_whole(partitions, rng, monkeypatch):
    """Twin: the sum of the dense matrix and its transpose, and the class that makes it in one piece."""
    X = rng.normal(size=(18_500, 2))
    n, k = len(X), 4
    found = Sklearn(X, k).build()
    monkeypatch.setattr("opentsne_like.dask.rows.NUMBERS", 2 * n // partitions)
    bounds = row_bounds(n, 2)
    assert len(bounds) > partitions
    spans = list(itertools.pairwise(bounds))
    weighted = [weights.weigh((found[0][a:b], found[1][a:b]), n, None, float) for a, b in spans]
    edges = [weights.outgoing(part, low, bounds) for part, low in zip(weighted, bounds[:-1], strict=True)]
    joined = [
        weights.joined(part, [weights.sent(out, to) for out in edges], *spans[to], "max")
        for to, part in enumerate(weighted)
    ]
    totals = list(itertools.chain.from_iterable(part.totals for part in joined))
    assert len(totals) == len(row_chunks(n))
    parts = [weights.scaled(part, sum(totals)) for part in joined]
    P = Uniform(X, k).P
    np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), P.data)
    np.testing.assert_array_equal(np.concatenate([part.indices for part in parts]), P.indices)
    np.testing.assert_array_equal(np.concatenate([np.diff(part.indptr) for part in parts]), np.diff(P.indptr))
