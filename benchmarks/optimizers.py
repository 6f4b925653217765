"""How many evaluations, and how much processor time, optimizers take to the loss that `Momentum` reaches.

    python -m benchmarks.optimizers --data digits --data fashion.npy --rows 5000

A data set is "digits", or a file of rows. Momentum makes its usual run; the others then go on until they reach a loss
that is no more than 0.1 % above, looking every few iterations. One thread.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import numpy as np

from opentsne_like import Embedding, affinity, initialization
from opentsne_like.objectives import ElasticEmbedding, KullbackLeibler, Loss, NegativeSampling, PairLoss
from opentsne_like.optimizer import LBFGS, SGD, Adam, Momentum, SpectralDirection

NEAR = 1e-3  # above Momentum's loss, relative to its size
EVERY = 10  # iterations between looks
OTHERS = (Momentum(), Momentum(use_gains=False), LBFGS(), SpectralDirection(), Adam(), SGD())


class Case(NamedTuple):
    """A loss, its start, and how Momentum goes down it."""

    loss: Loss
    scale: float
    early: int
    late: int


CASES = {
    "t-SNE": Case(KullbackLeibler(), 1e-4, 100, 400),
    "Neg-t-SNE, c = 0.1": Case(NegativeSampling(c=0.1), 1.0, 0, 250),
    "elastic embedding, lam = 100": Case(ElasticEmbedding(lam=100.0), 0.1, 0, 150),
}


class Meter:
    """Counts evaluations of forces, and processor time between them that is not spent on looking."""

    def __init__(self) -> None:
        self.calls, self.seconds = 0, 0.0
        repelled = PairLoss._repelled

        def counted(objective: PairLoss, points: Any) -> Any:
            self.calls += 1
            return repelled(objective, points)

        PairLoss._repelled = counted  # type: ignore[method-assign]

    def run(self, embedding: Any, n_iter: int, **options: Any) -> Any:
        """Return the embedding after some iterations, which count."""
        begun = time.process_time()
        made = embedding.optimize(n_iter, **options)
        self.seconds += time.process_time() - begun
        return made

    def value(self, embedding: Any) -> float:
        """Return the loss of an embedding; reading it does not count."""
        calls = self.calls
        loss = float(embedding.loss_value)
        self.calls = calls
        return loss


def reach(meter: Meter, embedding: Any, case: Case, goal: float | None, most: int) -> tuple[float, Any]:
    """Go down until the goal is reached or all iterations are made, and return the loss and the map."""
    meter.calls, meter.seconds = 0, 0.0
    if case.early:
        embedding = meter.run(embedding, case.early, exaggeration=12.0)
    watch = {} if goal is None else {"callbacks": lambda i, loss, Y: loss <= goal, "callbacks_every_iters": EVERY}
    embedding = meter.run(embedding, most, **watch)
    return meter.value(embedding), embedding


def measure(name: str, X: Any, meter: Meter) -> None:
    """Print a row for each loss and optimizer."""
    P = affinity.PerplexityBasedNN(X, 30, random_state=0, n_jobs=1)
    pca = initialization.pca(X, random_state=0)
    for label, case in CASES.items():
        start = initialization.rescale(pca, target_std=case.scale)
        goal: float | None = None
        for optimizer in OTHERS:
            Y = Embedding(start, P, loss=case.loss, optimizer=optimizer, n_jobs=1)
            Y.optimize(1)  # compiles
            loss, made = reach(meter, Y, case, goal, 3 * case.late if goal else case.late)
            goal = loss + NEAR * abs(loss) if goal is None else goal
            print(
                f"| {name} | {label} | `{optimizer}` | {meter.calls} | {meter.seconds:.1f} | {loss:.4f} | "
                f"{'yes' if loss <= goal else 'no'} | {np.ptp(made):.0f} |",
                flush=True,
            )


def main() -> None:
    """Measure the data sets that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--rows", type=int)
    arguments = parser.parse_args()
    meter = Meter()
    print("| data | loss | optimizer | evaluations | processor s | loss | reached | span |")
    print("|---|---|---|---:|---:|---:|---|---:|")
    for name in arguments.data:
        if name == "digits":
            from sklearn.datasets import load_digits

            X = load_digits(return_X_y=True)[0]
        else:
            X = np.load(name)[: arguments.rows]
        measure(name.rpartition("/")[2], np.asarray(X, dtype=float), meter)


if __name__ == "__main__":
    main()
