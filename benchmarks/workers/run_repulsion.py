"""Times the repulsion kernels of one package on given maps, and leaves the forces for the judge."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import protocol

Evaluate = Callable[[], tuple[Any, float]]


def of_opentsne(points: Any, method: str, settings: dict[str, Any], threads: int) -> Evaluate:
    """Return openTSNE's evaluation of forces ``sum_j w^2 (y_i - y_j)`` and normalizer; its grid runs on one thread."""
    import numpy as np
    from openTSNE import _tsne
    from openTSNE.quad_tree import QuadTree

    def by_tree() -> tuple[Any, float]:
        gradient = np.zeros_like(points)
        z = _tsne.estimate_negative_gradient_bh(QuadTree(points), points, gradient, **settings, num_threads=threads)
        return -gradient * z, z

    def by_grid() -> tuple[Any, float]:
        gradient = np.zeros_like(points)
        if points.shape[1] == 1:
            z = _tsne.estimate_negative_gradient_fft_1d(points.ravel(), gradient.ravel(), **settings)
        else:
            z = _tsne.estimate_negative_gradient_fft_2d(points, gradient, **settings)
        return -gradient * z, z

    return {"bh": by_tree, "fft": by_grid}[method]


def of_ours(points: Any, method: Any, settings: dict[str, Any], threads: int) -> Evaluate:
    """Return the same of this package's engine, which keeps what it may reuse from one iteration to the next."""
    from opentsne_like.repulsion import RepulsionEngine, StudentT

    engine = RepulsionEngine(StudentT(1.0), method=method, n_jobs=threads, **settings)

    def evaluate() -> tuple[Any, float]:
        potential = engine.evaluate(points)
        return -0.5 * potential.gradient, potential.total

    return evaluate


def main() -> None:
    """Evaluate every method on every map."""
    import numpy as np

    config = protocol.read_config()
    make = of_opentsne if config["package"] == "openTSNE" else of_ours
    targets = np.load(config["targets"])
    rows = []
    for name, path in config["maps"].items():
        points = np.ascontiguousarray(np.load(path), dtype=np.float64)
        for method in config["methods"]:
            evaluate = make(points, method["method"], method["settings"], config["threads"])
            forces, z = evaluate()
            seconds = []
            for _ in range(config["repeat"]):
                start = time.perf_counter()
                evaluate()
                seconds.append(time.perf_counter() - start)
            saved = Path(config["folder"]) / f"{config['package']}-{len(rows)}.npy"
            np.save(saved, np.asarray(forces, dtype=np.float64)[targets])
            rows.append(
                {"map": name, "method": method["label"], "seconds": seconds, "z": float(z), "forces": str(saved)}
            )
    Path(config["result"]).write_text(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
