"""Pictures: what is drawn, in which colours and order, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError, InvalidTypeError, MissingDependencyError, StorageError
from opentsne_like.plotting import PALETTE, panels, scatter
from opentsne_like.plotting.colors import MISSING
from opentsne_like.plotting.density import mean_colors
from opentsne_like.plotting.legends import _MOST

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex


@pytest.fixture
def Y(rng):
    """Four well separated groups of 50 points in the plane."""
    centers = np.repeat([[0, 0], [10, 0], [0, 10], [10, 10]], 50, axis=0)
    return centers + rng.normal(size=(200, 2))


@pytest.fixture
def labels():
    return np.repeat(["a", "b", "c", "d"], 50)


def points_of(figure, panel=0, layer=-1):
    collection = figure.axes[panel].collections[layer]
    return np.asarray(collection.get_offsets()), collection.get_facecolors(), collection.get_sizes()


def colors_at(figure, Y):
    """Return the colour of every point of Y, whatever order they were drawn in."""
    offsets, colors, _ = points_of(figure)
    drawn = {tuple(place): to_hex(color) for place, color in zip(offsets.tolist(), colors, strict=True)}
    return [drawn[tuple(place)] for place in Y.tolist()]


# --- the picture ---------------------------------------------------------------------------------


def test_every_point_is_drawn_once_in_the_color_of_its_class(Y, labels):
    figure = scatter(Y, labels)
    offsets, _, _ = points_of(figure)
    np.testing.assert_array_equal(np.sort(offsets, axis=0), np.sort(Y, axis=0))
    assert colors_at(figure, Y) == [PALETTE["abcd".index(label)] for label in labels]


def test_the_order_of_drawing_hides_no_class_and_is_fixed(Y, labels):
    first, second = (points_of(scatter(Y, labels))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, Y)


def test_both_axes_have_the_same_scale_and_no_decoration(Y):
    (axes,) = scatter(Y * [1, 0.2]).axes
    assert axes.get_aspect() == 1
    assert not axes.axison
    assert np.ptp(axes.get_xlim()) == pytest.approx(np.ptp(axes.get_ylim()))
    assert axes.get_xlim()[0] < Y[:, 0].min()
    assert axes.get_xlim()[1] > Y[:, 0].max()


def test_points_shrink_with_their_number(rng):
    sizes = [points_of(scatter(rng.normal(size=(n, 2))))[2][0] for n in (10, 2000, 20_000)]
    assert sizes[0] > sizes[1] > sizes[2] > 0
    assert points_of(scatter(rng.normal(size=(10, 2)), size=3.5))[2][0] == 3.5


def test_names_stand_in_their_classes(Y, labels):
    (axes,) = scatter(Y, labels).axes
    found = {text.get_text(): text.get_position() for text in axes.texts}
    assert set(found) == set("abcd")
    for name, place in found.items():
        own = Y[labels == name]
        assert np.linalg.norm(place - own.mean(axis=0)) < 2


def test_the_name_of_a_class_in_two_parts_stands_in_one_of_them(Y, labels):
    labels = labels.copy()
    labels[labels == "d"] = "a"  # at (0, 0) and (10, 10); the median is between
    (axes,) = scatter(Y, labels, legend="map").axes
    (place,) = (text.get_position() for text in axes.texts if text.get_text() == "a")
    assert np.linalg.norm(Y[labels == "a"] - place, axis=1).min() < 1


def test_names_that_have_no_room_go_to_the_side(rng):
    Y = rng.normal(size=(300, 2))
    figure = scatter(Y, rng.integers(0, 20, 300))
    assert not figure.axes[0].texts
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [str(i) for i in range(20)]


def islands(rng, n_classes):
    """Return a map of small groups that are one in each field of a board, and their numbers."""
    side = -(-int(n_classes**0.5 * 10) // 10)
    labels = np.repeat(np.arange(n_classes), 20)
    return np.column_stack([labels % side, labels // side]) + rng.normal(scale=0.08, size=(len(labels), 2)), labels


@pytest.mark.parametrize("n_classes", [33, 60, 100])
def test_up_to_a_hundred_names_stand_on_the_map(rng, n_classes):
    Y, labels = islands(rng, n_classes)
    figure = scatter(Y, [f"class {i}" for i in labels])
    assert not figure.legends
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == n_classes
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_long_names_on_the_map_are_broken_and_shortened(Y):
    names = np.array(["T helper cells", "regulatory T cells", "a name of many letters and words", "unbreakable" * 3])
    (axes,) = scatter(Y, np.repeat(names, 50)).axes
    found = {text.get_text() for text in axes.texts}
    assert found == {"T helper cells", "regulatory\nT cells", "a name of many\nletters …", "unbreakableunbreakableu…"}


def test_names_that_are_the_same_when_shortened_go_to_the_side(Y):
    names = [f"{'long ' * 10}{i}{' long' * 10}" for i in range(4)]
    assert scatter(Y, np.repeat(names, 50)).legends


def test_names_that_are_crowded_go_to_the_side(rng):
    labels = np.repeat(np.arange(20), 15)
    Y = np.repeat(rng.uniform(size=(20, 2)), 15, axis=0)
    Y[0] = 100
    assert scatter(Y, labels).legends


@pytest.mark.parametrize("n_classes", [10, 11, 100])
def test_numbers_on_the_map_lead_to_names_beside_it(rng, n_classes):
    Y, labels = islands(rng, n_classes)
    names = [f"{'long ' * 10}{i}{' long' * 10}" for i in range(n_classes)]
    figure = scatter(Y, [names[i] for i in labels], dpi=50)
    listed = [text.get_text() for text in figure.legends[0].get_texts()]
    numbers = [text.get_text() for text in figure.axes[0].texts]
    assert len(listed) == n_classes
    if n_classes <= 10:  # told apart by their colours
        assert numbers == []
        return
    assert numbers == [str(i + 1) for i in range(n_classes)]
    assert [name.split("  ")[0] for name in listed] == numbers
    assert np.linalg.norm(Y[labels == 0] - figure.axes[0].texts[0].get_position(), axis=1).min() < 0.2
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert figure.get_size_inches()[0] <= 12


def test_no_numbers_where_classes_are_no_places_or_names_are_asked_for_beside(rng):
    Y, labels = islands(rng, 40)
    names = np.array([f"a rather long name for a class {i:03d}, which is as long as names get" for i in range(40)])
    for figure in (scatter(Y, names[labels], legend="side"), scatter(Y, rng.permutation(names[labels]))):
        assert not figure.axes[0].texts
        assert not figure.legends[0].get_texts()[0].get_text().startswith("1 ")


def test_legend_by_request(Y, labels):
    assert not scatter(Y, labels, legend=False).legends
    assert not scatter(Y, labels, legend=False).axes[0].texts
    assert scatter(Y, labels, legend="side").legends
    assert len(scatter(Y, labels, legend="map").axes[0].texts) == 4
    assert len(scatter(Y, Y[:, 0]).axes) == 2  # with a colour bar
    assert len(scatter(Y, Y[:, 0], legend=False).axes) == 1


@pytest.mark.parametrize(("dims", "legend"), [(1, True), (2, True), (2, "side"), (2, "map"), (3, "map")])
def test_pictures_of_many_names_have_a_bound(tmp_path, rng, dims, legend):
    labels = [f"word {i % 1000}" for i in range(2000)] + ["two"] * 9 + [None]
    figure = scatter(rng.normal(size=(2010, dims)), labels, legend=legend, path=tmp_path / "map.png", dpi=40)
    assert figure.get_size_inches()[0] <= 12
    if legend == "map":
        shown = [text.get_text() for text in figure.axes[0].texts]
        assert len(shown) == _MOST
    else:
        shown = [text.get_text() for text in figure.legends[0].get_texts()]
        assert len(shown) == _MOST
        assert shown[-2:] == [f"and {1001 - (_MOST - 2):,} more", "no label"]
    assert "two" in shown  # the largest


def test_sixty_thousand_names_are_drawn(rng):
    figure = scatter(rng.normal(size=(60_000, 2)), [f"word {i}" for i in range(60_000)])
    assert figure.legends[0].get_texts()[-1].get_text() == f"and {60_000 - (_MOST - 1):,} more"


def test_sixty_long_names_have_room_beside_the_map(rng):
    labels = [f"topic {i % 60} of a long name" for i in range(600)]
    figure = scatter(rng.normal(size=(600, 2)), labels, dpi=50)
    texts = figure.legends[0].get_texts()
    assert len(texts) == 60
    assert figure.get_size_inches()[0] <= 12
    figure.draw_without_rendering()
    height = figure.bbox.height
    assert all(text.get_window_extent().y0 >= 0 and text.get_window_extent().y1 <= height for text in texts)


def test_legends_that_fit_name_all(rng):
    Y = rng.normal(size=(300, 2))
    narrow = scatter(Y, np.arange(300) % _MOST, categorical=True, legend="side")
    assert len(narrow.legends[0].get_texts()) == _MOST
    assert narrow.get_size_inches()[0] < 11.7


@pytest.mark.parametrize("before", [0, 10, 30, 60])
@pytest.mark.parametrize("after", [0, 30, 60])
def test_long_names_stay_apart(rng, before, after):
    labels = [f"{'x' * before}{i % 20}{'y' * after}" for i in range(300)]
    figure = scatter(rng.normal(size=(300, 2)), labels, legend="side")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(set(texts)) == 20 or min(before, after) >= 40  # what is only in the middle may go
    assert max(map(len, texts)) <= 40


@pytest.mark.parametrize("legend", ["side", "map"])
def test_names_and_titles_are_text(tmp_path, Y, labels, legend):
    names = {"a": "$0 - $10", "b": "Ba$$in", "c": "_under", "d": r"\alpha^2 & 50 %"}
    figure = scatter(Y, [names[label] for label in labels], title="$$", legend=legend, path=tmp_path / "map.svg")
    texts = figure.legends[0].get_texts() if legend == "side" else figure.axes[0].texts
    assert {text.get_text().replace("\n", " ") for text in texts} == set(names.values())
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts)
    assert not figure.get_suptitle() or not figure._suptitle.get_parse_math()


def test_texts_that_cannot_be_printed_are_drawn(tmp_path, Y):
    odd = ["a\nb", "\x00", "\udc80", " ", "", "x" * 5000, "a  b", "a b"]
    for legend in ("side", "map"):
        scatter(Y, [odd[i % 8] for i in range(200)], legend=legend, path=tmp_path / "map.svg")


def test_missing_labels_are_grey_and_beneath(Y, labels):
    some = labels.astype(object)
    some[::3] = None
    figure = scatter(Y, some, legend="side")
    _, colors, _ = points_of(figure)
    missing = sum(label is None for label in some)
    assert {to_hex(color) for color in colors[:missing]} == {MISSING}
    assert MISSING not in {to_hex(color) for color in colors[missing:]}
    assert figure.legends[0].get_texts()[-1].get_text() == "no label"
    values = Y[:, 0].copy()
    values[:7] = np.nan
    _, colors, _ = points_of(scatter(Y, values))
    assert [to_hex(color) == MISSING for color in colors] == [True] * 7 + [False] * 193


def test_a_quantity_is_shaded_with_robust_limits(Y):
    values = np.linspace(0, 1, 200)
    values[-1] = 1e6
    figure = scatter(Y, values)
    bar = figure.axes[1]
    assert bar.get_ylim()[1] < 2
    shades = colors_at(figure, Y)
    assert len(set(shades)) > 100
    assert shades[0] == "#440154"


def test_own_colors(Y, labels):
    figure = scatter(Y, labels, colors={"a": "red", "b": "#00ff00", "c": (0, 0, 1)})
    assert colors_at(figure, Y)[::50] == ["#ff0000", "#00ff00", "#0000ff", MISSING]
    assert colors_at(scatter(Y, labels, colors=["red", "blue"]), Y)[::50] == ["#ff0000", "#0000ff"] * 2
    assert set(colors_at(scatter(Y, colors="black"), Y)) == {"#000000"}
    assert colors_at(scatter(Y, np.arange(200.0), colors="gray"), Y)[0] == "#000000"


def test_times_get_a_bar_with_dates(tmp_path, Y):
    times = np.datetime64("2020-01-01T00") + np.arange(200).astype("m8[D]")
    times[0] = "NaT"
    figure = scatter(Y, times, path=tmp_path / "map.png", dpi=50)
    assert "Mar" in [text.get_text() for text in figure.axes[1].get_yticklabels()]
    assert colors_at(figure, Y)[0] == MISSING


def test_times_that_have_no_date_are_drawn(tmp_path, Y):
    for first in (-1_000_000, -719_162, 2_932_896 - 199, 5_000_000):
        scatter(Y, (first + np.arange(200)).astype("M8[D]"), path=tmp_path / "map.png", dpi=50)


def test_a_background_is_drawn_beneath(Y, labels, rng):
    new = rng.normal(size=(5, 2)) + 30
    figure = scatter(new, background=Y)
    assert points_of(figure, layer=0)[0].shape == (200, 2)
    assert points_of(figure, layer=1)[0].shape == (5, 2)
    assert figure.axes[0].get_xlim()[0] < Y[:, 0].min()
    assert figure.axes[0].get_xlim()[1] > new[:, 0].max()


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 500])
def test_all_dimensions_and_small_maps(tmp_path, rng, dims, n):
    Y = rng.normal(size=(n, dims))
    path = tmp_path / "map.png"
    figure = scatter(Y, np.arange(n) % 3, path=path, title="A title", dpi=50, background=Y)
    assert path.stat().st_size > 500
    panels = [axes for axes in figure.axes if axes.collections]
    assert len(panels) == (3 if dims == 3 else 1)
    if dims == 1:
        np.testing.assert_array_equal(np.sort(points_of(figure)[0][:, 0]), np.sort(Y[:, 0]))


def test_the_nearest_points_of_three_dimensions_are_drawn_last(rng):
    Y = rng.normal(size=(100, 3))
    offsets, _, _ = points_of(scatter(Y))
    np.testing.assert_array_equal(offsets, Y[np.argsort(Y[:, 2])][:, :2])


def test_coincident_points_and_constant_values_are_drawn(tmp_path):
    for dims in (1, 2, 3):
        scatter(np.ones((10, dims)), np.ones(10), path=tmp_path / "map.png", categorical=False, dpi=50)
        scatter(np.ones((10, dims)), np.full(10, np.nan), path=tmp_path / "map.png", dpi=50)


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml"), ("", b"\x89PNG")]
)
def test_the_suffix_decides_the_format(tmp_path, Y, labels, suffix, magic):
    path = tmp_path / f"map.{suffix}".rstrip(".")
    scatter(Y, labels, path=path, dpi=60)
    assert path.read_bytes().startswith(magic)


def test_pixels_follow_dpi(tmp_path, Y):
    from PIL import Image

    scatter(Y, path=tmp_path / "map.png", dpi=50)
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.size == (300, 300)


def test_the_same_map_gives_the_same_picture(tmp_path, Y, labels):
    def draw(i):
        scatter(Y, labels, path=tmp_path / f"{i}.png", dpi=50)
        return (tmp_path / f"{i}.png").read_bytes()

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(draw, range(6)))) == 1


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, Y):
    with pytest.raises(StorageError, match="could not be written"):
        scatter(Y, path=tmp_path / "no" / "map.png")
    with pytest.raises(InvalidParameterError, match=r"`path` must end in one of .*png"):
        scatter(Y, path=tmp_path / "map.xyz")
    assert not list(tmp_path.iterdir())


def test_nothing_global_is_touched():
    code = """
