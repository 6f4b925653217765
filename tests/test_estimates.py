"""How long a fit is going to take: a trial on some rows, and what parts of a fit cost with their number."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from opentsne_like import TSNE, UMAP, Embedding, NegTSNE, NeighborEmbedding
from opentsne_like.errors import InvalidParameterError, UnavailableError
from opentsne_like.methods import Estimate, estimates


@pytest.fixture
def X(rng):
    return rng.normal(size=(300, 5)) + 5 * np.eye(5)[np.arange(300) % 5]


@pytest.mark.parametrize(
    "estimator",
    [TSNE(), UMAP(), NegTSNE(n_neighbors=5), NeighborEmbedding(), TSNE(initialization=np.zeros((300, 2)))],
    ids=lambda estimator: type(estimator).__name__,
)
def test_every_estimator_has_one(estimator, X):
    found = estimator.estimate(X)
    assert isinstance(found, Estimate)
    assert list(found.stages) == ["neighbours and affinities", "start", "optimization"]
    assert found.seconds == pytest.approx(sum(found.stages.values()))
    assert 0 < found.seconds < 600
    assert found.memory >= estimates._BASE


def test_nothing_is_changed_by_it(X):
    state = np.random.RandomState(0)
    seen = []
    estimator = TSNE(
        random_state=state, callbacks=lambda *args: seen.append(args), callbacks_every_iters=1, verbose=True
    )
    before = state.get_state()[1].copy()
    estimator.estimate(X)
    np.testing.assert_array_equal(state.get_state()[1], before)
    assert seen == []
    assert estimator.random_state is state


def test_what_is_scaled_and_how(monkeypatch):
    """Neighbours by the pairs and by the edges, or by what cells hold; starts by the rows; iterations by two sizes."""
    points = np.random.default_rng(0).normal(size=(4_000, 2))
    trial = estimates._Trial(4_000, points, 90, 130.0, 8, [1.0, 2.0, 4.0])
    monkeypatch.setattr(estimates, "_trial", lambda method, X, rows: trial)
    monkeypatch.setattr(estimates, "_iteration", lambda method, n, stage, trial: 1e-3 + 1e-6 * n)
    X = np.zeros((16_000, 50), np.float32)
    found = estimates.estimate(TSNE(), X).stages
    assert found["start"] == 2.0 * 4
    assert found["optimization"] == pytest.approx(750 * (1e-3 + 1e-6 * 16_000))
    pairs, edges = 4_000**2 * 200 * estimates._PAIR, 4_000 * 90 * estimates._EDGE
    assert found["neighbours and affinities"] == pytest.approx((16 * pairs + 4 * edges) / (pairs + edges))
    monkeypatch.setattr(estimates, "_clock", iter(range(100)).__next__)
    monkeypatch.setattr(TSNE, "_affinities", lambda method, X: (method.neighbors, len(X)))
    large = estimates.estimate(TSNE(), np.zeros((100_000, 50), np.float32))
    assert large.stages["optimization"] == pytest.approx(750 * (1e-3 + 1e-6 * 100_000))
    share, power = estimates._LOOKED
    assert large.stages["neighbours and affinities"] == pytest.approx(4 * (1 + share * 4**power) / (1 + share))
    assert large.memory == 100_000 * (130 * (12 + 8) + 16 * estimates._STATE + estimates._CELLS) + estimates._BASE
    small = estimates.estimate(TSNE(), X[:1_000]).stages
    assert list(small.values()) == [1.0, 2.0, 4.0], "where all rows are tried, nothing is scaled"


def test_an_iteration_is_tried_on_a_map_that_stays_as_it_is(monkeypatch):
    """Of the size of the whole, as dense as that of the trial, with as many edges."""
    monkeypatch.setattr(estimates, "_MOVED", 2_000)
    seen = []
    optimize = Embedding.optimize

    def watched(self, *args, **options):
        before = np.array(self)
        moved = optimize(self, *args, **options)
        shifted = np.asarray(self) - before  # to the middle
        seen.append((len(self), self.affinities.P.nnz / len(self), float(np.ptp(shifted, axis=0).max())))
        return moved

    trial = estimates._Trial(500, np.random.default_rng(0).normal(size=(500, 2)), 5, 7.2, 8, [1.0, 2.0, 4.0])
    monkeypatch.setattr(Embedding, "optimize", watched)
    assert estimates._moving(TSNE(n_jobs=1), 9_000, trial) > 0
    assert [size for size, *_ in seen] == [500] * 4 + [2_000] * 4
    assert {entries for _, entries, _ in seen} == {8.0}
    assert max(step for *_, step in seen) < 1e-6


def test_a_loss_that_takes_more_than_edges_is_scaled_from_the_trial(monkeypatch):
    def refused(*args):
        raise UnavailableError("no data")

    monkeypatch.setattr(estimates, "_iteration", refused)
    trial = estimates._Trial(500, np.zeros((500, 2)), 5, 7.2, 8, [1.0, 2.0, 4.0])
    assert estimates._moving(TSNE(), 5_000, trial) == 40.0


def test_a_schedule_that_makes_fewer_iterations_of_more_rows_is_counted_by_these(monkeypatch):
    monkeypatch.setattr(estimates, "_clock", iter(range(100)).__next__)
    X = np.random.default_rng(0).normal(size=(300, 5))
    method = TSNE(schedule="accelerated", perplexity=10, early_exaggeration_iter=20, n_iter=20, random_state=0)
    assert [estimates._trial(method, X, rows).seconds[2] for rows in (300, 10_000)] == [12 / 12, 8 / 12]


@pytest.mark.parametrize("options", [{"n_neighbors": 15}, {"perplexity": 20}, {"perplexity": 5, "dtype": "f4"}])
@pytest.mark.parametrize("n", [3_000, 21_000])
def test_memory_is_that_of_the_arrays_that_a_fit_holds(n, options, rng):
    options = dict(options)
    X = rng.normal(size=(n, 4)).astype(options.pop("dtype", float))
    method = TSNE(schedule="accelerated", early_exaggeration_iter=12, n_iter=12, random_state=0, n_jobs=1, **options)
    expected = method.estimate(X).memory - estimates._BASE - estimates._CELLS * n
    tracemalloc.start()
    try:
        method.fit(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    blocks = 6e6  # that are worked on, which `_BASE` counts
    assert 0.7 * peak - blocks < expected < 1.3 * peak, (expected, peak)


def test_it_is_said_in_words():
    stages = {"start": 0.5, "optimization": 7_199.5}
    text = "Estimate: about 2 hours (start 0.5 s, optimization 2 hours) and 1.5 GB of memory"
    assert repr(Estimate(7_200.0, 1_500_000_000, stages)) == text


def test_bad_data_are_refused_as_in_fit(X):
    with pytest.raises(InvalidParameterError, match="must be finite"):
        TSNE().estimate(np.full((20, 3), np.nan))
    with pytest.raises(InvalidParameterError, match="`metric` must be one of data"):
        TSNE(metric="precomputed").estimate(np.zeros((20, 20)))
    with pytest.raises(InvalidParameterError, match="`perplexity` must be positive"):
        TSNE(perplexity=-1).estimate(X)


def test_more_neighbours_than_the_trial_has_rows(monkeypatch):
    monkeypatch.setattr(estimates, "_ROWS", 550)
    X = np.random.default_rng(0).normal(size=(1300, 3))
    assert TSNE(n_neighbors=600, random_state=0).estimate(X).seconds > 0
