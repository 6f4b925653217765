"""PyMDE's names, with their parameters in their order, and what its scripts do with them."""

from __future__ import annotations

import inspect
import types

import numpy as np
import pytest

from opentsne_like import load, mde
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, StorageError
from opentsne_like.mde import constraints, losses, penalties, preprocess, quadratic, recipes
from tests.objectives.test_distortion import EDGES, TARGETS, N, Y

LOOKS = "color_by color_map colors edges axis_limits background_color marker_size figsize_inches"
PENALTIES = "Linear Quadratic Cubic Power Huber Logistic Sigmoid Hinge Log1p Log InvPower LogRatio PushAndPull"
LOSSES = "Absolute Quadratic WeightedQuadratic Cubic Power Huber Logistic Fractional SoftFractional"
FUNCTIONS = {  # PyMDE 0.3
    (mde, "MDE"): "n_items embedding_dim edges distortion_function constraint device",
    (mde, "Graph"): "adjacency_matrix",
    (mde, "Anchored"): "anchors values",
    (mde, "Centered"): "",
    (mde, "Standardized"): "",
    (mde, "align"): "source target",
    (mde, "all_edges"): "n",
    (mde, "center"): "X",
    (mde, "laplacian_embedding"): "data embedding_dim n_neighbors max_distance init device verbose",
    (mde, "pca"): "Y embedding_dim",
    (mde, "plot"): f"X {LOOKS} savepath",
    (mde, "preserve_distances"): "data embedding_dim loss constraint max_distances device verbose",
    (mde, "preserve_neighbors"): "data embedding_dim attractive_penalty repulsive_penalty constraint n_neighbors "
    "repulsive_fraction max_distance knn_method init device verbose",
    (mde, "rotate"): "X degrees",
    (mde, "seed"): "seed",
    (mde.MDE, "embed"): "self X eps max_iter memory_size verbose print_every snapshot_every",
    (mde.MDE, "differences"): "self X",
    (mde.MDE, "distances"): "self X",
    (mde.MDE, "distortions"): "self X",
    (mde.MDE, "average_distortion"): "self X",
    (mde.MDE, "high_distortion_pairs"): "self X",
    (mde.MDE, "distortions_cdf"): "self figsize_inches",
    (mde.MDE, "plot"): f"self {LOOKS} savepath",
    (mde.MDE, "play"): f"self {LOOKS} fps tmpdir savepath",
    (mde.Graph, "from_edges"): "edges weights n_items",
    (mde.Graph, "neighbors"): "self node",
    (mde.Graph, "neighbor_distances"): "self node",
    (mde.Graph, "draw"): "self embedding_dim standardized device verbose",
    (mde.Constraint, "name"): "self",
    (mde.Constraint, "initialization"): "self n_items embedding_dim device",
    (mde.Constraint, "project_onto_constraint"): "self Z inplace",
    (mde.Constraint, "project_onto_tangent_space"): "self X Z inplace",
    (mde.Standardized, "natural_length"): "self n_items embedding_dim",
    (quadratic, "spectral"): "n_items embedding_dim edges weights cg max_iter device",
    (quadratic, "pca"): "Y embedding_dim",
    (preprocess, "deduplicate_edges"): "edges",
    (preprocess, "dissimilar_edges"): "n_items similar_edges num_edges seed",
    (preprocess, "distances"): "data retain_fraction verbose",
    (preprocess, "k_nearest_neighbors"): "data k max_distance knn_method verbose",
    (preprocess, "sample_edges"): "n num_edges exclude seed",
    (preprocess, "scale"): "distances natural_length",
    (preprocess, "shortest_paths"): "graph max_length retain_fraction n_workers verbose",
}
ATTRIBUTES = {
    mde.Graph: "A adjacency_matrix distances edges n_all_edges n_edges n_items weights",
    mde.MDE: "n_items embedding_dim edges distortion_function constraint p X value residual_norm solve_stats",
    mde.SolveStats: "average_distortions residual_norms step_size_percents solve_time times snapshots snapshot_every",
}


