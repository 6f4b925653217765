"""Maps that move: the frames of an optimization as one picture that runs."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from .._validation import check_flag, check_matrix, check_real, shown
from ..errors import InvalidParameterError, InvalidTypeError, MissingDependencyError, StorageError
from ..storage import check_writable
from .colors import read_labels
from .figures import blank, pixels
from .files import write_file
from .legends import explain
from .names import INK, PLAIN
from .panels import INCHES, Marks, frame, marks_of, views_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HELD = 1.5  # seconds that the last frame stays


@dataclass(frozen=True, repr=False, eq=False)
class Movie:
    """Pictures that follow each other. Notebooks show them; `save` writes them.

    Attributes
    ----------
    pictures : ndarray of shape (n_frames, height, width, 3), uint8
        The frames, in red, green and blue.
    fps : float
        Frames per second.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import plotting
    >>> frames = [np.random.RandomState(i).normal(size=(50, 2)) for i in range(3)]
    >>> plotting.animate(frames, dpi=20)
    Movie(3 frames of 120 x 120 pixels, 0.15 s)
    """

    pictures: Array
    fps: float

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the movie.

        Parameters
        ----------
        path : str or PathLike
            It ends in .gif, or in .mp4 where the program ffmpeg is installed.

        Raises
        ------
        InvalidParameterError, MissingDependencyError, StorageError
        """
        write_file(path, self._mp4() if _check_target(path) == ".mp4" else self._gif())

    def __repr__(self) -> str:
        """Say how much it is."""
        n, height, width, _ = self.pictures.shape
        return f"Movie({n} frames of {width} x {height} pixels, {n / self.fps:.2g} s)"

    def _repr_html_(self) -> str:
        """Show it as a GIF, which every notebook plays."""
        width = self.pictures.shape[2]
        content = base64.b64encode(self._gif()).decode("ascii")
        return f'<img src="data:image/gif;base64,{content}" width="{width}" alt="A map that is optimized">'

    def _gif(self) -> bytes:
        """Return a GIF; all frames share the colours of three of them, since others would flicker."""
        from PIL import Image

        n = len(self.pictures)
        some = Image.fromarray(np.concatenate([self.pictures[i] for i in sorted({n // 3, 2 * n // 3, n - 1})]))
        colors = some.quantize(256)
        first, *rest = [
            Image.fromarray(picture).quantize(palette=colors, dither=Image.Dither.NONE) for picture in self.pictures
        ]
        pause = round(1000 / self.fps)
        pauses = [pause] * (n - 1) + [max(pause, round(1000 * _HELD))]
        made = io.BytesIO()
        first.save(made, format="GIF", save_all=True, append_images=rest, duration=pauses, loop=0)
        return made.getvalue()

    def _mp4(self) -> bytes:
        """Return what ffmpeg makes of the frames."""
        height, width = self.pictures.shape[1:3]
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "movie.mp4"
            command = [
                *("ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"),
                *("-r", f"{self.fps:g}", "-i", "-", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white"),
                *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(made)),
            ]
            ended = subprocess.run(command, input=self.pictures.tobytes(), capture_output=True, check=False)
            if ended.returncode or not made.exists():
                message = ended.stderr.decode(errors="replace").strip()
                raise StorageError(f"`path` could not be written: ffmpeg says {message[-200:] or 'nothing'!r}")
            return made.read_bytes()


def animate(
    frames: Any,
    labels: Any = None,
    *,
    path: str | os.PathLike[str] | None = None,
    fps: float = 20,
    title: str | None = None,
    legend: bool = True,
    size: float | None = None,
    alpha: float | None = None,
    dpi: float = 80,
    categorical: bool | None = None,
    colors: Any = None,
) -> Movie:
    """Draw maps one after another, as a movie of an optimization.

    Every frame fills the picture, since a map grows from a ten-thousandth of a unit to a hundred units; so the movie
    shows how points find their places, not how fast they move.

    Parameters
    ----------
    frames : callbacks.Snapshots, or sequence
        Maps of the same points in the plane: snapshots of an optimization, pairs ``(iteration, map)`` or maps,
        array-likes of shape (n_samples, 2).
    labels : array-like of shape (n_samples,), optional
        Classes or a quantity; as for `scatter`.
    path : str or PathLike, optional
        Where to write the movie; it ends in .gif, or in .mp4 where the program ffmpeg is installed.
    fps : float
        Frames per second.
    title : str, optional
    legend : bool
        Whether to name the classes, or draw the colour bar, beside the map.
    size, alpha, categorical, colors
        As for `scatter`.
    dpi : float
        Pixels per inch; the map is 6 inches wide.

    Returns
    -------
    Movie
        Notebooks show it, and its method `save` writes it.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed, or ffmpeg where an MP4 is asked for.
    InvalidParameterError, InvalidTypeError
    StorageError
        The movie cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE, plotting
    >>> from opentsne_like.callbacks import Snapshots
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> snapshots = Snapshots(every=10)
    >>> Y = TSNE(perplexity=10, n_iter=30, early_exaggeration_iter=30, callbacks=snapshots, random_state=0).fit(X)
    >>> plotting.animate(snapshots, X[:, 0] > 0, path="movie.gif", dpi=40).pictures.shape[0]
    6
    """
    if path is not None:
        _check_target(path)
    maps = _read(frames)
    n, dims = maps[0][1].shape
    check_flag(legend, "legend")
    rate = check_real(fps, "fps", above=0, at_most=100)
    resolution = check_real(dpi, "dpi", above=0, at_most=1000)
    area = None if size is None else check_real(size, "size", above=0)
    opacity = None if alpha is None else check_real(alpha, "alpha", above=0, at_most=1)
    meaning = read_labels(labels, n, categorical, colors)
    figure = blank((INCHES, INCHES), resolution)
    marks = marks_of(meaning, n, dims, colors, size=area, alpha=opacity)
    axes = figure.subplots()
    if title:
        figure.suptitle(title, fontsize=13, color=INK, **PLAIN)
    if legend:
        explain(figure, meaning, [], "side", colors)
    movie = Movie(_pictures(figure, axes, maps, marks), rate)
    if path is not None:
        movie.save(path)
    return movie


def _pictures(figure: Figure, axes: Axes, maps: list[tuple[str, Array]], marks: Marks) -> Array:
    """Return the figure's pixels for each map in turn."""
    counter = axes.text(0.0, 0.0, "", transform=axes.transAxes, fontsize=9, color=INK, **PLAIN)
    frame(axes, *maps[0][1].T, equal=True)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # once laid out it stays as it is
    pictures = []
    for name, points in maps:
        for artist in [*axes.collections, *axes.images]:
            artist.remove()
        (view,) = views_of(points)
        frame(axes, view[0], view[1], equal=True)
        marks.draw(axes, view)
        counter.set_text(name)
        pictures.append(pixels(figure))
    return np.stack(pictures)


def _read(frames: Any) -> list[tuple[str, Array]]:
    """Return what is written beneath each map, and its coordinates."""
    given = getattr(frames, "frames", frames)
    if not isinstance(given, (list, tuple)) and not (isinstance(given, np.ndarray) and given.ndim == 3):
        raise InvalidTypeError(f"`frames` must be callbacks.Snapshots or a list of maps, got {shown(frames)}")
    if not len(given):
        raise InvalidParameterError("`frames` must hold at least one map, got none")
    maps = []
    for i, item in enumerate(given):
        paired = isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], (int, np.integer))
        name, points = (f"iteration {item[0]:,}", item[1]) if paired else ("", item)
        maps.append((name, check_matrix(points, f"frames[{i}]", n_columns=2).astype(np.float64, copy=False)))
        if maps[i][1].shape != maps[0][1].shape:
            raise InvalidParameterError(
                f"`frames` must be maps of the same points, got shape {maps[i][1].shape} after {maps[0][1].shape}"
            )
    return maps


def _check_target(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a path that can be written."""
    check_writable(path)
    text = os.fsdecode(path)
    suffix = os.path.splitext(text)[1].lower()
    if suffix not in (".gif", ".mp4"):
        raise InvalidParameterError(f"`path` must end in .gif or .mp4, got {text!r}")
    if suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise MissingDependencyError("`ffmpeg` must be installed to write MP4; or write a .gif, which needs nothing")
    return suffix
