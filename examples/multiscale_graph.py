"""Small and large neighbourhoods at once, on a neighbour graph that was found elsewhere.

The graph comes from scikit-learn's `KNeighborsTransformer`; the distances that scanpy keeps in ``adata.obsp`` have the
same form. Writes ``multiscale_graph.png``.
"""

from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsTransformer

from opentsne_like import TSNEEmbedding, affinity, initialization, metrics, plotting

X, digit = (part[:1000] for part in load_digits(return_X_y=True))

# A sparse matrix with the distances to 300 neighbours in each row: three times the largest perplexity below.
graph = KNeighborsTransformer(n_neighbors=300, mode="distance").fit_transform(X)

start = initialization.pca(X, random_state=0)
maps = {}
for perplexity in (10, 100, [10, 100]):
    affinities = affinity.from_neighbors(graph, perplexity=perplexity)
    early = TSNEEmbedding(start, affinities).optimize(n_iter=250, exaggeration=12)
    maps[f"perplexity {perplexity}"] = early.optimize(n_iter=500)

for title, embedding in maps.items():
    recall = metrics.knn_recall(X, embedding, k=10)
    correlation = metrics.distance_correlation(X, embedding)
    print(f"{title:20s} neighbour recall {recall:.3f}, correlation of distances {correlation:.3f}")
plotting.compare(maps, digit, path="multiscale_graph.png", dpi=120)
