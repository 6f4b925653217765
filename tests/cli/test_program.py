"""The program as a user meets it: what it writes, prints and returns."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import opentsne_like
from opentsne_like.cli import main
from opentsne_like.cli.arguments import make_parser

PATIENCE = 600.0  # seconds for a process that may have to compile on a busy machine
QUICK = ["--perplexity", "10", "--early-exaggeration-iter", "20", "--n-iter", "30"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def table(small_digits):
    """X.npy, X_new.npy and y.csv in the current folder: 200, 100 and 200 rows."""
    X, y = small_digits
    np.save("X.npy", X[:200])
    np.save("X_new.npy", X[200:])
    np.savetxt("y.csv", y[:200], fmt="%d")
    return X[:200]


def one_line(capsys):
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("opentsne-like")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


def run(words):
    """Run a command without blanks in its arguments."""
    return main(words.split())


def embed(*words):
    return main(["embed", "X.npy", "--out", "map.npz", *QUICK, *words])


# --- embed ---------------------------------------------------------------------------------------


def test_embed_is_fit(table, capsys):
    assert embed("-q", "--seed", "3") == 0
    assert capsys.readouterr() == ("", "")
    assert os.listdir() == ["map.npz"] or sorted(os.listdir()) == ["X.npy", "X_new.npy", "map.npz", "y.csv"]
    estimator = opentsne_like.TSNE(perplexity=10, early_exaggeration_iter=20, n_iter=30, random_state=3)
    expected = estimator.fit(table)
    found = opentsne_like.load("map.npz")
    assert np.asarray(found).tobytes() == np.asarray(expected).tobytes()
    assert found.kl_divergence == expected.kl_divergence


def test_embed_takes_the_accelerated_schedule(table, capsys):
    assert embed("-q", "--schedule", "accelerated") == 0
    assert len(opentsne_like.load("map.npz").history) == 6 + 9
    assert embed("-q", "--schedule", "fast") == 2
    assert "`--schedule` must be one of 'auto', 'standard', 'accelerated', got 'fast'" in one_line(capsys)


def test_embed_tells_and_draws(table, capsys):
    assert embed("--plot", "map.png", "--labels", "y.csv") == 0
    out, err = capsys.readouterr()
    assert "X.npy: 200 x 64" in out
    assert "KL divergence" in out
    assert "wrote map.npz" in out
    assert "wrote map.png" in out
    assert "%" in err  # the progress bar
    with open("map.png", "rb") as file:
        assert file.read(4) == b"\x89PNG"


def test_the_same_command_gives_the_same_file(table):
    contents = []
    for jobs in ("1", "-1"):
        assert embed("-q", "--slim", "--n-jobs", jobs) == 0
        with np.load("map.npz") as file:
            contents.append(file["coordinates"].tobytes())
    assert contents[0] == contents[1]


def test_options_reach_the_estimator(table):
    words = ["--n-components", "1", "--exaggeration", "2", "--dof", "0.8", "--learning-rate", "50"]
    words += ["--early-exaggeration", "6", "--metric", "cosine", "--neighbors", "exact", "--initialization", "random"]
    words += ["--negative-gradient-method", "exact", "--seed", "5"]
    assert embed("-q", *words) == 0
    estimator = opentsne_like.TSNE(
        n_components=1,
        perplexity=10,
        early_exaggeration_iter=20,
        n_iter=30,
        exaggeration=2,
        dof=0.8,
        learning_rate=50,
        early_exaggeration=6,
        metric="cosine",
        neighbors="exact",
        initialization="random",
        negative_gradient_method="exact",
        random_state=5,
    )
    assert np.asarray(opentsne_like.load("map.npz")).tobytes() == np.asarray(estimator.fit(table)).tobytes()


def test_a_start_from_a_table(table, rng):
    np.save("start.npy", 1e-4 * rng.normal(size=(200, 2)))
    assert run("embed X.npy --out map.npz --initialization start.npy --n-iter 0 --early-exaggeration-iter 0 -q") == 0
    np.testing.assert_array_equal(np.asarray(opentsne_like.load("map.npz")), np.load("start.npy"))


def test_several_perplexities_and_uniform_neighbors(table):
    assert run("embed X.npy --out map.npz --perplexity 5,20 --n-iter 10 --early-exaggeration-iter 10 -q") == 0
    assert run("embed X.npy --out map.npz --n-neighbors 15 --n-iter 10 --early-exaggeration-iter 10 -q") == 0


def test_a_slim_map_is_small_and_cannot_place_points(table, capsys):
    assert embed("-q") == 0
    whole = os.path.getsize("map.npz")
    assert embed("-q", "--slim") == 0
    assert os.path.getsize("map.npz") < whole / 5
    assert opentsne_like.load("map.npz").shape == (200, 2)
    assert run("transform map.npz X_new.npy --out new.npz") == 2
    capsys.readouterr()
    assert run("transform map.npz X_new.npy --out new.npz -q") == 2
    one_line(capsys)
    assert not os.path.exists("new.npz")


# --- transform -----------------------------------------------------------------------------------


def test_transform_is_transform(table, capsys):
    assert embed("-q") == 0
    before = Path("map.npz").read_bytes()
    words = "transform map.npz X_new.npy --out new.npz --n-iter 20 --perplexity 4 --k 10"
    assert run(f"{words} --plot new.png -q") == 0
    assert capsys.readouterr() == ("", "")
    assert Path("map.npz").read_bytes() == before
    expected = opentsne_like.load("map.npz").transform(np.load("X_new.npy"), n_iter=20, perplexity=4, k=10)
    placed = opentsne_like.load("new.npz")
    assert np.asarray(placed).tobytes() == np.asarray(expected).tobytes()
    assert os.path.getsize("new.png") > 1000
    assert run(words) == 0
    out, _ = capsys.readouterr()
    assert "X_new.npy: 100 x 64, onto a map of 200" in out
    assert "wrote new.npz" in out


def written_table(path, X, names, separator=","):
    """Write a table with a line of names, compressed where the path says so."""
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "wt") as file:
        file.write(separator.join(names) + "\n" if names else "")
        np.savetxt(file, X, fmt="%.17g", delimiter=separator)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_transform_matches_columns_by_name(rng, suffix, capsys):
    names = ["a", "b", "c", "10"]
    X = rng.normal(size=(80, 4)) + 6 * np.eye(4)[np.arange(80) % 3]
    new, other = X[:5] + 0.01, [3, 1, 0, 2]

    def write(path, rows, titles):
        if suffix == ".parquet":
            pandas = pytest.importorskip("pandas")
            pytest.importorskip("pyarrow")
            pandas.DataFrame(rows, columns=titles or [f"{i}" for i in range(rows.shape[1])]).to_parquet(path + suffix)
        else:
            written_table(path + suffix, rows, titles, "\t" if suffix == ".tsv" else ",")

    write("X", X, names)
    write("ordered", new, names)
    write("shuffled", new[:, other], [names[i] for i in other])
    write("bare", new, None)
    write("renamed", new, ["a", "b", "x", "10"])
    write("wider", np.column_stack([new, new[:, 0]]), [*names, "more"])
    assert run(f"embed X{suffix} --out map.npz -q {' '.join(QUICK)}") == 0
    for name in ("ordered", "shuffled", "bare"):
        assert run(f"transform map.npz {name}{suffix} --out {name}.npz --n-iter 5 -q") == 0
    placed = [np.asarray(opentsne_like.load(f"{name}.npz")).tobytes() for name in ("ordered", "shuffled", "bare")]
    assert placed[0] == placed[1] == placed[2]
    capsys.readouterr()
    for name, said in (("renamed", "got no 'c' and also 'x'"), ("wider", "got also 'more'")):
        assert run(f"transform map.npz {name}{suffix} --out no.npz -q") == 2
        assert one_line(capsys) == f"opentsne-like: error: `X` must have the columns of the data, {said}\n"
    assert not Path("no.npz").exists()


def test_names_in_files_are_those_of_a_frame(rng):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rng.normal(size=(40, 3)), columns=["a", 1991, 1992])
    opentsne_like.TSNE(perplexity=5, n_iter=5, early_exaggeration_iter=5).fit(X).save("map.npz")
    X[:5].to_csv("new.csv", index=False)
    X[[1992, "a", 1991]][:5].to_csv("shuffled.csv", index=False)
    for name in ("new", "shuffled"):
        assert run(f"transform map.npz {name}.csv --out {name}.npz --n-iter 5 -q") == 0
    placed = [np.asarray(opentsne_like.load(f"{name}.npz")) for name in ("new", "shuffled")]
    np.testing.assert_array_equal(*placed)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("embed no.npy --out map.npz", "`X` 'no.npy' cannot be read: there is no such file"),
        ("embed X.npy --out no/map.npz", "`--out` must be in an existing folder, got 'no/map.npz'"),
        ("embed X.npy --out map.csv", "`--out` must end in .npz, got 'map.csv'"),
        ("embed X.npy --out X.npy", "`--out` must not be a file that is read, got 'X.npy'"),
        ("embed X.npy --out map.npz --plot map.npz", "`--plot` must be another file than --out"),
        ("embed X.npy --out map.npz --plot no/map.png", "`--plot` must be in an existing folder"),
        (
            "embed X.npy --out map.npz --plot map.bmp",
            "`--plot` must end in .png, .pdf, .svg or .html, or in .gif for a movie",
        ),
        ("embed X.npy --out map.npz --labels y.csv", "`--labels` must come with --plot"),
        ("embed X.npy --out map.npz --plot m.png --labels X_new.npy", "one label for each of the 200 rows"),
        ("embed X.npy --out map.npz --plot m.png --n-components 4", "`--n-components` must be at most 3 for a picture"),
        ("embed X.npy --out map.npz --perplexity -3", "`--perplexity` must be positive, got -3"),
        ("embed X.npy --out map.npz --n-components 0", "`--n-components`"),
        ("embed X.npy --out map.npz --metric l17", "`--metric` must be one of"),
        ("embed X.npy --out map.npz --n-jobs 0", "`--n-jobs`"),
        ("embed X.npy --out map.npz --seed -1", "`--seed`"),
        ("embed X.npy --out map.npz --initialization nowhere", "`--initialization` must be one of 'pca'"),
        ("embed X.npy --out map.npz --method umap --n-iter -1", "`--n-iter` must be at least 0, got -1"),
        ("embed X.npy --out map.npz --initialization no.npy", "`--initialization` 'no.npy' cannot be read"),
        ("embed X.npy --out map.npz --dof 0", "`--dof`"),
        ("embed X.npy --out map.npz --n-iter -1", "`--n-iter`"),
        ("embed X.npy --out map.npz --perplexity ten", "argument --perplexity: invalid number value: 'ten'"),
        ("embed X.npy --out map.npz --learning-rate fast", "invalid number or 'auto' value: 'fast'"),
        ("embed X.npy", "the following arguments are required: --out"),
        (
            "embed X.npy --out map.npz --sede 3",
            "unrecognized arguments: --sede 3; did you mean '--seed'?; see opentsne-like embed --help",
        ),
        ("embed nan.npy --out map.npz", "`X` must be finite, got nan in row 3, column 0"),
        ("embed flat.npy --out map.npz", "`X` must be two-dimensional"),
        ("embed words.csv --out map.npz", "got 'dog' in column 2, line 1"),
        ("embed one.csv --out map.npz", "`X` must have at least"),
        ("transform no.npz X_new.npy --out new.npz", "must be an existing file, got 'no.npz'"),
        ("transform X.npy X_new.npy --out new.npz", "'X.npy' cannot be read"),
        ("transform foreign.npz X_new.npy --out new.npz", "it is not a file of opentsne_like"),
        ("transform X.npy X_new.npy --out X.npy", "`--out` must not be a file that is read"),
        ("draw", "invalid choice: 'draw'"),
        ("demo --out-dir no", "`--out-dir` must be in an existing folder"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(table, capsys, words, message):
    broken = table.copy()
    broken[3, 0] = np.nan
    np.save("nan.npy", broken)
    np.save("flat.npy", np.zeros(10))
    np.savez("foreign.npz", a=np.zeros(3))
    for name, text in (("words.csv", "1,dog\n2,cat\n"), ("one.csv", "1,2\n")):
        with open(name, "w") as file:
            file.write(text)
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert out.count("\n") <= 1  # what was read
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before


def test_a_truncated_map_is_refused_and_nothing_is_overwritten(table, capsys):
    assert embed("-q") == 0
    data = Path("map.npz").read_bytes()
    with open("map.npz", "wb") as file:
        file.write(data[: len(data) // 2])
    with open("new.npz", "wb") as file:
        file.write(b"old")
    assert run("transform map.npz X_new.npy --out new.npz") == 2
    assert "truncated" in one_line(capsys)
    assert Path("new.npz").read_bytes() == b"old"


def test_columns_that_differ_are_refused(table, capsys):
    assert embed("-q") == 0
    np.save("narrow.npy", np.zeros((5, 63)))
    assert run("transform map.npz narrow.npy --out new.npz -q") == 2
    assert "64 columns" in one_line(capsys)


def test_help_version_and_errors_without_work(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"opentsne-like {opentsne_like.__version__}\n"
    for words in (["--help"], ["embed", "--help"], ["transform", "-h"], ["demo", "-h"]):
        assert main(words) == 0
        assert "usage: opentsne-like" in capsys.readouterr().out


def test_every_option_is_explained():
    parsers = make_parser("opentsne-like")._subparsers._group_actions[0].choices
    assert set(parsers) == {"demo", "embed", "transform", "add", "plot", "info", "export"}
    assert all(action.help for parser in parsers.values() for action in parser._actions)


def test_python_m_and_light_errors():
    code = "import sys; from opentsne_like.cli import main; s = main(['embed', 'no.npy', '--out', 'm.npz']); "
    code += "assert s == 2 and not {'numba', 'matplotlib', 'sklearn', 'tqdm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=PATIENCE, capture_output=True)
    run = subprocess.run(
        [sys.executable, "-m", "opentsne_like", "--version"], check=True, timeout=PATIENCE, capture_output=True
    )
    assert run.stdout.startswith(b"opentsne-like ")


# --- interruption --------------------------------------------------------------------------------


def test_ctrl_c_says_how_to_go_on(table, capsys, monkeypatch):
    from opentsne_like import tsne

    def interrupted(self, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(tsne.TSNE, "fit", interrupted)
    assert embed("-q") == 130
    assert "interrupted; nothing was written; with --resume a run can go on" in one_line(capsys)
    assert embed("-q", "--resume") == 130
    assert "interrupted; the same command goes on from the last checkpoint" in one_line(capsys)
    assert not os.path.exists("map.npz")


INTERRUPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what the shell starts in the background ignores it
left = int(sys.argv.pop(1))

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)

from opentsne_like.cli import main
sys.meta_path.insert(0, Finder)
sys.exit(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="needs os.kill")
@pytest.mark.parametrize("place", [1, 5, 30, 90, 200, 300, 450, 700])
def test_ctrl_c_is_one_line_whatever_is_imported(table, place):
    command = [sys.executable, "-c", INTERRUPT, str(place), "embed", "X.npy", "--out", "map.npz", "-q", *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr.startswith("opentsne-like: interrupted; nothing was written")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_what_becomes_of_ctrl_c_is_one_line_too(table, capfd, monkeypatch):
    """Code in C may raise something else; a destructor goes on."""
    from opentsne_like.cli import commands, entry

    kept = signal.getsignal(signal.SIGINT), sys.unraisablehook

    class Careless:
        def __del__(self):
            raise KeyboardInterrupt

    def in_c(options):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy failed to import") from None

    def in_a_destructor(options):
        Careless()
        for _ in range(1000):  # a sleep is not ended by an interrupt from within
            time.sleep(0.01)

    try:
        for command in (in_c, in_a_destructor):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            monkeypatch.setattr(commands, "embed", command)
            monkeypatch.setattr(sys, "argv", ["opentsne-like", "embed", "X.npy", "--out", "map.npz"])
            assert entry.main() == 130
            out, err = capfd.readouterr()
            assert (out, err) == ("", "opentsne-like: interrupted; nothing was written\n")
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "the process ends"
    finally:
        signal.signal(signal.SIGINT, kept[0])
        sys.unraisablehook = kept[1]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device"), "error: No space left on device"),
        (OSError(122, "Disk quota exceeded", "/cache/x.nbi"), "error: '/cache/x.nbi': Disk quota exceeded"),
        (OSError("odd"), "error: odd"),
        (MemoryError("of 3 GB"), "error: not enough memory (of 3 GB)"),
    ],
)
def test_what_the_system_refuses_is_one_line(table, capsys, monkeypatch, error, message):
    from opentsne_like import tsne

    def refuse(self, *args, **kwargs):
        raise error

    monkeypatch.setattr(tsne.TSNE, "fit", refuse)
    assert embed("-q") == 2
    assert one_line(capsys) == f"opentsne-like: {message}\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_output_that_cannot_be_printed_is_one_line():
    command = [sys.executable, "-m", "opentsne_like", "--version"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, env=buffered, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "opentsne-like: error: No space left on device\n")


RUN_WITH_CHECKPOINTS = """
import sys
from opentsne_like import callbacks
from opentsne_like.cli import main
original = callbacks.Checkpoint.__init__
def often(self, path, every=None, every_seconds=None, **options):
    original(self, path, every=7, **options)
