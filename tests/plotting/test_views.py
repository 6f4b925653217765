"""Several maps, their edges, their diagnoses, and the course of their optimization."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix, csr_matrix

from opentsne_like import TSNE, load, metrics
from opentsne_like.callbacks import History
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, StorageError
from opentsne_like.plotting import compare, diagnostics, edges, history

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(120, 5)) + 6 * np.repeat(np.eye(5)[:3], 40, axis=0)


@pytest.fixture(scope="module")
def embedding(X):
    asked = History(loss_every=10)
    return TSNE(perplexity=10, n_iter=60, early_exaggeration_iter=40, callbacks=asked, random_state=0).fit(X)


def places(axes):
    """Return where points were drawn, in the order of their coordinates."""
    drawn = np.asarray(axes.collections[-1].get_offsets())
    return drawn[np.lexsort(drawn.T)]


# --- maps side by side ---------------------------------------------------------------------------


def test_maps_are_laid_on_the_first(rng, tmp_path):
    Y = rng.normal(size=(60, 2)) * [3, 1]
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    figure = compare({"one": Y, "turned": Y @ turn + 7, "mirrored": Y * [1, -1]}, path=tmp_path / "maps.png")
    assert [axes.get_title() for axes in figure.axes] == ["one", "turned", "mirrored"]
    for axes in figure.axes:
        np.testing.assert_allclose(places(axes), Y[np.lexsort(Y.T)], atol=1e-9)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")


def test_sizes_stay_and_every_map_fills_its_panel(rng):
    Y = rng.normal(size=(60, 2))
    small, large = compare([Y, 5 * Y]).axes
    np.testing.assert_allclose(np.diff(large.get_xlim()), 5 * np.diff(small.get_xlim()))
    assert [axes.get_title() for axes in (small, large)] == ["", ""]


def test_maps_share_colours_and_one_legend(rng):
    Y = rng.normal(size=(60, 2))
    figure = compare(np.stack([Y, Y, Y]), np.arange(60) % 3, columns=2, title="A $ title")
    assert len(figure.axes) == 3  # the fourth panel is gone
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (2, 2)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2"]
    assert not compare([Y], np.arange(60) % 3, legend=False).legends
    assert len(compare([Y, Y], Y[:, 0]).axes) == 3  # a colour bar for both


def test_maps_on_a_line(rng):
    x = rng.normal(size=(60, 1))
    first, second = compare([x, -x]).axes
    np.testing.assert_allclose(places(first)[:, 0].sum(), places(second)[:, 0].sum())
    assert np.ptp(first.get_ylim()) > 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda Y: compare([Y, Y[1:]]), InvalidParameterError, r"same points, got shape \(59, 2\) for `maps\[1\]`"),
        (lambda Y: compare({"a": Y, "b": Y * np.nan}), InvalidParameterError, r"`maps\['b'\]` must be finite"),
        (lambda Y: compare([]), InvalidParameterError, "at least one map"),
        (lambda Y: compare({}), InvalidParameterError, "at least one map"),
        (lambda Y: compare(Y), InvalidTypeError, "`maps` must be a mapping"),
        (lambda Y: compare([np.zeros((5, 3))]), InvalidParameterError, "1 or 2 columns, got 3; choose two"),
        (lambda Y: compare([Y], columns=0), InvalidParameterError, "`columns` must be at least 1"),
        (lambda Y: compare([Y], [1]), InvalidParameterError, "`labels` must be one per point"),
        (lambda Y: compare([Y], legend="map"), InvalidParameterError, "`legend` must be one of True, False"),
        (lambda Y: compare([Y], path="no/folder/x.png"), StorageError, "could not be written"),
    ],
)
def test_what_cannot_be_compared(rng, call, error, message):
    with pytest.raises(error, match=message):
        call(rng.normal(size=(60, 2)))


# --- edges ---------------------------------------------------------------------------------------


def test_edges_are_those_of_the_affinities(embedding, tmp_path):
    figure = edges(embedding, path=tmp_path / "edges.png")
    _, lines = figure.axes[0].collections
    drawn = {tuple(sorted(map(tuple, segment.tolist()))) for segment in lines.get_segments()}
    Y = np.asarray(embedding, np.float64)
    P = coo_matrix(embedding.affinities.P)
    assert drawn == {tuple(sorted([tuple(Y[i]), tuple(Y[j])])) for i, j in zip(P.row, P.col, strict=True)}
    assert (tmp_path / "edges.png").stat().st_size > 1000
    assert lines.get_zorder() < figure.axes[0].collections[0].get_zorder()


def test_heavy_edges_are_stronger_and_many_are_sampled(rng):
    Y = rng.normal(size=(50, 2))
    graph = csr_matrix((np.arange(1.0, 41.0), (np.arange(40), np.arange(1, 41))), shape=(50, 50))
    (axes,) = edges(Y, np.arange(50) % 2, graph=graph, legend="side").axes
    strength = axes.collections[1].get_colors()[:, 3]
    assert (np.diff(strength) >= 0).all()
    assert strength[0] < strength[-1] / 10
    first, second = (edges(Y, graph=graph, n_edges=9).axes[0].collections[1].get_segments() for _ in range(2))
    assert len(first) == 9
    np.testing.assert_array_equal(first, second)
    assert not edges(Y, graph=csr_matrix((50, 50))).axes[0].collections[1].get_segments()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda Y: edges(Y), InvalidParameterError, "`graph` must be given for a map that has no affinities"),
        (lambda Y: edges(Y, graph=np.eye(3)), InvalidParameterError, r"a row and a column for each point, 6, got \(3"),
        (lambda Y: edges(Y, graph=np.eye(6) * np.nan), InvalidParameterError, "`graph` must be finite"),
        (lambda Y: edges(Y, graph=np.eye(6), n_edges=0), InvalidParameterError, "`n_edges` must be at least 1"),
        (lambda Y: edges(np.zeros((6, 3)), graph=np.eye(6)), InvalidParameterError, "`embedding` must have 2 columns"),
    ],
)
def test_what_has_no_edges(rng, call, error, message):
    with pytest.raises(error, match=message):
        call(rng.normal(size=(6, 2)))


# --- diagnoses -----------------------------------------------------------------------------------


def test_three_diagnoses(embedding, X, tmp_path):
    figure = diagnostics(embedding, X, k=7, path=tmp_path / "diagnostics.png", title="Where?")
    panels = figure.axes[:3]
    assert [axes.get_title() for axes in panels] == [
        *("share of the KL divergence", "recall of 7 neighbours", "local scale, powers of 2")
    ]
    bars = figure.axes[3:]
    assert [bar.get_ylim() for bar in bars][1] == (0, 1)
    low, high = bars[2].get_ylim()
    assert low == pytest.approx(-high)
    assert high == pytest.approx(np.abs(metrics.local_scale(X, embedding, 7)).max(), rel=0.6)
    colors = panels[1].collections[0].get_facecolors()
    assert len(np.unique(colors, axis=0)) == len(np.unique(metrics.point_recall(X, embedding, 7)))


def test_plain_maps_have_no_loss_and_embeddings_need_no_data(embedding, X):
    assert len(diagnostics(np.asarray(embedding), X).axes) == 4
    assert len(diagnostics(embedding).axes) == 2
    assert len(diagnostics(np.asarray(embedding)[:, :1], X).axes) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda Y, X: diagnostics(np.asarray(Y)), "`X` must be given for a map that is no Embedding"),
        (lambda Y, X: diagnostics(Y, X[1:]), "`Y` must have as many rows as `X`"),
        (lambda Y, X: diagnostics(Y, X, k=500), "`k` must be at most 119"),
        (lambda Y, X: diagnostics(np.zeros((9, 3)), X), "1 or 2 columns, got 3"),
    ],
)
def test_what_cannot_be_diagnosed(embedding, X, call, message):
    with pytest.raises(InvalidParameterError, match=message):
        call(embedding, X)


# --- the course of an optimization ----------------------------------------------------------------


def test_loss_and_gradient_by_iteration(embedding, tmp_path):
    figure = history(embedding, path=tmp_path / "history.png", title="Down")
    loss, gradient = (axes.lines[0].get_xydata() for axes in figure.axes)
    records = embedding.history
    np.testing.assert_array_equal(gradient, [(r.iteration, r.gradient_norm) for r in records])
    np.testing.assert_array_equal(loss, [(r.iteration, r.loss) for r in records if np.isfinite(r.loss)])
    assert len(loss) == 10
    (shade,) = figure.axes[0].patches  # early exaggeration
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (0, 40)


def test_several_courses_and_none_of_the_loss(embedding, X):
    other = TSNE(perplexity=5, n_iter=20, early_exaggeration_iter=20, random_state=0).fit(X)
    figure = history({"one": embedding, "$5": other})
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["one", "$5"]
    assert len(history(other).axes) == 1


def test_what_has_no_course(embedding, X, tmp_path):
    with pytest.raises(InvalidTypeError, match="must be an Embedding or a mapping to some"):
        history(np.zeros((5, 2)))
    embedding.save(tmp_path / "map.npz", include="coordinates")
    slim = load(tmp_path / "map.npz")
    with pytest.raises(InvalidParameterError, match="as are maps of which the coordinates alone were stored"):
        history(slim)
    with pytest.raises(InvalidParameterError, match="`graph` must be given for a map that has no affinities"):
        edges(slim)
    with pytest.raises(InvalidParameterError, match="must have been optimized"):
        history(TSNE(perplexity=5, random_state=0).prepare_initial(X))
    with pytest.raises(InvalidParameterError, match="at least one map"):
        history({})
