"""Adapter of this package for the methods of its family."""

from __future__ import annotations

import protocol


def main() -> None:
    """Run one fit: from the rows, or from a given graph and start."""
    config = protocol.read_config()
    stages = protocol.Stages()
    with stages("import"):
        import opentsne_like
        from opentsne_like import affinity
    X = protocol.load_rows(config)
    shared = {"random_state": config["seed"], "n_jobs": config["threads"]}
    estimator = getattr(opentsne_like, config["method"])(**config["options"], **shared)
    given = {"affinities": None, "initialization": protocol.load_start(config)}
    with stages("first"):  # compiles, and touches what large data needs
        few = protocol.few_rows(X)
        estimator.fit(few, initialization=given["initialization"][: len(few)])
    if not config["whole"]:
        given["affinities"] = affinity.PrecomputedAffinities(protocol.load_graph(config)).with_data(X)
    with stages("fit"):
        embedding = estimator.fit(X, **given) if not config["whole"] else estimator.fit(X)
    protocol.finish(config, stages, embedding, {"opentsne_like": opentsne_like.__version__})


if __name__ == "__main__":
    main()
