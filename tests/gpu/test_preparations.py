"""What maps are made of, where they are optimized on a device: found there, left there, and the CPU's all the same."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import TSNE, affinity, devices, load, methods
from opentsne_like.affinity import MultiscaleMixture, PerplexityBasedNN, Uniform, lying_matrix_of, matrix_of
from opentsne_like.errors import InsufficientMemoryError
from opentsne_like.nearest_neighbors import IVF, Sklearn, make_index
from opentsne_like.nearest_neighbors._factory import exact_rows
from opentsne_like.objectives import Context, ElasticEmbedding, KullbackLeibler, NegativeSampling, Parts

from .oracles import check_same

N = 60
X = np.random.default_rng(0).normal(0, 6, (4, 7))[np.arange(N) % 4] + np.random.default_rng(1).normal(size=(N, 7))
SHORT = {"perplexity": 6, "early_exaggeration_iter": 3, "n_iter": 3, "n_jobs": 1, "random_state": 0}
FOUND, STARTED, WEIGHED = "rank_double", "centre_double", "sort_rows"


@pytest.fixture(autouse=True)
def launched(card, monkeypatch):
    monkeypatch.setattr("opentsne_like.embedding.settings.need_gpu", lambda: card.device.xp)
    found = []
    usual = card.device.launch

    def launch(name, *arguments, **named):
        found.append(name)
        usual(name, *arguments, **named)

    monkeypatch.setattr(card.device, "launch", launch)
    return found


def beside(make, data=X):
    with devices.copied_to_gpu(data):
        return make(data)


def test_a_fit_is_that_of_the_cpu(launched, card):
    mine = TSNE(device="cuda", **SHORT).fit(X)
    assert {FOUND, STARTED, WEIGHED} <= set(launched)
    assert devices.lies_on_gpu(lying_matrix_of(mine.affinities))
    theirs = TSNE(device="cpu", **SHORT).fit(X)
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-3 * np.abs(theirs).max())
    P = mine.affinities.P
    assert not devices.lies_on_gpu(lying_matrix_of(mine.affinities))
    assert np.array_equal(P.indices, theirs.affinities.P.indices)
    assert P.indices.dtype == P.indptr.dtype == np.int32
    np.testing.assert_allclose(P.data, theirs.affinities.P.data, rtol=1e-10)
    assert mine.kl_divergence == pytest.approx(theirs.kl_divergence, rel=1e-3)
    np.testing.assert_allclose(mine.transform(X[:4] + 0.01), theirs.transform(X[:4] + 0.01), rtol=0, atol=0.05)


def test_the_same_bits_whether_somebody_reads_p_or_not(tmp_path):
    estimator = TSNE(device="cuda", **SHORT)
    whole = estimator.fit(X)
    stored = estimator.fit(X, checkpoint=tmp_path / "run")
    check_same(np.asarray(stored), np.asarray(whole))
    begun = estimator.prepare_initial(X).optimize(3, exaggeration=12)
    assert devices.lies_on_gpu(lying_matrix_of(begun.affinities))
    begun.save(tmp_path / "map.npz")
    for other in (pickle.loads(pickle.dumps(begun)), begun.copy(), load(tmp_path / "map.npz")):
        check_same(np.asarray(other.optimize(3)), np.asarray(begun.optimize(3)))


def test_a_run_goes_on_from_its_file(tmp_path):
    estimator = TSNE(device="cuda", **SHORT)
    whole = estimator.fit(X)

    seen = []

    def stop(iteration, loss, embedding):
        seen.append(iteration)
        if len(seen) == 5:
            raise KeyboardInterrupt

    broken = TSNE(device="cuda", **{**SHORT, "callbacks": stop, "callbacks_every_iters": 1})
    with pytest.raises(KeyboardInterrupt):
        broken.fit(X, checkpoint=tmp_path / "run")
    check_same(np.asarray(estimator.fit(X, checkpoint=tmp_path / "run")), np.asarray(whole))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (PerplexityBasedNN, {"perplexity": 6}),
        (PerplexityBasedNN, {"perplexity": 6, "k_neighbors": 10, "metric": "cosine"}),
        (MultiscaleMixture, {"perplexities": [3, 8]}),
        (affinity.Multiscale, {"perplexities": [3, 8]}),
    ],
)
def test_affinities_are_those_of_the_cpu(kind, options, dtype, both_ways, launched):
    data = X.astype(np.float32)

    def made():
        found = beside(lambda rows: kind(rows, **options, dtype=dtype, n_jobs=1), data)
        assert devices.lies_on_gpu(lying_matrix_of(found))
        return matrix_of(found).data, found.P.indices, found.P.indptr, found._kept_lists().indices

    values, *rest = both_ways(made)
    theirs = kind(data, **options, dtype=dtype, n_jobs=1)
    check_same(tuple(rest), (theirs.P.indices, theirs.P.indptr, theirs._kept_lists().indices))
    assert values.dtype == dtype
    np.testing.assert_allclose(values, theirs.P.data, rtol=1e-9 if dtype is np.float64 else 1e-5)


def test_other_affinities_take_neighbors_alone(launched):
    mine = beside(lambda rows: Uniform(rows, k_neighbors=5, n_jobs=1))
    assert FOUND in launched
    assert WEIGHED not in launched
    assert (mine.P != Uniform(X, k_neighbors=5, n_jobs=1).P).nnz == 0
    mine = beside(lambda rows: PerplexityBasedNN(rows, 6, symmetrize=False, n_jobs=1))
    theirs = PerplexityBasedNN(X, 6, symmetrize=False, n_jobs=1)
    np.testing.assert_allclose(mine.P.toarray(), theirs.P.toarray(), rtol=1e-10)


def test_affinities_are_changed_and_stored_as_ever(tmp_path):
    made = beside(lambda rows: PerplexityBasedNN(rows, 6, n_jobs=1))
    theirs = PerplexityBasedNN(X, 6, n_jobs=1)
    for one in (made, theirs):
        one.set_perplexity(4)
    np.testing.assert_allclose(made.P.toarray(), theirs.P.toarray(), rtol=1e-10)
    made = beside(lambda rows: PerplexityBasedNN(rows, 6, n_jobs=1))
    again = pickle.loads(pickle.dumps(made))
    assert (again.P != made.P).nnz == 0
    grown = made.extended(X[:3] + 0.01)
    assert grown.P.shape == (N + 3, N + 3)
    assert made.to_new(X[:3]).shape == (3, N)


@pytest.mark.parametrize(
    "options",
    [{"metric": "manhattan"}, {"metric": "correlation"}, {"neighbors": "ivf"}, {"neighbors": Sklearn(X, 18, n_jobs=1)}],
)
def test_what_a_device_does_not_find_the_cpu_does(options, launched):
    mine = TSNE(device="cuda", **SHORT, **options).fit(X)
    theirs = TSNE(device="cpu", **SHORT, **options).fit(X)
    assert STARTED in launched
    assert ("rank_double" in launched) == isinstance(options.get("neighbors"), Sklearn)
    np.testing.assert_allclose(mine.affinities.P.data, theirs.affinities.P.data, rtol=1e-9)
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-3 * np.abs(theirs).max())


def test_sparse_data_and_given_distances_are_the_cpus(launched):
    TSNE(device="cuda", **SHORT).fit(sparse.csr_matrix(X))
    distances = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    TSNE(device="cuda", metric="precomputed", **SHORT).fit(distances)
    assert not {FOUND, STARTED, WEIGHED} & set(launched)


def test_data_of_any_kind(launched):
    whole = np.round(10 * X)
    made = [TSNE(device="cuda", **SHORT).fit(each) for each in (whole, whole.astype(int), np.asfortranarray(whole))]
    assert launched.count(WEIGHED) == 3
    for other in made[1:]:
        check_same(np.asarray(other), np.asarray(made[0]))


@pytest.mark.parametrize("kind", [methods.NegTSNE, methods.ElasticEmbedding])
def test_other_estimators(kind, launched):
    lengths = {"n_iter": 3} if kind is methods.ElasticEmbedding else {"n_iter": 3, "early_iter": 3}
    mine, theirs = (kind(device=device, n_jobs=1, random_state=0, **lengths).fit(X) for device in ("cuda", "cpu"))
    assert {FOUND, STARTED} <= set(launched)
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=2e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("loss", [KullbackLeibler(), NegativeSampling(), ElasticEmbedding()])
def test_edges_are_the_same_where_they_lie(loss):
    made = beside(lambda rows: PerplexityBasedNN(rows, 6, n_jobs=1))
    there = lying_matrix_of(made)
    points = np.random.default_rng(0).normal(size=(N, 2))

    def value(P):
        objective = loss.bind(P, Context(1, None, Parts()))
        on_card = devices.to_gpu(points)
        worth, gradient = objective.evaluate(on_card, exaggeration=1.0, with_loss=True)
        return worth, devices.on_host(gradient), objective

    *mine, objective = value(there)
    *theirs, other = value(there.tocsr())
    assert mine[0] == pytest.approx(theirs[0], rel=1e-12)
    check_same(mine[1], theirs[1])
    check_same(objective.edge_losses(points), other.edge_losses(points))
    with pytest.raises(ValueError, match=f"`points` must be {N}"):
        objective.edges.check(points[:4])


def test_rows_have_a_copy_while_it_is_wanted_and_no_others(card):
    with devices.copied_to_gpu(X):
        assert devices.has_copy_on_gpu(X)
        with devices.copied_to_gpu(X):
            there = devices.copy_on_gpu(X)
        assert devices.copy_on_gpu(X) is there
        assert devices.copy_on_gpu(X.copy()) is None
        with devices.copied_to_gpu(other := X + 1):
            assert devices.has_copy_on_gpu(other)
        assert devices.has_copy_on_gpu(X)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(devices.has_copy_on_gpu(X)))
        thread.start()
        thread.join()
        assert seen == [False]
    assert devices.copy_on_gpu(X) is None


def test_the_name_auto_is_exact_for_more_rows_on_a_device(monkeypatch):
    assert (exact_rows(50), exact_rows(50, on_gpu=True)) == (20_000, 1_000_000)
    monkeypatch.setattr("opentsne_like.nearest_neighbors._factory.EXACT_ROWS", 10)
    assert isinstance(make_index(X, 5), IVF)
    assert type(beside(lambda rows: make_index(rows, 5))) is Sklearn
    assert isinstance(beside(lambda rows: make_index(rows, 5, metric="manhattan")), IVF)


def test_more_neighbors_than_a_device_keeps_are_the_cpus(launched, monkeypatch):
    monkeypatch.setattr("opentsne_like.nearest_neighbors._exact.MOST_ON_GPU", 5)
    assert beside(lambda rows: Sklearn(rows, 5).build())[0].shape == (N, 5)
    assert FOUND in launched
    launched.clear()
    indices, _ = beside(lambda rows: Sklearn(rows, 6).build())
    assert isinstance(indices, np.ndarray)
    assert not launched


def test_a_card_without_memory_says_so(card, monkeypatch):
    def launch(name, *arguments, **named):
        raise card.device.memory_error("Out of memory allocating 7 bytes")

    monkeypatch.setattr(card.device, "launch", launch)
    with pytest.raises(InsufficientMemoryError, match=r"60 rows of 7 columns, got 'Out of memory.*use device='cpu'"):
        TSNE(device="cuda", **SHORT).fit(X)
    assert not devices.has_copy_on_gpu(X)


def test_memory_is_looked_at_before_any_work(card, monkeypatch, launched):
    monkeypatch.setattr(card.device, "free_bytes", lambda: 30_000)
    says = r"of 60 points with 18 neighbours each need about .* GB of a GPU, got .*, enough for \d\d points; .*'cpu'"
    with pytest.raises(InsufficientMemoryError, match=says):
        TSNE(device="cuda", **SHORT).fit(X)
    assert not launched
    assert TSNE(device="cuda", metric="manhattan", **SHORT).fit(X).shape == (N, 2)
