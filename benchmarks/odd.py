"""Maps that are hard on a grid or on a tree: forces that nearly cancel, points that coincide, extreme widths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import judge, loops

Floats = npt.NDArray[np.float64]
Maker = Callable[[int, int, np.random.Generator], Floats]


def _gaussian(width: float) -> Maker:
    return lambda n, d, rng: width * rng.normal(size=(n, d))


def _uniform(width: float) -> Maker:
    return lambda n, d, rng: width * rng.random((n, d))


def _on_circle(radius: float, angles: Floats, d: int) -> Floats:
    """Return points of a circle; its shadow on the line, tilted in space."""
    plane = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    return plane[:, :1] if d == 1 else plane @ np.array([[1.0, 0.0, 0.0], [0.0, 0.8, 0.6]])[:, [0, 1, 2][:d]]


def _ring(radius: float, *, even: bool = False) -> Maker:
    def make(n: int, d: int, rng: np.random.Generator) -> Floats:
        places = np.arange(n) / n if even else rng.random(n)
        return _on_circle(radius, 2 * np.pi * places, d)

    return make


def _line(length: float, *, even: bool = False) -> Maker:
    def make(n: int, d: int, rng: np.random.Generator) -> Floats:
        places = np.arange(n) / n if even else rng.random(n)
        return length * np.outer(places, np.array([1.0, 0.3, 0.1])[:d])

    return make


def _lattice(step: float) -> Maker:
    def make(n: int, d: int, rng: np.random.Generator) -> Floats:
        side = int(np.ceil(n ** (1 / d)))
        return step * np.stack(np.unravel_index(np.arange(n), (side,) * d), axis=1).astype(np.float64)

    return make


def _log_normal(sigma: float) -> Maker:
    return lambda n, d, rng: np.exp(sigma * rng.normal(size=(n, d)))


def _two_clusters(width: float, apart: float) -> Maker:
    return lambda n, d, rng: width * rng.normal(size=(n, d)) + apart * (np.arange(n) % 2)[:, None] * (np.arange(d) == 0)


def _clusters(count: int, width: float, span: float) -> Maker:
    def make(n: int, d: int, rng: np.random.Generator) -> Floats:
        return span * rng.random((count, d))[np.arange(n) % count] + width * rng.normal(size=(n, d))

    return make


def _duplicates(times: int, width: float) -> Maker:
    return lambda n, d, rng: np.repeat(width * rng.normal(size=(n // times, d)), times, axis=0)


def _crowd(share: float, width: float) -> Maker:
    def make(n: int, d: int, rng: np.random.Generator) -> Floats:
        points = width * rng.normal(size=(n, d))
        points[: int(share * n)] = points[0]
        return points

    return make


def _outliers(count: int, distance: float) -> Maker:
    def make(n: int, d: int, rng: np.random.Generator) -> Floats:
        points = 5.0 * rng.normal(size=(n, d))
        points[:count] += distance * rng.normal(size=(count, d))
        return points

    return make


MAPS: dict[str, Maker] = {
    **{f"ring of {radius:g}": _ring(radius) for radius in (1e1, 1e2, 1e3, 1e4)},
    **{f"even ring of {radius:g}": _ring(radius, even=True) for radius in (1e1, 1e2, 1e3)},
    **{f"line of {length:g}": _line(length) for length in (1e2, 1e3, 6e3)},
    **{f"even line of {length:g}": _line(length, even=True) for length in (1e2, 1e3, 6e3)},
    **{f"lattice of step {step:g}": _lattice(step) for step in (0.1, 1.0, 10.0)},
    **{f"log-normal, sigma {sigma:g}": _log_normal(sigma) for sigma in (1.0, 2.0, 4.0)},
    **{
        f"two clusters of {width:g} at {apart:g}": _two_clusters(width, apart)
        for width, apart in ((1.0, 1e2), (1e-3, 1e2), (1e-3, 1e4), (1e-5, 1e4))
    },
    "two points' crowds at 1e4": _two_clusters(0.0, 1e4),
    **{
        f"{count} clusters of {width:g} in {span:g}": _clusters(count, width, span)
        for count, width, span in ((10, 0.05, 10.0), (30, 1e-3, 100.0), (100, 0.3, 1e3))
    },
    **{
        f"{times} at each place of {width:g}": _duplicates(times, width)
        for times, width in ((2, 10.0), (10, 10.0), (50, 10.0), (12, 100.0))
    },
    "half in one place": _crowd(0.5, 10.0),
    "a tenth in one place": _crowd(0.1, 30.0),
    **{
        f"{count} outliers at {distance:g}": _outliers(count, distance)
        for count, distance in ((1, 1e3), (3, 1e6), (100, 300.0))
    },
    **{f"gaussian of {width:g}": _gaussian(width) for width in (1e-20, 1e-10, 1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4)},
    **{f"uniform of {width:g}": _uniform(width) for width in (1e1, 1e2, 1e3, 1e4)},
}


def make(name: str, n: int, d: int) -> Floats:
    """Return about `n` points in `d` dimensions of one of :data:`MAPS`."""
    return MAPS[name](n, d, np.random.default_rng([d, *name.encode()]))


def truth(points: Floats) -> Floats:
    """Return the exact gradient ``-2 sum_j w^2 (y_i - y_j)`` of the potential of t-SNE at all points."""
    padded = np.ascontiguousarray(np.stack(judge.columns(points), axis=1))
    forces, potentials = np.empty((len(points), 3)), np.empty(len(points))
    loops.repulsion(padded, np.arange(len(points)), forces, potentials)
    return -2.0 * forces[:, : points.shape[1]]


def measure(n: int, dimensions: Sequence[int], threads: int) -> list[dict[str, Any]]:
    """Return a row for every map, dimension and method: the error of the first choice, after control, as estimated."""
    from opentsne_like.repulsion import Control, RepulsionEngine, StudentT

    rows = []
    for d in dimensions:
        for name in MAPS:
            points = make(name, n, d)
            exact = truth(points - points.mean(axis=0))
            size = np.linalg.norm(exact)
            for method in ("fft", "auto"):
                engine = RepulsionEngine(StudentT(), method=method, n_jobs=threads)
                known = Control()
                first, kept = engine.evaluate(points), known.evaluate(engine, points)
                errors = [float(np.linalg.norm(each.gradient - exact) / size) for each in (first, kept)]
                row = {"dimensions": d, "map": name, "method": method, "first": errors[0], "kept": errors[1]}
                rung = 0 if known.verdict is None else int(known.verdict.rung)
                rows.append({**row, "estimate": known.error, "rung": rung})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| map | method | first choice | rung | error | estimate |", "|---|---|---:|---:|---:|---:|"]
    lines += [
        f"| {row['dimensions']}-D {row['map']} | {row['method']} | {row['first']:.1e} | {row['rung']} "
        f"| {row['kept']:.1e} | {'exact' if np.isnan(row['estimate']) else format(row['estimate'], '.1e')} |"
        for row in rows
    ]
    return "\n".join(lines)
