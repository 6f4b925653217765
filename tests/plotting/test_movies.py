"""Movies: their frames, their files, and what is refused."""

from __future__ import annotations

import io
import os
import stat
import sys

import numpy as np
import pytest

from opentsne_like.callbacks import Snapshots
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, MissingDependencyError, StorageError
from opentsne_like.plotting import PALETTE, Movie, animate, panels

pytest.importorskip("matplotlib")
from PIL import Image

# What ffmpeg is asked for, and the frames it is given, one after another.
STAND_IN = """#!{python}
import sys
content = sys.stdin.buffer.read()
open(sys.argv[-1], "wb").write(" ".join(sys.argv[1:-1]).encode() + b"\\n" + content)
"""


@pytest.fixture
def frames(rng):
    first, last = rng.normal(size=(2, 90, 2))
    return [(10 * i, (1e-4 if i == 0 else 1) * ((3 - i) * first + i * last)) for i in range(4)]


def program(folder, monkeypatch, text):
    """Make a text the only program named ffmpeg."""
    path = folder / "ffmpeg"
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder) + os.pathsep + os.environ["PATH"])


def test_every_frame_fills_the_picture(frames):
    movie = animate(frames, dpi=30, size=40)
    assert movie.pictures.shape == (4, 180, 180, 3)
    assert movie.pictures.dtype == np.uint8
    for picture in movie.pictures:
        rows, columns = np.nonzero((picture < 200).any(axis=2))
        assert max(np.ptp(rows), np.ptp(columns)) > 140
    assert not np.array_equal(movie.pictures[0], movie.pictures[1])


def test_the_same_frames_give_the_same_movie(frames):
    one, other = (animate(frames, np.arange(90) % 3, dpi=30) for _ in range(2))
    np.testing.assert_array_equal(one.pictures, other.pictures)


def test_classes_keep_their_colours_and_names_stand_beside(frames):
    wide, narrow = animate(frames, np.arange(90) % 3, dpi=30), animate(frames, np.arange(90) % 3, dpi=30, legend=False)
    assert wide.pictures.shape[2] > narrow.pictures.shape[2]
    for picture in narrow.pictures:
        seen = picture.reshape(-1, 3).astype(int)
        for color in PALETTE[:3]:
            wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
            assert (np.abs(seen - wanted).sum(axis=1) < 60).any()


def test_many_points_are_counted(frames, monkeypatch):
    monkeypatch.setattr(panels, "MANY", 50)
    assert (animate(frames, dpi=30).pictures < 250).any(axis=(1, 2, 3)).all()


def test_gifs(frames, tmp_path):
    movie = animate(frames, np.arange(90) % 3, path=tmp_path / "movie.gif", fps=10, dpi=30)
    with Image.open(tmp_path / "movie.gif") as picture:
        assert picture.n_frames == 4
        assert picture.info["loop"] == 0
        assert picture.info["duration"] == 100
        picture.seek(3)
        assert picture.info["duration"] == 1500  # the last one is to be looked at
        shown = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(shown - movie.pictures[3]).mean() < 3
    content = movie._repr_html_()
    assert content.startswith('<img src="data:image/gif;base64,')
    assert Image.open(io.BytesIO((tmp_path / "movie.gif").read_bytes())).size == movie.pictures.shape[2:0:-1]


def test_snapshots_of_a_run(frames, tmp_path):
    snapshots = Snapshots()
    snapshots.frames = frames
    np.testing.assert_array_equal(animate(snapshots, dpi=20).pictures, animate(frames, dpi=20).pictures)
    maps = np.stack([points for _, points in frames])
    assert not np.array_equal(animate(maps, dpi=20).pictures, animate(frames, dpi=20).pictures)  # no iterations
    assert repr(animate(maps, dpi=20)) == "Movie(4 frames of 120 x 120 pixels, 0.2 s)"


@pytest.mark.skipif(sys.platform == "win32", reason="the program's stand-in is a script")
def test_ffmpeg_is_handed_the_frames(frames, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, STAND_IN.format(python=sys.executable))
    movie = animate(frames, path=tmp_path / "movie.mp4", dpi=30, fps=12)
    asked, content = (tmp_path / "movie.mp4").read_bytes().split(b"\n", 1)
    assert b"-pix_fmt rgb24 -s 180x180 -r 12 -i -" in asked
    assert content == movie.pictures.tobytes()


@pytest.mark.skipif(sys.platform == "win32", reason="the program's stand-in is a script")
def test_what_ffmpeg_says_is_handed_on(frames, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "#!/bin/sh\ncat > /dev/null; echo no codec >&2; exit 1\n")
    with pytest.raises(StorageError, match="ffmpeg says 'no codec'"):
        animate(frames, path=tmp_path / "movie.mp4", dpi=30)
    assert not (tmp_path / "movie.mp4").exists()


def test_without_ffmpeg_the_cure_is_named(frames, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"or write a \.gif"):
        animate("not even looked at", path=tmp_path / "movie.mp4")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: animate([]), InvalidParameterError, "at least one map"),
        (lambda f: animate("abc"), InvalidTypeError, "`frames` must be callbacks.Snapshots or a list of maps"),
        (lambda f: animate([f[0], f[1][1][1:]]), InvalidParameterError, r"same points, got shape \(89, 2\) after"),
        (lambda f: animate([np.zeros((5, 3))]), InvalidParameterError, r"`frames\[0\]` must have 2 columns"),
        (lambda f: animate([f[0][1] * np.nan]), InvalidParameterError, r"`frames\[0\]` must be finite"),
        (lambda f: animate(f, fps=0), InvalidParameterError, "`fps` must be positive"),
        (lambda f: animate(f, path="x.avi"), InvalidParameterError, r"`path` must end in \.gif or \.mp4"),
        (lambda f: animate(f, path="no/x.gif"), StorageError, "`path` must be in an existing folder"),
        (lambda f: animate(f, [1]), InvalidParameterError, "`labels` must be one per point"),
        (lambda f: Movie(np.zeros((1, 4, 4, 3), np.uint8), 5.0).save("x.png"), InvalidParameterError, "must end in"),
    ],
)
def test_bad_input(frames, call, error, message):
    with pytest.raises(error, match=message):
        call(frames)
