"""One start, one early phase, three ends: what exaggeration does to a map.

Writes ``staged_exaggeration.png``.
"""

from sklearn.datasets import load_digits

from opentsne_like import TSNEEmbedding, affinity, initialization, metrics, plotting

X, digit = (part[:1000] for part in load_digits(return_X_y=True))

# Neighbours and affinities are found once, and serve every map below.
affinities = affinity.PerplexityBasedNN(X, perplexity=30, random_state=0)
start = TSNEEmbedding(initialization.pca(X, random_state=0), affinities)

# Early exaggeration: attraction is 12 times as strong, so that clusters gather while they can still pass each other.
early = start.optimize(n_iter=250, exaggeration=12)

# `optimize` returns a new embedding and leaves the old one alone, so three ends can grow out of one beginning.
stages = {
    "early exaggeration, 12": early,
    "then 1: t-SNE": early.optimize(n_iter=500),
    "then 2": early.optimize(n_iter=500, exaggeration=2),
    # A function of the iteration anneals in one call: from 12 down to 1 in the first half, then 1.
    "from 12 to 1 by and by": start.optimize(n_iter=750, exaggeration=lambda i: max(1.0, 12 - 11 * i / 375)),
}

for title, embedding in stages.items():
    recall = metrics.knn_recall(X, embedding, k=10)
    print(f"{title:24s} KL divergence {embedding.kl_divergence:.3f}, neighbour recall {recall:.3f}")
plotting.compare(stages, digit, path="staged_exaggeration.png", dpi=120)
