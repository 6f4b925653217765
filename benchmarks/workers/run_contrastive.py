"""Adapter of contrastive-ne: a given graph, a given start, its own defaults."""

from __future__ import annotations

from importlib import metadata

import protocol


def main() -> None:
    """Run one layout."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        import cne
        import numpy as np
        import torch
    torch.set_num_threads(config["threads"])
    X = protocol.load_rows(config)
    graph, start = protocol.load_graph(config), protocol.load_start(config).astype(np.float32)
    graph.data[:] = 1.0
    with stages("fit"):
        model = cne.CNE(seed=config["seed"], **config["options"])
        embedding = model.fit_transform(X.astype(np.float32), init=start, graph=graph)
    version = metadata.version("contrastive-ne")
    protocol.finish(config, stages, embedding, {"contrastive-ne": version, "torch": torch.__version__})


if __name__ == "__main__":
    main()
