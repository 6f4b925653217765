"""The average distortion: PyMDE's numbers, a twin in float64, optima that are known, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from opentsne_like import distortions as dist
from opentsne_like import load
from opentsne_like.affinity import GivenEdges, NeighborEdges
from opentsne_like.embedding import Embedding
from opentsne_like.errors import InvalidObjectError, InvalidParameterError, NumericalError, UnavailableError
from opentsne_like.objectives import Context, Distortion, Parts, PlacedDistortion
from opentsne_like.optimizer import LBFGS
from opentsne_like.repulsion import SoftenedLog
from tests.distortions.twins import EVERY

N = 12
i = np.arange(N)
Y = np.c_[np.cos(1.7 * i) * (1 + 0.1 * i), np.sin(2.3 * i) * (1 + 0.05 * i)]
X = np.c_[np.cos(1.1 * i), np.sin(0.7 * i) + 0.1 * i, np.cos(i * i / 5)]
EDGES = np.array([(a, b) for a in range(N) for b in range(a + 1, N)])
D2 = ((X[:, None] - X[None]) ** 2).sum(axis=2)
WEIGHTS = 1 + 0.5 * np.cos(np.arange(len(EDGES)))
TARGETS = np.sqrt(D2[EDGES[:, 0], EDGES[:, 1]]) + 0.1
GOLDEN = {  # PyMDE's value and the first row of its gradient, in float32
    dist.LinearPenalty(): (1.9919347763061523, 0.06302787363529205, 0.013140087947249413),
    dist.QuadraticPenalty(): (4.776607036590576, 0.3288411498069763, -0.00793895311653614),
    dist.CubicPenalty(): (12.703115463256836, 1.2162336111068726, -0.10766039788722992),
    dist.PowerPenalty(1.7): (3.625368356704712, 0.21261414885520935, 0.0030430329497903585),
    dist.HuberPenalty(0.5): (0.8706222772598267, 0.03226378187537193, 0.007493616081774235),
    dist.LogisticPenalty(1.0): (3.307962417602539, 0.20437747240066528, -0.00663392711430788),
    dist.Log1pPenalty(): (1.270761489868164, 0.02985323593020439, 0.012480263598263264),
    dist.LogPenalty(): (0.274067223072052, 0.00957491621375084, -0.020675545558333397),
    dist.InvPowerPenalty(): (0.7470301389694214, 0.04247089847922325, -0.03425426036119461),
    dist.LogRatioPenalty(): (0.4541400671005249, 0.027728620916604996, -0.04251335188746452),
    dist.AbsoluteDeviation(): (0.9663646817207336, 0.07549149543046951, -0.01854974776506424),
    dist.QuadraticDeviation(): (1.3154898881912231, 0.16637122631072998, 0.010886556468904018),
    dist.CubicDeviation(): (2.102529287338257, 0.3767024576663971, 0.09937245398759842),
    dist.HuberDeviation(0.5): (0.7374509572982788, 0.06676026433706284, -0.00666385143995285),
    dist.LogisticDeviation(): (1.3251317739486694, 0.055171407759189606, -0.009131558239459991),
    dist.FractionalDeviation(): (1.113650918006897, 0.2935428023338318, 0.14225590229034424),
    dist.SoftFractionalDeviation(): (1.0479061603546143, 0.2934197783470154, 0.14542675018310547),
}
NEGATIVE = (dist.LogPenalty, dist.InvPowerPenalty, dist.LogRatioPenalty)


def bound(loss, P):
    return loss.bind(P, Context(n_jobs=1, state=None, parts=Parts()))


def evaluated(loss, P, points):
    """Return the value and the whole gradient."""
    value, gradient = bound(loss, P).evaluate(points, exaggeration=1.0, with_loss=True)
    return value, 4 * gradient


@pytest.mark.parametrize("function", GOLDEN, ids=repr)
def test_the_golden_numbers(function):
    numbers = TARGETS if function.takes == "targets" else WEIGHTS * (-1 if isinstance(function, NEGATIVE) else 1)
    value, gradient = evaluated(Distortion(function), GivenEdges(EDGES, numbers, n_samples=N).P, Y)
    np.testing.assert_allclose([value, *gradient[0]], GOLDEN[function], rtol=2e-6, atol=2e-7)


def test_a_weighted_deviation_has_the_golden_numbers():
    P = GivenEdges(EDGES, TARGETS, factors=1 / TARGETS**2, n_samples=N).P
    value, gradient = evaluated(Distortion(dist.QuadraticDeviation()), P, Y)
    golden = (0.8257948756217957, 0.21452541649341583, -0.06875421106815338)
    np.testing.assert_allclose([value, *gradient[0]], golden, rtol=2e-6)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("spread", [1.0, 1e-3])
@pytest.mark.parametrize(
    "function", [dist.PushAndPull(dist.Log1pPenalty(), dist.LogPenalty()), dist.QuadraticDeviation()], ids=repr
)
def test_the_twin_and_differences(function, dimension, spread):
    """A sum over all edges in float64; on spread and on clustered maps."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(30, dimension)) * spread + rng.integers(3, size=(30, 1))
    pairs = np.array([(a, b) for a in range(30) for b in range(a + 1, 30)])[::3]
    numbers = rng.uniform(0.5, 1.5, len(pairs)) * (
        rng.choice([-1, 1], len(pairs)) if function.takes == "weights" else 1
    )
    P = GivenEdges(pairs[::-1], numbers[::-1], n_samples=30).P

    def twin(at):
        return EVERY[function](numbers, np.linalg.norm(at[pairs[:, 0]] - at[pairs[:, 1]], axis=1)).mean()

    value, gradient = evaluated(Distortion(function), P, points)
    np.testing.assert_allclose(value, twin(points), rtol=1e-12)
    step = np.zeros_like(points)
    step[3, 0] = 1e-5 * spread
    difference = (twin(points + step) - twin(points - step)) / (2e-5 * spread)
    np.testing.assert_allclose(gradient[3, 0], difference, rtol=1e-5, atol=1e-7)


