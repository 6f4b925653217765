"""Draw the small pictures of the front page, the README and the examples: ``python -m docs.gallery``, from the top.

They lie in ``docs/_static/gallery`` and are part of the repository, so that its pages show them, too. Needs Debian's
package ``dataset-fashion-mnist``; the thumbnails of the examples are made of what the documentation's build has drawn.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits, make_swiss_roll

import opentsne_like as tsne
from benchmarks import data
from opentsne_like import plotting

FOLDER = Path(__file__).parent / "_static" / "gallery"
MADE = Path(__file__).parent / "examples" / "made"
WIDTH = 300  # pixels
CLOTHES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def fashion() -> Any:
    """Draw 70,000 pictures of clothes."""
    X, y = data.fashion_mnist()
    embedding = tsne.TSNE(schedule="accelerated", random_state=0).fit(X)
    return plotting.scatter(embedding, np.array(CLOTHES)[y], size=1.5, alpha=0.85, dpi=100)


def primes() -> Any:
    """Draw the numbers from 2 to 20,000, alike where they share prime factors."""
    n = 20_000
    smallest = np.arange(n + 1)
    for p in range(2, int(n**0.5) + 1):
        if smallest[p] == p:
            multiples = np.arange(p * p, n + 1, p)
            smallest[multiples] = np.minimum(smallest[multiples], p)
    rows, columns = [], []
    for number in range(2, n + 1):
        rest = number
        while rest > 1:
            p = smallest[rest]
            rows.append(number - 2)
            columns.append(p)
            while rest % p == 0:
                rest //= p
    X = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n - 1, n + 1))
    embedding = tsne.TSNE(metric="cosine", schedule="accelerated", random_state=0).fit(X)
    return plotting.scatter(embedding, np.arange(2, n + 1), legend=False, categorical=False, size=1.2, dpi=100)


def tree() -> Any:
    """Draw a tree of random walks in 50 dimensions, of which each branch begins on another."""
    random = np.random.default_rng(4)
    branches = [np.cumsum(random.normal(size=(300, 50)), axis=0)]
    for _ in range(8):
        begin = branches[random.integers(len(branches))][random.integers(100, 300)]
        branches.append(begin + np.cumsum(random.normal(size=(300, 50)), axis=0))
    labels = np.repeat(np.arange(len(branches)), 300)
    embedding = tsne.TSNE(random_state=0).fit(np.vstack(branches))
    return plotting.scatter(embedding, labels, legend=False, dpi=100)


def roll() -> Any:
    """Draw a Swiss roll, unrolled."""
    X, along = make_swiss_roll(5000, random_state=0)
    embedding = tsne.TSNE(initialization="spectral", perplexity=100, random_state=0).fit(X)
    return plotting.scatter(embedding, along, legend=False, dpi=100)


def digits(method: Any) -> Callable[[], Any]:
    """Return what draws scikit-learn's digits by a method."""

    def draw() -> Any:
        X, y = load_digits(return_X_y=True)
        return plotting.scatter(method.fit(X), y, legend=False, dpi=100)

    return draw


def named_digits() -> Any:
    """Draw the digits with their names."""
    X, y = load_digits(return_X_y=True)
    return plotting.scatter(tsne.TSNE(random_state=0).fit(X), y, legend="map", dpi=100)


def digits_with_edges() -> Any:
    """Draw the digits and their graph."""
    X, y = load_digits(return_X_y=True)
    return plotting.edges(tsne.TSNE(random_state=0).fit(X), y, legend=False, dpi=100)


PICTURES: dict[str, Callable[[], Any]] = {
    "digits": named_digits,
    "fashion": fashion,
    "primes": primes,
    "tree": tree,
    "roll": roll,
    "edges": digits_with_edges,
    "umap": digits(tsne.UMAP(random_state=0)),
    "negtsne": digits(tsne.NegTSNE(random_state=0)),
    "infonc": digits(tsne.InfoNCTSNE(random_state=0)),
    "elastic": digits(tsne.ElasticEmbedding(random_state=0)),
    "tails": digits(tsne.TSNE(dof=0.5, random_state=0)),
    "exaggerated": digits(tsne.TSNE(exaggeration=4, random_state=0)),
}


def save_small(picture: Image.Image, name: str, width: int = WIDTH) -> None:
    """Write a picture in few colours."""
    height = round(picture.height * width / picture.width)
    small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    small.quantize(192, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        made = io.BytesIO()
        draw().savefig(made, format="png")
        with Image.open(made) as picture:
            save_small(picture, name, 560 if name == "fashion" else WIDTH)
        print(name)
    for path in sorted(MADE.glob("*.png")):
        with Image.open(path) as picture:
            save_small(picture, f"example_{path.stem}", 800)


if __name__ == "__main__":
    main()
