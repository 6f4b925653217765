"""Who may write into P, and who notices."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from opentsne_like import TSNE, Embedding, TSNEEmbedding, affinity
from opentsne_like.affinity import matrix_of
from opentsne_like.objectives import base as binding

X = np.random.default_rng(0).normal(size=(60, 4))
MAKERS = {
    "perplexity": lambda: affinity.PerplexityBasedNN(X, perplexity=5, n_jobs=1),
    "multiscale": lambda: affinity.MultiscaleMixture(X, perplexities=[3, 8], n_jobs=1),
    "uniform": lambda: affinity.Uniform(X, k_neighbors=5, n_jobs=1),
    "fuzzy": lambda: affinity.Fuzzy(X, k_neighbors=5, n_jobs=1),
    "scaled": lambda: affinity.ScaledNeighbors(X, k_neighbors=5, n_jobs=1),
    "self-tuning": lambda: affinity.SelfTuning(X, k_neighbors=8, n_jobs=1),
    "sinkhorn": lambda: affinity.Sinkhorn(X, eps=2.0, n_jobs=1),
    "fixed sigma": lambda: affinity.FixedSigmaNN(X, sigma=1, k=5, n_jobs=1),
    "given": lambda: affinity.PrecomputedAffinities(affinity.Uniform(X, k_neighbors=5).P),
}


def open_parts(P):
    return [part.flags.writeable for part in (P.data, P.indices, P.indptr)]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_matrix_is_sealed_until_somebody_asks_for_it(make):
    affinities = make()
    assert open_parts(matrix_of(affinities)) == [False] * 3
    assert open_parts(affinities.P) == [True] * 3
    assert open_parts(matrix_of(affinities)) == [True] * 3
    assert affinities.P is matrix_of(affinities)


def test_a_matrix_that_is_given_stays_in_the_hands_of_its_giver():
    affinities, P = affinity.Affinities(), MAKERS["uniform"]().P
    affinities.P = P
    assert matrix_of(affinities) is P
    assert open_parts(P) == [True] * 3


def test_memory_that_may_not_be_written_into_stays_so():
    P = MAKERS["uniform"]().P.copy()
    P.data = np.frombuffer(P.data.tobytes())
    affinities = affinity.Affinities()
    affinities.P = P
    assert open_parts(affinities.P) == [False, True, True]


def test_a_map_looks_through_a_sealed_matrix_once_and_an_open_one_at_each_call(monkeypatch):
    looked = []
    monkeypatch.setattr(binding, "checksum", lambda *a, of=binding.checksum: looked.append(1) or of(*a))
    Y = Embedding(X[:, :2], MAKERS["perplexity"](), n_jobs=1)
    for _ in range(3):
        Y = Y.optimize(1)
    assert len(looked) == 3  # data, indices, indptr
    Y.affinities.P.data *= 1.0
    before = Y.loss_value
    assert len(looked) > 3
    Y.affinities.P.data[::2] *= 2
    assert Y.loss_value != before


def test_a_function_of_the_users_own_may_write_into_what_it_gets():
    seen = []

    def writes(embedding, P, should_eval_error=False, **options):
        seen.append(open_parts(P))
        return 0.0, np.zeros_like(embedding)

    TSNEEmbedding(X[:, :2], MAKERS["perplexity"](), negative_gradient_method=writes).optimize(1)
    assert seen == [[True] * 3]


def test_affinities_that_were_pickled_are_those_they_were():
    affinities = MAKERS["perplexity"]()
    P = matrix_of(affinities)
    again = pickle.loads(pickle.dumps(affinities))
    assert (again.P != P).nnz == 0
    assert open_parts(again.P) == [True] * 3


def test_neighbours_that_were_trimmed_are_found_again():
    trimmed, known = (affinity.PerplexityBasedNN(X, perplexity=5, n_jobs=1) for _ in range(2))
    trimmed.trim()
    assert trimmed._lists is None
    for affinities in (trimmed, known):
        affinities.set_perplexity(3)
    assert (trimmed.P != known.P).nnz == 0
    np.testing.assert_array_equal(trimmed.to_new(X[:3]).data, known.to_new(X[:3]).data)
    assert trimmed.extended(X[:2]).P.shape == (62, 62)


def test_neighbours_that_nobody_would_find_again_are_kept():
    index = affinity.get_knn_index(X, "exact", 15, "euclidean")
    for affinities in (affinity.from_neighbors(index), affinity.PerplexityBasedNN(knn_index=index, perplexity=5)):
        affinities.trim()
        assert affinities._lists is not None
    given = affinity.PrecomputedAffinities(affinity.Uniform(X, k_neighbors=5).P)
    given.trim()
    assert given.P.nnz


def test_maps_keep_no_neighbours_beside_their_affinities():
    Y = TSNE(perplexity=5, n_iter=1, early_exaggeration_iter=0).fit(X)
    assert Y.affinities._lists is None
    assert Y.transform(X[:2]).shape == (2, 2)
