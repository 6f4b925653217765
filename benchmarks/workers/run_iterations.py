"""Times whole iterations of openTSNE, or of a package with its interface, from a given P and map."""

from __future__ import annotations

import importlib
import json
import time
from pathlib import Path

import protocol


def main() -> None:
    """Time the iterations `repeat` times, after two that are not counted."""
    import numpy as np
    from scipy import sparse

    config = protocol.read_config()
    api = importlib.import_module(config["package"])
    affinity = importlib.import_module(f"{config['package']}.affinity")
    affinities = affinity.PrecomputedAffinities(sparse.load_npz(config["affinities"]).tocsr())
    embedding = api.TSNEEmbedding(
        np.load(config["map"]),
        affinities,
        n_jobs=config["threads"],
        negative_gradient_method=config["method"],
        random_state=0,
    )
    embedding.optimize(n_iter=2, momentum=0.8, inplace=True)
    seconds = []
    for _ in range(config["repeat"]):
        start = time.perf_counter()
        embedding.optimize(n_iter=config["n_iter"], momentum=0.8, inplace=True)
        seconds.append((time.perf_counter() - start) / config["n_iter"])
    Path(config["result"]).write_text(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
