"""Edges of P and the checksum that tells whether it changed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import affinity, ops
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.objectives import Edges, checksum, locality
from opentsne_like.opentsne import gradient_descent, kl_divergence_bh, kl_divergence_fft
from opentsne_like.repulsion import LogOnePlus, LogOnePlusPower, LogStudentT, LogStudentTTail, Square

ATTRACTION = LogStudentT(1.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8])
@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (501,), (40, 3)])
def test_checksum_is_that_of_the_bytes(shape, dtype):
    values = (np.random.default_rng(0).random(shape) * 100).astype(dtype)
    number = checksum(values, 1)
    assert checksum(values.copy(), 3) == number
    assert checksum(np.asfortranarray(values), 2) == number
    for k in range(values.size):
        changed = values.copy()
        changed.flat[k] += 1
        assert checksum(changed, 1) != number


def test_checksum_of_many_words_is_the_same_for_any_number_of_threads():
    values = np.random.default_rng(0).random(300_000)
    assert len({checksum(values, n_jobs) for n_jobs in (1, 2, 3, 7)}) == 1
    values[299_999] = np.nextafter(values[299_999], 2)
    assert checksum(values, 1) != checksum(np.random.default_rng(0).random(300_000), 1)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array])
def test_edges_of_any_sparse_matrix(kind):
    dense = sparse.random(40, 40, density=0.2, random_state=0).toarray()
    dense /= dense.sum()
    edges = Edges.of(kind(dense), n_jobs=2)
    assert edges.values.dtype == np.float32
    assert edges.weights.dtype == np.float64
    back = sparse.csr_matrix((edges.weights, edges.indices, edges.indptr), shape=(40, 40))
    assert np.array_equal(back.toarray(), dense)
    assert edges.mass == pytest.approx(1.0)
    assert edges.entropy == pytest.approx((dense[dense > 0] * np.log(dense[dense > 0])).sum())


def test_a_matrix_without_edges():
    edges = Edges.of(sparse.csr_matrix((5, 5)), n_jobs=2)
    Y = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    assert edges.entropy == edges.mass == 0.0
    gradient = edges.add_attraction(Y, Y, ATTRACTION, 12.0, Y, 0.5, 2)
    np.testing.assert_allclose(gradient, 0.5 * Y)
    assert edges.loss(Y.astype(float), Y.astype(float), ATTRACTION, 2) == 0.0


@pytest.mark.parametrize(
    "attraction",
    [LogStudentT(1.0), LogStudentT(0.7), LogStudentTTail(2.0), Square(), LogOnePlus(0.3), LogOnePlusPower(1.6, 0.9)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_any_attraction(d, dtype, attraction):
    P = sparse.random(60, 60, density=0.3, format="csr", random_state=0)
    edges, rng = Edges.of(P, dtype=dtype, n_jobs=2), np.random.default_rng(d)
    Y, repulsion = rng.normal(size=(60, d)) * 3, rng.normal(size=(60, d))
    apart = Y[:, None] - Y[None]
    square = (apart**2).sum(axis=2)
    pull = np.einsum("ij,ijd->id", P.toarray() * attraction.slope(square), apart)
    gradient = edges.add_attraction(Y.astype(dtype), Y.astype(dtype), attraction, 4.0, repulsion, 0.25, 2)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(
        gradient, 4 * pull + 0.25 * repulsion, rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-4
    )
    assert edges.loss(Y, Y, attraction, 2) == pytest.approx((P.toarray() * attraction(square)).sum(), rel=1e-12)
    if dtype == np.float32:
        both = edges.add_mutual_attraction_with_loss(Y, Y.mean(axis=0), attraction, 4.0, repulsion, 0.25, 2)
        np.testing.assert_allclose(both[0], gradient, rtol=1e-4, atol=1e-4)
        assert both[1] == pytest.approx(edges.loss(Y, Y, attraction, 2), rel=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_the_order_of_the_edges_shows_in_no_bit(monkeypatch, d):
    monkeypatch.setattr(locality, "FEWEST_POINTS", 100)
    P = sparse.random(2000, 2000, density=0.02, format="csr", random_state=0)
    edges, plain = Edges.of(P, n_jobs=2), Edges.of(P, n_jobs=2)
    rng = np.random.default_rng(0)
    for k in range(25):
        Y = rng.normal(size=(2000, d)) * 10
        repulsion = rng.normal(size=(2000, d)).astype(np.float32)
        result = edges.add_mutual_attraction(Y, Y.mean(axis=0), ATTRACTION, 4.0, repulsion, 0.5, k % 3 + 1)
        near = (Y - ops.extent(Y, 1).mean).astype(np.float32)
        assert result.tobytes() == plain.add_attraction(near, near, ATTRACTION, 4.0, repulsion, 0.5, 1).tobytes()
        numbers = (Y, Y.mean(axis=0), ATTRACTION, 4.0, repulsion, 0.5)
        one, other = (Edges.add_mutual_attraction_with_loss(e, *numbers, k % 3 + 1) for e in (edges, plain))
        assert (one[0].tobytes(), one[1]) == (other[0].tobytes(), other[1])
    layout = edges._locality.layout(Y, 1)
    assert (layout.indices is not edges.indices) == (d <= 3)
    assert layout.values.dtype == np.float32
    assert "values" not in vars(edges), "weights in single precision are kept once, in the order of the map"
    if d <= 3:  # of the types that the kernels were compiled for
        assert (layout.indptr.dtype, layout.indices.dtype) == (P.indptr.dtype, P.indices.dtype)


def broken(part, place, value):
    """Return a matrix of 5 points, one number of which was written over."""
    P = sparse.csr_matrix(np.ones((5, 5)) / 25)
    getattr(P, part)[place] = value
    return P


@pytest.mark.parametrize(
    ("part", "place", "value"),
    [
        ("indices", 3, 10**9),
        ("indices", 3, 5),
        ("indices", 3, -1),
        ("indptr", 0, 2),
        ("indptr", -1, 26),
        ("indptr", 2, 21),
    ],
)
def test_a_matrix_that_points_outside_of_itself_is_refused(part, place, value):
    with pytest.raises(InvalidParameterError, match="`P` must have"):
        Edges.of(broken(part, place, value), n_jobs=1)
    with pytest.raises(InvalidParameterError, match="`P` must have"):
        gradient_descent()(np.zeros((5, 2)), broken(part, place, value), 1, "exact", n_jobs=1)


def test_a_dense_matrix_is_refused():
    points, P = np.random.default_rng(0).normal(size=(6, 2)), np.full((6, 6), 1 / 36)
    for call in (kl_divergence_bh, kl_divergence_fft, lambda Y, P: gradient_descent()(Y, P, 1, "exact")):
        with pytest.raises(InvalidTypeError, match=r"`P` must be a sparse matrix, got ndarray; use scipy"):
            call(points.copy(), P)


@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_a_matrix_of_another_size_is_refused(method):
    points, others = np.random.default_rng(0).normal(size=(6, 2)), np.random.default_rng(1).normal(size=(8, 2))
    square, wide = sparse.csr_matrix(np.full((8, 8), 1 / 64)), sparse.csr_matrix(np.full((6, 9), 1 / 9))
    for P, options in ((square, {}), (wide, {"reference_embedding": others})):
        with pytest.raises(InvalidParameterError, match=r"`P` must be of shape \(6, [68]\), got \([68], [89]\)"):
            gradient_descent()(points.copy(), P, 1, method, n_jobs=1, **options)
        with pytest.raises(InvalidParameterError, match=r"`P` must be of shape"):
            kl_divergence_bh(points, P, n_jobs=1, **options)
    P = sparse.csr_matrix(np.full((6, 8), 1 / 8))
    for reference in (others[:, :1], np.c_[others, others]):
        with pytest.raises(InvalidParameterError, match=r"`reference_embedding` .* `P`"):
            gradient_descent()(points.copy(), P, 1, method, n_jobs=1, reference_embedding=reference)
        with pytest.raises(InvalidParameterError, match=r"`reference_embedding` .* `P`"):
            kl_divergence_fft(points, P, n_jobs=1, reference_embedding=reference)


@pytest.mark.parametrize("part", ["data", "indices", "indptr"])
def test_writing_into_a_matrix_is_seen_by_the_next_call(part):
    P = sparse.random(50, 50, density=0.2, format="csr", random_state=0)
    start = np.random.default_rng(0).normal(size=(50, 2))
    optimizer, fresh, points = gradient_descent(), gradient_descent(), start.copy()
    optimizer(points, P, 1, "exact", n_jobs=1)
    if part == "data":
        P.data *= 2
    elif part == "indices":
        P.indices[:] = (P.indices + 1) % 50
    else:
        P.indptr[10:20] = P.indptr[10]
    optimizer.state, points = None, start.copy()
    optimizer(points, P, 1, "exact", n_jobs=1)
    fresh(start, P, 1, "exact", n_jobs=1)
    assert points.tobytes() == start.tobytes()


@pytest.mark.parametrize("symmetrize", [True, "max"])
def test_a_matrix_that_was_made_symmetric_is_looked_through_once_it_can_be_written_into(symmetrize, monkeypatch):
    looks = []
    looked = Edges._is_symmetric
    monkeypatch.setattr(Edges, "_is_symmetric", lambda self: (looks.append(0), looked(self))[1])
    affinities = affinity.Uniform(np.random.default_rng(0).normal(size=(60, 3)), k_neighbors=4, symmetrize=symmetrize)
    edges = Edges.of(affinity.matrix_of(affinities))
    assert edges.mutual is edges
    assert not looks
    P = affinities.P
    edges = Edges.of(P)
    assert edges.mutual is edges
    assert len(looks) == 1
    P.data[0] *= 2
    assert Edges.of(P).mutual is not edges
    assert Edges.of(P)._symmetric_part is not None
    for part in (P.data, P.indices, P.indptr):  # as another process may have them
        part.flags.writeable = False
    assert Edges.of(P)._symmetric_part is not None


def test_a_matrix_that_was_not_made_symmetric_is_looked_through():
    X = np.random.default_rng(0).normal(size=(60, 3))
    affinities = affinity.Uniform(X, k_neighbors=4, symmetrize=False)
    assert Edges.of(affinity.matrix_of(affinities))._symmetric_part is not None
