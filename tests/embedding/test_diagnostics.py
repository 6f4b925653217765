"""What points, edges and pairs add to the loss, against all pairs in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist

from opentsne_like import Embedding, affinity, plotting
from opentsne_like.embedding import PlacedEmbedding
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.objectives import ElasticEmbedding, KullbackLeibler, NegativeSampling

N, NEW = 60, 7


def xlogx(p):
    return p * np.log(np.where(p > 0, p, 1))


def divergence(d2, P, dof, placed):
    kernel = (1 + d2 / dof) ** -dof
    np.fill_diagonal(kernel, 0 if not placed else kernel.diagonal())
    z = kernel.sum(axis=1) if placed else kernel.sum()
    edges = P * dof * np.log(1 + d2 / dof)
    return edges, (edges + xlogx(P)).sum(axis=1) + P.sum(axis=1) * np.log(z)


def weighted(attraction, repulsion, weight):
    def parts(d2, P, placed):
        pushed = repulsion(d2)
        if not placed:
            np.fill_diagonal(pushed, 0)
        edges = P * attraction(d2)
        return edges, edges.sum(axis=1) + weight(d2.shape[1], placed) * pushed.sum(axis=1)

    return parts


def pairs_of(n, placed):
    return n if placed else n * (n - 1)


CASES = {
    "t-SNE": (KullbackLeibler(method="exact"), lambda *a: divergence(*a[:2], 1.0, a[2])),
    "heavier tails": (KullbackLeibler(dof=0.5, method="exact"), lambda *a: divergence(*a[:2], 0.5, a[2])),
    "Neg-t-SNE": (
        NegativeSampling(c=0.2, method="exact"),
        weighted(
            lambda s: np.log(1 + 0.2 * (1 + s)),
            lambda s: np.log(1 + 5 / (1 + s)),
            lambda n, placed: 5 / pairs_of(n, placed),
        ),
    ),
    "elastic embedding": (
        ElasticEmbedding(lam=7.0, method="exact"),
        weighted(lambda s: s.copy(), lambda s: np.exp(-s), lambda n, placed: 7 / pairs_of(n, placed)),
    ),
}


def clustered(rng, d):
    return rng.normal(size=(N, d)) + 5 * rng.integers(3, size=(N, 1))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("symmetric", [True, False])
def test_parts_of_a_map(name, d, symmetric, rng):
    loss, twin = CASES[name]
    Y = clustered(rng, d)
    affinities = affinity.Entropic(clustered(rng, 4), perplexity=6, k_neighbors=15, symmetrize=symmetric)
    map_ = Embedding(Y, affinities, loss=loss)
    edges, points = twin(cdist(Y, Y, "sqeuclidean"), affinities.P.toarray(), False)
    np.testing.assert_allclose(map_.edge_losses().toarray(), edges, rtol=1e-12)
    np.testing.assert_allclose(map_.point_losses(), points, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(map_.point_losses().sum(), map_.loss_value, rtol=1e-12)
    both = np.triu(edges + edges.T, 1)
    worst, losses = map_.worst_pairs(9)
    np.testing.assert_allclose(losses, np.sort(both.ravel())[::-1][:9], rtol=1e-12)
    np.testing.assert_allclose(both[worst[:, 0], worst[:, 1]], losses, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_parts_of_points_on_a_map(name, rng):
    loss, twin = CASES[name]
    Y, new = clustered(rng, 2), rng.normal(size=(NEW, 2))
    P = rng.random((NEW, N)) * (rng.random((NEW, N)) < 0.2)
    P[3] = 0  # a point that nothing attracts
    P[P.sum(axis=1) > 0] /= P[P.sum(axis=1) > 0].sum(axis=1, keepdims=True)
    map_ = Embedding(Y, affinity.Uniform(clustered(rng, 4), k_neighbors=5), loss=loss)
    placed = PlacedEmbedding(new, map_, csr_matrix(P), loss=loss)
    edges, points = twin(cdist(new, Y, "sqeuclidean"), P, True)
    np.testing.assert_allclose(placed.edge_losses().toarray(), edges, rtol=1e-12)
    np.testing.assert_allclose(placed.point_losses(), points, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(placed.point_losses().sum(), placed.loss_value, rtol=1e-7)
    worst, losses = placed.worst_pairs(3)
    np.testing.assert_allclose(edges[worst[:, 0], worst[:, 1]], losses, rtol=1e-12)
    assert losses[0] == edges.max()


@pytest.fixture
def map_(rng):
    return Embedding(clustered(rng, 2), affinity.Uniform(clustered(rng, 4), k_neighbors=5), method="exact")


def test_equal_pairs_come_in_their_order():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    map_ = Embedding(square, affinity.Uniform(square, k_neighbors=2), method="exact")
    pairs, losses = map_.worst_pairs(4)
    assert pairs.tolist() == [[0, 1], [0, 3], [1, 2], [2, 3]]
    np.testing.assert_allclose(losses, np.log(2) / 4)


def test_the_answer_can_be_written_into(map_):
    edges, P = map_.edge_losses(), map_.affinities.P
    edges.indices[:] = 0
    edges.data[:] = 0
    assert P.indices.any()
    assert map_.edge_losses().data.any()


class Bowl:
    def evaluate(self, points, *, exaggeration, with_loss):
        return 0.5 * float((points**2).sum()), points / 4


def function(embedding, P, should_eval_error=False, **options):
    return 0.0, embedding


@pytest.mark.parametrize("method", ["edge_losses", "point_losses", "worst_pairs"])
def test_losses_of_ones_own_are_refused_by_name(map_, method):
    from opentsne_like import TSNEEmbedding

    arguments = (3,) if method == "worst_pairs" else ()
    own = Embedding(np.array(map_), map_.affinities, loss=Bowl(), learning_rate=1.0)
    with pytest.raises(UnavailableError, match=r"`loss` ObjectiveLoss .* a Bowl, has no methods `edge_losses`"):
        getattr(own, method)(*arguments)
    openly = TSNEEmbedding(np.array(map_), map_.affinities, negative_gradient_method=function)
    with pytest.raises(UnavailableError, match=r"`loss` FunctionLoss .* a FunctionObjective, has no"):
        getattr(openly, method)(*arguments)


@pytest.mark.parametrize(
    ("k", "error", "message"),
    [
        (0, InvalidParameterError, "`k` must be at least 1, got 0"),
        (10**6, InvalidParameterError, r"`k` must be at most the number of pairs with an edge, \d+, got 1000000"),
        ("all", InvalidTypeError, "`k` must be an integer"),
    ],
)
def test_a_number_of_pairs_that_cannot_be(map_, k, error, message):
    with pytest.raises(error, match=message):
        map_.worst_pairs(k)


@pytest.mark.parametrize("of", ["points", "edges"])
def test_the_curve_of_the_loss(map_, of, tmp_path):
    figure = plotting.loss_cdf(map_, of, path=tmp_path / "losses.png", title="A map")
    assert (tmp_path / "losses.png").read_bytes()[:4] == b"\x89PNG"
    even, curve = figure.axes[0].lines
    x, y = curve.get_data()
    parts = np.sort(map_.point_losses() if of == "points" else map_.edge_losses().data)[::-1]
    assert (x[0], y[0], x[-1]) == (0, 0, 1)
    assert y[-1] == pytest.approx(1)
    assert y[len(y) // 2] == pytest.approx(parts[: round(x[len(y) // 2] * len(parts))].sum() / parts.sum())
    assert (np.asarray(y) >= np.asarray(x) - 1e-12).all()
    assert even.get_linestyle() == "--"
    assert figure.axes[0].get_title() == "A map"


def test_curves_that_cannot_be_drawn(map_):
    with pytest.raises(InvalidParameterError, match="`of` must be one of 'points', 'edges', got 'rows'"):
        plotting.loss_cdf(map_, "rows")
    with pytest.raises(InvalidTypeError, match="`embedding` must be an Embedding, which knows its loss, got ndarray"):
        plotting.loss_cdf(np.array(map_))
    flat = Embedding(np.zeros((N, 2)), map_.affinities, loss=ElasticEmbedding(method="exact"))
    with pytest.raises(
        InvalidParameterError, match="positive sum to have shares in it, got 'edges' with 0; try 'points'"
    ):
        plotting.loss_cdf(flat, "edges")
