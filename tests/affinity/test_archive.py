"""Affinities that were taken apart and put together, or extended by new points, are those they should be."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like import affinity, nearest_neighbors
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, StorageError, UnavailableError

MAKERS = {
    "perplexity": lambda X: affinity.PerplexityBasedNN(X, 8, random_state=0),
    "perplexity, approximate": lambda X: affinity.PerplexityBasedNN(X, 8, method="ivf", random_state=0),
    "perplexity, as it is": lambda X: affinity.PerplexityBasedNN(X, 8, symmetrize=False, k_neighbors=20),
    "single precision": lambda X: affinity.PerplexityBasedNN(X, 8, metric="cosine", dtype=np.float32),
    "mixture": lambda X: affinity.MultiscaleMixture(X, [3, 8]),
    "mixture of an array": lambda X: affinity.MultiscaleMixture(X, np.array([3.0, 8.0])),
    "multiscale": lambda X: affinity.Multiscale(X, [3, 8]),
    "sigma": lambda X: affinity.FixedSigmaNN(X, 1.5, k=20),
    "uniform": lambda X: affinity.Uniform(X, 20, symmetrize="mean"),
    "entropic": lambda X: affinity.Entropic(X, 8),
    "fuzzy": lambda X: affinity.Fuzzy(X, 12, local_connectivity=1.5),
    "self-tuning": lambda X: affinity.SelfTuning(X, 12, 5),
    "MAGIC": lambda X: affinity.MAGIC(X, 12, 5),
    "scaled": lambda X: affinity.ScaledNeighbors(X, 8),
    "symmetric entropic": lambda X: affinity.SymmetricEntropic(X, 8),
    "sinkhorn": lambda X: affinity.Sinkhorn(X, 2.0),
    "sparse": lambda X: affinity.PerplexityBasedNN(sp.csr_matrix(X) if isinstance(X, np.ndarray) else X, 8),
}
makers = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture
def X(rng):
    return rng.normal(size=(120, 5)) + 4 * rng.integers(3, size=(120, 1))


@pytest.fixture
def new(rng):
    return rng.normal(size=(15, 5))


def again(affinities, data=None):
    arrays, header = affinity.pack_affinities(affinities, with_data=data is None)
    return affinity.unpack_affinities(arrays, json.loads(json.dumps(header)), data)


def assert_same(P, expected):
    assert P.dtype == expected.dtype
    np.testing.assert_array_equal(P.toarray(), expected.toarray())


@makers
@pytest.mark.parametrize("with_data", [True, False])
def test_taken_apart_and_put_together(name, with_data, X, new):
    affinities = MAKERS[name](X)
    other = again(affinities, None if with_data else affinities.knn_index.data)
    assert type(other) is type(affinities)
    assert_same(other.P, affinities.P)
    assert_same(other.to_new(new), affinities.to_new(new))
    assert_same(other.extended(new).P, affinities.extended(new).P)
    for key in (key for key in vars(affinities) if key.endswith("_") and not key.startswith("_")):
        np.testing.assert_array_equal(getattr(other, key), getattr(affinities, key))


@makers
def test_extended_is_all_at_once(name, X, new):
    together = MAKERS[name](np.concatenate([X, new]))
    assert_same(MAKERS[name](X).extended(new).P, together.P)


def test_the_perplexity_can_still_be_changed(X):
    affinities = MAKERS["perplexity"](X)
    other = again(affinities)
    for one in (affinities, other):
        one.set_perplexity(4)
    assert_same(other.P, affinities.P)


def test_extended_with_an_index_that_was_given(X, new):
    index = nearest_neighbors.make_index(X, 24)
    affinities = affinity.PerplexityBasedNN(knn_index=index, perplexity=8)
    assert_same(affinities.extended(new).P, MAKERS["perplexity"](np.concatenate([X, new])).P)


def test_without_data_there_is_nothing_to_compare_with(X, new):
    arrays, header = affinity.pack_affinities(MAKERS["perplexity"](X), with_data=False)
    other = affinity.unpack_affinities(arrays, header)
    given = affinity.PrecomputedAffinities(other.P)
    released = MAKERS["perplexity"](X)
    released.release()
    precomputed = affinity.from_neighbors(nearest_neighbors.make_index(X, 24).build(), perplexity=8)
    for one in (other, given, again(given), released, precomputed):
        for method in (one.to_new, one.extended):
            with pytest.raises(UnavailableError):
                method(new)
    with pytest.raises(UnavailableError, match="stored without data"):
        other.set_perplexity(4)


def test_damaged_parts(X):
    arrays, header = affinity.pack_affinities(MAKERS["perplexity"](X), with_data=True)
    for key, value in {
        "P.csr_shape": np.array([120, 121]),
        "P.csr_data": np.full_like(arrays["P.csr_data"], np.nan),
        "P.csr_indices": arrays["P.csr_indices"] + 200,
    }.items():
        with pytest.raises(StorageError, match=r"affinities|damaged"):
            affinity.unpack_affinities({**arrays, key: value}, header)
    for key, value in [("width", 0), ("width", 10**9), ("width", 2.5), ("width", "9")]:
        with pytest.raises((InvalidParameterError, InvalidTypeError), match="`width` must be"):
            affinity.unpack_affinities(arrays, {**header, key: value})
    for search in ([], "exact", {"method": "exact"}, {**header["search"], "data": 1}):
        with pytest.raises(StorageError, match="search for neighbours"):
            affinity.unpack_affinities(arrays, {**header, "search": search})
    with pytest.raises(StorageError, match="class 'Unknown'"):
        affinity.unpack_affinities(arrays, {**header, "class": "Unknown"})
    with pytest.raises(StorageError, match="no matrix of floats"):
        affinity.unpack_affinities({}, header)


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("perplexity", "perplexity", "8"),
        ("perplexity", "perplexity", 10**400),
        ("perplexity", "symmetrize", None),
        ("mixture", "perplexities", {"3": 8}),
        ("mixture", "perplexities", [[3], 8]),
        ("mixture", "perplexities", []),
        ("sigma", "sigma", None),
        ("sigma", "sigma", -1.5),
        ("uniform", "symmetrize", ["mean"]),
        ("fuzzy", "bandwidth", "wide"),
        ("fuzzy", "local_connectivity", None),
        ("self-tuning", "scale_neighbor", 0),
        ("self-tuning", "scale_neighbor", [5]),
        ("symmetric entropic", "perplexity", 1),
        ("sinkhorn", "eps", None),
    ],
)
def test_arguments_in_a_file_are_checked_like_those_of_a_call(X, name, argument, value):
    arrays, header = affinity.pack_affinities(MAKERS[name](X), with_data=True)
    altered = {**header, "arguments": {**header["arguments"], argument: value}}
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=f"`{argument}` must"):
        affinity.unpack_affinities(arrays, altered)


@pytest.mark.parametrize(
    ("name", "learned", "value"),
    [
        ("perplexity", "effective_perplexity_", "8"),
        ("perplexity", "effective_perplexity_", -8.0),
        ("mixture", "effective_perplexities_", [3.0, None]),
        ("entropic", "bandwidths_", np.full(120, np.nan)),
        ("fuzzy", "rhos_", np.zeros(119)),
        ("self-tuning", "sigmas_", np.ones((120, 1))),
        ("self-tuning", "sigmas_", np.ones(120, dtype=np.int64)),
        ("self-tuning", "sigmas_", 1.0),
        ("symmetric entropic", "potentials_", np.full(120, np.inf)),
        ("symmetric entropic", "bandwidths_", np.full(120, -1.0)),
        ("sinkhorn", "potentials_", np.zeros(119)),
    ],
)
def test_what_affinities_learned_is_checked(X, name, learned, value):
    arrays, header = affinity.pack_affinities(MAKERS[name](X), with_data=True)
    arrays.pop(f"learned.{learned}", None)
    if isinstance(value, np.ndarray):
        arrays[f"learned.{learned}"] = value
    else:
        header = {**header, "learned": {**header["learned"], learned: value}}
    with pytest.raises(StorageError, match=f"`{learned}`"):
        affinity.unpack_affinities(arrays, header)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metric_params", {"p": "three"}),
        ("metric_params", {"V": [1.0]}),
        ("knn_kwargs", {"algorithm": "oracle"}),
        ("knn_kwargs", {"leaves": 3}),
        ("knn_kwargs", {"leaf_size": 10**400}),
    ],
)
def test_what_a_backend_does_not_take_is_named_wherever_it_comes_from(X, new, key, value):
    metric = "seuclidean" if "V" in value else "minkowski"
    refused = pytest.raises((InvalidParameterError, InvalidTypeError), match=rf"`{key}(`|\[)")
    with refused:
        affinity.Uniform(X, 20, metric=metric, **{key: value})
    made = affinity.Uniform(X, 20, metric=metric, metric_params={"V": np.ones(5)} if "V" in value else None)
    arrays, header = affinity.pack_affinities(made, with_data=True)
    for place in (header["index"], header["search"]):
        place[key] = value
    for use in ("to_new", "extended"):
        with refused:  # when it is read, or when it is used
            getattr(affinity.unpack_affinities(arrays, header), use)(new)
