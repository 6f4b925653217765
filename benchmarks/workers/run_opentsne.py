"""Adapter of openTSNE, and of every package with its interface (the configuration names the one to import)."""

from __future__ import annotations

import importlib
import time
from typing import Any

import protocol


def timed_affinities(api: Any, X: Any, config: dict[str, Any], stages: protocol.Stages) -> Any:
    """Return the affinities of `X`, with the time that the neighbour search takes booked as a stage of its own."""
    k = min(len(X) - 1, int(3 * config["perplexity"]))
    method = config["options"].get("neighbors", "auto")
    common = {"n_jobs": config["threads"], "random_state": config["seed"]}
    with stages("neighbours"):
        index = api.affinity.get_knn_index(X, method, k, "euclidean", **common)
    build = index.build

    def timed_build() -> Any:
        start, processor = time.perf_counter(), time.process_time()
        found = build()
        stages.move("affinities", "neighbours", time.perf_counter() - start, time.process_time() - processor)
        return found

    index.build = timed_build
    with stages("affinities"):
        return api.affinity.PerplexityBasedNN(knn_index=index, perplexity=config["perplexity"], **common)


def staged(api: Any, X: Any, config: dict[str, Any], stages: protocol.Stages) -> Any:
    """Run the steps of ``TSNE.fit`` one by one, each on the clock."""
    affinities = timed_affinities(api, X, config, stages)
    with stages("init"):
        start = api.initialization.pca(X, n_components=config["n_components"], random_state=config["seed"])
    options = {key: value for key, value in config["options"].items() if key != "neighbors"}
    options = {"n_jobs": config["threads"], "random_state": config["seed"], **options}
    if "schedule" in options:  # a schedule belongs to the estimator, which runs both phases
        with stages("main"):
            estimator = api.TSNE(n_components=config["n_components"], perplexity=config["perplexity"], **options)
            return estimator.fit(affinities=affinities, initialization=start)
    with stages("early"):
        embedding = api.TSNEEmbedding(start, affinities, **options)
        embedding.optimize(n_iter=config["early_iter"], exaggeration=config["exaggeration"], momentum=0.8, inplace=True)
    with stages("main"):
        embedding.optimize(n_iter=config["n_iter"], momentum=0.8, inplace=True)
    return embedding


def main() -> None:
    """Run one fit."""
    config = protocol.read_config()
    name = config["package"]
    stages = protocol.Stages()
    with stages("import"):
        api = importlib.import_module(name)
        for part in ("affinity", "initialization", "tsne"):
            importlib.import_module(f"{name}.{part}")
    X = protocol.load_rows(config)
    with stages("first"):
        short = {**config, "perplexity": 10, "early_iter": 5, "n_iter": 5}
        staged(api, protocol.few_rows(X), short, protocol.Stages())
    embedding = staged(api, X, config, stages)
    protocol.finish(config, stages, embedding, {config["name"]: str(getattr(api, "__version__", "unknown"))})


if __name__ == "__main__":
    main()
