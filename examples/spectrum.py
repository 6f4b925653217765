"""From local to global: the same neighbours under less and more attraction, side by side.

Writes ``spectrum.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from opentsne_like import metrics, spectrum

X, digit = (part[:1000] for part in load_digits(return_X_y=True))

# Neighbours are found once. The map with the strongest attraction is made first, and each of the others begins where
# the one to the right of it ended, so clusters keep their places from map to map.
rows = {
    "t-SNE, exaggeration": ("tsne", [1, 2, 4, 8, 16]),
    "Neg-t-SNE, s": ("negtsne", [0, 0.5, 1, 1.5, 2]),
}

figure, panels = plt.subplots(len(rows), 5, figsize=(16, 7), layout="constrained")
for line, (title, (method, values)) in zip(panels, rows.items(), strict=True):
    for axes, value, embedding in zip(
        line, values, spectrum(X, method, values, n_iter=250, random_state=0), strict=True
    ):
        points = np.asarray(embedding)
        recall = metrics.knn_recall(X, points, k=10)
        correlation = metrics.distance_correlation(X, points)
        print(f"{title} {value:<4g} neighbour recall {recall:.3f}, distance correlation {correlation:.3f}")
        axes.scatter(points[:, 0], points[:, 1], c=digit, cmap="tab10", s=4, linewidths=0)
        axes.set(title=f"{title} = {value:g}", aspect="equal", xticks=[], yticks=[])
figure.savefig("spectrum.png", dpi=120)
