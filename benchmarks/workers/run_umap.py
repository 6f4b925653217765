"""Adapter of umap-learn. It minimizes another loss by a schedule of its own, so it takes no iteration counts."""

from __future__ import annotations

import warnings

import protocol


def main() -> None:
    """Run one fit."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        import umap
    X = protocol.load_rows(config)
    seed = config["seed"] if config["threads"] == 1 else None  # a seed makes umap-learn use one thread
    with stages("first"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        umap.UMAP(n_components=config["n_components"], n_epochs=10, n_jobs=config["threads"]).fit(protocol.few_rows(X))
    with stages("fit"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = umap.UMAP(
            n_components=config["n_components"], n_jobs=config["threads"], random_state=seed, **config["options"]
        )
        embedding = model.fit_transform(X)
    protocol.finish(config, stages, embedding, {config["name"]: umap.__version__})


if __name__ == "__main__":
    main()
