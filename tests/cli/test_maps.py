"""What the program does with a map that exists, and with other methods than t-SNE."""

from __future__ import annotations

import io
import logging
import os
import time

import numpy as np
import pytest
from PIL import Image

import opentsne_like
from opentsne_like.callbacks import Snapshots
from opentsne_like.cli import main
from opentsne_like.cli.stages import StageBar, telling
from opentsne_like.utils import Timer

QUICK = "--perplexity 10 --early-exaggeration-iter 20 --n-iter 30"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(words):
    """Run a command without blanks in its arguments."""
    return main(words.split())


@pytest.fixture
def table(small_digits):
    """X.npy, X_new.npy and meta.csv in the current folder: 200, 100 and 200 rows."""
    X, y = small_digits
    np.save("X.npy", X[:200])
    np.save("X_new.npy", X[200:])
    lines = [f"r{i},kind {digit},{i}" for i, digit in enumerate(y[:200])]
    with open("meta.csv", "w") as file:
        file.write("\n".join(["id,topic,year", *lines]) + "\n")
    return X


@pytest.fixture
def stored(table):
    assert run(f"embed X.npy --out map.npz -q {QUICK}") == 0
    return opentsne_like.load("map.npz")


# --- plot ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "pdf", "svg", "html"])
def test_a_map_is_drawn_again(stored, capsys, ending):
    assert run(f"plot map.npz --labels meta.csv:topic --out x.{ending} --title Digits") == 0
    assert capsys.readouterr() == (f"wrote x.{ending}\n", "")
    assert os.path.getsize(f"x.{ending}") > 1000


def test_a_page_says_what_is_under_the_pointer(stored, monkeypatch):
    from opentsne_like import plotting

    seen = {}
    monkeypatch.setattr(plotting, "html", lambda points, labels, **how: seen.update(how, labels=labels))
    hover = "--hover meta.csv:id --hover meta.csv:year --hover meta.csv:id --hover meta.csv:topic"
    assert run(f"plot map.npz --out x.html --labels meta.csv:topic {hover} -q") == 0
    assert (seen["label_name"], list(seen["hover"])) == ("topic", ["id", "year", "id_1", "topic_1"])
    assert seen["hover"]["id"].tolist()[:2] == ["r0", "r1"]
    assert seen["labels"].tolist()[0].startswith("kind ")
    assert run(f"embed X.npy --out other.npz --plot y.html --hover meta.csv:id -q {QUICK}") == 0
    assert (seen["path"], seen["label_name"], list(seen["hover"])) == ("y.html", None, ["id"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "plot map.npz --out x.bmp",
            "`--out` must end in .png, .pdf, .svg or .html, or in .gif for a movie, got 'x.bmp'",
        ),
        (
            "plot map.npz --out x.gif",
            "`map` must be stored with snapshots to be drawn as a movie, got 'map.npz'",
        ),
        (
            "transform map.npz X_new.npy --out n.npz --plot x.gif",
            "`--plot` must be no movie of a map that stands still",
        ),
        ("embed no.npy --out m.npz --snapshots 0", "`--snapshots` must be at least 1, got 0"),
        ("embed no.npy --out m.npz --snapshots 5 --slim", "`--snapshots` must come without --slim"),
        ("embed X.npy --out m.npz --plot x.gif --n-components 3", "must be at most 2 for a movie, got 3"),
        ("plot map.npz --out map.npz", "`--out` must not be a file that is read"),
        ("plot map.npz --out x.png --hover meta.csv:id", "`--hover` must come with a page, .html, got 'x.png'"),
        ("plot map.npz --out x.png --labels meta.csv", "must have one column, got 3 cells in line 1"),
        ("plot map.npz --out x.png --labels meta.csv:topc", "did you mean 'topic'?"),
        ("plot no.npz --out x.png", "`map` must be an existing file, got 'no.npz'"),
        ("plot map.npz", "the following arguments are required: --out"),
        ("embed X.npy --out m.npz --hover meta.csv:id", "`--hover` must come with --plot"),
        (
            "embed X.npy --out m.npz --plot x.html --n-components 3",
            "must be at most 2 for a page, got 3",
        ),
        ("embed X.npy --out m.csv", "`--out` must end in .npz, got 'm.csv'; `export` makes tables"),
        ("embed no.npy --out m.npz --metric cosin", "; did you mean 'cosine'?"),
        ("embed no.npy --out m.npz --neighbors fais", "`--neighbors` must be one of 'auto', "),
        ("embed no.npy --out m.npz --schedule fast", "`--schedule` must be one of 'auto'"),
        ("embed no.npy --out m.npz --method umpa", "`--method` must be one of 'tsne', "),
        (
            "embed no.npy --out m.npz --method umap --dof 2",
            "`--dof` must be left out with --method umap",
        ),
        ("embed no.npy --out m.npz --method umap --set min_dits=2", "did you mean 'min_dist'?"),
        ("embed no.npy --out m.npz --set perplexity", "`--set` must be NAME=VALUE, got 'perplexity'"),
        ("embed X.npy --out m.npz --perplexty 30", "did you mean '--perplexity'?; see opentsne-like embed --help"),
        ("export map.npz map.xlsx", "`table` must end in .csv or .parquet, got 'map.xlsx'"),
        ("export map.npz meta.csv --ids meta.csv:id", "`table` must not be a file that is read"),
        ("export map.npz map.csv --ids X.npy", "must hold one label for each of the 200 rows"),
        ("add map.npz X_new.npy --out map.npz", "`--out` must not be a file that is read"),
        ("info X.npy", "`map` 'X.npy' cannot be read"),
    ],
)
def test_bad_input_is_one_line_before_any_work(stored, capsys, words, message):
    before = {name: os.stat(name).st_mtime_ns for name in os.listdir()}
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert (out, err.count("\n")) == ("", 1)
    assert {name: os.stat(name).st_mtime_ns for name in os.listdir()} == before


