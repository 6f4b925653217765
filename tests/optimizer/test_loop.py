"""The iteration loop."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import kernels
from opentsne_like.callbacks import Follower, Following, Hook
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, NumericalError
from opentsne_like.objectives import Edges, divergence
from opentsne_like.optimizer import LBFGS, SGD, Adam, Momentum, Schedule, Silent, StopReason, run
from opentsne_like.repulsion import RepulsionEngine, StudentT


def problem(n=300, method="auto", n_jobs=2):
    P = sparse.random(n, n, density=min(1.0, 15 / n), random_state=0)
    P = sparse.csr_matrix(P + P.T)
    P = P / P.sum()
    engine = RepulsionEngine(StudentT(1.0), method=method, n_jobs=n_jobs)
    points = np.random.default_rng(0).normal(size=(n, 2)) * 1e-4
    return points, Momentum().start(points), divergence(Edges.of(P, n_jobs=n_jobs), 1.0, engine)


def plan(n_iter, n=300, exaggeration=1.0, rate=None, n_jobs=2, **options):
    schedule = Schedule(n_iter, exaggeration=exaggeration, **options)
    return schedule.plan(n, lambda rho: n / rho if rate is None else rate, None, n_jobs)


def descend(points, state, objective, plan, watcher=None, optimizer=None):
    return run(points, state, objective, optimizer or Momentum(), plan, watcher or Silent())


def following(points, state, plan, hooks):
    return Follower(points, state, plan, Following(callbacks=hooks), "loss")


class Watcher:
    """Notes what it sees; stops, fails or writes where it is told to."""

    def __init__(self, every=10**9, stop_before=0, stop_after=0, fail_before=0, fail_after=0, write=None):
        self.every, self.stop_before, self.stop_after = every, stop_before, stop_after
        self.fail_before, self.fail_after, self.write = fail_before, fail_after, write
        self.before, self.after = [], []

    def wants_loss(self, iteration):
        return iteration % self.every == 0

    def looks(self, iteration):
        return True

    def before_step(self, iteration, loss):
        self.before.append((iteration, loss))
        if self.write is not None:
            self.write(iteration)
        if iteration == self.fail_before:
            raise RuntimeError("before")
        return iteration == self.stop_before

    def after_step(self, iteration, record):
        self.after.append((iteration, record))
        if iteration == self.fail_after:
            raise KeyboardInterrupt
        return StopReason.CALLBACK if iteration == self.stop_after else None


def bits(points, state):
    return points.tobytes(), state["update"].tobytes(), state["gains"].tobytes(), int(state.counter[0])


@pytest.mark.parametrize(("method", "n"), [("auto", 300), ("bh", 1800), ("fft", 1800)])
def test_one_by_one_is_the_same_as_all_at_once_for_any_number_of_threads(method, n):
    points, state, objective = problem(n, method, n_jobs=1)
    descend(points, state, objective, plan(50, n, 12.0, n_jobs=1))
    again, other, _ = problem(n, method)
    for k in range(50):
        objective = problem(n, method, n_jobs=k % 4 + 1)[2] if k % 10 == 0 else objective
        descend(again, other, objective, plan(1, n, 12.0, n_jobs=k % 4 + 1))
    assert bits(again, other) == bits(points, state)
    assert [r.iteration for r in other.history] == list(range(1, 51))


def test_it_goes_down_and_stays_centred():
    points, state, objective = problem()
    watcher = Watcher(every=50)
    reason, loss = descend(points, state, objective, plan(300), watcher)
    losses = [record.loss for record in state.history if record.loss == record.loss]
    assert reason is StopReason.FINISHED
    assert loss == losses[-1]
    assert len(losses) == 6
    assert np.all(np.diff(losses) < 0)
    assert losses[-1] < objective.evaluate(points * 1e-6, exaggeration=1.0, with_loss=True)[0] - 0.15
    assert np.abs(points.mean(axis=0)).max() < 1e-9


def test_the_loss_is_evaluated_only_when_somebody_wants_it():
    points, state, objective = problem()
    asked = []
    evaluate = objective.evaluate

    def noting(points, *, exaggeration, with_loss):
        asked.append(with_loss)
        return evaluate(points, exaggeration=exaggeration, with_loss=with_loss)

    objective.evaluate = noting
    watcher = Watcher(every=4)
    descend(points, state, objective, plan(12), watcher)
    assert [i + 1 for i, wanted in enumerate(asked) if wanted] == [4, 8, 12]
    assert [i for i, loss in watcher.before if loss == loss] == [4, 8, 12]
    _, loss = descend(points, state, objective, plan(3))
    assert np.isnan(loss)


def test_exaggeration_may_change_with_the_iteration_and_the_learning_rate_with_it():
    rates = []

    def rate(rho):
        rates.append(rho)
        return 100 / rho

    points, state, objective = problem()
    made = Schedule(5, exaggeration=lambda i: 12.0 - i, momentum=0.5).plan(300, rate, None, 2)
    descend(points, state, objective, made)
    assert rates == [12.0, 11.0, 10.0, 9.0, 8.0]
    assert [record.exaggeration for record in state.history] == rates


@pytest.mark.parametrize("rate", [1e30, 1e200, 1e308])
@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_an_absurd_learning_rate_ends_in_an_error_that_names_the_iteration(method, rate):
    n = 1800
    points, state, objective = problem(n, method)
    descend(points, state, objective, plan(10, n))
    seen = []

    class Keeper(Watcher):
        def after_step(self, iteration, record):
            seen.append(bits(points, state))

    before = bits(points, state)
    with (
        np.errstate(all="ignore"),
        pytest.raises(NumericalError, match=r"iteration \d+ .*learning_rate") as caught,
    ):
        descend(points, state, objective, plan(50, n, rate=rate), Keeper(), Momentum(max_step_norm=None))
    assert f"iteration {len(seen) + 1} " in str(caught.value)
    assert bits(points, state) == (seen[-1] if seen else before)
    assert np.isfinite(points).all()
    assert np.isfinite(state["update"]).all()
    assert np.isfinite(state["gains"]).all()


def test_a_gradient_that_is_not_finite_is_not_followed():
    points, state, objective = problem()
    descend(points, state, objective, plan(5))
    before = bits(points, state)
    evaluate = objective.evaluate

    def broken(points, **options):
        loss, gradient = evaluate(points, **options)
        gradient[7, 1] = np.nan
        return loss, gradient

    objective.evaluate = broken
    with pytest.raises(NumericalError, match="iteration 1 "):
        descend(points, state, objective, plan(5))
    assert bits(points, state) == before
    assert len(state.history) == 5


@pytest.mark.parametrize("failure", [{"fail_before": 4}, {"fail_after": 3}])
def test_an_exception_in_a_watcher_leaves_the_last_iteration_whole(failure):
    points, state, objective = problem()
    with pytest.raises((RuntimeError, KeyboardInterrupt)):
        descend(points, state, objective, plan(10), Watcher(**failure))
    again, other, _ = problem()
    descend(again, other, objective, plan(3))
    assert bits(points, state) == bits(again, other)
    assert len(state.history) == 3


def test_a_follower_stops_it_before_or_after_a_step():
    points, state, objective = problem()
    watcher = Watcher(stop_before=4)
    reason, _ = descend(points, state, objective, plan(10), watcher)
    assert reason is StopReason.CALLBACK
    assert state.counter[0] == 3
    assert len(watcher.before) == 4
    watcher = Watcher(stop_after=4)
    reason, _ = descend(points, state, objective, plan(10), watcher)
    assert reason is StopReason.CALLBACK
    assert state.counter[0] == 7
    assert [record.iteration for _, record in watcher.after] == [4, 5, 6, 7]


def test_a_map_that_is_moved_before_a_step_goes_on_from_there():
    points, state, objective = problem()
    before = np.random.default_rng(1).normal(size=points.shape)

    def move(iteration):
        if iteration == 3:
            points[:] = before

    descend(points, state, objective, plan(3), Watcher(write=move))
    again, other, _ = problem()
    descend(again, other, objective, plan(2))
    again[:] = before
    descend(again, other, objective, plan(1))
    assert bits(points, state) == bits(again, other)


def test_fixed_points_stay_bit_for_bit_and_nothing_is_centred():
    points, state, objective = problem()
    points += 1.0
    fixed = np.arange(300) % 3 == 0
    before = points.copy()
    descend(points, state, objective, plan(30, fixed=fixed))
    assert points[fixed].tobytes() == before[fixed].tobytes()
    assert not state["update"][fixed].any()
    assert np.all(state["gains"][fixed] == 1)
    assert np.all((points[~fixed] != before[~fixed]).any(axis=1))


def test_the_first_iterations_follow_a_plain_twin():
    points, state, objective = problem(100)
    objective.edges = Edges.of(
        sparse.csr_matrix((objective.edges.weights, objective.edges.indices, objective.edges.indptr), shape=(100, 100)),
        dtype=np.float64,
    )
    twin, velocity, gains = points.copy(), np.zeros_like(points), np.ones_like(points)
    for _ in range(20):
        gradient = objective.evaluate(twin, exaggeration=4.0, with_loss=False)[1]
        gains = np.where(np.sign(velocity) != np.sign(gradient), gains + 0.2, gains * 0.8 + 0.01)
        velocity = 0.8 * velocity - 25.0 * gains * gradient
        norms = np.linalg.norm(velocity, axis=1, keepdims=True)
        velocity *= np.minimum(1, 0.01 / np.maximum(norms, 1e-300))
        twin = twin + velocity
        twin -= twin.mean(axis=0)
    descend(points, state, objective, plan(20, 100, 4.0), optimizer=Momentum(max_step_norm=0.01))
    np.testing.assert_allclose(points, twin, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(state["gains"], gains, rtol=1e-9)


def test_zero_iterations_change_nothing():
    points, state, objective = problem()
    before = bits(points, state)
    reason, loss = descend(points, state, objective, plan(0))
    assert reason is StopReason.FINISHED
    assert np.isnan(loss)
    assert bits(points, state) == before


def test_a_finished_map_shows_nothing_of_the_grid():
    """Points lie anywhere in their cells: y / h modulo 1 is uniform."""
    n = 1800
    points, state, objective = problem(n, "fft")
    descend(points, state, objective, plan(60, n, 12.0))
    descend(points, state, objective, plan(150, n))
    spacing = objective.engine._grid(np.ptp(points, axis=0)).spacing
    assert np.ptp(points) > 20 * spacing
    phases = np.sort(points / spacing % 1.0, axis=0)
    steps = (np.arange(n) + 0.5)[:, None] / n
    assert np.abs(phases - steps).max() < 1.63 / np.sqrt(n)  # Kolmogorov and Smirnov at 1 %


def test_ctrl_c_in_the_commit_leaves_counter_history_and_watchers_of_one_mind(monkeypatch):
    commit = kernels.update.commit
    for lost in (False, True):  # the interrupt arrives after the compiled call, or before it
        points, state, objective = problem()

        def interrupted(*args, state=state, lost=lost):
            last = state.counter[0] == 6
            if not (last and lost):
                commit(*args)
            if last:
                raise KeyboardInterrupt

        done = []

        class Ender(Hook):
            def end(self, progress, done=done):
                done.append((progress.iteration, progress.total))

        made = plan(10)
        monkeypatch.setattr(kernels.update, "commit", interrupted)
        with pytest.raises(KeyboardInterrupt), following(points, state, made, [Ender()]) as follower:
            descend(points, state, objective, made, follower)
        monkeypatch.setattr(kernels.update, "commit", commit)
        count = 6 if lost else 7
        assert int(state.counter[0]) == count
        assert [record.iteration for record in state.history] == list(range(1, count + 1))
        assert done == [(count, count)]
        again, other, _ = problem()
        descend(again, other, objective, plan(count))
        assert bits(points, state) == bits(again, other)


def test_a_history_that_is_shorter_than_the_counter_is_not_cut():
    points, state, objective = problem()
    descend(points, state, objective, plan(4))
    del state.history[:2]
    descend(points, state, objective, plan(3))
    assert [record.iteration for record in state.history] == [3, 4, 5, 6, 7]


class Tale(Hook):
    """Tells of its start and end; fails where it is told to."""

    def __init__(self, name, told, fails=""):
        self.name, self.told, self.fails = name, told, fails

    def _tell(self, what):
        self.told.append(f"{self.name} {what}")
        if what == self.fails:
            raise RuntimeError(f"{self.name} {what}")

    def start(self, progress):
        self._tell("starts")

    def end(self, progress):
        self._tell("ends")


def test_what_was_started_is_ended_whoever_fails():
    points, state, _ = problem()
    told = []
    hooks = [Tale("a", told), Tale("b", told, "starts"), Tale("c", told)]
    with pytest.raises(RuntimeError, match="b starts"), following(points, state, plan(2), hooks):
        pass
    assert told == ["a starts", "b starts", "a ends"]
    told.clear()
    hooks = [Tale("a", told), Tale("b", told, "ends"), Tale("c", told)]
    with pytest.raises(RuntimeError, match="b ends"), following(points, state, plan(2), hooks):
        pass
    assert sorted(told[3:]) == ["a ends", "b ends", "c ends"]


@pytest.mark.parametrize(("n_iter", "first"), [(0, 0), (3, 0), (3, 2), (3, 3)])
def test_an_exaggeration_function_is_asked_only_for_iterations_that_there_are(n_iter, first):
    asked = []

    def factor(iteration):
        asked.append(iteration)
        return [4.0, 3.0, 2.0][:n_iter][iteration]

    points, state, objective = problem()
    made = plan(n_iter, exaggeration=factor, first_iteration=first)
    with following(points, state, made, [Hook()]) as follower:
        descend(points, state, objective, made, follower)
    assert set(asked) <= set(range(n_iter))
    assert state.counter[0] == n_iter - first


def test_an_interrupted_tidying_leaves_two_buffers():
    """Ctrl-C in the middle of `drop_spare` leaves the current buffers in both places; no step is made on it."""
    _, state, _ = problem()
    state._buffers = [state._current, state._current]
    assert state.spare["gains"] is not state["gains"]
    assert state.spare["gains"] is state.spare["gains"]


@pytest.mark.parametrize("value", ["no", None, 2])
def test_gains_are_used_or_not(value):
    with pytest.raises(InvalidParameterError, match="`use_gains`"):
        Momentum(use_gains=value)


class Pull:
    """An objective whose gradient comes in a form of its own."""

    def __init__(self, form):
        self.form = form

    def evaluate(self, points, *, exaggeration, with_loss):
        return 0.0, self.form(points / 4)


@pytest.mark.parametrize("form", [lambda g: g[:3], lambda g: g[:, :1], lambda g: g.ravel(), lambda g: 0.0])
def test_a_gradient_of_another_shape_is_refused(form):
    points = np.random.default_rng(0).normal(size=(300, 2))
    before, state = points.copy(), Momentum().start(points)
    with pytest.raises(InvalidTypeError, match=r"`evaluate` must return a gradient of shape \(300, 2\), got"):
        descend(points, state, Pull(form), plan(2, rate=0.1))
    np.testing.assert_array_equal(points, before)
    assert state.counter[0] == len(state.history) == 0


class Says:
    """An objective that returns something else than a loss and a gradient."""

    def __init__(self, said):
        self.said = said

    def evaluate(self, points, *, exaggeration, with_loss):
        return self.said


@pytest.mark.parametrize("said", [None, 1.0, (1.0,), (1.0, np.zeros((300, 2)), 2.0)])
@pytest.mark.parametrize(
    "optimizer", [Momentum(), Adam(), SGD(), LBFGS()], ids=lambda optimizer: type(optimizer).__name__
)
def test_what_is_no_loss_and_gradient_is_refused(optimizer, said):
    points = np.random.default_rng(0).normal(size=(300, 2))
    before, state = points.copy(), optimizer.start(points)
    with pytest.raises(InvalidTypeError, match=r"`evaluate` must return \(loss, gradient\), got "):
        descend(points, state, Says(said), plan(2, rate=0.1), optimizer=optimizer)
    np.testing.assert_array_equal(points, before)
    assert state.counter[0] == len(state.history) == 0


@pytest.mark.parametrize("form", [np.asfortranarray, np.ndarray.tolist, lambda g: np.repeat(g, 2, axis=0)[::2]])
def test_a_gradient_may_lie_in_any_order(form):
    start = np.random.default_rng(0).normal(size=(300, 2))
    points, expected = start.copy(), start.copy()
    descend(points, Momentum().start(points), Pull(form), plan(3, rate=0.1))
    descend(expected, Momentum().start(expected), Pull(np.array), plan(3, rate=0.1))
    np.testing.assert_array_equal(points, expected)
