"""``plot``, ``info`` and ``export``: what can be done with a map that exists."""

from __future__ import annotations

import csv
import io
import os
from typing import Any

import numpy as np

from ..dependencies import need
from ..errors import InvalidParameterError, StorageError
from ..plotting.files import write_file
from .commands import load_map, speaker
from .drawing import check_dimensions, check_picture, check_target, columns_of, draw, is_movie, read_columns
from .locations import Location, free_name
from .tables import read_label_file

_TABLES = (".csv", ".parquet")
_AXES = "xyz"


def plot(options: Any) -> None:
    """Draw a stored map.

    Parameters
    ----------
    options : argparse.Namespace
        See `arguments`.
    """
    check_target(options.out, "--out", [options.map, *columns_of(options)])
    check_picture(options.out, "--out", options.hover, moving=True)
    embedding = load_map(options.map, placed=True)
    check_dimensions(options.out, embedding.shape[1])
    points = _snapshots(options.map) if is_movie(options.out) else embedding
    draw(options.out, points, read_columns(options, len(embedding)), title=options.title)
    speaker(options)(f"wrote {options.out}")


def info(options: Any) -> None:
    """Print what is known about a stored map.

    Parameters
    ----------
    options : argparse.Namespace
        See `arguments`.
    """
    from ..storage import read, versions

    embedding = load_map(options.map, placed=True)
    stored = read(options.map, names=())[1]["include"]
    lines = {
        "map": f"{type(embedding).__name__} of {len(embedding):,} points in {embedding.shape[1]} dimensions",
        "loss": embedding.label + (f" {embedding.loss_value:.4f}" if embedding.affinities is not None else ""),
        "iterations": f"{embedding.n_iter_:,}" if stored != "coordinates" else "not stored",
        **_affinities(embedding.affinities),
        **_frames(options.map),
        "stored": f"{stored}, {os.path.getsize(options.map) / 1e6:,.1f} MB{_can(stored)}",
        "written with": ", ".join(map(" ".join, versions(options.map).items())) or "not stored",
    }
    print("\n".join(f"{name:<13}{text}" for name, text in lines.items()))


def _snapshots(path: str) -> Any:
    """Return the frames that are stored with a map."""
    from ..callbacks import Snapshots

    try:
        return Snapshots.load(path)
    except StorageError as error:
        raise InvalidParameterError(
            f"`map` must be stored with snapshots to be drawn as a movie, got {path!r} without; embed --snapshots 10 "
            "stores them"
        ) from error


def export(options: Any) -> None:
    """Write a map as a table.

    Parameters
    ----------
    options : argparse.Namespace
        See `arguments`.
    """
    others = [text for text in (options.ids, *(options.labels or [])) if text]
    check_target(options.table, "table", [options.map, *others])
    ending = os.path.splitext(options.table)[1].lower()
    if ending not in _TABLES:
        raise InvalidParameterError(f"`table` must end in .csv or .parquet, got {options.table!r}")
    embedding = load_map(options.map, placed=True)
    n, dims = embedding.shape
    columns: dict[str, Any] = {"id": np.arange(n)}
    if options.ids:
        columns["id"] = read_label_file(options.ids, n, "ids")
    for i in range(dims):
        columns[_AXES[i] if dims <= len(_AXES) else f"y{i + 1}"] = np.asarray(embedding)[:, i]
    for text in options.labels or []:
        columns[free_name(Location.find(text, "labels").title, columns)] = read_label_file(text, n)
    write_file(options.table, (_as_csv if ending == ".csv" else _as_parquet)(columns))
    speaker(options)(f"wrote {options.table}: {n:,} rows of {', '.join(columns)}")


def _affinities(affinities: Any) -> dict[str, str]:
    """Return what neighbours a map was made from."""
    if affinities is None:
        return {}
    index = getattr(affinities, "knn_index", None)
    known = {"affinities": f"{type(affinities).__name__}, {affinities.P.nnz:,} values"}
    for name in ("perplexity", "perplexities", "k_neighbors"):
        value = getattr(affinities, name, None)
        if value is not None and not isinstance(value, str):
            known[name] = ", ".join(f"{number:g}" for number in np.atleast_1d(value).tolist())
    if index is not None and index.data is not None:
        columns = "" if index.columns is None else f": {', '.join(map(str, index.columns[:5]))}"
        more = ", ..." if index.columns is not None and len(index.columns) > 5 else ""
        known["data"] = f"{index.data.shape[1]:,} columns{columns}{more}"
    if index is not None:
        known["metric"] = str(index.metric)
    return known


def _frames(path: str) -> dict[str, str]:
    """Return what snapshots are stored with a map."""
    from ..callbacks import Snapshots

    try:
        kept = Snapshots.load(path)
    except StorageError:
        return {}
    return {"snapshots": f"{len(kept.frames):,}, one every {kept.every:,} iterations; plot makes a movie of them"}


def _can(include: str) -> str:
    can = {"data": "; takes new rows", "affinities": "; can go on", "optimizer": "; can go on with its affinities"}
    return can.get(include, "; the picture alone")


def _values(column: Any) -> list[Any]:
    """Return what stands in the cells of a column, nothing for a missing value."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "mM":  # nanoseconds are integers to Python
        column = column.astype(f"{column.dtype.kind}8[us]")
    values = column.tolist()
    return ["" if value is None or value != value else value for value in values]


def _as_csv(columns: dict[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*map(_values, columns.values()), strict=True))
    return text.getvalue().encode()


def _as_parquet(columns: dict[str, Any]) -> bytes:
    need("pyarrow", "tables")
    import pyarrow as pa
    from pyarrow import parquet

    known = (np.ndarray, pa.Array)
    arrays = {name: column if isinstance(column, known) else column.tolist() for name, column in columns.items()}
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(arrays), sink)
    return bytes(sink.getvalue())
