"""A row of maps of the same neighbours, each of which begins where another ended."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import opentsne_like
from opentsne_like import TSNE, NegTSNE, affinity, align, load, spectrum
from opentsne_like.errors import InvalidParameterError, InvalidTypeError

SHORT = {"n_iter": 40, "random_state": 0}
LENGTH = {"negtsne": {"early_iter": 40}, "tsne": {"early_exaggeration_iter": 40, "perplexity": 10}}
VALUES = {"negtsne": [1.0, 0.5, 0.0], "tsne": [8.0, 3.0, 1.0]}
EVERY = pytest.mark.parametrize("method", VALUES)


@functools.cache
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 5)) + 4 * rng.normal(size=(3, 5))[rng.integers(3, size=120)]


@functools.cache
def maps(method):
    return spectrum(data(), method, VALUES[method], **SHORT, **LENGTH[method])


def test_it_stands_at_the_top():
    assert opentsne_like.spectrum is spectrum


@EVERY
def test_each_map_begins_where_the_one_before_it_ended(method):
    kind, name = (NegTSNE, "s") if method == "negtsne" else (TSNE, "exaggeration")
    found = maps(method)
    values = VALUES[method]
    first = kind(**{name: values[0]}, **SHORT, **LENGTH[method]).fit(data())
    np.testing.assert_array_equal(found[0], first)
    for value, before, after in zip(values[1:], found, found[1:], strict=False):
        change = {"loss": after.loss} if method == "negtsne" else {"exaggeration": value}
        went_on = before.optimize(40, **change)
        np.testing.assert_array_equal(after, align(went_on, before))
        assert after.loss_value == pytest.approx(went_on.evaluate(loss=after.loss), rel=1e-4)
        assert after.affinities is found[0].affinities
        assert after.n_iter_ == before.n_iter_ + 40


@EVERY
def test_a_map_that_was_turned_goes_on_from_rest(method):
    """Steps and gains would be of the directions before the turn."""
    for Y in maps(method)[1:]:
        assert not Y.optimizer.state["update"].any()
        assert (Y.optimizer.state["gains"] == 1.0).all()
        assert Y.optimizer.state.history
        again = Y.optimize(5)
        assert np.isfinite(again.loss_value)


def test_less_attraction_makes_wider_maps():
    narrow, between, wide = (np.ptp(Y) for Y in maps("tsne"))
    assert narrow < between < wide


@EVERY
def test_each_map_lies_upon_the_one_before_it(method):
    for before, after in zip(maps(method), maps(method)[1:], strict=False):
        np.testing.assert_allclose(align(after, before), after, atol=1e-8 * np.ptp(after))


def test_order_and_threads_do_not_show():
    turned = spectrum(data(), "negtsne", [0.0, 1.0, 0.5], n_jobs=3, **SHORT, **LENGTH["negtsne"])
    for mine, its in zip(turned, [maps("negtsne")[place] for place in (2, 0, 1)], strict=True):
        np.testing.assert_array_equal(mine, its)
        assert mine.loss == its.loss


@EVERY
def test_maps_go_on_by_themselves(method, tmp_path):
    Y = maps(method)[1].copy()
    Y.save(tmp_path / "map.npz")
    np.testing.assert_array_equal(load(tmp_path / "map.npz").optimize(5), Y.optimize(5))
    assert Y.transform(data()[:3]).shape == (3, 2)
    assert Y.add(data()[:3]).shape == (123, 2)
    np.testing.assert_array_equal(Y, maps(method)[1])


def test_affinities_serve_as_well():
    given = affinity.Uniform(data(), k_neighbors=15, random_state=0)
    start = np.array(NegTSNE(**SHORT).prepare_initial(data()))
    found = spectrum(given, values=VALUES["negtsne"], initialization=start, **SHORT, **LENGTH["negtsne"])
    assert all(Y.affinities is given for Y in found)
    np.testing.assert_array_equal(found[-1], maps("negtsne")[-1])


def test_usual_values():
    assert len(spectrum(data(), n_iter=1, early_iter=1)) == 5
    assert len(spectrum(data(), "tsne", n_iter=1, early_exaggeration_iter=1)) == 5


def test_one_value_is_a_map_of_the_estimator():
    for values in (0.5, [0.5], np.array([0.5])):
        (found,) = spectrum(data(), values=values, **SHORT, **LENGTH["negtsne"])
        np.testing.assert_array_equal(found, NegTSNE(s=0.5, **SHORT, **LENGTH["negtsne"]).fit(data()))


def test_every_value_is_looked_at_before_any_map_is_made(monkeypatch):
    monkeypatch.setattr(NegTSNE, "_affinities", lambda self, X: pytest.fail("work was begun"))
    with pytest.raises(InvalidParameterError, match="`s` must lie nearer to 0, got -1e"):
        spectrum(data(), values=[1, 0, -1e6])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "umap"}, "`method` must be one of 'negtsne', 'tsne', got 'umap'"),
        ({"values": []}, "`values` must be one number or more"),
        ({"values": [0, "x"]}, "`values` must be a number"),
        ({"values": [0, float("nan")]}, "`values` must be finite"),
        ({"values": [0, 0.5, 0]}, "`values` must differ"),
        ({"method": "tsne", "values": [1, 0]}, "`values` must be positive"),
        ({"s": 0.5}, "`s` must be left to `values`"),
        ({"c": 0.5}, "`c` must be left to `values`"),
        ({"method": "tsne", "exaggeration": 2}, "`exaggeration` must be left to `values`"),
        ({"perplexity": 30}, "`perplexity` must be one of"),
        ({"n_neighbors": 0}, "`n_neighbors` must be"),
        ({"n_iter": -1}, "`n_iter` must be"),
    ],
    ids=repr,
)
def test_what_means_nothing_is_refused(arguments, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message):
        spectrum(data(), **arguments)
