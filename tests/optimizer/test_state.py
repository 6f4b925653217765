"""The state of an optimizer: buffers, arrays, copies."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError
from opentsne_like.optimizer import Momentum, Proposal, Record, State


def made(points, n=3):
    """Return a state that has made `n` steps of nothing."""
    state = Momentum().start(points)
    for i in range(n):
        state.spare["gains"][:] = i
        state.spare["update"][:] = -i
        proposal = Proposal(points + 1.0, points.mean(axis=0), np.ones(points.shape[1]), 0.5, 1.0)
        state.commit(points, proposal, Record(i + 1, 0.5, 1.0, 1.0, 0.0))
    return state


def test_a_step_is_made_beside_the_current_buffers_and_good_when_it_is_committed():
    points = np.zeros((4, 2))
    state = Momentum().start(points)
    state.spare["gains"][:] = 7.0
    assert (state["gains"] == 1.0).all()
    proposal = Proposal(np.full((4, 2), 3.0), np.full(2, 3.0), np.ones(2), 0.0, 0.0)
    state.commit(points, proposal, Record(1, 0.0, 0.0, 1.0, 0.0))
    assert (state["gains"] == 7.0).all()
    assert (points == 2.0).all()
    assert state.counter[0] == len(state.history) == 1


@pytest.mark.parametrize("way", ["copy", "pickle", "arrays"])
def test_a_state_travels(way):
    state = made(np.zeros((4, 2)))
    state.carried["total"] = np.array([2.0])
    if way == "arrays":
        other = State.from_arrays(state.arrays())
    else:
        other = state.copy() if way == "copy" else pickle.loads(pickle.dumps(state))
    assert sorted(other) == sorted(state)
    for name in state:
        np.testing.assert_array_equal(other[name], state[name])
        assert other[name] is not state[name] or way != "copy"
    assert other.counter[0] == 3
    assert other.counter is not state.counter
    assert other.history == state.history
    assert other.carried["total"] == 2.0


def test_a_copy_in_the_middle_of_a_commit_has_the_history_of_its_counter():
    state = made(np.zeros((4, 2)))
    state.history.append(Record(4, 0.5, 1.0, 1.0, 0.0))  # the record is there before the commit
    assert [record.iteration for record in state.copy().history] == [1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [
        {"counter": np.array([-1])},
        {"counter": np.array([2])},
        {"counter": np.array([3.0])},
        {"counter": np.array([3, 3])},
        {"counter": np.array([2**63], np.uint64)},
        {"history": np.zeros((3, 4))},
        {"history": np.zeros((3, 5))},
        {"history": np.full((3, 5), np.nan)},
        {"history": np.zeros((3, 5), np.float32)},
        {"history": np.arange(20.0).reshape(4, 5)},
    ],
)
def test_counter_and_history_go_together(change):
    with pytest.raises(InvalidParameterError, match=r"the (counter|history) of iterations"):
        State.from_arrays({**made(np.zeros((4, 2))).arrays(), **change})


def test_growing_keeps_what_is_of_the_whole_map():
    state = made(np.zeros((4, 2)))
    state["log_dof"] = np.ones((3, 1))
    state.carried["total"] = np.array([2.0])
    grown = state.grown(Momentum().start(np.zeros((6, 2))), (4, 2))
    np.testing.assert_array_equal(grown["gains"], [[2.0, 2.0]] * 4 + [[1.0, 1.0]] * 2)
    np.testing.assert_array_equal(grown["log_dof"], np.ones((3, 1)))
    assert grown.carried == {}
    assert grown.counter[0] == 3
    other = state.grown(State({"mean": np.zeros((6, 2))}), (4, 2))
    assert list(other) == ["mean", "log_dof"], "rows of an optimizer that knows nothing of the new points"


def test_what_is_of_all_points_together_begins_anew_when_they_are_more():
    state = State({"steps": np.ones((3, 4, 2)), "gradient": np.ones((4, 2)), "memory": np.ones(5)})
    fresh = State({"steps": np.zeros((3, 6, 2)), "gradient": np.zeros((6, 2)), "memory": np.zeros(5)})
    grown = state.grown(fresh, (4, 2))
    assert not grown["steps"].any()
    assert not grown["memory"].any()
    np.testing.assert_array_equal(grown["gradient"], [[1.0, 1.0]] * 4 + [[0.0, 0.0]] * 2)


def test_a_ring_is_there_once_and_its_slot_is_named_by_the_commit():
    points = np.zeros((4, 2))
    state = State({"steps": np.zeros((2, 4, 2)), "newest": np.zeros(1)})
    assert state.spare["steps"] is state["steps"]
    state["steps"][1] = 5.0
    state.spare["newest"][:] = 1.0
    assert state["newest"][0] == 0.0
    state.commit(points, Proposal(points, np.zeros(2), np.zeros(2), 0.0, 0.0), Record(1, 0.0, 0.0, 1.0, 0.0))
    assert state["newest"][0] == 1.0
    assert state.copy()["steps"] is not state["steps"]


def test_what_was_carried_from_trials_is_made_good_with_the_step():
    points = np.zeros((4, 2))
    state = Momentum().start(points)
    state.carried["verdict"] = np.zeros(1)
    proposal = Proposal(points, np.zeros(2), np.zeros(2), 0.0, 0.0)
    with state.trying():
        state.carried.pop("verdict")
        state.carried["total"] = np.ones(1)
    assert list(state.carried) == ["verdict"]
    state.commit(points, proposal, Record(1, 0.0, 0.0, 1.0, 0.0))
    assert list(state.carried) == ["total"]
    with pytest.raises(KeyError), state.trying():
        state.carried.pop("what is not there")
    state.commit(points, proposal, Record(2, 0.0, 0.0, 1.0, 0.0))
    assert list(state.carried) == ["total"]


def test_what_nobody_writes_in_a_run_stays():
    points = np.zeros((4, 2))
    state = Momentum().start(points)
    state["log_dof"] = np.full((3, 1), 0.5)
    for i in range(3):
        state.spare["gains"][:] = i
        proposal = Proposal(points + 1.0, points.mean(axis=0), np.ones(2), 0.5, 1.0)
        state.commit(points, proposal, Record(i + 1, 0.5, 1.0, 1.0, 0.0))
        np.testing.assert_array_equal(state["log_dof"], np.full((3, 1), 0.5))
        np.testing.assert_array_equal(state["update"], np.zeros((4, 2)))