def test_an_edge_may_stand_in_both_directions():
    P = GivenEdges(EDGES, WEIGHTS, n_samples=N).P
    one, both = (evaluated(Distortion(), matrix, Y) for matrix in (P, (P + P.T).tocsr()))
    np.testing.assert_allclose(one[0], both[0])
    np.testing.assert_allclose(one[1], both[1])


@pytest.mark.parametrize("average", ["edges", "weights"])
def test_repulsion_is_that_of_all_pairs(average):
    rho, ordinary = 0.7, GivenEdges(EDGES[::4], WEIGHTS[::4], n_samples=N).P
    loss = Distortion(repulsion="all", repulsive_fraction=rho, average=average, method="exact")
    whole = len(WEIGHTS[::4]) if average == "edges" else WEIGHTS[::4].sum()

    def twin(at):
        d = np.linalg.norm(at[EDGES[:, 0]] - at[EDGES[:, 1]], axis=1)
        pulled = (WEIGHTS[::4] * np.log1p(d[::4] ** 1.5)).sum()
        pushed = 2 * rho * whole / (N * (N - 1)) * SoftenedLog()(d**2).sum()
        return (pulled + pushed) / (whole * (1 + rho))

    value, gradient = evaluated(loss, ordinary, Y)
    np.testing.assert_allclose(value, twin(Y), rtol=1e-6)
    step = np.zeros_like(Y)
    step[2, 1] = 1e-6
    np.testing.assert_allclose(gradient[2, 1], (twin(Y + step) - twin(Y - step)) / 2e-6, rtol=1e-4)


def test_the_average_by_weights_counts_no_targets():
    d, factors = np.linalg.norm(Y[EDGES[:, 0]] - Y[EDGES[:, 1]], axis=1), 1 / TARGETS
    missed = (d - TARGETS) ** 2
    by_weights = Distortion(dist.QuadraticDeviation(), average="weights")
    weighted = GivenEdges(EDGES, TARGETS, factors=factors, n_samples=N).P
    np.testing.assert_allclose(evaluated(by_weights, weighted, Y)[0], (factors * missed).sum() / factors.sum())
    plain = GivenEdges(EDGES, TARGETS, n_samples=N).P
    np.testing.assert_allclose(evaluated(by_weights, plain, Y)[0], missed.mean())
    own = Distortion(dist.OwnDistortion(lambda lengths: lengths**2), average="weights")
    places = GivenEdges(EDGES, np.arange(float(len(EDGES))), n_samples=N).P
    np.testing.assert_allclose(evaluated(own, places, Y)[0], (d**2).mean())


def test_repulsion_is_the_expectation_of_sampled_pairs():
    """The core is felt below a distance of a few tenths alone; these points are farther apart."""
    grid = 2.0 * np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    pairs = np.array([(a, b) for a in range(25) for b in range(a + 1, 25)])
    d = np.linalg.norm(grid[pairs[:, 0]] - grid[pairs[:, 1]], axis=1)
    P = GivenEdges(pairs[:40], 1.0, n_samples=25).P
    value = evaluated(Distortion(repulsion="all", method="exact"), P, grid)[0]
    sampled = (np.log1p(d[:40] ** 1.5).sum() - 40 * np.log(1 - np.exp(-d)).mean()) / 80
    np.testing.assert_allclose(value, sampled, rtol=2e-3)


