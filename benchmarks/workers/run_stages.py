"""Runs one stage before the first iteration: openTSNE, a package with its interface, scikit-learn or faiss itself."""

from __future__ import annotations

import gc
import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import protocol

Config = dict[str, Any]


class Clock:
    """Wall and processor seconds from now on."""

    def __init__(self) -> None:
        self.start = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Return what has passed."""
        wall, processor = self.start
        return {"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}


class OpenTSNE:
    """openTSNE, or a package with its interface: ``package`` of the configuration."""

    def __init__(self, config: Config) -> None:
        self.api = importlib.import_module(config["package"])
        for part in ("affinity", "initialization"):
            importlib.import_module(f"{config['package']}.{part}")
        self.config = config
        self.clock: Clock | None = None  # of a stage that begins later
        self.built: dict[str, float] | None = None  # when the index of `tenth` was there
        self.common = {"n_jobs": config["threads"], "random_state": 0}

    def warm_up(self, X: Any) -> None:
        """Load what is loaded when it is first used, whichever way the neighbours will be found."""
        few = protocol.few_rows(X).astype(X.dtype)
        if self.config["stage"] == "memory":  # so many that all threads and their work memory are there
            few = X[: min(len(X), 30_000)]
        for method in self.config["warm_up"]:
            self.api.affinity.PerplexityBasedNN(few, perplexity=5, method=method, **self.common)
        self.api.initialization.pca(few)

    def neighbours(self, X: Any) -> Any:
        """Return the indices of the neighbours of all rows."""
        method = self.config["options"].get("method", "auto")
        return self.api.affinity.get_knn_index(X, method, self.config["k"], "euclidean", **self.common).build()[0]

    def tenth(self, X: Any) -> Any:
        """Build openTSNE's Annoy index and look up every tenth row, as its `build` and `query` do."""
        clock = Clock()
        annoy = importlib.import_module(f"{self.config['package']}.dependencies.annoy")
        index = self.api.affinity.get_knn_index(X, "annoy", self.config["k"], "euclidean", **self.common)
        index.index = annoy.AnnoyIndex(X.shape[1], "euclidean")
        index.index.set_seed(0)
        for i, row in enumerate(X):
            index.index.add_item(i, row)
        index.index.build(n_jobs=self.config["threads"], n_trees=50)
        self.built = clock.read()
        return index.query(X[::10], self.config["k"] + 1)[0][:, 1:]

    def affinities(self, X: Any) -> None:
        """Make P from neighbours that are there."""
        import numpy as np

        with np.load(self.config["neighbors"]) as found:
            indices, distances = found["indices"], found["distances"]
        self.clock = Clock()
        self.api.affinity.joint_probabilities_nn(indices, distances, [30], n_jobs=self.config["threads"])

    def whole(self, X: Any) -> Any:
        """Return affinities made from the rows themselves."""
        options = dict(self.config["options"])
        return self.api.affinity.PerplexityBasedNN(X, perplexity=30, **options, **self.common)

    def pca(self, X: Any) -> None:
        """Make the start from principal components."""
        self.api.initialization.pca(X)


class ScikitLearn:
    """scikit-learn's brute force and its PCA."""

    def __init__(self, config: Config) -> None:
        self.config = config
        importlib.import_module("sklearn.neighbors")
        importlib.import_module("sklearn.decomposition")

    def warm_up(self, X: Any) -> None:
        """Load what is loaded when it is first used."""
        self.pca(protocol.few_rows(X))

    def neighbours(self, X: Any) -> Any:
        """Return the indices of the neighbours of all rows."""
        from sklearn.neighbors import NearestNeighbors

        index = NearestNeighbors(algorithm="brute", n_jobs=self.config["threads"]).fit(X)
        return index.kneighbors(n_neighbors=self.config["k"], return_distance=False)

    def pca(self, X: Any) -> None:
        """Make two principal components."""
        from sklearn.decomposition import PCA

        PCA(n_components=2, random_state=0).fit_transform(X)


class FaissFile:
    """faiss's inverted file."""

    def __init__(self, config: Config) -> None:
        self.config = config
        importlib.import_module("faiss").omp_set_num_threads(config["threads"])

    def warm_up(self, X: Any) -> None:
        """Do nothing: all is loaded."""

    def neighbours(self, X: Any) -> Any:
        """Return the indices of the neighbours of all rows."""
        import faiss

        rows = X.astype("float32")
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(rows.shape[1]), rows.shape[1], int(4 * len(rows) ** 0.5))
        index.train(rows)
        index.add(rows)
        index.nprobe = self.config["options"]["probes"]
        return index.search(rows, self.config["k"] + 1)[1][:, 1:]


PACKAGES: dict[str, Callable[[Config], Any]] = {"scikit-learn": ScikitLearn, "faiss": FaissFile}


def held() -> int:
    """Return the memory that this process holds now, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def memory(runner: Any, X: Any) -> dict[str, float]:
    """Return bytes per row beyond the rows: at the peak of making affinities, kept afterwards, kept after `release`."""
    gc.collect()
    before = held()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    affinities = runner.whole(X)
    peak = protocol.peak_bytes()
    gc.collect()
    bytes_per_row = {"peak": (peak - before) / len(X), "kept": (held() - before) / len(X)}
    if hasattr(affinities, "release"):
        affinities.release()
        gc.collect()
        bytes_per_row["released"] = (held() - before) / len(X)
    return bytes_per_row


def main() -> None:
    """Run the stage once."""
    import numpy as np

    config = protocol.read_config()
    runner = PACKAGES.get(config["package"], OpenTSNE)(config)
    X = protocol.load_rows(config)
    runner.warm_up(X)
    clock = Clock()
    if config["stage"] == "memory":
        result = {**memory(runner, X), **clock.read()}
    else:
        found = getattr(runner, config["stage"])(X)
        result = (getattr(runner, "clock", None) or clock).read()
        if config["stage"] == "tenth":  # all rows would take ten times as long to look up
            result = {key: 10 * value - 9 * runner.built[key] for key, value in result.items()}
        if config["stage"] in {"neighbours", "tenth"}:
            every = 10 if config["stage"] == "tenth" else 1
            np.save(config["found"], found[np.array(config["rows"]) // every])
    Path(config["result"]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
