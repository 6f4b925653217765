"""Check that the demo left a picture and an embedding that can be read again: ``check_demo.py MAP PICTURE``."""

from __future__ import annotations

import sys

import matplotlib.image
import numpy as np

import opentsne_like

embedding = opentsne_like.load(sys.argv[1])
assert isinstance(embedding, opentsne_like.TSNEEmbedding), type(embedding)
assert embedding.shape == (1797, 2), embedding.shape
assert np.isfinite(np.asarray(embedding)).all()
assert 0.5 < embedding.kl_divergence < 0.9, embedding.kl_divergence

picture = matplotlib.image.imread(sys.argv[2])
assert min(picture.shape[:2]) >= 400, picture.shape
assert picture[..., :3].std() > 0.05, "the picture is blank"
print(f"map {embedding.shape}, KL {embedding.kl_divergence:.3f}; picture {picture.shape}")
