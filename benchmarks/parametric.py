"""Places new points by a network and by `transform`, and prints how well they land and what it takes.

    python -m benchmarks.parametric --data fashion-mnist --n 5000 --new 1000

Needs the extra `torch`. "Accuracy" is how often most of the ten nearest old points on the map have the class of the new
one; "recall" is the share of its ten nearest old rows that are among them. The loss is that of the old points.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from opentsne_like import TSNE, UMAP, Embedding, NegTSNE, ParametricEmbedding

from . import data


def nearest(rows: Any, old: Any, k: int = 10) -> Any:
    """Return the indices of the `k` old rows nearest to each new one."""
    squares = (rows**2).sum(axis=1)[:, None] + (old**2).sum(axis=1) - 2 * rows @ old.T
    return np.argpartition(squares, k, axis=1)[:, :k]


class Judge:
    """Knows the true neighbours and the classes, and prints a row for each way to place new points."""

    def __init__(self, X: Any, y: Any, n: int) -> None:
        self.true, self.old, self.new = nearest(X[n:], X[:n]), y[:n], y[n:]

    def row(self, what: str, loss: float, fit: float, points: Any, placed: Any, seconds: float) -> None:
        """Print a row of the table."""
        found = nearest(np.asarray(placed), np.asarray(points))
        most = [np.bincount(self.old[near]).argmax() for near in found]
        recall = np.mean([len(np.intersect1d(one, other)) / 10 for one, other in zip(self.true, found, strict=True)])
        accuracy = float(np.mean(np.array(most) == self.new))
        print(f"| {what} | {loss:.4f} | {accuracy:.3f} | {recall:.3f} | {fit:.1f} | {seconds:.2f} |", flush=True)


def timed(call: Any) -> tuple[Any, float]:
    """Return a result and the processor seconds that it took."""
    begun = time.process_time()
    return call(), time.process_time() - begun


def measure(name: str, method: Any, X: Any, n: int, judge: Judge) -> None:
    """Print the rows of one method."""
    made, fit = timed(lambda: method.fit(X[:n]))
    placed, seconds = timed(lambda: made.transform(X[n:]))
    judge.row(f"{name}, `transform`", made.loss_value, fit, made, placed, seconds)
    for batch_norm, steps in ((False, 0), (False, 150), (True, 150)):
        network = ParametricEmbedding(method, n_iter=steps, batch_norm=batch_norm, random_state=0)
        points, more = timed(lambda network=network: network.fit(X[:n], embedding=made))
        placed, seconds = timed(lambda network=network: network.transform(X[n:]))
        loss = Embedding(points, made.affinities, loss=made.loss).loss_value
        what = f"network{', batch norm' if batch_norm else ''}, {steps} steps on the loss"
        judge.row(f"{name}, {what}", loss, fit + more, points, placed, seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the methods."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.parametric", description=__doc__.splitlines()[0])
    line.add_argument("--data", default="fashion-mnist", choices=sorted(data.MAKERS))
    line.add_argument("--n", type=int, default=5000)
    line.add_argument("--new", type=int, default=1000)
    options = line.parse_args(arguments)
    X, y = data.load(options.data, options.n + options.new)
    judge = Judge(X, y, options.n)
    print("| way | loss | accuracy | recall | fit, processor s | place, processor s |\n|---|---:|---:|---:|---:|---:|")
    methods = {"t-SNE": TSNE, "Neg-t-SNE, s = 1": NegTSNE, "UMAP": UMAP}
    for name, method in methods.items():
        measure(name, method(random_state=0), X, options.n, judge)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