class Tensor:
    """What torch has in the place of an array: NumPy can make one of it."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


def quadratic_problem():
    return mde.MDE(N, 2, EDGES, losses.Quadratic(TARGETS))


@pytest.mark.parametrize(("owner", "name"), FUNCTIONS)
def test_parameters_are_pymdes_in_their_order(owner, name):
    ours, theirs = inspect.signature(getattr(owner, name)).parameters, FUNCTIONS[owner, name].split()
    assert list(ours)[: len(theirs)] == theirs
    assert not any(p.default is p.empty and p.kind != p.VAR_KEYWORD for p in list(ours.values())[len(theirs) :])


def test_every_module_function_and_attribute_is_there():
    assert set(PENALTIES.split()) <= set(penalties.__all__)
    assert set(LOSSES.split()) <= set(losses.__all__)
    assert (len(PENALTIES.split()), len(LOSSES.split())) == (13, 9)
    made = {mde.Graph: mde.Graph.from_edges(EDGES), mde.MDE: quadratic_problem()}
    made[mde.MDE].embed(max_iter=2)
    made[mde.SolveStats] = made[mde.MDE].solve_stats
    for kind, names in ATTRIBUTES.items():
        assert all(hasattr(made[kind], name) for name in names.split())
    for module in (constraints, recipes, preprocess, quadratic, penalties, losses):
        assert isinstance(getattr(mde, module.__name__.rpartition(".")[2]), types.ModuleType)
    assert recipes.preserve_neighbors is mde.preserve_neighbors
    assert made[mde.Graph][0, 1] == 1.0


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (lambda: penalties.Power([1.0], 1.7), "exponent", 1.7),
        (lambda: penalties.Log([-1.0]), "exponent", 1.0),
        (lambda: penalties.Hinge([1.0], threshold=2.0), "sigma", 1.0),
        (lambda: penalties.Logistic([1.0], alpha=2.0), "alpha", 2.0),
        (lambda: losses.Huber([1.0], threshold=0.5), "threshold", 0.5),
        (lambda: losses.SoftFractional([1.0]), "gamma", 10.0),
        (lambda: mde.Sphere(2.0), "radius", 2.0),
    ],
)
def test_the_numbers_of_a_formula_are_attributes(make, name, value):
    assert getattr(make(), name) == value


def test_whatever_numpy_makes_an_array_of_is_taken():
    plain = quadratic_problem()
    plain.embed(Y, max_iter=5)
    given = mde.MDE(N, 2, Tensor(EDGES), losses.Quadratic(Tensor(TARGETS)))
    np.testing.assert_array_equal(given.embed(Tensor(Y), max_iter=5), plain.X)
    np.testing.assert_array_equal(given.distances(Tensor(Y)), plain.distances(Y))
    data = np.random.default_rng(0).normal(size=(40, 3))
    problem = mde.preserve_neighbors(Tensor(data))
    np.testing.assert_array_equal(problem.edges, mde.preserve_neighbors(data).edges)
    np.testing.assert_array_equal(mde.Graph.from_edges(Tensor(EDGES), Tensor(TARGETS)).distances, TARGETS)
    np.testing.assert_array_equal(mde.Graph(Tensor(1.0 - np.eye(3))).edges, mde.all_edges(3))
    anchored = mde.Anchored(Tensor([0]), Tensor([[1.0, 2.0]]))
    np.testing.assert_array_equal(anchored.project_onto_constraint(np.zeros((2, 2)))[0], [1.0, 2.0])


@pytest.mark.parametrize(
    "constraint", [mde.Centered(), mde.Standardized(), mde.Sphere(1.5), mde.Anchored([1], [[3.0, 4.0]])], ids=type
)
def test_projections_are_written_in_place_unless_they_are_not_to_be(constraint):
    Z, V = Y + 1.0, np.cos(Y)
    kept = constraint.project_onto_constraint(Z, inplace=False)
    np.testing.assert_array_equal(Z, Y + 1.0)
    assert constraint.project_onto_constraint(Z) is Z
    np.testing.assert_array_equal(Z, kept)
    along = constraint.project_onto_tangent_space(Z, V, inplace=False)
    np.testing.assert_array_equal(V, np.cos(Y))
    assert constraint.project_onto_tangent_space(Z, V) is V
    np.testing.assert_array_equal(V, along)


def test_what_is_remembered_of_the_steps():
    problem = quadratic_problem()
    X = problem.embed(Y, max_iter=5, snapshot_every=2)
    stats = problem.solve_stats
    assert len(stats.step_size_percents) == len(stats.times) == stats.iterations == 5
    first, second = stats.snapshots[:2]
    assert len(stats.snapshots) == 4, "the start, two on the way, the end"
    np.testing.assert_allclose(first, Y - Y.mean(axis=0), atol=1e-12)
    np.testing.assert_array_equal(stats.snapshots[-1], X)
    assert sum(stats.step_size_percents[:2]) >= 99 * np.linalg.norm(second - first) / np.linalg.norm(first)
    assert "5 iterations" in str(stats)
    assert stats.snapshot_every == 2


def test_pictures_in_one_to_three_dimensions(tmp_path):
    lines, shades = [[0, 1], [1, 0], [2, 3]], np.full((N, 4), 0.5)
    for points, panels in ((Y[:, :1], 1), (Y, 1), (np.c_[Y, Y[:, 0]], 3)):
        figure = mde.plot(points, colors=shades, edges=lines, axis_limits=(-3, 3), savepath=tmp_path / "a.png")
        assert len(figure.axes) == panels
        for axes in figure.axes:
            (drawn,) = (found for found in axes.collections if hasattr(found, "get_segments"))
            assert len(drawn.get_segments()) == 2, "a line that is repeated is drawn once"
            assert axes.get_xlim() == (-3.0, 3.0)


def test_a_film_is_shown_and_written(tmp_path):
    problem = quadratic_problem()
    problem.embed(Y, max_iter=4, snapshot_every=2)
    options = {"color_by": np.arange(N), "edges": EDGES[:3], "marker_size": 4.0, "figsize_inches": (1, 1)}
    film = problem.play(**options, fps=30, tmpdir=tmp_path, savepath=tmp_path / "a.gif")
    assert film.pictures.shape == (3, 72, 72, 3)
    assert (tmp_path / "a.gif").read_bytes()[:3] == b"GIF"
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["0000.png", "0001.png", "0002.png"]
    assert "image/gif" in problem.play(figsize_inches=(1, 1))._repr_html_()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mde.plot(Y, colors=[[0, 0, 0]]), "`colors` must be 12 rows, one for each item, got 1"),
        (lambda: mde.plot(Y, axis_limits=3), "`axis_limits` must be two numbers, got 3"),
        (lambda: mde.plot(Y, figsize_inches=(0, 1)), "`figsize_inches` must be positive, got 0"),
        (lambda: mde.plot(Y, edges=[[0, 1, 2]]), "`edges` must be pairs of integers"),
        (lambda: mde.plot(Y, edges=[[0, N]]), "`edges` must name points from 0 to 11"),
        (lambda: mde.plot(np.eye(4)), "must have 1 to 3 columns to be drawn, got 4"),
        (lambda: mde.plot(Y, savepath="nowhere/a.png"), "could not be written"),
    ],
)
def test_bad_pictures_get_one_clear_error(make, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError, StorageError), match=message):
        make()


def test_a_film_that_cannot_be_written_is_refused_and_the_embedding_stays(tmp_path):
    problem = quadratic_problem()
    X = problem.embed(Y, max_iter=2, snapshot_every=1)
    with pytest.raises(InvalidParameterError, match=r"`path` must end in .gif or .mp4"):
        problem.play(figsize_inches=(1, 1), savepath=tmp_path / "a.png")
    X.save(tmp_path / "map.npz")
    np.testing.assert_array_equal(load(tmp_path / "map.npz"), X)
