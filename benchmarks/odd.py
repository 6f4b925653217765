"""Maps that are hard on a grid or on a tree: forces that nearly cancel, points that coincide, extreme widths."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import judge, loops

Floats = npt.NDArray[np.float64]
METHODS = ("fft", "auto", "bh")  # the last keeps its angle, whatever its error
MOST_TARGETS, STRONGEST = 6000, 1000  # points with exact forces; of them those with the largest
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


def kernels() -> dict[str, Any]:
    """Return the radial functions of the package's losses by the names of these."""
    from opentsne_like.repulsion import Gaussian, LogInverse, StudentT

    found = {"t-SNE": StudentT(), "t-SNE, dof 0.5": StudentT(0.5)}
    return {**found, "Neg-t-SNE, c 0.1": LogInverse(0.1), "elastic embedding": Gaussian()}


def targets(gradient: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return at which points exact forces are found, all of a few thousand, and how many each of them stands for."""
    n = len(gradient)
    if n <= MOST_TARGETS:
        return np.arange(n), np.ones(n)
    strong = np.argsort(-np.linalg.norm(gradient, axis=1), kind="stable")
    rest = np.random.default_rng(0).choice(strong[STRONGEST:], MOST_TARGETS - STRONGEST, replace=False)
    weights = np.repeat([1.0, (n - STRONGEST) / len(rest)], [STRONGEST, len(rest)])
    return np.concatenate([strong[:STRONGEST], rest]), weights


def truth(points: Floats, places: npt.NDArray[np.int64], radial: Any, threads: int) -> tuple[Floats, Floats]:
    """Return potentials and their gradients at some of the points, in double precision.

    Those of t-SNE are the judge's; of other functions they are the package's own exact sums, which its tests compare
    with NumPy's.
    """
    from opentsne_like.repulsion import StudentT, exact_sums

    near = points - points.mean(axis=0)
    if radial != StudentT():
        found = exact_sums(near[places], near, radial, n_jobs=threads)
        return found.values - radial.peak, found.gradient
    padded = np.ascontiguousarray(np.stack(judge.columns(near), axis=1))
    forces, potentials = np.empty((len(places), 3)), np.empty(len(places))
    loops.repulsion(padded, places, forces, potentials)
    return potentials, -2.0 * forces[:, : points.shape[1]]


def measure(n: int, dimensions: Sequence[int], threads: int) -> list[dict[str, Any]]:
    """Return a row for every kernel, map, dimension and method: the error of the first choice, after control, as known.

    Errors are relative to the root mean square of the forces, or what counts as that, see `repulsion.ladder`.
    """
    from opentsne_like.repulsion import Control, RepulsionEngine
    from opentsne_like.repulsion.ladder import FAINT, FAINTEST

    rows = []
    for (label, radial), d, name in itertools.product(kernels().items(), dimensions, MAPS):
        points, exact = make(name, n, d), None
        for method in METHODS:
            engine = RepulsionEngine(radial, method=method, n_jobs=threads)
            known = Control()
            first, kept = engine.evaluate(points), known.evaluate(engine, points)
            if exact is None:
                places, weights = targets(first.gradient)
                values, exact = truth(points, places, radial, threads)
                size = max(_rms(exact, weights), FAINT * _rms(values[:, None], weights) / radial.width, FAINTEST)
            errors = [_rms(each.gradient[places] - exact, weights) / size for each in (first, kept)]
            row = {"kernel": label, "dimensions": d, "map": name, "method": method}
            rung = 0 if known.verdict is None else int(known.verdict.rung)
            rows.append({**row, "first": errors[0], "kept": errors[1], "estimate": known.error, "rung": rung})
    return rows


def _rms(rows: Floats, weights: Floats) -> float:
    return float(np.sqrt((weights * (rows**2).sum(axis=1)).sum() / weights.sum()))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| kernel | map | method | first choice | rung | error | estimate |", "|---|---|---|---:|---:|---:|---:|"]
    lines += [
        f"| {row['kernel']} | {row['dimensions']}-D {row['map']} | {row['method']} "
        f"| {row['first']:.1e} | {row['rung']} | {row['kept']:.1e} "
        f"| {'exact' if np.isnan(row['estimate']) else format(row['estimate'], '.1e')} |"
        for row in rows
    ]
    return "\n".join(lines)
