"""Adapter of TorchDR: whole fits on the CPU from a given start; it finds its own affinities."""

from __future__ import annotations

import warnings
from importlib import metadata

import protocol


def main() -> None:
    """Run one fit."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        import numpy as np
        import torch
        import torchdr
    warnings.simplefilter("ignore")
    torch.set_num_threads(config["threads"])
    X, start = protocol.load_rows(config).astype(np.float32), protocol.load_start(config)
    options = dict(config["options"])
    estimator = getattr(torchdr, options.pop("estimator"))
    with stages("fit"):
        model = estimator(device="cpu", init=start.astype(np.float32), random_state=config["seed"], **options)
        embedding = model.fit_transform(X)
    protocol.finish(config, stages, embedding, {name: metadata.version(name) for name in ("torchdr", "torch")})


if __name__ == "__main__":
    main()
