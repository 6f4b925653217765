"""The standard schedule and the accelerated one, side by side, and the accelerated one in stages.

Writes ``accelerated_schedule.png``.
"""

import numpy as np
from sklearn.datasets import load_digits

from opentsne_like import TSNE, affinity, plotting
from opentsne_like.metrics import distance_correlation, kl_divergence, knn_recall
from opentsne_like.optimizer import accelerated_momentum

X, digit = load_digits(return_X_y=True)
affinities = affinity.PerplexityBasedNN(X, perplexity=30, random_state=0)

maps = {
    schedule: TSNE(schedule=schedule, random_state=0).fit(X, affinities=affinities)
    for schedule in ("standard", "accelerated")
}
# A map that is merely enlarged has another divergence and the same neighbours, so both are also measured at one width.
widths = {schedule: np.linalg.norm(Y - Y.mean(axis=0)) for schedule, Y in maps.items()}
widest = max(widths.values())

for schedule, Y in maps.items():
    matched = kl_divergence(affinities.P, Y * (widest / widths[schedule]))
    kept, far = knn_recall(X, Y, k=10), distance_correlation(X, Y, random_state=0)
    print(f"{schedule}, {len(Y.history)} iterations: recall {kept:.3f}, correlation {far:.3f}")
    print(f"    KL {Y.kl_divergence:.3f}, at matched width {matched:.3f}")

# The same in stages, for those who want to stop, look and change something in between; large maps have three.
staged = TSNE(random_state=0).prepare_initial(X, affinities=affinities)
staged = staged.optimize(75, exaggeration=12, momentum=0.9, use_gains=False)
staged = staged.optimize(150, momentum=accelerated_momentum(len(X)), use_gains=False)
print("stages give the same map:", bool(np.array_equal(staged, maps["accelerated"])))

titled = {f"{schedule}, {len(Y.history)} iterations": Y for schedule, Y in maps.items()}
plotting.compare(titled, digit, path="accelerated_schedule.png", dpi=120)
