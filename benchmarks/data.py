"""Data sets of the measurements, made once and kept in ``benchmarks/results/data``."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

RESULTS = Path(__file__).parent / "results"
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts it


def principal_components(X: Floats, n_components: int) -> Floats:
    """Return the scores of the rows of `X` on the first principal components, largest loadings positive."""
    centred = X - X.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :n_components]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
    return np.ascontiguousarray(centred @ axes)


def _idx(name: str, header: int) -> npt.NDArray[np.uint8]:
    path = FASHION_MNIST / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: install Debian's package dataset-fashion-mnist")
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _images_and_labels() -> tuple[npt.NDArray[np.uint8], Labels]:
    images = [_idx(f"{part}-images-idx3-ubyte.gz", 16) for part in ("train", "t10k")]
    labels = [_idx(f"{part}-labels-idx1-ubyte.gz", 8) for part in ("train", "t10k")]
    return np.concatenate(images).reshape(-1, 784), np.concatenate(labels)


def fashion_mnist_raw() -> tuple[Floats, Labels]:
    """Return the 70,000 images of Fashion-MNIST, training set first, as pixels / 255: (70000, 784) float32."""
    pixels, labels = _images_and_labels()
    return pixels / np.float32(255), labels


def fashion_mnist() -> tuple[Floats, Labels]:
    """Return the first 50 principal components of Fashion-MNIST, pixels / 255 and centred: (70000, 50) float64."""
    pixels, labels = _images_and_labels()
    return principal_components(pixels / 255.0, 50), labels


def digits() -> tuple[Floats, Labels]:
    """Return scikit-learn's digits: (1797, 64) float64."""
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    return np.ascontiguousarray(X, dtype=np.float64), labels


def hierarchical_mixture(n: int, seed: int = 0) -> tuple[Floats, Labels]:
    """Return `n` points in 50 dimensions from 20 groups of 10 Gaussian clusters each: (n, 50) float32.

    Group centres have a standard deviation of 4, cluster centres one of 2 around them. A cluster spans 8 random
    directions with a standard deviation of 1 and all others with 0.2; cluster sizes differ by a factor of about ten.
    Rows come in random order, so the first rows are a fair sample. The label is the cluster.
    """
    rng = np.random.default_rng(seed)
    groups, per_group, dims, active = 20, 10, 50, 8
    clusters = groups * per_group
    centres = np.repeat(rng.normal(0, 4, (groups, dims)), per_group, axis=0) + rng.normal(0, 2, (clusters, dims))
    weights = rng.lognormal(0, 0.6, clusters)
    labels = rng.choice(clusters, n, p=weights / weights.sum())
    X = np.empty((n, dims), np.float32)
    for cluster in range(clusters):
        axes = np.linalg.qr(rng.normal(size=(dims, active)))[0]
        rows = np.flatnonzero(labels == cluster)
        inner = rng.normal(size=(len(rows), active)) @ axes.T
        X[rows] = centres[cluster] + inner + rng.normal(0, 0.2, (len(rows), dims))
    return X, labels.astype(np.int32)


def swiss_roll(n: int = 20_000, seed: int = 0) -> tuple[Floats, Labels]:
    """Return a rolled-up sheet in 3 dimensions, labelled by twelfths of its length: (n, 3) float64."""
    rng = np.random.default_rng(seed)
    turn = 1.5 * np.pi * (1 + 2 * rng.random(n))
    X = np.column_stack([turn * np.cos(turn), 21 * rng.random(n), turn * np.sin(turn)])
    return X, (12 * (turn / (1.5 * np.pi) - 1) / 2).astype(np.int32)


def with_outliers(n: int = 20_000, seed: int = 0) -> tuple[Floats, Labels]:
    """Return a mixture of which every hundredth point lies far from all others: (n, 50) float32."""
    X, labels = hierarchical_mixture(n, seed)
    rows = np.arange(0, n, 100)
    X[rows] += np.random.default_rng(seed + 1).normal(0, 30, (len(rows), X.shape[1])).astype(np.float32)
    labels[rows] = labels.max() + 1
    return X, labels


MAKERS: dict[str, Callable[[], tuple[Floats, Labels]]] = {
    "digits": digits,
    "fashion-mnist": fashion_mnist,
    "fashion-mnist-raw": fashion_mnist_raw,
    "mixture-200k": lambda: hierarchical_mixture(200_000),
    "mixture-1m": lambda: hierarchical_mixture(1_000_000, seed=1),
    "mixture-10m": lambda: hierarchical_mixture(10_000_000, seed=2),
    "swiss-roll": swiss_roll,
    "outliers": with_outliers,
}


def stored(name: str) -> tuple[Path, Path]:
    """Return the paths of the rows and labels of a data set, made if they are not there yet."""
    folder = RESULTS / "data"
    rows, labels = folder / f"{name}.npy", folder / f"{name}-labels.npy"
    if not (rows.exists() and labels.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        X, y = MAKERS[name]()
        np.save(labels, y)
        np.save(rows, X)
    return rows, labels


def load(name: str, n: int | None = None) -> tuple[Floats, Labels]:
    """Return the first `n` rows of a data set (all of them for None) and their labels."""
    rows, labels = stored(name)
    return np.array(np.load(rows, mmap_mode="r")[:n]), np.array(np.load(labels, mmap_mode="r")[:n])
