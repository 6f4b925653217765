"""Networks in files: weights as arrays, parameters as JSON values, no code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import storage
from ..._types import Array
from ..._validation import check_integer, check_real
from ...dependencies import need
from ...embedding import pack_random_state, unpack_random_state
from ...errors import InvalidParameterError, MissingDependencyError, OpenTSNEError, StorageError
from ...loading import STRANGE
from .networks import Network, multilayer
from .recipes import pack_recipe, plain, unpack_recipe

KIND = "ParametricEmbedding"
PLAIN = ("hidden", "batch_norm", "n_epochs", "n_iter", "learning_rate", "n_jobs", "verbose")


@contextmanager
def read_from(path: Any) -> Iterator[None]:
    """Let what is wrong with a file say which file that is.

    Parameters
    ----------
    path : path-like
    """
    try:
        yield
    except (MissingDependencyError, MemoryError):
        raise
    except (OpenTSNEError, RuntimeError, *STRANGE) as error:
        raise StorageError(f"`path` {str(path)!r} cannot be read: {error}") from error


@dataclass(frozen=True)
class Stored:
    """What a file holds of a network beside its parameters.

    Attributes
    ----------
    weights : dict of str to ndarray
    center : ndarray of shape (n_features,)
    d : int
        Dimensions of the map.
    spread, width : float
    """

    weights: dict[str, Array]
    center: Array
    d: int
    spread: float
    width: float

    def check_layers(self, hidden: Any, batch_norm: bool) -> None:
        """Refuse weights that are none of a multilayer perceptron, before there is memory for it.

        Parameters
        ----------
        hidden : sequence of int
        batch_norm : bool
        """
        with need("torch", "torch").device("meta"):
            layers = multilayer(len(self.center), self.d, hidden, batch_norm).state_dict()
        if _shapes(layers) != _shapes(self.weights):
            raise StorageError("its weights are not those of a network with its layers")

    def onto(self, module: Any, path: Any, n_jobs: int) -> Network:
        """Return the network: a module with these weights.

        Parameters
        ----------
        module : torch.nn.Module
        path : path-like
            Of the file, for messages.
        n_jobs : int
        """
        network = Network(module, self.center, self.spread, self.width, n_jobs)
        with read_from(path):
            network.load_arrays(self.weights)
        return network


def save(estimator: Any, network: Network, columns: Any, path: Any) -> None:
    """Write a network and the parameters of its estimator.

    Parameters
    ----------
    estimator : ParametricEmbedding
    network : Network
    columns : sequence or None
        Names of the columns of the data.
    path : path-like
    """
    weights, center = network.arrays(), np.asarray(network.center)
    arrays = {**{f"network.{name}": part for name, part in weights.items()}, "center": center}
    parts, loss = pack_recipe(estimator.loss)
    d = int(network.outputs(center[None]).shape[1])
    if _shapes(estimator._module(len(center), d, 0).state_dict()) != _shapes(weights):
        raise InvalidParameterError(
            "`network`, `hidden` and `batch_norm` must be as `fit` had them to be stored, got others; set them back or "
            "fit again"
        )
    header = {
        "kind": KIND,
        "own": estimator.network is not None,
        "spread": network.spread,
        "width": network.width,
        "d": d,
        "columns": None if columns is None else list(columns),
        "loss": loss,
        "parameters": {name: plain(getattr(estimator, name), name) for name in PLAIN},
        "random_state": pack_random_state(estimator.random_state),
    }
    storage.write(path, {**arrays, **parts}, header)


def read(path: Any, module: Any) -> tuple[dict[str, Any], Stored, Any]:
    """Return the parameters of a stored estimator, its network, and the names of the columns.

    Parameters
    ----------
    path : path-like
    module : torch.nn.Module or None
        The network, if it is one of the user's own.
    """
    arrays, header = storage.read(path)
    if header.get("kind") != KIND:
        raise StorageError(
            f"`path` {str(path)!r} must be of a {KIND}, got a {str(header.get('kind'))[:40]!r}; use opentsne_like.load"
        )
    if bool(header.get("own")) != (module is not None):
        cure = "give it as `network`" if header.get("own") else "leave `network` out"
        raise InvalidParameterError(f"`network` must be as `fit` had it: {cure}, got {type(module).__name__}")
    with read_from(path):
        parameters = {name: header["parameters"][name] for name in PLAIN}
        parameters["loss"] = unpack_recipe(arrays, header["loss"])
        parameters["random_state"] = unpack_random_state(header["random_state"])
        center = arrays["center"]
        if center.ndim != 1 or center.dtype != np.float64 or not np.isfinite(center).all():
            raise StorageError("the means of the columns are no finite float64")
        units = [check_real(header[name], name, above=0) for name in ("spread", "width")]
        d = check_integer(header["d"], "d", at_least=1)
        stored = Stored(storage.parts_below("network.", arrays), center, d, *units)
        return parameters, stored, _columns(header["columns"], len(center))


def _columns(names: Any, count: int) -> list[str] | None:
    """Return the names of the columns, or refuse what is none."""
    if names is not None and [type(name) for name in names] != [str] * count:
        raise StorageError("the names of its columns are no such thing")
    return names  # type: ignore[no-any-return]


def _shapes(parts: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(part.shape) for name, part in parts.items()}