callbacks.Checkpoint.__init__ = often
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_run_is_resumed_with_the_same_bits(table, capsys):
    words = "embed X.npy --perplexity 10 --n-iter 400 --early-exaggeration-iter 100 -q --resume --out"
    assert run(f"{words} through.npz") == 0
    command = [sys.executable, "-c", RUN_WITH_CHECKPOINTS, *words.split(), "killed.npz"]
    for _ in range(2):
        process = subprocess.Popen(command)
        for _ in range(int(PATIENCE / 0.05)):
            if os.path.exists("killed.npz.checkpoint") or process.poll() is not None:
                break
            time.sleep(0.05)
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run(f"{words} killed.npz") == 0
    through, killed = (np.asarray(opentsne_like.load(f"{name}.npz")) for name in ("through", "killed"))
    assert through.tobytes() == killed.tobytes()
    assert not [name for name in os.listdir() if "checkpoint" in name]


# --- demo ----------------------------------------------------------------------------------------


def test_demo(capsys):
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert sorted(os.listdir()) == ["digits.npz", "digits.png"]
    assert "1,797 pictures of 64 pixels" in out
    for stage in ("neighbours and affinities", "initialization", "early exaggeration", "optimization"):
        assert stage in out
    kl = float(out.split("KL divergence ")[1].split()[0])
    recall = float(out.split("Neighbour recall ")[1].split(":")[0])
    assert kl < 0.8
    assert recall > 0.5
    assert "%" in err
    embedding = opentsne_like.load("digits.npz")
    assert embedding.shape == (1797, 2)
    assert embedding.kl_divergence == pytest.approx(kl, abs=1e-4)
    assert main(["demo", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
