"""``embed``, ``transform`` and ``add``."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidParameterError, StorageError
from .arrays import write_npy
from .drawing import check_dimensions, check_outputs, draw, is_movie, read_columns, snapshots_for
from .estimators import check_names, make_estimator
from .stages import telling
from .tables import read_table

_TRANSFORM = ("perplexity", "k", "initialization", "n_iter")  # what goes to it as it is, when it is given
_SETTLE = 100  # iterations of a map that has grown


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
    check_dimensions(options.plot, options.n_components)
    check_names(options)
    frames = snapshots_for(options.plot, options.snapshots, options.include)
    say = speaker(options)
    X = read_table(options.X, "X", index=options.index, say=say)
    columns = read_columns(options, X.shape[0])
    say(f"{options.X}: {' x '.join(f'{size:,}' for size in X.shape)}")

    from ..embedding import remove_checkpoint

    began = time.perf_counter()
    estimator = make_estimator(options, X.shape[0]).set_params(callbacks=[*_progress(options), *frames])
    with telling(say, quiet=options.quiet):
        embedding = estimator.fit(X, checkpoint=checkpoint)
    embedding.save(options.out, include=options.include)
    options.after_interrupt = f"{options.out} was written"
    if checkpoint is not None:
        remove_checkpoint(checkpoint)
    say(f"{_loss(embedding)} after {time.perf_counter() - began:.1f} s; wrote {options.out}")
    _draw(options, frames[0] if is_movie(options.plot) else embedding, columns, say)


def transform(options: Any) -> None:
    """Place new rows on a map.

    Parameters
    ----------
    options : argparse.Namespace
        See `arguments`.
    """
    embedding, X, say = _map_and_rows(options, moving=False)
    columns = read_columns(options, X.shape[0])
    check_dimensions(options.plot, embedding.shape[1])
    say(f"{options.X_new}: {' x '.join(f'{size:,}' for size in X.shape)}, onto a map of {len(embedding):,}")
    began = time.perf_counter()
    given = _placing(options, embedding)
    if options.out.endswith(".npy"):
        placed = _place_in_batches(options, embedding, X, given)
    else:
        with telling(say, quiet=options.quiet):
            placed = embedding.transform(X, callbacks=_progress(options), **given)
        placed.save(options.out, include="optimizer")
    options.after_interrupt = f"{options.out} was written"
    say(f"placed after {time.perf_counter() - began:.1f} s; wrote {options.out}")
    _draw(options, placed, columns, say, background=np.asarray(embedding))


def add(options: Any) -> None:
    """Make one map of a map and new rows.

    Parameters
    ----------
    options : argparse.Namespace
        See `arguments`.
    """
    embedding, X, say = _map_and_rows(options)
    columns = read_columns(options, len(embedding) + X.shape[0])
    check_dimensions(options.plot, embedding.shape[1])
    say(f"{options.X_new}: {' x '.join(f'{size:,}' for size in X.shape)}, into a map of {len(embedding):,}")
    began = time.perf_counter()
    frames = snapshots_for(options.plot, options.snapshots, options.include)
    n_iter = _SETTLE if options.n_iter is None else options.n_iter
    # It is no part of the loss; without it the map would be of another kind.
    exaggeration = embedding.history[-1].exaggeration if embedding.history else None
    with telling(say, quiet=options.quiet):
        grown = embedding.add(X).heard_by([*_progress(options), *frames])
        still = np.arange(len(grown)) < len(embedding) if options.hold else None
        grown = grown.optimize(n_iter, exaggeration=exaggeration, fixed=still)
    grown.save(options.out, include=options.include)
    options.after_interrupt = f"{options.out} was written"
    say(f"{_loss(grown)}, {len(grown):,} rows after {time.perf_counter() - began:.1f} s; wrote {options.out}")
    _draw(options, frames[0] if is_movie(options.plot) else grown, columns, say)


def load_map(path: str, *, placed: bool = False) -> Any:
    """Return a stored map.

    Parameters
    ----------
    path : str
    placed : bool
        Whether placed points serve as well.
    """
    from ..embedding import PlacedEmbedding
    from ..loading import load

    try:
        embedding = load(path)
    except StorageError as error:  # it knows the file, and not what the argument is called
        raise StorageError(str(error).replace("`path`", "`map`", 1)) from error
    if isinstance(embedding, PlacedEmbedding) and not placed:
        raise InvalidParameterError(f"`map` must be a map that `embed` made, got placed points in {path!r}")
    return embedding


def speaker(options: Any) -> Callable[[str], Any]:
    """Return a function that prints, unless the user wants quiet.

    Parameters
    ----------
    options : argparse.Namespace
    """
    return (lambda line: None) if options.quiet else (lambda line: print(line, flush=True))


def _place_in_batches(options: Any, embedding: Any, X: Any, given: Any) -> Any:
    """Write the places of new rows as they are found, and return them mapped."""
    from tqdm.auto import tqdm

    shape = (X.shape[0], embedding.shape[1])
    with tqdm(total=shape[0], unit=" rows", disable=options.quiet) as bar:
        write_npy(options.out, embedding.transform_batches(X, **given), shape, bar.update)
    return np.load(options.out, mmap_mode="r")


def _map_and_rows(options: Any, *, moving: bool = True) -> tuple[Any, Any, Callable[[str], Any]]:
    """Return the map and the rows that belong on it; coordinates alone are what comes of a map that does not move."""
    endings = (".npz",) if moving else (".npz", ".npy")
    check_outputs(options, [options.map, options.X_new], moving=moving, endings=endings)
    say = speaker(options)
    embedding = load_map(options.map)
    if getattr(embedding.affinities, "knn_index", None) is None:
        raise InvalidParameterError(
            f"`map` must be stored with its data to take new rows, got {options.map!r} without; `embed` stores them by "
            "default"
        )
    return embedding, read_table(options.X_new, "X_new", index=options.index, say=say), say


def _placing(options: Any, embedding: Any) -> dict[str, Any]:
    """Return what `transform` is told; a perplexity goes to the affinities, where these have one."""
    given = {name: value for name in _TRANSFORM if (value := getattr(options, name)) is not None}
    if "perplexity" in given:
        known = inspect.signature(embedding.affinities.to_new).parameters
        own = next((name for name in ("perplexity", "perplexities") if name in known), None)
        if own is None:
            raise InvalidParameterError(
                f"`--perplexity` must be left out for a map of affinities {type(embedding.affinities).__name__}, which "
                f"have none, got {given['perplexity']:g}"
            )
        if not hasattr(embedding, "kl_divergence"):
            given["affinity_params"] = {own: given.pop("perplexity")}
    return given


def _loss(embedding: Any) -> str:
    """Return the name and the value of the loss."""
    return f"{embedding.label} {embedding.loss_value:.4f}"


def _progress(options: Any) -> list[Any]:
    from ..callbacks import ProgressBar

    return [] if options.quiet else [ProgressBar()]


def _draw(options: Any, points: Any, columns: Any, say: Callable[[str], Any], **how: Any) -> None:
    if options.plot is not None:
        draw(options.plot, points, columns, **how)
        say(f"wrote {options.plot}")