import sys
import numpy as np
from opentsne_like.plotting import scatter
assert "matplotlib" not in sys.modules
scatter(np.eye(3)[:, :2], [1, 2, 3])
assert "matplotlib.pyplot" not in sys.modules
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


def test_without_matplotlib_the_cure_is_named(Y, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"opentsne-like\[plot\]"):
        scatter(Y)


def test_figures_show_themselves(Y):
    import pickle
    from io import BytesIO

    from PIL import Image

    figure = scatter(Y, dpi=50)
    content, size = pickle.loads(pickle.dumps(figure))._repr_png_()
    assert size == {"width": 600, "height": 600}
    with Image.open(BytesIO(content)) as picture:
        assert picture.size == (300, 300)


# --- a quantity that is not known everywhere, and more points than can be drawn one by one ---------


def test_a_colour_bar_says_what_grey_is(Y):
    known = scatter(Y, Y[:, 0])
    partly = scatter(Y, np.where(Y[:, 0] > 5, Y[:, 0], np.nan))
    assert [[text.get_text() for text in figure.axes[1].texts] for figure in (known, partly)] == [[], ["none"]]
    assert to_hex(partly.axes[1].patches[-1].get_facecolor()) == MISSING


def test_the_mean_colours_of_pixels(rng):
    pixels, shades = rng.integers(0, 30, 400), rng.uniform(size=(400, 3))
    image = mean_colors(pixels, shades, 40)
    assert (image[30:] == 0).all()
    for pixel in range(30):
        np.testing.assert_allclose(image[pixel, :3], shades[pixels == pixel].mean(axis=0), rtol=1e-12)
    counts = np.bincount(pixels)
    order = np.argsort(counts, kind="stable")
    assert (np.diff(image[:30, 3][order]) >= 0).all()
    assert 0 < image[:30, 3].min() < image[:30, 3].max() == 1
    assert (mean_colors(pixels[:0], shades[:0], 4) == 0).all()


