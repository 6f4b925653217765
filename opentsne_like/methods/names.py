"""The estimators by their names, as people write them."""

from __future__ import annotations

from typing import Any

from .._validation import check_choice
from .base import Method
from .contrastive import NCTSNE, LargeVis, NegTSNE
from .elastic import ElasticEmbedding
from .pacmap import PaCMAP
from .row_normalized import SNE, InfoNCTSNE
from .tsne import TSNE
from .umap import UMAP

ESTIMATORS: dict[str, type[Method]] = {
    "TSNE": TSNE,
    "UMAP": UMAP,
    "SNE": SNE,
    "InfoNCTSNE": InfoNCTSNE,
    "InfoTSNE": InfoNCTSNE,
    "NegTSNE": NegTSNE,
    "NCTSNE": NCTSNE,
    "NCVis": NCTSNE,
    "LargeVis": LargeVis,
    "PaCMAP": PaCMAP,
    "ElasticEmbedding": ElasticEmbedding,
}


def plain_name(name: str) -> str:
    """Return a name in small letters, without what people put between its parts.

    Examples
    --------
    >>> plain_name("Neg-t-SNE")
    'negtsne'
    """
    return "".join(letter for letter in name.casefold() if letter not in "-_ ")


def find_estimator(name: Any, argument: str = "method") -> type[Method]:
    """Return the estimator that a name stands for, in any case of letters and with or without hyphens.

    Parameters
    ----------
    name : str
    argument : str
        How the caller calls it.

    Raises
    ------
    InvalidParameterError
        There is none of that name.

    Examples
    --------
    >>> from opentsne_like.methods import find_estimator
    >>> find_estimator("t-SNE").__name__, find_estimator("neg-t-sne").__name__
    ('TSNE', 'NegTSNE')
    """
    known = {plain_name(title): estimator for title, estimator in ESTIMATORS.items()}
    found = known.get(plain_name(name)) if isinstance(name, str) else None
    return found or known[check_choice(name, argument, tuple(known))]
