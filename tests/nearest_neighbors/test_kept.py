"""Searches that were cut go on where they stood, with the same bits."""

import numpy as np
import pytest

from opentsne_like.nearest_neighbors import IVF, _ivf, kept_by

N, K = 3000, 4


class Memory(dict):
    """A keeper that stops the process, so to speak, after some files."""

    def __init__(self, most=np.inf):
        super().__init__()
        self.most = most

    def put(self, name, arrays):
        if len(self) == self.most:
            raise KeyboardInterrupt
        self[name] = {key: np.array(array) for key, array in arrays.items()}


@pytest.fixture
def X(monkeypatch):
    monkeypatch.setattr(_ivf, "BLOCK", 500)
    rng = np.random.default_rng(0)
    return (rng.normal(size=(N, 6)) + 8 * rng.integers(0, 4, (N, 1))).astype(np.float32)


def searched(monkeypatch):
    """Return a list that grows by the number of rows of every search."""
    sizes, search = [], _ivf.Lists.search

    def counted(self, queries, *args, **kwargs):
        sizes.append(len(queries))
        return search(self, queries, *args, **kwargs)

    monkeypatch.setattr(_ivf.Lists, "search", counted)
    return sizes


def test_blocks_have_the_bits_of_the_whole(X, monkeypatch):
    blocks = IVF(X, K, random_state=0)
    found = blocks.build()
    monkeypatch.setattr(_ivf, "BLOCK", N)
    whole = IVF(X, K, random_state=0)
    for one, other in zip(found, whole.build(), strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert (blocks.recall_, blocks.n_probes_) == (whole.recall_, whole.n_probes_)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("seed", [0, None])
def test_a_cut_search_goes_on_with_the_next_block(X, monkeypatch, seed, n_jobs):
    memory = Memory(most=3)
    with pytest.raises(KeyboardInterrupt), kept_by(memory):
        IVF(X, K, random_state=seed).build()
    kept = sum(len(part["indices"]) for part in memory.values() if "indices" in part)
    memory.most = np.inf
    sizes = searched(monkeypatch)
    with kept_by(memory):
        index = IVF(X, K, random_state=seed, n_jobs=n_jobs)
        found = index.build()
    assert 500 <= kept < N
    assert sum(sizes) == N - kept
    fresh = IVF(X, K, random_state=0)
    fresh._seed = int(memory["seed"]["seed"])
    for one, other in zip(found, fresh.build(), strict=True):
        assert np.array_equal(one, other)


def test_a_search_that_ended_is_not_made_again(X, monkeypatch):
    memory = Memory()
    with kept_by(memory):
        first = IVF(X, K)
        found = first.build()
    sizes = searched(monkeypatch)
    with kept_by(memory):
        second = IVF(X, K)
        again = second.build()
    assert not sizes
    assert (first.seed, first.recall_, first.n_probes_) == (second.seed, second.recall_, second.n_probes_)
    for one, other in zip(found, again, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(first.query(X[:20], K)[0], second.query(X[:20], K)[0])
    assert len(sizes) == 2


def test_nothing_is_kept_outside(X):
    memory = Memory()
    with kept_by(memory):
        pass
    IVF(X, K).build()
    assert not memory
