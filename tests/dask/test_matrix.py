"""P on workers: what it is, what it gives, what it refuses."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import TSNEEmbedding, load, objectives, storage
from opentsne_like.affinity import Affinities, Uniform
from opentsne_like.dask import PartitionedMatrix
from opentsne_like.errors import InvalidParameterError, UnavailableError
from opentsne_like.objectives import Edges
from opentsne_like.repulsion import LogStudentT


@pytest.fixture(scope="module")
def P():
    return Uniform(np.random.default_rng(0).normal(size=(1_500, 4)), k_neighbors=60).P


@pytest.fixture(scope="module")
def there(P, client):
    return PartitionedMatrix.from_csr(P, client, rows=400)


@pytest.fixture
def map_there(there):
    affinities = Affinities()
    affinities.P = there
    start = np.random.default_rng(1).normal(size=(1_500, 2))
    return TSNEEmbedding(start, affinities)


def test_it_comes_back_as_it_went(P, there):
    back = there.gather()
    assert len(there.parts) == 4
    assert there.shape == P.shape
    assert there.nnz == P.nnz
    assert np.array_equal(back.indptr, P.indptr)
    assert np.array_equal(back.indices, P.indices)
    assert np.array_equal(back.data, P.data)


def test_its_fingerprint_is_that_of_its_entries_however_it_is_cut(P, there, client):
    other = P.copy()
    other.data[7] *= 1 + 1e-15
    prints = [PartitionedMatrix.from_csr(matrix, client, rows=1_000).fingerprint for matrix in (P, other)]
    assert prints[0] == there.fingerprint != prints[1]
    assert storage.fingerprint(there) == storage.fingerprint(PartitionedMatrix.from_csr(P, client))


@pytest.mark.parametrize("rows", [1_500, 400, 70])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_over_all_edges_have_the_bits_of_one_machine(P, client, rows, dtype):
    """Chunks of these sums end elsewhere than partitions: at 5 ranges of rows, and at 2 of edges."""
    P = P.astype(dtype)
    here, there = Edges.of(P, n_jobs=1), PartitionedMatrix.from_csr(P, client, rows=rows).edges(1)
    points = np.random.default_rng(2).normal(size=(1_500, 2))
    assert there.entropy == here.entropy
    assert there.mass == here.mass
    assert there.loss(points, points, LogStudentT(0.5), 1) == here.loss(points, points, LogStudentT(0.5), 1)


def test_bounds_that_are_none_are_refused(there, client):
    with pytest.raises(InvalidParameterError, match="`bounds` must be the first row of each of 4 partitions"):
        PartitionedMatrix(client, there.parts, [0, 400, 1_500], there.shape, there.dtype)


def test_what_needs_its_entries_here_says_so(map_there, there):
    for ask in (map_there.edge_losses, lambda: map_there.worst_pairs(3), there.tocsr, lambda: pickle.dumps(there)):
        with pytest.raises(UnavailableError, match=r"on the workers of a cluster .*`P.gather\(\)` brings it here"):
            ask()
    with pytest.raises(UnavailableError, match=r"`(row_sums|losses)` of its edges"):
        map_there.point_losses()
    assert copy.deepcopy(map_there).affinities.P is there


@pytest.mark.parametrize(
    "loss",
    [objectives.PaCMAP(), objectives.Distortion(), objectives.Pairwise(np.sqrt, lambda s: 1 / (1 + s))],
    ids=lambda x: type(x).__name__,
)
def test_losses_that_need_more_of_it_are_refused_by_name(map_there, loss):
    with pytest.raises(UnavailableError, match="on the workers of a cluster"):
        map_there.optimize(1, loss=loss)


def test_a_map_is_stored_without_it(map_there, tmp_path):
    moved = map_there.optimize(3)
    moved.save(tmp_path / "map.npz")
    back = load(tmp_path / "map.npz")
    assert np.array_equal(back, moved)
    assert back.n_iter_ == 3
    with pytest.raises(UnavailableError, match="stored without its affinities"):
        back.optimize(1)


def test_points_of_another_map_are_refused(there):
    with pytest.raises(InvalidParameterError, match="`points` must be 1500"):
        there.edges(1).check(np.zeros((3, 2)))


def test_empty_rows_and_partitions(client):
    P = sparse.csr_matrix(([0.5, 0.5], ([0, 5], [5, 0])), shape=(6, 6))
    there = PartitionedMatrix.from_csr(P, client, rows=2)
    points = np.random.default_rng(0).normal(size=(6, 2))
    assert there.edges(1).loss(points, points, LogStudentT(1.0), 1) == Edges.of(P).loss(
        points, points, LogStudentT(1.0), 1
    )
    assert there.edges(1).mass == 1.0
