"""Problems: their values, their solutions, what lives on in the embedding, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from opentsne_like import Embedding, load, mde
from opentsne_like.callbacks import Checkpoint
from opentsne_like.errors import (
    InvalidObjectError,
    InvalidParameterError,
    InvalidTypeError,
    NumericalError,
    OpenTSNEWarning,
    UnavailableError,
)
from opentsne_like.mde import losses, penalties
from tests.objectives.test_distortion import EDGES, TARGETS, WEIGHTS, N, Y


def quadratic(**options):
    return mde.MDE(N, 2, EDGES, losses.Quadratic(TARGETS), **options)


def test_distances_distortions_and_the_worst_pairs_come_in_the_order_of_the_edges():
    turned, order = EDGES[:, ::-1], np.random.default_rng(0).permutation(len(EDGES))
    problem = mde.MDE(N, 2, turned[order], losses.Quadratic(TARGETS[order]))
    d = np.linalg.norm(Y[EDGES[order, 0]] - Y[EDGES[order, 1]], axis=1)
    np.testing.assert_allclose(problem.distances(Y), d)
    np.testing.assert_allclose(problem.distortions(Y), (d - TARGETS[order]) ** 2)
    np.testing.assert_allclose(np.linalg.norm(problem.differences(Y), axis=1), d)
    np.testing.assert_allclose(problem.average_distortion(Y), ((d - TARGETS[order]) ** 2).mean())
    pairs, values = problem.high_distortion_pairs(Y)
    assert (np.diff(values) <= 0).all()
    np.testing.assert_array_equal(pairs[0], EDGES[order][np.argmax(problem.distortions(Y))])


def test_the_solution_has_pymdes_value():
    problem = quadratic()
    X = problem.embed(Y, eps=1e-7, max_iter=1000)
    np.testing.assert_allclose(problem.value, 0.20868052542209625, rtol=1e-5)
    assert problem.X is X
    assert isinstance(X, Embedding)
    assert problem.residual_norm < 1e-3
    stats = problem.solve_stats
    assert stats.iterations == X.n_iter_ == len(stats.times)
    assert stats.average_distortions[0] > problem.value


def test_anchors_stay_and_the_solution_has_pymdes_value():
    problem = quadratic(constraint=mde.Anchored([0, 3], Y[[0, 3]]))
    X = problem.embed(Y, eps=1e-7, max_iter=1000)
    np.testing.assert_allclose(problem.value, 0.3615635931491852, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(X)[[0, 3]], Y[[0, 3]])


def test_a_sphere_and_a_constraint_of_ones_own():
    class Circle(mde.Constraint):
        def name(self):
            return "circle"

        def initialization(self, n_items, embedding_dim, device=None):
            return self.project_onto_constraint(np.random.default_rng(0).normal(size=(n_items, embedding_dim)))

        def project_onto_constraint(self, Z, inplace=True):
            return 2.0 * Z / np.linalg.norm(Z, axis=1, keepdims=True)

        def project_onto_tangent_space(self, X, Z, inplace=True):
            return Z - (X * Z).sum(axis=1, keepdims=True) * X / 4

    values = []
    for constraint in (mde.Sphere(2.0), Circle()):
        problem = quadratic(constraint=constraint)
        X = problem.embed(Y)
        np.testing.assert_allclose(np.linalg.norm(X, axis=1), 2.0)
        values.append(problem.value)
        with pytest.raises(InvalidParameterError, match="`constraint` must go by a name"):
            X.save("map.npz")
    np.testing.assert_allclose(*values, rtol=1e-6)


def test_a_function_of_ones_own_has_the_solution_of_the_losses():
    own = mde.MDE(N, 2, EDGES, lambda d: (d - TARGETS) ** 2)
    own.embed(Y)
    known = quadratic()
    known.embed(Y)
    np.testing.assert_allclose(own.value, known.value, rtol=1e-5)


def test_weights_and_targets_of_each_edge():
    both = mde.MDE(N, 2, EDGES, losses.Huber(TARGETS, 0.5, weights=WEIGHTS))
    plain = mde.MDE(N, 2, EDGES, losses.Huber(TARGETS, 0.5))
    np.testing.assert_allclose(both.distortions(Y), WEIGHTS * plain.distortions(Y))
    np.testing.assert_allclose(both.average_distortion(Y), both.distortions(Y).mean())
    weighted = mde.MDE(N, 2, EDGES, losses.WeightedQuadratic(TARGETS))
    np.testing.assert_allclose(weighted.average_distortion(Y), 0.8257948756217957, rtol=1e-6)


def test_a_penalty_on_positions():
    """Differences of the twin; the pull to the axis wins where it is heavy."""
    goal = np.linspace(-1, 1, N)
    pulled = mde.PositionPenalty(lambda x: (x[:, 0] - goal) ** 2, weight=0.7)
    given = mde.PositionPenalty(pulled.function, lambda x: np.c_[2 * (x[:, 0] - goal), 0 * goal], weight=0.7)
    problems = [quadratic(position_penalty=penalty, constraint=mde.Anchored([0], Y[:1])) for penalty in (pulled, given)]
    value = quadratic().average_distortion(Y) + 0.7 * ((Y[:, 0] - goal) ** 2).mean()
    for problem in problems:
        np.testing.assert_allclose(problem.average_distortion(Y), value)
    embeddings = [problem.embed(Y) for problem in problems]
    np.testing.assert_allclose(problems[0].value, problems[1].value, rtol=1e-6)
    np.testing.assert_allclose(embeddings[1].point_losses().sum(), problems[1].value)
    heavy = quadratic(position_penalty=mde.PositionPenalty(pulled.function, weight=1e4), constraint=mde.Sphere(2.0))
    assert np.abs(np.asarray(heavy.embed(Y))[:, 0] - goal).max() < 0.01
    with pytest.raises(InvalidParameterError, match="`positions` must be None to be stored"):
        embeddings[0].save("map.npz")
    wrong = mde.PositionPenalty(pulled.function, lambda x: x)
    for penalty, message in (
        (wrong, "`derivative` must be that of `function`"),
        (mde.PositionPenalty(lambda x: x), r"must return numbers of shape \(12,\)"),
    ):
        with pytest.raises(InvalidParameterError, match=message):
            quadratic(position_penalty=penalty).embed(Y)
    with pytest.raises(InvalidObjectError, match="`function` must be a function of coordinates, got 3"):
        mde.PositionPenalty(3)


def test_the_embedding_lives_on(tmp_path):
    problem = quadratic(constraint=mde.Standardized())
    X = problem.embed(Y, max_iter=10, callbacks=Checkpoint(tmp_path / "run.npz", every=3))
    X.save(tmp_path / "map.npz")
    again = load(tmp_path / "map.npz")
    np.testing.assert_array_equal(again.optimize(5), X.optimize(5))
    np.testing.assert_array_equal(load(tmp_path / "run.npz"), X)
    quadratic(constraint=mde.Standardized()).embed(Y, max_iter=4, callbacks=Checkpoint(tmp_path / "cut.npz", every=2))
    np.testing.assert_array_equal(load(tmp_path / "cut.npz").optimize(6), X)
    np.testing.assert_allclose(X.T @ X / N, np.eye(2), atol=1e-9)
    freed = X.optimize(50, constraint="centered")
    assert freed.loss_value < X.loss_value
    assert not np.allclose(freed.T @ freed / N, np.eye(2), atol=1e-3)
    with pytest.raises(UnavailableError, match="know no data"):
        X.transform(Y)


def test_the_same_problem_gives_the_same_bits_on_any_number_of_threads():
    one, other = (quadratic(n_jobs=jobs).embed() for jobs in (1, 3))
    np.testing.assert_array_equal(one, other)
    mde.seed(1)
    try:
        assert not np.array_equal(one, quadratic().embed())
    finally:
        mde.seed(0)


def test_pictures_and_films(tmp_path):
    problem = quadratic()
    problem.embed(snapshot_every=40)
    assert len(problem.plot(color_by=np.arange(N), edges=EDGES[:4], savepath=tmp_path / "a.png").axes) >= 1
    mde.plot(Y, colors=np.zeros((N, 4)), axis_limits=(-3, 3), background_color="black")
    mde.plot(Y, color_by=np.linspace(0, 1, N), color_map="viridis")
    assert problem.distortions_cdf().axes[0].get_xlabel() == "distortion"
    problem.play(savepath=tmp_path / "a.gif", figsize_inches=(2, 2))
    assert (tmp_path / "a.gif").read_bytes()[:3] == b"GIF"
    for wrong in ({"colors": [[0, 0, 0]], "color_by": np.arange(N)}, {"edges": [[0, N]]}):
        with pytest.raises(InvalidParameterError, match=r"`colors` must be None|`edges` must name points"):
            mde.plot(Y, **wrong)


def test_steps_are_said(capsys):
    quadratic().embed(max_iter=20, verbose=True, print_every=10)
    assert "average distortion" in capsys.readouterr().out


def test_only_pulling_weights_are_warned_of():
    with pytest.warns(OpenTSNEWarning, match="all items fall together"):
        mde.MDE(N, 2, EDGES, penalties.Quadratic(WEIGHTS))
    with pytest.warns(OpenTSNEWarning, match="all items fall together"):
        mde.MDE(N, 2, EDGES, penalties.Quadratic(WEIGHTS), mde.Sphere(1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mde.MDE(N, 2, EDGES, penalties.Quadratic(WEIGHTS), mde.Standardized())
        mde.MDE(N, 2, EDGES, penalties.Quadratic(WEIGHTS), repulsion="all")
        mde.MDE(N, 2, EDGES, penalties.PushAndPull(np.where(WEIGHTS > 1, WEIGHTS, -1.0)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mde.MDE(1, 2, [[0, 1]], losses.Absolute(1.0)), "`n_items` must be at least 2, got 1"),
        (lambda: mde.MDE(2, 3, [[0, 1]], losses.Absolute(1.0)), "`n_items` must be at least `embedding_dim`, 3, got 2"),
        (lambda: mde.MDE(2, 2, [[0, 1]], losses.Absolute(1.0), mde.Standardized()), "`embedding_dim` must be below"),
        (lambda: mde.MDE(4, 2, [[0, 4]], losses.Absolute(1.0)), "`edges` must name points from 0 to 3"),
        (lambda: mde.MDE(4, 2, [[-1, 2]], losses.Absolute(1.0)), r"got \(-1, 2\) in row 0"),
        (lambda: mde.MDE(4, 2, [[2, 2]], losses.Absolute(1.0)), "`edges` must join two different points"),
        (lambda: mde.MDE(4, 2, [[1, 2], [2, 1]], losses.Absolute(1.0)), "`edges` must not repeat a pair"),
        (lambda: mde.MDE(4, 2, [[1, 2, 3]], losses.Absolute(1.0)), "`edges` must have shape"),
        (lambda: mde.MDE(4, 2, np.zeros((0, 2), int), losses.Absolute(1.0)), "`edges` must be one at least"),
        (lambda: mde.MDE(4, 2, [[1, 2]], losses.Absolute([1.0, 2.0])), "`deviations` must be 1 numbers, one for each"),
        (lambda: mde.MDE(4, 2, [[1, 2]], penalties.Linear([1.0, 2.0])), "`weights` must be 1 numbers, one for each"),
        (lambda: mde.MDE(4, 2, [[1, 2]], losses.Absolute), "`distortion_function` must be a penalty or a loss"),
        (
            lambda: mde.MDE(4, 2, [[1, 2]], losses.Absolute(1.0), "centered"),
            "`constraint` must be a Constraint such as",
        ),
        (lambda: mde.MDE(4, 2, [[1, 2]], losses.Absolute(1.0), device="cuda"), "`device` must be one of 'cpu'"),
        (lambda: losses.Absolute([1.0, -1.0]), "`deviations` must be 0 or more, got -1 for edge 1"),
        (lambda: losses.Fractional([1.0, 0.0]), "`deviations` must be positive, since .*, got 0 for edge 1"),
        (lambda: losses.WeightedQuadratic([1.0, 0.0]), "`deviations` must be positive to be weighted"),
        (lambda: losses.Absolute([np.nan]), "`deviations` must be finite, got nan for edge 0"),
        (lambda: penalties.InvPower([-1.0, 2.0]), "`weights` must be 0 or negative, since .*, got 2 for edge 1"),
        (lambda: penalties.Log(0.5), "`weights` must be 0 or negative, since .*, got 0.5 for edge 0"),
        (lambda: penalties.LogRatio([-1.0, 2.0]), "`weights` must be 0 or negative, since .*, got 2 for edge 1"),
        (lambda: penalties.PushAndPull([1.0, -1.0], penalties.InvPower), "`weights` must be 0 or negative"),
        (lambda: penalties.PushAndPull([1.0, -1.0], penalties.Log), "`weights` must be 0 or negative"),
        (lambda: losses.Absolute([1.0, 1.0], weights=[1.0, -1.0]), "`weights` must be 0 or more, got -1 for edge 1"),
        (lambda: mde.MDE(4, 2, [[1, 2]], losses.Absolute(1.0, weights=[1.0, 2.0])), "`weights` must be 1 numbers"),
        (lambda: mde.MDE(4, 2, [["a", "b"]], losses.Absolute(1.0)), "`edges` must be numeric, got the text 'a'"),
        (lambda: mde.MDE(4, 2, [[0, 1], [2]], losses.Absolute(1.0)), "`edges` must be a rectangular table"),
        (lambda: mde.MDE(4, 2, None, losses.Absolute(1.0)), "`edges` must be an array of numbers, got None"),
        (lambda: mde.MDE(4, 2, [[0.0, np.nan]], losses.Absolute(1.0)), "`edges` must be integers, got dtype float64"),
        (lambda: mde.MDE(4, 0, [[0, 1]], losses.Absolute(1.0)), "`embedding_dim` must be at least 1, got 0"),
        (lambda: mde.Anchored([0, 0], [[0.0, 1.0], [2.0, 3.0]]), "`anchors` must name each item once, got 0 twice"),
        (lambda: mde.Anchored([0], [[np.nan, 0.0]]), "`values` must be finite, got nan"),
        (lambda: quadratic().embed(Y * np.nan), "`X` must be finite, got nan"),
        (lambda: quadratic(constraint=mde.Standardized()).embed(0 * Y), "map without extent in each"),
        (lambda: quadratic(constraint=mde.Sphere(1.0)).embed(0 * Y), "`X` must be such that it can be brought onto"),
        (
            lambda: mde.MDE(N, 2, EDGES, penalties.Log(-1.0 * WEIGHTS)).embed(0 * Y),
            r"returned inf for the edge \(0, 1\)",
        ),
        (
            lambda: mde.MDE(N, 2, EDGES, lambda d: 1j * d).embed(Y),
            "`distortion_function` must be numeric, got dtype comp",
        ),
        (lambda: mde.MDE(N, 2, EDGES, lambda d: "far").embed(Y), "`distortion_function` must be an array of numbers"),
        (
            lambda: mde.MDE(N, 2, EDGES, mde.Function(np.square, lambda d: d * np.nan)).embed(Y),
            "`derivative` must be that of `function`, got nan at the length",
        ),
        (lambda: penalties.PushAndPull([1.0, -1.0], abs), "`attractive_penalty` must make a penalty of weights"),
        (lambda: mde.Anchored([0, 0], np.zeros((2, 2))), "`anchors` must name each item once, got 0 twice"),
        (lambda: mde.Anchored([0], np.zeros((2, 2))), "`values` must have 1 rows"),
        (lambda: quadratic(constraint=mde.Anchored([N], np.zeros((1, 2)))), "`anchors` must be items from 0 to 11"),
        (lambda: quadratic(constraint=mde.Anchored([1], np.zeros((1, 3)))), "`values` must have 2 columns"),
        (lambda: quadratic().embed(np.zeros((3, 2))), r"`X` must have shape \(12, 2\), got \(3, 2\)"),
        (lambda: quadratic().embed(eps=-1), "`eps` must be at least 0, got -1"),
        (lambda: quadratic().embed(memory_size=0), "`memory_size` must be at least 1, got 0"),
        (lambda: quadratic().distances(), "`X` must be given before `embed` was called"),
        (lambda: quadratic().play(savepath="a.gif"), "there are no snapshots to play"),
        (lambda: mde.MDE(N, 2, EDGES, lambda d: d * np.nan).embed(Y), r"returned NaN for the edge \(0, 1\) of length"),
        (lambda: mde.MDE(N, 2, EDGES, np.sum).embed(Y), "must return 66 numbers, one for each edge"),
        (
            lambda: mde.MDE(N, 2, EDGES, mde.Function(np.square, abs)).embed(Y),
            "`derivative` must be that of `function`",
        ),
        (lambda: mde.rotate(Y, [1, 2, 3]), "`degrees` must be 1 numbers for 2 columns"),
        (lambda: mde.rotate(Y, "half"), "`degrees` must be an array of numbers, got 'half'"),
        (lambda: mde.rotate(np.eye(4), 1), "`X` must have 2 or 3 columns"),
        (lambda: mde.seed(-1), "`seed` must be at least 0, got -1"),
    ],
)
def test_bad_input_gets_one_clear_error(make, message):
    kinds = (InvalidParameterError, InvalidTypeError, InvalidObjectError, UnavailableError, NumericalError)
    with pytest.raises(kinds, match=message):
        make()


def test_a_distortion_that_becomes_nan_keeps_the_last_good_map():
    problem = mde.MDE(N, 2, EDGES, lambda d: np.where(d > 50, np.nan, -d))
    with pytest.raises(NumericalError, match=r"returned NaN for the edge"):
        problem.embed(Y)
    assert np.isfinite(problem.X).all()


def test_turning_and_centring():
    square = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    for degrees in ([90, 0, 0], [0, 90, 0], [0, 0, 90], [10, 20, 30]):
        turned = mde.rotate(square, degrees)
        np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(turned), 1.0)
    np.testing.assert_allclose(mde.rotate(square, [0, 0, 90])[0], [0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(mde.center(Y).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(mde.align(mde.rotate(Y, 40), Y), Y, atol=1e-9)
