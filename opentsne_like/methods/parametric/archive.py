"""Networks in files: weights as arrays, parameters as JSON values, no code."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import storage
from ..._types import Array
from ..._validation import check_integer, check_real
from ...dependencies import need
from ...embedding import Settings, pack_random_state, pack_settings, unpack_random_state, unpack_settings
from ...errors import InvalidParameterError, MissingDependencyError, OpenTSNEError, StorageError
from ...loading import STRANGE
from ...objectives import Loss
from ..base import Method
from ..names import ESTIMATORS
from ..neighbor_embedding import NeighborEmbedding
from .networks import Network, multilayer

log = logging.getLogger(__name__)

KIND = "ParametricEmbedding"
METHODS: dict[str, type[Method]] = {cls.__name__: cls for cls in ESTIMATORS.values()}
METHODS[NeighborEmbedding.__name__] = NeighborEmbedding
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
    parts, loss = _pack_loss(estimator.loss)
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
        "parameters": {name: _plain(getattr(estimator, name), name) for name in PLAIN},
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
        parameters["loss"] = _unpack_loss(arrays, header["loss"])
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


def _pack_loss(loss: Any) -> tuple[dict[str, Array], Any]:
    """Return what maps are made by, as arrays and JSON values."""
    if isinstance(loss, Loss):
        arrays, header = pack_settings(Settings(loss=loss))
        return arrays, {"settings": header}
    if loss is None:
        return {}, None
    name = type(loss).__name__
    if METHODS.get(name) is not type(loss):
        raise InvalidParameterError(f"`loss` must be one of {', '.join(METHODS)}, to be stored, got {name}")
    parameters = loss.get_params()
    if parameters.pop("callbacks", None) is not None:
        log.warning("`callbacks` of %s are not stored; set them again", name)
    parameters["random_state"] = pack_random_state(loss.random_state)
    return {}, {"class": name, "parameters": {option: _plain(value, option) for option, value in parameters.items()}}


def _unpack_loss(arrays: dict[str, Array], described: Any) -> Any:
    if described is None:
        return None
    if "settings" in described:
        return unpack_settings(Settings, arrays, described["settings"]).loss
    parameters = dict(described["parameters"])
    parameters["random_state"] = unpack_random_state(parameters["random_state"])
    return METHODS[described["class"]](**parameters)


def _plain(value: Any, name: str) -> Any:
    """Return a parameter as a JSON value, or refuse it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(part, name) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part, name) for key, part in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidParameterError(
        f"`{name}` must be a number, a text or a list of them to be stored, got {type(value).__name__}"
    )
