"""Errors name the parameter that the user wrote, whatever it is called where it is handed on."""

from __future__ import annotations

import re

import numpy as np
import pytest

from opentsne_like import (
    NCTSNE,
    SNE,
    TSNE,
    UMAP,
    InfoNCTSNE,
    LargeVis,
    NegTSNE,
    NeighborEmbedding,
    PaCMAP,
    affinity,
    methods,
)
from opentsne_like.errors import OpenTSNEError

X = np.random.default_rng(0).normal(size=(40, 3))
ALL = (TSNE, SNE, InfoNCTSNE, NegTSNE, NCTSNE, LargeVis, UMAP, PaCMAP, methods.ElasticEmbedding)
BAD = {  # values that no method can take
    "perplexity": (-1, "x"),
    "n_neighbors": (0, -1, 41, 1000, 2.5, "x"),
    "neighbors": ("foo", 3),
    "metric": ("foo", 3),
    "knn_kwargs": ({"zz": 1}, 3),
    "method": ("foo", 3),
    "n_jobs": (0, "x"),
    "random_state": (-3, "x"),
    "callbacks": (3,),
    "callbacks_every_iters": (0,),
    "learning_rate": (-1, "x"),
    "n_components": (0, "x"),
    "initialization": ("foo", np.ones(3)),
    "init": ("foo", np.ones(3)),
    "n_iter": (-1, "x"),
    "early_iter": (-1, "x"),
    "n_epochs": (-1, "x"),
    "early_exaggeration_iter": (-1, "x"),
    "early_exaggeration": (-1, "x"),
    "exaggeration": (-1, "x"),
    "n_negatives": (0,),
    "negative_sample_rate": (0,),
    "repulsion_strength": (-1,),
    "local_connectivity": (-1,),
    "set_op_mix_ratio": (2,),
    "min_dist": (-1, 3),
    "spread": (0,),
    "repulsion": ("foo",),
    "theta": (-1,),
    "dof": (-1, "foo"),
    "grid_tolerance": (-1,),
    "schedule": ("foo",),
    "repulsion_every": (0,),
    "lam": (-1,),
    "num_iters": (-1, (1, 2)),
    "MN_ratio": (-1,),
    "FP_ratio": (-1,),
}


@pytest.mark.parametrize("estimator", ALL)
def test_errors_name_what_the_user_wrote(estimator):
    for name in set(estimator()._names()) & set(BAD):
        for value in BAD[name]:
            with pytest.raises(OpenTSNEError) as caught:
                estimator().set_params(**{name: value}).fit(X)
            assert str(caught.value).startswith(f"`{name}`"), f"{name}={value!r}: {caught.value}"


def test_what_fit_is_given_has_the_name_of_its_argument():
    with pytest.raises(OpenTSNEError, match=r"^`initialization` must have shape"):
        UMAP().fit(X, initialization=np.ones((3, 2)))


def test_affinities_of_the_users_own_keep_their_names():
    made = NeighborEmbedding(affinities=lambda rows: affinity.Uniform(rows, k_neighbors=1000))
    with pytest.raises(OpenTSNEError, match=re.escape("`k_neighbors` must be at most 39, got 1000")):
        made.fit(X)
