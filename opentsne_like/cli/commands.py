"""``embed`` and ``transform``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..dependencies import need
from ..errors import InvalidParameterError
from ..storage import check_writable
from .tables import read_label_file, read_table

# What goes to TSNE and to transform as it is, when it is given.
_ESTIMATOR = (
    *("n_components", "perplexity", "n_neighbors", "metric", "neighbors", "early_exaggeration"),
    *("early_exaggeration_iter", "exaggeration", "n_iter", "learning_rate", "dof", "negative_gradient_method"),
    *("schedule", "n_jobs", "random_state"),
)
_TRANSFORM = ("perplexity", "k", "initialization", "n_iter")
_PICTURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".eps", ".ps", ".pgf", ".svgz")


def embed(options: Any) -> None:
    """Make a map of a table.

    Parameters
    ----------
    options : argparse.Namespace
        See `arguments`.
    """
    checkpoint = Path(f"{options.out}.checkpoint") if options.resume else None
    options.after_interrupt = (
        "the same command goes on from the last checkpoint"
        if checkpoint
        else "nothing was written; with --resume a run can go on"
    )
    check_outputs(options, [options.X])
    dims = options.n_components
    if options.plot and dims is not None and dims > 3:
        raise InvalidParameterError(f"`--n-components` must be at most 3 for a picture, got {dims}; leave out --plot")
    say = _speaker(options)
    X = read_table(options.X, "X")
    labels = _labels(options, X.shape[0])
    say(f"{options.X}: {' x '.join(f'{size:,}' for size in X.shape)}")

    from ..embedding import remove_checkpoint
    from ..tsne import TSNE

    began = time.perf_counter()
    estimator = TSNE(
        callbacks=_progress(options), initialization=_initialization(options), **_given(options, _ESTIMATOR)
    )
    embedding = estimator.fit(X, checkpoint=checkpoint)
    embedding.save(options.out, include="coordinates" if options.slim else "data")
    options.after_interrupt = f"{options.out} was written"
    if checkpoint is not None:
        remove_checkpoint(checkpoint)
    say(f"KL divergence {embedding.kl_divergence:.4f} after {time.perf_counter() - began:.1f} s; wrote {options.out}")
    _draw(options, embedding, labels, say)


def transform(options: Any) -> None:
    """Place new rows on a map.

    Parameters
    ----------
    options : argparse.Namespace
        See `arguments`.
    """
    check_outputs(options, [options.map, options.X_new])
    say = _speaker(options)

    from ..loading import load
    from ..opentsne import TSNEEmbedding

    embedding = load(options.map)
    if not isinstance(embedding, TSNEEmbedding):
        raise InvalidParameterError(f"`map` must be a map that `embed` made, got placed points in {options.map!r}")
    X = read_table(options.X_new, "X_new")
    labels = _labels(options, X.shape[0])
    say(f"{options.X_new}: {' x '.join(f'{size:,}' for size in X.shape)}, onto a map of {len(embedding):,}")
    began = time.perf_counter()
    placed = embedding.transform(X, callbacks=_progress(options), **_given(options, _TRANSFORM))
    placed.save(options.out, include="optimizer")
    options.after_interrupt = f"{options.out} was written"
    say(f"placed after {time.perf_counter() - began:.1f} s; wrote {options.out}")
    _draw(options, placed, labels, say, background=np.asarray(embedding))


def check_outputs(options: Any, inputs: list[str]) -> None:
    """Raise now what would otherwise be found out after the work.

    Parameters
    ----------
    options : argparse.Namespace
        With `out` and `plot`.
    inputs : list of str
        Files that must not be written to.
    """
    inputs = [*inputs, *([options.labels] if options.labels else [])]
    for flag, path in (("--out", options.out), ("--plot", options.plot)):
        if path is None:
            continue
        check_writable(path, flag)
        if any(os.path.realpath(path) == os.path.realpath(other) for other in inputs):
            raise InvalidParameterError(f"`{flag}` must not be a file that is read, got {path!r}")
    if not options.out.endswith(".npz"):
        raise InvalidParameterError(f"`--out` must end in .npz, got {options.out!r}")
    if options.plot is not None:
        if os.path.realpath(options.plot) == os.path.realpath(options.out):
            raise InvalidParameterError(f"`--plot` must be another file than --out, got {options.plot!r}")
        if os.path.splitext(options.plot)[1].lower() not in _PICTURES:
            raise InvalidParameterError(f"`--plot` must end in .png, .pdf or .svg, got {options.plot!r}")
        need("matplotlib", "plot")
    elif options.labels is not None:
        raise InvalidParameterError("`--labels` must come with --plot: labels colour the picture, not the map")


def _labels(options: Any, n: int) -> Any:
    """Read the labels, and see before the work whether they can be drawn."""
    if options.labels is None:
        return None
    from ..plotting.colors import read_labels

    labels = read_label_file(options.labels, n)
    read_labels(labels, n, None, None)
    return labels


def _given(options: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what was given on the command line; all else keeps the library's defaults."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _initialization(options: Any) -> Any:
    """Return the name of a start, or the start itself from a table."""
    name = options.initialization
    if name is None:
        return "pca"
    return read_table(name, "--initialization") if os.path.splitext(name)[1] else name


def _progress(options: Any) -> list[Any]:
    from ..callbacks import ProgressBar

    return [] if options.quiet else [ProgressBar()]


def _speaker(options: Any) -> Any:
    """Return a function that prints, unless the user wants quiet."""
    return (lambda line: None) if options.quiet else (lambda line: print(line, flush=True))


def _draw(options: Any, points: Any, labels: Any, say: Any, background: Any = None) -> None:
    if options.plot is None:
        return
    from ..plotting import scatter

    scatter(points, labels, path=options.plot, background=background)
    say(f"wrote {options.plot}")