@pytest.mark.parametrize("function", [dist.Log1pPenalty(), dist.AbsoluteDeviation()])
def test_any_number_of_threads_gives_the_same_bits(function):
    rng = np.random.default_rng(0)
    pairs = np.unique(np.sort(rng.integers(600, size=(90_000, 2)), axis=1), axis=0)
    pairs, points = pairs[pairs[:, 0] < pairs[:, 1]], rng.normal(size=(600, 2))
    P = GivenEdges(pairs, rng.uniform(size=len(pairs)), n_samples=600).P
    loss = Distortion(function)
    found = [
        loss.bind(P, Context(n_jobs=jobs, state=None, parts=Parts())).evaluate(points, exaggeration=1.0, with_loss=True)
        for jobs in (1, 2, 5)
    ]
    for value, gradient in found[1:]:
        assert value == found[0][0]
        np.testing.assert_array_equal(gradient, found[0][1])


def embedded(start, affinities, loss, n_iter=400, **settings):
    made = Embedding(start, affinities, loss=loss, optimizer=LBFGS(max_step_norm=None), **settings)
    return made.optimize(n_iter)


def test_the_optimum_of_a_quadratic_problem_is_that_of_the_eigenvalues():
    weights = np.exp(-D2[EDGES[:, 0], EDGES[:, 1]])
    affinities = GivenEdges(EDGES, weights, n_samples=N)
    made = embedded(Y, affinities, Distortion(dist.QuadraticPenalty()), constraint="standardized")
    np.testing.assert_allclose(made.loss_value, 0.14735481142997742, rtol=1e-5)


def test_optima_of_given_distances_free_and_anchored():
    affinities, loss = GivenEdges(EDGES, TARGETS, n_samples=N), Distortion(dist.QuadraticDeviation())
    np.testing.assert_allclose(embedded(Y, affinities, loss).loss_value, 0.20868052542209625, rtol=1e-5)
    anchored = embedded(Y, affinities, loss, fixed=np.isin(i, [0, 3]))
    np.testing.assert_allclose(anchored.loss_value, 0.3615635931491852, rtol=1e-5)
    np.testing.assert_array_equal(anchored[[0, 3]], Y[[0, 3]])


def test_coincident_points_have_no_force_between_them():
    points = np.zeros((3, 2))
    points[2] = [1.0, 0.0]
    for function in (dist.AbsoluteDeviation(), dist.Log1pPenalty(), dist.LinearPenalty()):
        P = GivenEdges([[0, 1], [0, 2]], [1.0, 0.5], n_samples=3).P
        value, gradient = evaluated(Distortion(function), P, points)
        assert np.isfinite(value)
        np.testing.assert_array_equal(gradient[1], 0.0)


def test_a_distortion_that_is_no_number_names_its_edge_and_keeps_the_map():
    def odd(lengths):
        return np.where(lengths > 3, np.nan, -lengths)

    made = Embedding(Y, GivenEdges(EDGES, i_of(EDGES), n_samples=N), loss=Distortion(dist.OwnDistortion(odd)))
    with pytest.raises(NumericalError, match=r"returned NaN for the edge \(\d+, \d+\) of length"):
        made.optimize(500, inplace=True, optimizer=LBFGS())
    assert np.isfinite(made).all()


def i_of(edges):
    return np.arange(float(len(edges)))


def test_a_file_keeps_signs_and_factors(tmp_path):
    rng = np.random.default_rng(0)
    signs = WEIGHTS * rng.choice([-1, 1], len(EDGES))
    cases = [
        (GivenEdges(EDGES, signs, n_samples=N), dist.PushAndPull(dist.Log1pPenalty(), dist.LogPenalty())),
        (GivenEdges(EDGES, TARGETS, factors=WEIGHTS, n_samples=N), dist.HuberDeviation(0.5)),
        (NeighborEdges(X, 3, repulsive_fraction=1.0), dist.PushAndPull()),
    ]
    for affinities, function in cases:
        made = Embedding(Y, affinities, loss=Distortion(function), optimizer=LBFGS()).optimize(15)
        made.save(tmp_path / "map.npz")
        again = load(tmp_path / "map.npz")
        assert again.loss == made.loss
        assert (again.affinities.P != affinities.P).nnz == 0
        np.testing.assert_array_equal(again.optimize(5), made.optimize(5))


@pytest.mark.parametrize(
    ("function", "numbers", "message"),
    [
        (dist.LogPenalty(), [-1.0, 2.0], r"weights that are 0 or negative, .*, got 2 for the edge \(1, 2\)"),
        (dist.AbsoluteDeviation(), [-1.0, 2.0], r"targets that are 0 or more, got -1 for the edge \(0, 1\)"),
        (dist.FractionalDeviation(), [1.0, 0.0], r"targets that are positive, .*, got 0 for the edge \(1, 2\)"),
    ],
)
def test_numbers_that_a_function_cannot_have_are_refused_where_it_is_bound(function, numbers, message):
    made = Embedding(Y[:3], GivenEdges([[0, 1], [1, 2]], numbers, n_samples=3), loss=Distortion(function))
    with pytest.raises(InvalidParameterError, match=f"`P` must have {message}"):
        made.optimize(3)


