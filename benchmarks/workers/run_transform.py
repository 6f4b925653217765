"""Makes a map with openTSNE, or a package with its interface, and times the placing of new points on it."""

from __future__ import annotations

import importlib
from typing import Any

import protocol

FEW = 100  # points of the first call, which makes what later ones find ready


def place(embedding: Any, batches: list[Any]) -> tuple[Any, dict[str, list[float]]]:
    """Return where the points of the last batch are put, and the seconds that each batch took."""
    seconds: dict[str, list[float]] = {"wall": [], "processor": []}
    placed = None
    for batch in batches:
        clock = protocol.Stages()
        with clock("transform"):
            placed = embedding.transform(batch)
        seconds["wall"].append(clock.wall["transform"])
        seconds["processor"].append(clock.processor["transform"])
    return placed, seconds


def main() -> None:
    """Make one map, place few points, then all new ones several times, then single ones."""
    import numpy as np

    config = protocol.read_config()
    name = config["package"]
    stages = protocol.Stages()
    with stages("import"):
        api = importlib.import_module(name)
    X = protocol.load_rows(config)
    old, new = X[: config["old"]], X[config["old"] :]
    with stages("fit"):
        embedding = api.TSNE(
            n_components=config["n_components"],
            perplexity=config["perplexity"],
            early_exaggeration=config["exaggeration"],
            early_exaggeration_iter=config["early_iter"],
            n_iter=config["n_iter"],
            n_jobs=config["threads"],
            random_state=config["seed"],
            **config["options"],
        ).fit(old)
    before = np.array(embedding).tobytes()
    cold = place(embedding, [new[:FEW]])[1]
    placed, all_new = place(embedding, [new] * config["repeat"])
    one = place(embedding, [new[[i % len(new)]] for i in range(5 * config["repeat"])])[1]
    after = np.array(embedding)
    calls = {"cold": cold, "transform": all_new, "one": one}
    version = str(getattr(api, "__version__", "unknown"))
    both = np.concatenate([after, np.asarray(placed)])
    protocol.finish(config, stages, both, {config["name"]: version}, calls=calls, kept=after.tobytes() == before)


if __name__ == "__main__":
    main()