def test_many_points_are_counted(monkeypatch, Y, labels):
    monkeypatch.setattr(panels, "MANY", 100)
    labels = labels.astype(object)
    labels[labels == "d"] = None
    figure = scatter(Y, labels)
    (axes,) = figure.axes
    assert not axes.collections
    assert len(axes.images) == 2  # points without a label beneath
    colors = {to_hex(color[:3]) for color in axes.images[1].get_array()[axes.images[1].get_array()[..., 3] > 0]}
    assert set(PALETTE[:3]) <= colors
    assert axes.get_xlim() == scatter(Y, labels, size=1).axes[0].get_xlim()
    assert scatter(Y, labels, size=1).axes[0].collections  # one by one, if that is asked for
    for dims in (1, 3):
        assert all(
            axes.images for axes in scatter(np.hstack([Y, Y])[:, :dims], background=Y[:, [0, 1, 0]][:, :dims]).axes
        )


# --- bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda Y: scatter(np.zeros((5, 4))), InvalidParameterError, "must have 1 to 3 columns to be drawn, got 4"),
        (lambda Y: scatter(Y[:, 0]), InvalidParameterError, "`embedding` must be two-dimensional"),
        (lambda Y: scatter(Y * np.nan), InvalidParameterError, "`embedding` must be finite"),
        (lambda Y: scatter(Y, [1, 2]), InvalidParameterError, r"`labels` must be one per point, shape \(200,\)"),
        (lambda Y: scatter(Y, Y), InvalidParameterError, "`labels` must be one per point"),
        (lambda Y: scatter(Y, Y[:, 0] * 1j), InvalidTypeError, "`labels` must be numbers or names"),
        (
            lambda Y: scatter(Y, ["a"] * 200, categorical=False),
            InvalidTypeError,
            "`labels` must be numbers or times when",
        ),
        (lambda Y: scatter(Y, legend="below"), InvalidParameterError, "`legend` must be one of"),
        (lambda Y: scatter(Y, size=0), InvalidParameterError, "`size` must be positive, got 0"),
        (lambda Y: scatter(Y, alpha=2), InvalidParameterError, "`alpha` must be at most 1, got 2"),
        (lambda Y: scatter(Y, dpi=-1), InvalidParameterError, "`dpi` must be positive"),
        (lambda Y: scatter(Y, colors="nocolor"), InvalidParameterError, "`colors` must be colours"),
        (lambda Y: scatter(Y, ["a"] * 200, colors=[7]), InvalidParameterError, "`colors` must be colours"),
        (lambda Y: scatter(Y, Y[:, 0], colors="nomap"), InvalidParameterError, "matplotlib's colormaps"),
        (lambda Y: scatter(Y, Y[:, 0], colors={1: "red"}), InvalidParameterError, "colormaps for a quantity, got {1:"),
        (lambda Y: scatter(Y, ["a"] * 200, colors="red"), InvalidParameterError, "a mapping or a sequence of colours"),
        (lambda Y: scatter(Y, ["a"] * 200, colors=[]), InvalidParameterError, "at least one colour, got none"),
        (lambda Y: scatter(Y, ["a"] * 200, colors={"b": 1}), InvalidParameterError, "such as 'a', got only 'b'"),
        (lambda Y: scatter(Y, ["a"] * 200, colors={}), InvalidParameterError, "got only an empty mapping"),
        (lambda Y: scatter(Y, background=np.zeros((3, 3))), InvalidParameterError, "`background` must have 2 columns"),
    ],
)
def test_bad_input(Y, call, error, message):
    with pytest.raises(error, match=message):
        call(Y)
