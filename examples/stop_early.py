"""Stop when the map hardly changes any more: with a function of one's own, and with `EarlyStopping`.

Writes ``stop_early.png``.
"""

import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from sklearn.datasets import load_digits

from opentsne_like import TSNEEmbedding, affinity, initialization, plotting
from opentsne_like.callbacks import EarlyStopping, History

X, digit = (part[:1000] for part in load_digits(return_X_y=True))
affinities = affinity.PerplexityBasedNN(X, perplexity=30, random_state=0)
start = TSNEEmbedding(initialization.pca(X, random_state=0), affinities)
early = start.optimize(n_iter=250, exaggeration=12)

# Any callable will do. It is called every `callbacks_every_iters` iterations, before the step; True stops the run.
seen = []


def falls_slowly(iteration, error, embedding):
    """Say whether the KL divergence fell by less than 0.002 since the last look."""
    seen.append((iteration, error))
    return len(seen) > 1 and seen[-2][1] - error < 0.002


stopped = early.optimize(n_iter=2000, callbacks=falls_slowly, callbacks_every_iters=25)
print(f"own function:  {stopped.stop_reason.value} in iteration {seen[-1][0]}, KL {stopped.kl_divergence:.3f}")

# `EarlyStopping` does the same with a relative fall and some patience; a list mixes callbacks of all kinds.
history = History(loss_every=25)
patient = early.optimize(n_iter=2000, callbacks=[EarlyStopping(tolerance=1e-3, patience=3, every=25), history])
n_iter = patient.n_iter_ - early.n_iter_
print(f"EarlyStopping: {patient.stop_reason.value} after iteration {n_iter}, KL {patient.kl_divergence:.3f}")

figure, (curve, plane) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
looks = [record for record in history.records if (record["iteration"] - early.n_iter_) % 25 == 0]
curve.plot(
    [look["iteration"] for look in looks], [look["kl_divergence"] for look in looks], ".-", color=plotting.PALETTE[0]
)
curve.axvline(stopped.n_iter_, color=plotting.PALETTE[3], label="stopped by the function")
curve.axvline(patient.n_iter_, color=plotting.PALETTE[2], label="stopped by EarlyStopping")
curve.set(xlabel="iteration", ylabel="KL divergence")
curve.legend()
plane.scatter(patient[:, 0], patient[:, 1], c=digit, cmap=ListedColormap(plotting.PALETTE[:10]), s=4, linewidths=0)
plane.set(title="where EarlyStopping stopped", aspect="equal", xticks=[], yticks=[])
figure.savefig("stop_early.png", dpi=120)
