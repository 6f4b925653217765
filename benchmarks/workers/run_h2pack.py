"""Adapter of tsne-h2pack. Its length of early exaggeration is fixed, and so is its random start."""

from __future__ import annotations

import importlib.metadata

import protocol


def main() -> None:
    """Run one fit."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        import tsne_h2pack
    X = protocol.load_rows(config)
    with stages("fit"):
        model = tsne_h2pack.TSNE(
            n_components=config["n_components"],
            perplexity=float(config["perplexity"]),
            early_exaggeration=float(config["exaggeration"]),
            max_iter=config["early_iter"] + config["n_iter"],
            random_state=config["seed"],
            n_jobs=config["threads"],
            **config["options"],
        )
        embedding = model.fit_transform(X)
    protocol.finish(config, stages, embedding, {config["name"]: importlib.metadata.version("tsne-h2pack")})


if __name__ == "__main__":
    main()
