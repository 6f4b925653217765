"""Maps on given neighbours that were fitted with the data beside them: new rows are placed, taken up, stored."""

from __future__ import annotations

import copy
import logging
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer, kneighbors_graph, radius_neighbors_graph

from opentsne_like import TSNE, Embedding, affinity, load
from opentsne_like.errors import InvalidParameterError, StorageError, UnavailableError
from opentsne_like.nearest_neighbors import PrecomputedNeighbors, Sklearn, pack_index, unpack_index

rng = np.random.default_rng(0)
CENTERS = 8 * rng.normal(size=(4, 6))
X, X_NEW = (rng.normal(size=(n, 6)) + CENTERS[np.arange(n) % 4] + 20 for n in (160, 30))
K = 15


def neighbors(k=K, metric="euclidean"):
    return Sklearn(X, k, metric).build()


def graph(k=K, metric="euclidean"):
    indices, distances = neighbors(k, metric)
    return sparse.csr_matrix((distances.ravel(), indices.ravel(), np.arange(len(X) + 1) * k), shape=(len(X),) * 2)


def estimator(**changes):
    return TSNE(**{"perplexity": 5, "n_iter": 20, "early_exaggeration_iter": 10, "random_state": 0, **changes})


FORMS = {
    "scikit-learn's transformer": lambda: KNeighborsTransformer(n_neighbors=K).fit_transform(X),
    "scikit-learn's graph": lambda: kneighbors_graph(X, K, mode="distance"),
    "CSR array": lambda: sparse.csr_array(graph()),
    "COO": lambda: graph().tocoo(),
    "pair of arrays": neighbors,
    "index": lambda: PrecomputedNeighbors(*neighbors()),
}


@pytest.mark.parametrize("form", FORMS)
def test_new_rows_are_placed_as_from_data(form):
    given = affinity.from_neighbors(FORMS[form](), perplexity=5)
    Y = estimator().fit(X, affinities=given)
    from_data = estimator().fit(X)
    np.testing.assert_array_equal(Y, from_data)
    np.testing.assert_array_equal(Y.transform(X_NEW), from_data.transform(X_NEW))
    start = Y.prepare_partial(X_NEW)
    np.testing.assert_array_equal(start, from_data.prepare_partial(X_NEW))
    assert given.knn_index.data is None  # the affinities of the user are as they were
    assert Y.affinities.P is given.P


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "cityblock", "sqeuclidean", "chebyshev"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_metric_is_that_of_the_distances(metric, dtype):
    Y = estimator().fit(
        X.astype(dtype), affinities=affinity.from_neighbors(graph(K, metric).astype(dtype), perplexity=5)
    )
    assert Y.affinities.knn_index.metric == metric
    expected = Sklearn(X, 5, metric).query(X_NEW, 5)
    found = Y.affinities.knn_index.query(X_NEW, 5)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-4, atol=1e-6)


def test_a_metric_that_the_distances_do_not_tell():
    G = graph()
    G.data **= 3
    Y = estimator(n_iter=1).fit(X, affinities=affinity.from_neighbors(G, perplexity=5))
    for place in (Y.transform, Y.prepare_partial, Y.add):
        with pytest.raises(UnavailableError, match=r"by none of euclidean, .*from_neighbors\(\.\.\., metric=\.\.\.\)"):
            place(X_NEW)
    for metric in ("euclidean", lambda a, b: float(np.linalg.norm(a - b))):
        told = affinity.from_neighbors(G, perplexity=5, metric=metric).with_data(X)
        expected = affinity.PerplexityBasedNN(X, 5).to_new(X_NEW)
        np.testing.assert_allclose(told.to_new(X_NEW).toarray(), expected.toarray(), atol=1e-9)
    with pytest.raises(InvalidParameterError, match="`metric` must be one of"):
        affinity.from_neighbors(G, perplexity=5, metric="euclid").with_data(X)
    with pytest.raises(InvalidParameterError, match="`metric` must be None where `neighbors` is an index"):
        affinity.from_neighbors(Sklearn(X, 5), metric="cosine")


def test_neighbours_without_distances_are_compared_by_euclidean_ones():
    given = affinity.from_neighbors(neighbors()[0], perplexity=None)
    told, from_data = given.with_data(X), affinity.Uniform(X, k_neighbors=K)
    np.testing.assert_array_equal(told.to_new(X_NEW).toarray(), from_data.to_new(X_NEW).toarray())
    cosine = affinity.from_neighbors(neighbors()[0], perplexity=None, metric="cosine").with_data(X)
    assert (told.knn_index.metric, cosine.knn_index.metric) == ("euclidean", "cosine")


