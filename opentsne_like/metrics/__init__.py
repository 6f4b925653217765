"""How good a map is: neighbourhoods, distances, classes, and the divergence that t-SNE minimizes.

Everything is measured on the data and the map alone, so it judges maps of any origin. Where looking at all points would
take long, a seeded sample of them is looked at, each against all points: the same seed gives the same number, whatever
`n_jobs`.
"""

from .distances import class_preservation, distance_correlation, random_triplet_accuracy
from .divergence import kl_divergence, pBIC
from .local import local_scale, point_recall
from .neighborhoods import continuity, knn_accuracy, knn_recall, trustworthiness

__all__ = [
    "class_preservation",
    "continuity",
    "distance_correlation",
    "kl_divergence",
    "knn_accuracy",
    "knn_recall",
    "local_scale",
    "pBIC",
    "point_recall",
    "random_triplet_accuracy",
    "trustworthiness",
]
