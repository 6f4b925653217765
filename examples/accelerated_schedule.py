"""The standard schedule and the accelerated one, side by side, and the accelerated one in stages.

Writes ``accelerated_schedule.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from opentsne_like import TSNE, affinity
from opentsne_like.metrics import distance_correlation, knn_recall
from opentsne_like.optimizer import accelerated_momentum

X, digit = load_digits(return_X_y=True)
affinities = affinity.PerplexityBasedNN(X, perplexity=30, random_state=0)

figure, planes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
for plane, schedule in zip(planes, ("standard", "accelerated"), strict=True):
    Y = TSNE(schedule=schedule, random_state=0).fit(X, affinities=affinities)
    kept, far = knn_recall(X, Y, k=10), distance_correlation(X, Y, random_state=0)
    print(
        f"{schedule}: {len(Y.history)} iterations, KL {Y.kl_divergence:.3f}, recall {kept:.3f}, correlation {far:.3f}"
    )
    plane.scatter(Y[:, 0], Y[:, 1], c=digit, cmap="tab10", s=4, linewidths=0)
    plane.set(title=f"{schedule}, {len(Y.history)} iterations", aspect="equal", xticks=[], yticks=[])

# The same in stages, for those who want to stop, look and change something in between.
staged = TSNE(random_state=0).prepare_initial(X, affinities=affinities)
staged = staged.optimize(75, exaggeration=12, momentum=0.9, use_gains=False)
staged = staged.optimize(150, momentum=accelerated_momentum(len(X)), use_gains=False)
print("stages give the same map:", bool(np.array_equal(staged, Y)))

figure.savefig("accelerated_schedule.png", dpi=120)