def test_new_points_that_begin_in_one_place_are_moved_apart():
    """A repulsion that is infinite at 0 has to have a finite value when a map grows."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(60, 3))
    affinities = NeighborEdges(data[:40], 5, repulsive_fraction=1.0)
    made = Embedding(data[:40, :2], affinities, loss=Distortion(dist.PushAndPull()), optimizer=LBFGS())
    grown = made.add(np.repeat(data[40:], 2, axis=0))
    assert np.isfinite(grown.loss_value)
    np.testing.assert_array_equal(grown[:40], made)
    assert len(np.unique(grown, axis=0)) == 80
    assert grown.optimize(10).loss_value < grown.loss_value


def test_parts_of_the_loss():
    made = Embedding(Y, GivenEdges(EDGES, TARGETS, n_samples=N), loss=Distortion(dist.QuadraticDeviation()))
    np.testing.assert_allclose(made.edge_losses().sum(), made.loss_value)
    np.testing.assert_allclose(made.point_losses().sum(), made.loss_value)
    lengths = np.linalg.norm(Y[EDGES[:, 0]] - Y[EDGES[:, 1]], axis=1)
    worst = np.argmax((lengths - TARGETS) ** 2)
    np.testing.assert_array_equal(made.worst_pairs(1)[0][0], EDGES[worst])


def test_new_points_land_by_their_neighbours():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(80, 4)) + 5 * rng.integers(2, size=(80, 1))
    made = Embedding(data[:, :2], NeighborEdges(data, 8), loss=Distortion(repulsion="all"), optimizer=LBFGS())
    made = made.optimize(60)
    placed = made.transform(data[:20] + 1e-3)
    assert np.median(np.linalg.norm(placed - np.asarray(made)[:20], axis=1)) < 0.15 * np.ptp(made)
    assert made.add(data[:3] + 0.1).optimize(3).shape == (83, 2)


def test_targets_place_nobody_and_say_so():
    P, context = csr_matrix(np.full((1, N), 1 / N)), Context(n_jobs=1, state=None, parts=Parts())
    with pytest.raises(UnavailableError, match="cannot place new points by weights"):
        Distortion(dist.AbsoluteDeviation()).place(P, Y, context)
    made = Embedding(Y, GivenEdges(EDGES, WEIGHTS, n_samples=N), loss=Distortion())
    with pytest.raises(UnavailableError, match="know no data"):
        made.transform(X[:1])
    assert isinstance(Distortion().place(P, Y, context), PlacedDistortion)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Distortion(abs), "`function` must be a DistortionFunction such as Log1pPenalty"),
        (lambda: Distortion(repulsion="some"), "`repulsion` must be one of None, 'all', got 'some'"),
        (lambda: Distortion(repulsive_fraction=-1), "`repulsive_fraction` must be at least 0, got -1"),
        (lambda: Distortion(average="points"), "`average` must be one of 'edges', 'weights', got 'points'"),
        (
            lambda: GivenEdges([[0, 5]], 1.0, n_samples=5),
            r"`edges` must name points from 0 to 4, got \(0, 5\) in row 0",
        ),
        (
            lambda: GivenEdges([[0, 1], [2, 2]], 1.0, n_samples=5),
            r"must join two different points, got \(2, 2\) in row 1",
        ),
        (
            lambda: GivenEdges([[0, 1], [1, 0]], 1.0, n_samples=5),
            r"must not repeat a pair, got \(1, 0\) again in row 1",
        ),
        (lambda: GivenEdges([0, 1], 1.0, n_samples=5), r"must have shape \(n_edges, 2\)"),
        (lambda: GivenEdges([[0, 1.5]], 1.0, n_samples=5), "must be integers, got dtype float64"),
        (lambda: GivenEdges([[0, 1]], [1.0, 2.0], n_samples=5), "`numbers` must be 1 numbers, one for each edge"),
        (lambda: GivenEdges([[0, 1]], [np.nan], n_samples=5), "`numbers` must be finite, got nan for edge 0"),
        (lambda: NeighborEdges(X, 3, repulsive_fraction=-1), "`repulsive_fraction` must be at least 0, got -1"),
    ],
)
def test_bad_input_gets_one_clear_error(make, message):
    with pytest.raises((InvalidParameterError, InvalidObjectError, TypeError), match=message):
        make()
