"""``demo``: the whole way from data to a picture, with the time of each stage."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..dependencies import need
from ..storage import check_writable

_PERPLEXITY = 30


class Stages:
    """Tells how long each stage took.

    Parameters
    ----------
    quiet : bool
        Tell nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.began = time.perf_counter()

    def say(self, line: str) -> None:
        """Print a line, unless quiet."""
        if not self.quiet:
            print(line, flush=True)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        began = time.perf_counter()
        yield
        self.say(f"  {name:<26}{time.perf_counter() - began:6.2f} s")

    def end(self) -> None:
        """Print the total."""
        self.say(f"  {'all':<26}{time.perf_counter() - self.began:6.2f} s")


def demo(options: Any) -> None:
    """Embed scikit-learn's digits.

    Parameters
    ----------
    options : argparse.Namespace
        With `out_dir`, `n_jobs` and `quiet`.
    """
    folder = Path(options.out_dir)
    stored, picture = folder / "digits.npz", folder / "digits.png"
    for path in (stored, picture):
        check_writable(path, "--out-dir")
    need("matplotlib", "plot")
    X, y = _digits()
    stages = Stages(options.quiet)
    stages.say(f"Handwritten digits: {X.shape[0]:,} pictures of {X.shape[1]} pixels")
    embedding = _embed(X, stages, options.n_jobs)
    with stages("saving and drawing"):
        from ..plotting import scatter

        embedding.save(stored)
        options.after_interrupt = f"{stored} was written"
        scatter(embedding, y, path=picture, title="Handwritten digits")
    stages.end()
    _judge(X, y, embedding, stages, options.n_jobs)
    stages.say(f"Wrote {stored} and {picture}. In Python, opentsne_like.load({str(stored)!r}) goes on from here.")


def _digits() -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whatever scikit-learn's import says is not about this package
        from sklearn.datasets import load_digits

        bunch = load_digits()
    return np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target)


def _embed(X: np.ndarray, stages: Stages, n_jobs: int) -> Any:
    """Return the map, made stage by stage as `TSNE` does it."""
    with stages("loading the library"):
        from .. import affinity, initialization
        from ..callbacks import ProgressBar
        from ..opentsne import TSNEEmbedding

        callbacks = [] if stages.quiet else [ProgressBar()]
    with stages("neighbours and affinities"):
        affinities = affinity.PerplexityBasedNN(X, perplexity=_PERPLEXITY, n_jobs=n_jobs, random_state=0)
    with stages("initialization"):
        start = initialization.pca(X, random_state=0, n_jobs=n_jobs)
    embedding = TSNEEmbedding(start, affinities, n_jobs=n_jobs, random_state=0)
    with stages("early exaggeration"):
        embedding = embedding.optimize(n_iter=250, exaggeration=12, momentum=0.8, callbacks=callbacks)
    with stages("optimization"):
        return embedding.optimize(n_iter=500, momentum=0.8, callbacks=callbacks)


def _judge(X: np.ndarray, y: np.ndarray, embedding: Any, stages: Stages, n_jobs: int) -> None:
    if stages.quiet:
        return
    from .. import metrics

    recall = metrics.knn_recall(X, embedding, k=10, n_jobs=n_jobs)
    accuracy = metrics.knn_accuracy(embedding, y, k=10, n_jobs=n_jobs)
    stages.say(f"KL divergence {embedding.kl_divergence:.4f}")
    stages.say(f"Neighbour recall {recall:.3f}: the share of the 10 nearest neighbours that are so in the map")
    stages.say(f"Accuracy {accuracy:.3f}: how often the 10 nearest in the map agree on the digit")