def test_nothing_at_all_prints_help(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: opentsne-like")
    assert err == ""


def test_a_run_is_a_movie(table):
    assert run(f"embed X.npy --out map.npz --plot x.gif --labels meta.csv:topic -q {QUICK}") == 0
    with open("x.gif", "rb") as file:
        assert file.read(6) == b"GIF89a"
    assert run("add map.npz X_new.npy --out map2.npz --plot y.gif --n-iter 30 -q") == 0
    assert os.path.getsize("y.gif") > 1000
    assert [total for total, _ in Snapshots.load("map2.npz").frames] == [60, 70, 80]  # those of all points
    assert run("plot map2.npz --out z.gif") == 0
    assert run("add map.npz X_new.npy --out map3.npz --snapshots 15 --n-iter 30 -q") == 0
    assert [(total, len(frame)) for total, frame in Snapshots.load("map3.npz").frames] == [(60, 300), (75, 300)]


def test_a_stored_map_is_a_movie_of_its_snapshots(table, capsys):
    assert run(f"embed X.npy --out map.npz --snapshots 5 --plot x.png -q {QUICK}") == 0
    kept = Snapshots.load("map.npz")
    assert [total for total, _ in kept.frames] == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
    assert kept.every == 5
    embedding = opentsne_like.load("map.npz")
    np.testing.assert_array_equal(kept.frames[-1][1], np.asarray(embedding, np.float32))
    assert run("plot map.npz --out x.gif --labels meta.csv:topic --title Digits") == 0
    with Image.open("x.gif") as picture:
        assert picture.n_frames == 10
    assert run("info map.npz") == 0
    assert "snapshots    10, one every 5 iterations" in capsys.readouterr().out
    assert run(f"embed X.npy --out movie.npz --plot y.gif --include optimizer -q {QUICK}") == 0
    assert [total for total, _ in Snapshots.load("movie.npz").frames] == [10, 20, 30, 40, 50]
    assert run("embed X.npy --out space.npz --n-components 3 --snapshots 5 --n-iter 10 --perplexity 10 -q") == 0
    assert run("plot space.npz --out z.gif") == 2
    assert "must be at most 2 for a movie, got 3" in capsys.readouterr().err


# --- add, info, export ---------------------------------------------------------------------------


@pytest.mark.parametrize("hold", ["--hold", ""])
def test_add_is_add_and_optimize(stored, table, capsys, hold):
    assert run(f"add map.npz X_new.npy --out map2.npz --n-iter 20 {hold} --include affinities --plot x.png") == 0
    assert "X_new.npy: 100 x 64, into a map of 200" in capsys.readouterr().out
    fixed = np.arange(300) < 200 if hold else None
    expected = stored.add(table[200:]).optimize(20, fixed=fixed)
    grown = opentsne_like.load("map2.npz")
    np.testing.assert_array_equal(np.asarray(grown), np.asarray(expected))
    if hold:
        np.testing.assert_array_equal(np.asarray(grown)[:200], np.asarray(stored))
    capsys.readouterr()
    for command in ("transform", "add"):
        assert run(f"{command} map2.npz X_new.npy --out new.npz") == 2
        assert "`map` must be stored with its data" in capsys.readouterr().err


def test_a_map_that_grows_keeps_its_exaggeration(table):
    assert run(f"embed X.npy --out map.npz --exaggeration 4 -q {QUICK}") == 0
    assert run("add map.npz X_new.npy --out map2.npz --n-iter 10 -q") == 0
    expected = opentsne_like.load("map.npz").add(table[200:]).optimize(10, exaggeration=4)
    np.testing.assert_array_equal(np.asarray(opentsne_like.load("map2.npz")), np.asarray(expected))


def test_a_perplexity_of_new_rows_where_affinities_have_one(table, capsys):
    assert run("embed X.npy --out umap.npz --method umap --n-iter 5 -q") == 0
    assert run("transform umap.npz X_new.npy --out new.npz --n-iter 5 -q") == 0
    assert run("transform umap.npz X_new.npy --out new.npz --perplexity 5 -q") == 2
    assert "`--perplexity` must be left out for a map of affinities Fuzzy" in capsys.readouterr().err
    assert run("embed X.npy --out sne.npz --method sne --n-iter 5 -q") == 0
    assert run("transform sne.npz X_new.npy --out new.npz --perplexity 5 --n-iter 5 -q") == 0
    expected = opentsne_like.load("sne.npz").transform(table[200:], affinity_params={"perplexity": 5}, n_iter=5)
    np.testing.assert_array_equal(np.asarray(opentsne_like.load("new.npz")), np.asarray(expected))


def test_info_says_what_is_known(stored, capsys):
    assert run("info map.npz") == 0
    out = capsys.readouterr().out
    for said in (
        "TSNEEmbedding of 200 points",
        "KL divergence ",
        "iterations   50",
        "64 columns",
        "euclidean",
        "takes new",
        f"numpy {np.__version__}",
    ):
        assert said in out
    assert run(f"embed X.npy --out slim.npz --slim -q {QUICK}") == 0
    assert run("info slim.npz") == 0
    out = capsys.readouterr().out
    assert "the picture alone" in out
    assert "iterations   not stored" in out
    assert "snapshots" not in out
    assert run("transform map.npz X_new.npy --out new.npz --n-iter 5 -q") == 0
    assert run("info new.npz") == 0
    assert "100 points" in capsys.readouterr().out


def test_info_of_a_file_that_does_not_say_who_wrote_it(stored, capsys, monkeypatch):
    monkeypatch.setattr("opentsne_like.storage.writing._package_versions", lambda: None)
    stored.save("old.npz")
    assert run("info old.npz") == 0
    assert "written with not stored" in capsys.readouterr().out


def test_a_map_as_a_table(stored, capsys):
    assert run("export map.npz map.csv --ids meta.csv:id --labels meta.csv:topic --labels meta.csv:year") == 0
    assert capsys.readouterr().out == "wrote map.csv: 200 rows of id, x, y, topic, year\n"
    with open("map.csv") as file:
        lines = [line.rstrip("\n").split(",") for line in file]
    assert lines[0] == ["id", "x", "y", "topic", "year"]
    assert [line[0] for line in lines[1:3]] == ["r0", "r1"]
    np.testing.assert_array_equal([[float(line[1]), float(line[2])] for line in lines[1:]], np.asarray(stored))
    np.save("x.npy", np.array(["2020-01-02", "NaT"] * 100, "M8[ns]"))
    assert run("export map.npz days.csv --labels x.npy --labels meta.csv:topic --labels meta.csv:topic -q") == 0
    with open("days.csv") as file:
        names, first, second = (file.readline().rstrip("\n").split(",") for _ in range(3))
    assert names == ["id", "x", "y", "x_1", "topic", "topic_1"]
    assert (first[3], second[3]) == ("2020-01-02 00:00:00", "")
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run("export map.npz map.parquet --labels meta.csv:topic -q") == 0
    table = parquet.read_table("map.parquet")
    assert table.column_names == ["id", "x", "y", "topic"]
    np.testing.assert_array_equal(table.column("x").to_numpy(), np.asarray(stored)[:, 0])
    assert table.column("id").to_pylist() == list(range(200))


# --- other methods, schedules --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "make"),
    [
        (
            "--method umap --n-iter 20 --n-neighbors 10 --set min_dist=0.3",
            ("UMAP", {"n_epochs": 20, "n_neighbors": 10, "min_dist": 0.3}),
        ),
        (
            "--method neg-t-sne --n-iter 20 --initialization random",
            ("NegTSNE", {"n_iter": 20, "initialization": "random"}),
        ),
        ("--method SNE --n-iter 20 --perplexity 9", ("SNE", {"n_iter": 20, "perplexity": 9})),
        (
            "--method elasticembedding --n-iter 9 --set lam=[10,100]",
            ("ElasticEmbedding", {"n_iter": 9, "lam": [10, 100]}),
        ),
    ],
)
def test_other_methods(table, words, make, capsys):
    name, parameters = make
    assert run(f"embed X.npy --out map.npz {words} -q") == 0
    assert capsys.readouterr() == ("", "")
    expected = getattr(opentsne_like, name)(**parameters, random_state=0).fit(table[:200])
    np.testing.assert_array_equal(np.asarray(opentsne_like.load("map.npz")), np.asarray(expected))
    assert run("transform map.npz X_new.npy --out new.npz --n-iter 5 -q") == 0
    assert run("add map.npz X_new.npy --out map2.npz --n-iter 5 --hold -q") == 0
    assert run("info map2.npz") == 0
    assert "300 points" in capsys.readouterr().out


