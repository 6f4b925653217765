"""Data and parameters that work, and are worth a word: each once, each silenceable, each with a cure."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import TSNE, UMAP, affinity, errors
from opentsne_like.methods.advice import advise_on_data, advise_on_rate

N = 600


def given(call, *args):
    """Return the warnings of a call, as pairs of kind and text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*args)
    return [(w.category, str(w.message)) for w in caught]


def counts(rng):
    rates = np.exp(rng.normal(-1, 1, 60)) * np.where(np.arange(60) == 7, 60, 1)
    return rng.poisson(rates, size=(N, 60)).astype(float)


DATA = {
    "raw counts": (counts, errors.RawCountsWarning, "take logarithms"),
    "raw counts, sparse": (lambda rng: sparse.csr_matrix(counts(rng)), errors.RawCountsWarning, "log1p"),
    "ranges": (
        lambda rng: rng.normal(size=(N, 5)) * [1, 2, 1000, 1, 3],
        errors.ColumnRangesWarning,
        "StandardScaler",
    ),
    "duplicates": (lambda rng: rng.normal(size=(300, 5))[np.arange(N) % 300], errors.DuplicatesWarning, "unique"),
    "columns": (
        lambda rng: rng.normal(size=(5_000, 201)).astype(np.float32),
        errors.ManyColumnsWarning,
        "some 50 principal components",
    ),
}


@pytest.mark.parametrize("kind", DATA)
def test_data_worth_a_word_get_it_once(kind, rng):
    make, category, cure = DATA[kind]
    X = make(rng)
    ((found, text),) = given(advise_on_data, X, "euclidean")
    assert (found, text.startswith("`X` "), cure in text) == (category, True, True)
    assert given(advise_on_data, X, "euclidean") == []
    assert issubclass(category, errors.AdviceWarning)


FINE = {
    "normal": lambda rng: rng.normal(size=(N, 5)),
    "logarithms of counts": lambda rng: np.log1p(counts(rng)),
    "pixels": lambda rng: (rng.integers(0, 256, size=(N, 64)) * (rng.random((N, 64)) < 0.3)).astype(float),
    "components": lambda rng: rng.normal(size=(N, 5)) * [1e4, 1e2, 1, 0.1, 0.01],
    "few rows": lambda rng: counts(rng)[:400],
    "few duplicates": lambda rng: rng.normal(size=(N, 5))[np.arange(N) % (N - 100)],
    "constant columns": lambda rng: rng.normal(size=(N, 3)) * [1.0, 0.0, 1.0],
    "booleans": lambda rng: (rng.random((N, 40)) < 0.3).astype(float),
}


@pytest.mark.parametrize("kind", FINE)
def test_other_data_get_none(kind, rng):
    assert given(advise_on_data, FINE[kind](rng), "euclidean") == []


def test_other_metrics_and_the_digits_get_none(rng, digits):
    wide = rng.normal(size=(5_000, 201)).astype(np.float32)
    assert given(advise_on_data, wide, "cosine") == []
    assert given(advise_on_data, wide * np.where(np.arange(201) == 5, 1e4, 1), "cosine") == []
    assert given(advise_on_data, digits[0], "euclidean") == []


@pytest.mark.parametrize(("rate", "said"), [(2, "unfinished"), (1e5, "thrown far out"), (100, "")])
def test_learning_rates_that_are_far_off(rate, said):
    found = given(advise_on_rate, rate, 1_000.0, 12_000)
    assert [(kind, said in text, "'auto'" in text) for kind, text in found] == (
        [(errors.LearningRateWarning, True, True)] if said else []
    )
    assert given(advise_on_rate, rate, 10.0, 120) == [], "small maps bear much"


def test_estimators_say_it_before_any_work(rng):
    X = rng.normal(size=(1_200, 5)) * [1, 2, 1000, 1, 3]
    brief = {"n_iter": 0, "early_exaggeration_iter": 0}
    for estimator in (TSNE(**brief, learning_rate=1e6), UMAP(n_epochs=0, learning_rate=1e9)):
        with pytest.warns(errors.LearningRateWarning), pytest.warns(errors.ColumnRangesWarning):
            estimator.fit(X)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            estimator.fit(X)  # the second time it is known
        from opentsne_like._validation import forget_advice

        forget_advice()


def test_each_is_silenced_by_its_class(rng):
    X = rng.normal(size=(N, 5)) * [1, 2, 1000, 1, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", errors.AdviceWarning)
        advise_on_data(X, "euclidean")


def test_a_graph_of_15_neighbours_is_too_few_for_a_perplexity_of_30(rng):
    from sklearn.neighbors import kneighbors_graph

    graph = kneighbors_graph(rng.normal(size=(200, 5)), 15, mode="distance")
    with pytest.warns(errors.FewNeighborsWarning, match=r"15 neighbours .* perplexity of 30: 5.00 is used; .*=None"):
        made = affinity.from_neighbors(graph)
    assert made.effective_perplexity_ == 5
    assert given(lambda: affinity.from_neighbors(graph)) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        affinity.from_neighbors(graph, perplexity=None)
        affinity.from_neighbors(graph, perplexity=5)


@pytest.mark.filterwarnings("default")
def test_the_program_says_it_unless_it_is_to_be_quiet(rng, tmp_path, monkeypatch, capsys):
    from opentsne_like.cli import main

    monkeypatch.chdir(tmp_path)
    np.save("X.npy", rng.normal(size=(N, 5)) * [1, 2, 1000, 1, 3])
    words = ["embed", "X.npy", "--out", "map.npz", "--n-iter", "0", "--early-exaggeration-iter", "0"]
    assert main([*words, "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    from opentsne_like._validation import forget_advice

    forget_advice()
    assert main(words) == 0
    assert "opentsne-like: warning: `X` has columns of very different ranges" in capsys.readouterr().err
