"""From local to global: the same neighbours under less and more attraction, side by side.

Writes ``spectrum.png``.
"""

import numpy as np
from sklearn.datasets import load_digits

from opentsne_like import metrics, plotting, spectrum

X, digit = (part[:1000] for part in load_digits(return_X_y=True))

# Neighbours are found once. The map with the strongest attraction is made first, and each of the others begins where
# the one to the right of it ended, so clusters keep their places from map to map.
rows = {
    "t-SNE, exaggeration": ("tsne", [1, 2, 4, 8, 16]),
    "Neg-t-SNE, s": ("negtsne", [0, 0.5, 1, 1.5, 2]),
}

maps = {}
for title, (method, values) in rows.items():
    for value, embedding in zip(values, spectrum(X, method, values, n_iter=250, random_state=0), strict=True):
        points = np.asarray(embedding)
        recall = metrics.knn_recall(X, points, k=10)
        correlation = metrics.distance_correlation(X, points)
        print(f"{title} {value:<4g} neighbour recall {recall:.3f}, distance correlation {correlation:.3f}")
        maps[f"{title} = {value:g}"] = points
plotting.compare(maps, digit, columns=5, path="spectrum.png", dpi=120)