def grown_twin(k_new):
    """Return the joint affinities of given neighbours of old rows and of the nearest of all for new ones, by hand."""
    whole = np.vstack([X, X_NEW])
    n, total = len(X), len(whole)
    W = np.zeros((total, total))
    indices = neighbors()[0]
    for i in range(n):
        W[i, indices[i]] = 1 / K
    for i in range(n, total):
        apart = np.linalg.norm(whole - whole[i], axis=1)
        apart[i] = np.inf
        W[i, np.argsort(apart)[:k_new]] = 1 / k_new
    joint = (W + W.T) / 2
    return joint / joint.sum()


@pytest.mark.parametrize("form", ["sparse", "arrays", "index given to an estimator"])
def test_old_rows_keep_their_neighbours_when_a_map_grows(form):
    if form == "sparse":
        given = affinity.from_neighbors(graph(), perplexity=None, symmetrize="mean").with_data(X)
    elif form == "arrays":
        given = affinity.from_neighbors(neighbors(), perplexity=None, symmetrize="mean").with_data(X)
    else:
        given = affinity.Uniform(X, method=PrecomputedNeighbors(*neighbors()), k_neighbors=K, symmetrize="mean")
    grown = given.extended(X_NEW)
    np.testing.assert_allclose(grown.P.toarray(), grown_twin(K), rtol=1e-12)
    more = grown.extended(X_NEW[:5] + 0.1)
    assert more.P.shape == (195, 195)
    assert more.to_new(X_NEW).shape == (30, 195)
    np.testing.assert_array_equal(more.knn_index.data[:160], X)


def test_rows_that_differ_in_length():
    G = radius_neighbors_graph(X, 3.5, mode="distance")
    sizes = np.diff(G.indptr)
    assert sizes.min() > 0
    assert sizes.max() > sizes.min()
    told = affinity.from_neighbors(G, perplexity=None, symmetrize="none").with_data(X)
    grown = told.extended(X_NEW)
    counts = np.diff(grown.P.indptr)
    np.testing.assert_array_equal(counts[:160], sizes)
    assert set(counts[160:]) == {int(np.median(sizes))}


def test_many_duplicates_are_their_own_neighbours_never():
    told = affinity.from_neighbors(graph(), perplexity=None, symmetrize="none").with_data(X)
    grown = told.extended(np.repeat(X[:1], 40, axis=0))
    assert grown.P.diagonal().max() == 0
    assert set(np.diff(grown.P.indptr)) == {K}


ALL = {
    "PerplexityBasedNN": lambda G: affinity.PerplexityBasedNN(G, 5, metric="precomputed"),
    "MultiscaleMixture": lambda G: affinity.MultiscaleMixture(G, [2, 5], metric="precomputed"),
    "Multiscale": lambda G: affinity.Multiscale(G, [2, 5], metric="precomputed"),
    "FixedSigmaNN": lambda G: affinity.FixedSigmaNN(G, 1.0, k=10, metric="precomputed"),
    "Uniform": lambda G: affinity.Uniform(G, 10, metric="precomputed"),
    "Entropic": lambda G: affinity.Entropic(G, 5, metric="precomputed"),
    "Fuzzy": lambda G: affinity.Fuzzy(G, 10, metric="precomputed"),
    "SelfTuning": lambda G: affinity.SelfTuning(G, 10, metric="precomputed"),
}


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_every_class_places_grows_and_is_stored(name, ragged, tmp_path):
    G = graph()
    if ragged:
        G = G.tolil()
        G[3, G.rows[3][9:]] = 0
        G = G.tocsr()
        G.eliminate_zeros()
    Y = Embedding(X[:, :2], ALL[name](G).with_data(X)).optimize(5)
    Y.save(tmp_path / "map.npz")
    again = load(tmp_path / "map.npz")
    for other in (again, copy.deepcopy(Y), pickle.loads(pickle.dumps(Y))):
        np.testing.assert_array_equal(other.transform(X_NEW, n_iter=5), Y.transform(X_NEW, n_iter=5))
        np.testing.assert_array_equal(other.add(X_NEW).optimize(5), Y.add(X_NEW).optimize(5))
    assert np.isfinite(Y.transform(X_NEW, n_iter=5)).all()
    Y.save(tmp_path / "slim.npz", include="affinities")
    with pytest.raises(UnavailableError):
        load(tmp_path / "slim.npz").transform(X_NEW)