@pytest.mark.parametrize(("schedule", "n", "made"), [("", 4999, 50), ("", 5000, 9), ("--schedule standard", 5000, 50)])
def test_the_accelerated_schedule_from_5000_rows_on(schedule, n, made):
    np.save("X.npy", np.random.default_rng(0).normal(size=(n, 3)))
    words = f"embed X.npy --out map.npz --n-neighbors 5 --early-exaggeration-iter 20 --n-iter 30 --slim {schedule} -q"
    assert run(words.replace("--slim", "--include optimizer")) == 0
    assert opentsne_like.load("map.npz").n_iter_ == made


def test_parameters_of_their_own_are_numbers_lists_or_words(table):
    assert (
        run(f"embed X.npy --out map.npz --set negative_gradient_method=exact --set final_momentum=0.5 {QUICK} -q") == 0
    )
    estimator = opentsne_like.TSNE(
        perplexity=10,
        early_exaggeration_iter=20,
        n_iter=30,
        negative_gradient_method="exact",
        final_momentum=0.5,
        random_state=0,
    )
    np.testing.assert_array_equal(np.asarray(opentsne_like.load("map.npz")), np.asarray(estimator.fit(table[:200])))


# --- stages --------------------------------------------------------------------------------------


def test_embed_tells_its_stages(table, capsys):
    assert run(f"embed X.npy --out map.npz {QUICK}") == 0
    out, err = capsys.readouterr()
    lines = [line for line in out.splitlines() if line.startswith("  ")]
    assert ["neighbours" in line or "affinity" in line or "initialization" in line for line in lines] == [True] * 3
    assert all(line.endswith(" s") for line in lines)
    assert "exaggerated" in err
    assert logging.getLogger("opentsne_like.utils").level == logging.NOTSET


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_moves_while_a_stage_lasts(monkeypatch):
    terminal, said = Terminal(), []
    monkeypatch.setattr("sys.stderr", terminal)
    with telling(said.append, quiet=False), Timer("Finding neighbours..."):
        with Timer("a part of it"):
            pass
        until = time.monotonic() + 30
        while len(set(terminal.getvalue().split("\r"))) < 3 and time.monotonic() < until:
            time.sleep(0.05)
    drawn = [line for line in terminal.getvalue().split("\r") if "|" in line]
    assert len({line.index("#") for line in drawn}) > 1
    assert drawn[0].startswith("Finding neighbours |")
    assert terminal.getvalue().endswith(" \r")
    assert len(said) == 1
    assert said[0].startswith("  Finding neighbours: ")


