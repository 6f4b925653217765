"""Adapter of umap-learn: its layout of a given graph from a given start, or a whole fit of its own."""

from __future__ import annotations

import warnings

import protocol


def main() -> None:
    """Run one layout or one fit."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        import numpy as np
        import umap
        from umap.umap_ import find_ab_params, simplicial_set_embedding
    warnings.simplefilter("ignore")
    X = protocol.load_rows(config)
    seed = config["seed"] if config["threads"] == 1 else None  # a seed makes umap-learn use one thread
    with stages("first"):
        umap.UMAP(n_epochs=10, n_jobs=config["threads"]).fit(protocol.few_rows(X))
    if config["whole"]:
        with stages("fit"):
            embedding = umap.UMAP(n_jobs=config["threads"], random_state=seed, **config["options"]).fit_transform(X)
    else:
        a, b = find_ab_params(1.0, 0.1)
        graph, start = protocol.load_graph(config), protocol.load_start(config)
        with stages("fit"):
            embedding, _ = simplicial_set_embedding(
                X, graph, 2, 1.0, a, b, 1.0, 5, None, start, np.random.RandomState(config["seed"]), "euclidean", {},
                False, {}, False, parallel=config["threads"] > 1,
            )  # fmt: skip
    protocol.finish(config, stages, embedding, {"umap-learn": umap.__version__})


if __name__ == "__main__":
    main()
