"""Adapter of manifolds-rs, with the settings that its documentation recommends for many points."""

from __future__ import annotations

import importlib.metadata

import protocol


def main() -> None:
    """Run one fit."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        import manifolds_rs
    X = protocol.load_rows(config)
    manifolds_rs.set_num_threads(config["threads"])
    options = {"approx": "fft_3k", "ann": "hnsw", **config["options"]}
    with stages("fit"):
        model = manifolds_rs.TSNE(
            n_components=config["n_components"],
            perplexity=float(config["perplexity"]),
            n_epochs=config["early_iter"] + config["n_iter"],
            seed=config["seed"],
            optim_params=manifolds_rs.TsneOptim(
                early_exag_iter=config["early_iter"], early_exag_factor=float(config["exaggeration"])
            ),
            **options,
        )
        embedding = model.fit_transform(X)
    protocol.finish(config, stages, embedding, {config["name"]: importlib.metadata.version("manifolds-rs")}, **options)


if __name__ == "__main__":
    main()
