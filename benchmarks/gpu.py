"""Measures maps on an NVIDIA GPU beside the CPU and, where they are installed, beside cuML, TorchDR and tsne-cuda.

``python -m benchmarks.gpu`` prints one table in less than three minutes; ``--device cpu`` with fewer rows tries it out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import data, report

SPAN = 350.0  # of maps that are made up, as that of a million points
STEPS = 100  # iterations that are timed together
CHILD = """
import sys, time
began = time.perf_counter()
import numpy as np
from opentsne_like import TSNE
X = np.load(sys.argv[1])
TSNE(random_state=0, neighbors="exact", device=sys.argv[2]).fit(X)
print(time.perf_counter() - began)
"""

Row = dict[str, Any]


def seconds(work: Callable[[], Any], repeat: int = 1) -> tuple[float, Any]:
    """Return the median duration of some work, which ends on the host, and what it returned last."""
    spent, made = [], None
    for _ in range(repeat):
        began = time.perf_counter()
        made = work()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent), made


def row(what: str, reach: str, value: float, unit: str) -> Row:
    """Return a line of the table."""
    print(f"{what}: {value:.4g} {unit}", file=sys.stderr, flush=True)
    return {"measure": what, "reach": reach, "value": value, "unit": unit}


def whole_fits(X: Any, options: argparse.Namespace) -> Iterator[Row]:
    """Fit from data: for the second time in a process, in a new process with caches, and without."""
    from opentsne_like import TSNE

    fit = TSNE(random_state=0, neighbors="exact", device=options.device).fit
    fit(X)
    spent, embedding = seconds(lambda: fit(X), options.repeat)
    yield row(f"whole fit, {len(X):,} rows, second in a process", "0.3 s", spent, "s")
    points = np.asarray(embedding)
    yield row("its span", "", float(np.ptp(points, axis=0).max()), "")
    with tempfile.TemporaryDirectory() as folder:
        np.save(path := os.path.join(folder, "X.npy"), X)
        fresh = {**os.environ, "CUPY_CACHE_DIR": f"{folder}/cupy", "NUMBA_CACHE_DIR": f"{folder}/numba"}
        for name, reach in (("first time on a machine", "6 s"), ("new process, warm caches", "1.5 s")):
            command = [sys.executable, "-c", CHILD, path, options.device]
            ran = subprocess.run(command, env=fresh, check=True, capture_output=True, text=True)
            yield row(f"whole fit, {len(X):,} rows, {name}", reach, float(ran.stdout.split()[-1]), "s")


def same_start(X: Any, options: argparse.Namespace) -> Iterator[Row]:
    """Go down from one P and start on both devices; the divergence, the forces, an iteration of the last map."""
    from opentsne_like import TSNE
    from opentsne_like.devices import on_host, to_gpu
    from opentsne_like.repulsion import RepulsionEngine, StudentT, exact_sums

    begun = TSNE(random_state=0, n_jobs=options.threads).prepare_initial(X)

    def descend(device: str) -> Any:
        early = begun.optimize(250, exaggeration=12, device=device)
        return early.optimize(500, device=device)

    ours, cpu = descend(options.device), descend("cpu")
    yield row(f"KL from one P and start, {len(X):,} rows", "CPU's, to 0.005", ours.kl_divergence, "")
    yield row("the same on the CPU", "", cpu.kl_divergence, "")
    points = np.asarray(cpu)
    there = to_gpu(points) if options.device == "cuda" else points
    true = exact_sums(points, None, StudentT(1.0), n_jobs=options.threads).gradient
    for name, reach, at in (("forces", "5e-3", there), ("forces on the CPU", "", points)):
        engine = RepulsionEngine(StudentT(1.0), method="fft", n_jobs=options.threads)
        found = np.asarray(on_host(engine.evaluate(at).gradient), np.float64)
        yield row(f"relative error of {name}", reach, float(np.linalg.norm(found - true) / np.linalg.norm(true)), "")
    yield iteration(ours, "0.15 ms", options)


def iteration(embedding: Any, reach: str, options: argparse.Namespace) -> Row:
    """Time an iteration of a map, without what a call takes."""
    embedding = embedding.copy()

    def run(n_iter: int) -> float:
        return seconds(lambda: embedding.optimize(n_iter, inplace=True, device=options.device), options.repeat)[0]

    run(STEPS)
    spent = (run(2 * STEPS) - run(STEPS)) / STEPS
    what = f"iteration, {len(embedding):,} points, span {np.ptp(np.asarray(embedding), axis=0).max():.0f}"
    return row(what, reach, 1e3 * spent, "ms")


def made_up(n: int, options: argparse.Namespace) -> Any:
    """Return a map of random points, each with edges to those that are near along a curve through the plane."""
    from scipy.sparse import csr_matrix

    from opentsne_like import TSNEEmbedding
    from opentsne_like.affinity import Affinities
    from opentsne_like.ops import morton_order

    points = np.random.default_rng(0).uniform(-SPAN / 2, SPAN / 2, (n, 2))
    points = points[morton_order(points, options.threads)]
    beside = 17 * np.arange(1, options.entries // 2 + 1)
    columns = (np.arange(n)[:, None] + np.concatenate([-beside, beside])) % n
    affinities = Affinities()
    values = np.full(columns.size, 1 / columns.size)
    ends = np.arange(n + 1) * columns.shape[1]
    affinities.P = csr_matrix((values, columns.ravel().astype(np.int32), ends), shape=(n, n))
    return TSNEEmbedding(points, affinities, learning_rate=1e-9, n_jobs=options.threads)


def transform(X: Any, options: argparse.Namespace) -> Iterator[Row]:
    """Place the last seventh of the rows on a map of the others."""
    from opentsne_like import TSNE

    old = len(X) * 6 // 7
    embedding = TSNE(random_state=0, device=options.device).fit(X[:old])
    embedding.transform(X[old:])
    spent, _ = seconds(lambda: embedding.transform(X[old:]), options.repeat)
    yield row(f"transform, {len(X) - old:,} rows onto {old:,}, warm", "0.03 s", spent, "s")


def large_fit(options: argparse.Namespace) -> Iterator[Row]:
    """Fit a million rows of 50 columns."""
    from opentsne_like import TSNE

    X, _ = data.load(options.large_data, options.large)
    spent, embedding = seconds(lambda: TSNE(random_state=0, device=options.device, n_jobs=options.threads).fit(X))
    yield row(f"whole fit, {len(X):,} rows", "12 s", spent, "s")
    yield row("its KL", "", embedding.kl_divergence, "")


def peers(X: Any, options: argparse.Namespace) -> Iterator[Row]:
    """Fit by other packages that are installed, for the second time in this process."""

    def cuml() -> Any:
        from cuml.manifold import TSNE

        return TSNE(perplexity=30, n_neighbors=90, random_state=0).fit_transform(X)

    def torchdr() -> Any:
        from torchdr import TSNE

        return TSNE(perplexity=30, device=options.device, random_state=0).fit_transform(X)

    def tsnecuda() -> Any:
        from tsnecuda import TSNE

        return TSNE(perplexity=30, num_neighbors=90, random_seed=0).fit_transform(X)

    for fit in (cuml, torchdr, tsnecuda):
        if importlib.util.find_spec(fit.__name__) is not None:
            fit()
            yield row(f"{fit.__name__}, whole fit, {len(X):,} rows", "", seconds(fit, options.repeat)[0], "s")


def measured(options: argparse.Namespace) -> Iterator[Row]:
    """Yield all lines."""
    X, _ = data.load(options.data, options.rows)
    X = X.astype(np.float32)
    yield from whole_fits(X, options)
    yield from same_start(X, options)
    yield from transform(X, options)
    for n, reach in ((options.large, "0.75 ms"), (options.huge, "3.5 ms")):
        yield iteration(made_up(n, options), reach, options)
    yield from large_fit(options)
    yield from peers(X, options)


def table(rows: Sequence[Row]) -> str:
    """Return the lines as a Markdown table."""
    lines = ["| measure | found | to reach |", "|---|---:|---:|"]
    lines += [f"| {line['measure']} | {line['value']:.4g} {line['unit']} | {line['reach']} |" for line in rows]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    line.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    line.add_argument("--data", default="fashion-mnist")
    line.add_argument("--rows", type=int, default=70_000)
    line.add_argument("--large-data", default="mixture-1m")
    line.add_argument("--large", type=int, default=1_000_000)
    line.add_argument("--huge", type=int, default=5_000_000)
    line.add_argument("--entries", type=int, default=128, help="of P for each point of maps that are made up")
    line.add_argument("--threads", type=int, default=-1)
    line.add_argument("--repeat", type=int, default=3)
    line.add_argument("--out", type=Path, default=data.RESULTS / "gpu.json")
    options = line.parse_args(arguments)
    before = report.machine()
    rows = list(measured(options))
    print(table(rows))
    report.write(options.out, {"machine": before, "card": card(options.device), "rows": rows})
    return 0


def card(device: str) -> str | None:
    """Return the name of the card and the versions of CuPy and CUDA, None for the CPU."""
    if device != "cuda":
        return None
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    return json.dumps({"name": name, "cupy": cupy.__version__, "cuda": cupy.cuda.runtime.runtimeGetVersion()})


if __name__ == "__main__":
    raise SystemExit(main())
