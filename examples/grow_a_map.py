"""A map that grows by three batches, as data do that arrive by and by.

Writes ``grow_a_map.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.datasets import load_digits

from opentsne_like import TSNE, metrics, plotting

X, digit = load_digits(return_X_y=True)
rows = np.random.default_rng(0).permutation(len(X))[:1200]
X, digit = X[rows], digit[rows]
batches = np.split(np.arange(len(X)), [600, 800, 1000])

colors = ListedColormap(plotting.PALETTE[:10])
figure, panels = plt.subplots(1, len(batches), figsize=(16, 4.4), layout="constrained")
embedding = TSNE(random_state=0).fit(X[batches[0]])
for axes, batch in zip(panels, batches, strict=True):
    old = len(embedding)
    if batch[0] > 0:
        before = np.array(embedding)
        embedding = embedding.add(X[batch])  # old and new points, with the affinities of all of them
        # New points find their places among the old, which stay where they are; then all move a little.
        fixed = np.arange(len(embedding)) < old
        embedding = embedding.optimize(n_iter=100, fixed=fixed)
        assert np.array_equal(np.asarray(embedding)[:old], before)
        embedding = embedding.optimize(n_iter=250)
    n = len(embedding)
    recall = metrics.knn_recall(X[:n], embedding, k=10)
    print(f"{n:5d} points, KL divergence {embedding.kl_divergence:.3f}, neighbour recall {recall:.3f}")
    new = np.arange(n) >= batch[0] if batch[0] else np.zeros(n, dtype=bool)
    axes.scatter(*np.asarray(embedding).T, c=digit[:n], cmap=colors, s=np.where(new, 12, 4), linewidths=0)
    axes.set(title=f"{n} points", aspect="equal", xticks=[], yticks=[])

at_once = TSNE(random_state=0).fit(X)
print(f"all at once:  KL divergence {at_once.kl_divergence:.3f}, neighbour recall {metrics.knn_recall(X, at_once):.3f}")
figure.savefig("grow_a_map.png", dpi=120)
