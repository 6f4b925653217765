"""Adapter of scikit-learn's TSNE (Barnes-Hut), and of its drop-in replacement in scikit-learn-intelex."""

from __future__ import annotations

import importlib

import protocol


def main() -> None:
    """Run one fit."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        package = importlib.import_module(config["package"])
        estimator = importlib.import_module(f"{config['package']}.manifold").TSNE
    X = protocol.load_rows(config)
    estimator._EXPLORATION_MAX_ITER = config["early_iter"]  # a constant of the class, not a parameter
    with stages("first"):
        estimator(n_components=config["n_components"], perplexity=10, max_iter=250, n_jobs=config["threads"]).fit(
            protocol.few_rows(X)
        )
    with stages("fit"):
        model = estimator(
            n_components=config["n_components"],
            perplexity=config["perplexity"],
            early_exaggeration=config["exaggeration"],
            max_iter=config["early_iter"] + config["n_iter"],
            init="pca",
            random_state=config["seed"],
            n_jobs=config["threads"],
            **config["options"],
        )
        embedding = model.fit_transform(X)
    protocol.finish(config, stages, embedding, {config["name"]: str(getattr(package, "__version__", "unknown"))})


if __name__ == "__main__":
    main()
