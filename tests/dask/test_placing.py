"""New rows on a map, block by block, beside the transform of one machine."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import opentsne_like
from opentsne_like import affinity
from opentsne_like.dask import TSNE, transform
from opentsne_like.errors import InvalidObjectError, InvalidParameterError, InvalidTypeError, UnavailableError

da = pytest.importorskip("dask.array")

SHORT = {"early_exaggeration_iter": 2, "n_iter": 3, "perplexity": 8, "random_state": 0, "initialization": "random"}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return 4 * rng.normal(size=(12, 6))[rng.integers(0, 12, 2_100)] + rng.normal(size=(2_100, 6))


@pytest.mark.parametrize("options", [{}, {"n_neighbors": 6}, {"neighbors": "ivf", "dof": "learn"}], ids=str)
def test_rows_land_where_one_machine_puts_them(X, client, options):
    here = opentsne_like.TSNE(**{**SHORT, **options}).fit(X[:2_000])
    there = TSNE(**{**SHORT, **options}).fit(da.from_array(X[:2_000], chunks=900))
    new = da.from_array(X[2_000:], chunks=(30, 4))
    expected = np.asarray(here.transform(X[2_000:], n_iter=10))
    assert np.array_equal(there.transform(X[2_000:], n_iter=10), expected)
    for embedding in (here, there):
        placed = transform(embedding, new, n_iter=10)
        assert placed.chunks == ((30, 30, 30, 10), (2,))
        assert np.array_equal(placed.compute(), expected)


def test_data_frames_are_taken_by_the_names_of_their_columns(X, client):
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame(X[:300], columns=list("abcdef"))
    there = TSNE(**SHORT).fit(dd.from_pandas(frame[:280], npartitions=3))
    new = dd.from_pandas(frame[280:][list("fedcba")], npartitions=2)
    expected = opentsne_like.TSNE(**SHORT).fit(frame[:280]).transform(frame[280:], n_iter=5)
    assert np.array_equal(transform(there, new, n_iter=5).compute(), expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bogus": 1}, "bogus"),
        ({"n_iter": -1}, "`n_iter` must be at least 0, got -1"),
        ({"perplexity": -1}, "`perplexity` must be positive, got -1"),
        ({"k": 0}, "`k` must be at least 1, got 0"),
    ],
)
def test_options_are_refused_at_the_door(X, options, said):
    new = da.asarray(X[:5])
    for made in (opentsne_like.TSNE(**SHORT).fit(X[:200]), opentsne_like.NegTSNE(n_iter=3).fit(X[:200])):
        if "perplexity" not in options or hasattr(made, "kl_divergence"):
            with pytest.raises((InvalidParameterError, TypeError), match=said):
                transform(made, new, **options)


def test_what_it_refuses(X):
    Y = opentsne_like.TSNE(**SHORT).fit(X[:200])
    with pytest.raises(InvalidTypeError, match="`X` must be a dask array or data frame"):
        transform(Y, X)
    with pytest.raises(InvalidParameterError, match="`X` must have 6 columns"):
        transform(Y, da.asarray(X[:, :3]))
    with pytest.raises(
        InvalidParameterError, match="`initialization` must be one of 'median', 'weighted', got 'random'"
    ):
        transform(Y, da.asarray(X[:5]), initialization="random")
    with pytest.raises(InvalidObjectError, match="`embedding` must be an Embedding, got ndarray"):
        transform(np.asarray(Y), da.asarray(X[:5]))
    given = opentsne_like.TSNE(**SHORT).fit(affinities=affinity.PrecomputedAffinities(Y.affinities.P))
    with pytest.raises(UnavailableError, match="PrecomputedAffinities do not say"):
        transform(given, da.asarray(X[:5])).compute(scheduler="sync")


def test_copies_of_a_map_on_workers(X, client):
    there = TSNE(**SHORT).fit(da.asarray(X[:200]))
    with pytest.raises(UnavailableError, match="cannot be pickled, nor can a map of them; `save` keeps the map"):
        pickle.dumps(there)
    other = copy.deepcopy(there)
    there.affinities.release()
    with pytest.raises(UnavailableError, match=r"were dropped by `release\(\)`"):
        transform(there, da.asarray(X[:5]))
    expected = opentsne_like.TSNE(**SHORT).fit(X[:200]).transform(X[200:205], n_iter=2)
    assert np.array_equal(transform(other, da.asarray(X[200:205]), n_iter=2).compute(), expected)