def test_data_are_named_columns(tmp_path):
    frame, new = (pd.DataFrame(rows, columns=list("abcdef")) for rows in (X, X_NEW))
    Y = estimator().fit(frame, affinities=affinity.from_neighbors(graph(), perplexity=5))
    Y.save(tmp_path / "map.npz")
    for map_ in (Y, load(tmp_path / "map.npz")):
        np.testing.assert_array_equal(map_.transform(new[list("fedcba")]), Y.transform(X_NEW))
        np.testing.assert_array_equal(map_.add(new[list("fedcba")]).affinities.P.data, Y.add(X_NEW).affinities.P.data)
        with pytest.raises(InvalidParameterError, match="got no 'a' and also 'x'"):
            map_.transform(new.rename(columns={"a": "x"}))


def test_sparse_rows():
    S = sparse.csr_matrix(np.maximum(X - 12, 0))
    given = affinity.from_neighbors(kneighbors_graph(S, K, mode="distance", metric="cosine"), perplexity=5)
    Y = estimator(initialization="random").fit(S, affinities=given)
    assert Y.affinities.knn_index.metric == "cosine"
    assert Y.transform(S[:5]).shape == (5, 2)
    assert Y.add(S[:5]).optimize(3).shape == (165, 2)


def test_other_rows_than_the_graph_are_refused():
    given = affinity.from_neighbors(graph(), perplexity=5)
    with pytest.raises(
        InvalidParameterError, match=r"`X` must have the 160 rows of `affinities`, got shape \(150, 6\)"
    ):
        estimator().fit(X[:150], affinities=given)
    with pytest.raises(InvalidParameterError, match="`data` must have the 160 rows of the neighbours, got 150"):
        given.with_data(X[:150])


def test_distances_are_no_data():
    from scipy.spatial.distance import cdist

    D = cdist(X, X)
    given = affinity.PerplexityBasedNN(D, 5, metric="precomputed")
    Y = estimator(metric="precomputed", initialization="spectral").fit(D, affinities=given)
    assert Y.affinities is given
    assert Y.transform(cdist(X_NEW, X)).shape == (30, 2)
    with pytest.raises(InvalidParameterError, match="new rows must be distances to all 160 rows of the given"):
        Y.transform(X_NEW)


def test_affinities_that_have_data_keep_them():
    own = affinity.PerplexityBasedNN(X, 5)
    assert own.with_data(X + 1) is own
    told = affinity.from_neighbors(graph(), perplexity=5).with_data(X)
    assert told.with_data(X + 1) is told
    matrix = affinity.PrecomputedAffinities(own.P)
    assert matrix.with_data(X) is matrix
    told.release()
    with pytest.raises(UnavailableError, match="release"):
        told.to_new(X_NEW)
    assert told.with_data(X) is told


def test_a_resumed_run_knows_the_data(tmp_path):
    given = affinity.from_neighbors(graph(), perplexity=5)
    Y = estimator().fit(X, affinities=given, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(Y.transform(X_NEW), estimator().fit(X, affinities=given).transform(X_NEW))


def test_files_that_hold_other_data_or_graphs_are_refused():
    told = affinity.from_neighbors(graph(), perplexity=5).with_data(X)
    arrays, header = pack_index(told.knn_index, with_data=True)
    with pytest.raises(StorageError, match="150 rows of data for the neighbours of 160"):
        unpack_index({**arrays, "searcher.data": X[:150]}, header)
    ragged = affinity.from_neighbors(radius_neighbors_graph(X, 3.5, mode="distance"), perplexity=None).with_data(X)
    arrays, header = affinity.pack_affinities(ragged, with_data=True)
    np.testing.assert_array_equal(
        affinity.unpack_affinities(arrays, header).extended(X_NEW).P.data, ragged.extended(X_NEW).P.data
    )
    for bad in (
        {"graph.csr_shape": np.array([161, 160])},
        {"graph.csr_data": -arrays["graph.csr_data"]},
        {"graph.csr_data": arrays["graph.csr_data"].astype(int)},
        {"graph.csr_indices": arrays["graph.csr_indices"] + 160},
    ):
        with pytest.raises((StorageError, InvalidParameterError)):
            affinity.unpack_affinities({**arrays, **bad}, header)


def test_placed_digits_keep_their_class(digits, caplog):
    caplog.set_level(logging.ERROR)
    data, classes = digits
    old, new = np.arange(len(data)) % 4 > 0, np.arange(len(data)) % 4 == 0
    given = affinity.from_neighbors(KNeighborsTransformer(n_neighbors=K).fit_transform(data[old]), perplexity=5)

    def accuracy(**known):
        Y = TSNE(random_state=0, n_iter=250).fit(data[old], **known)
        voted = KNeighborsClassifier(10).fit(np.asarray(Y), classes[old])
        return voted.score(np.asarray(Y.transform(data[new])), classes[new])

    assert accuracy(affinities=given) > accuracy() - 0.015
    assert accuracy(affinities=given) > 0.95