def test_a_bar_ends_with_what_it_was_for(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with pytest.raises(KeyboardInterrupt), telling(print, quiet=False), Timer("Finding neighbours..."):
        raise KeyboardInterrupt
    bar = StageBar(print, terminal)
    bar.stop()
    assert bar._mover is None


# --- many rows -----------------------------------------------------------------------------------


def test_places_are_written_as_they_come(stored, table, monkeypatch, capsys):
    expected = stored.transform(table[200:], n_iter=5)
    monkeypatch.setattr(opentsne_like.embedding.Embedding.transform_batches, "__kwdefaults__", {"batch_size": 30})
    assert run("transform map.npz X_new.npy --out new.npy --n-iter 5 -q --plot new.png") == 0
    np.testing.assert_array_equal(np.load("new.npy"), np.asarray(expected))
    assert capsys.readouterr() == ("", "")
    assert os.path.exists("new.png")
    assert run("transform map.npz X_new.npy --out new.npy --n-iter 5") == 0
    assert "100/100" in capsys.readouterr().err


def test_what_goes_wrong_on_the_way_leaves_nothing(stored, table, monkeypatch, capsys):
    monkeypatch.setattr(opentsne_like.embedding.Embedding.transform_batches, "__kwdefaults__", {"batch_size": 30})
    X = table[200:].copy()
    X[77, 2] = np.inf
    np.save("X_new.npy", X)
    before = sorted(os.listdir())
    assert run("transform map.npz X_new.npy --out new.npy --n-iter 5 -q") == 2
    assert "got inf in row 77, column 2" in capsys.readouterr().err
    assert run("transform map.npz X_new.npy --out new.npy --n-iter 5 -q --initialization random") == 2
    assert "`--initialization` must be one of 'median', 'weighted'" in capsys.readouterr().err
    assert run("add map.npz X_new.npy --out new.npy -q") == 2
    assert "`--out` must end in .npz, got" in capsys.readouterr().err
    assert sorted(os.listdir()) == before
