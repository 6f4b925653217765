"""What maps are made by, in files: a loss or an estimator, as arrays and JSON values."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ... import affinity
from ..._types import Array
from ...embedding import (
    Settings,
    as_loss,
    pack_random_state,
    pack_settings,
    unpack_random_state,
    unpack_settings,
)
from ...errors import InvalidParameterError, StorageError
from ...objectives import Loss
from ...optimizer import Schedule
from ...storage import parts_below
from ..base import Method
from ..names import ESTIMATORS
from ..neighbor_embedding import NeighborEmbedding

log = logging.getLogger(__name__)

METHODS: dict[str, type[Method]] = {cls.__name__: cls for cls in ESTIMATORS.values()}
METHODS[NeighborEmbedding.__name__] = NeighborEmbedding
PARTS = ("loss", "optimizer", "schedule", "affinities")  # of a NeighborEmbedding that are no JSON values


def pack_recipe(loss: Any) -> tuple[dict[str, Array], Any]:
    """Return what maps are made by, as arrays and JSON values.

    Parameters
    ----------
    loss : Method, Loss or None

    Raises
    ------
    InvalidParameterError
        If a part is a function or an object that `load` would not know.

    Examples
    --------
    >>> from opentsne_like import NeighborEmbedding
    >>> from opentsne_like.methods.parametric import pack_recipe, unpack_recipe
    >>> from opentsne_like.optimizer import Adam
    >>> unpack_recipe(*pack_recipe(NeighborEmbedding(optimizer=Adam(), init_scaling=1.0)))
    NeighborEmbedding(optimizer=Adam(decay=0.99), init_scaling=1.0)
    """
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
    arrays, header = {}, {"class": name}
    if type(loss) is NeighborEmbedding:
        arrays, header["parts"] = _pack_parts({part: parameters.pop(part) for part in PARTS})
    return arrays, {**header, "parameters": {option: plain(value, option) for option, value in parameters.items()}}


def unpack_recipe(arrays: Mapping[str, Array], described: Any) -> Any:
    """Return what `pack_recipe` took apart.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    described : JSON values
    """
    if described is None:
        return None
    if "settings" in described:
        return unpack_settings(Settings, arrays, described["settings"]).loss
    parameters = dict(described["parameters"])
    parameters["random_state"] = unpack_random_state(parameters["random_state"])
    kind = METHODS[described["class"]]
    if kind is NeighborEmbedding:
        parameters |= _unpack_parts(arrays, described["parts"])
    return kind(**parameters)


def _pack_parts(parts: dict[str, Any]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the parts of a `NeighborEmbedding`: stages are settings, of which the first has loss and optimizer."""
    given = {role: parts[role] for role in ("loss", "optimizer") if parts[role] is not None}
    if "loss" in given and not as_loss(given["loss"]).is_data:
        raise InvalidParameterError(
            f"`loss` must be a Loss of the room `objectives` to be stored, got {type(given['loss']).__name__}"
        )
    schedule = parts["schedule"]
    stages = [] if schedule is None else [schedule] if isinstance(schedule, Schedule) else list(schedule)
    for option in fields(Schedule):
        if any(callable(getattr(stage, option.name)) for stage in stages):
            raise InvalidParameterError(f"`{option.name}` must be one number or several to be stored, got a function")
    arrays: dict[str, Array] = {}
    packed = []
    for place, stage in enumerate([Schedule(), *stages]):
        own, header = pack_settings(Settings().changed(**(given if place == 0 else {}), schedule=stage))
        arrays |= {f"stage.{place}.{name}": part for name, part in own.items()}
        packed.append(header)
    single = isinstance(schedule, Schedule)
    described = {"given": sorted(given), "stages": packed, "single": single, "schedule": schedule is not None}
    return arrays, {**described, "affinities": _pack_affinities(parts["affinities"])}


def _unpack_parts(arrays: Mapping[str, Array], described: Mapping[str, Any]) -> dict[str, Any]:
    own = [parts_below(f"stage.{place}.", dict(arrays)) for place in range(len(described["stages"]))]
    first, *stages = [
        unpack_settings(Settings, part, header) for part, header in zip(own, described["stages"], strict=True)
    ]
    parts = {role: getattr(first, role) for role in described["given"] if role in ("loss", "optimizer")}
    if described["schedule"]:
        schedules = [stage.schedule for stage in stages]
        parts["schedule"] = schedules[0] if described["single"] else schedules
    return {**parts, "affinities": _unpack_affinities(described["affinities"])}


def _pack_affinities(make: Any) -> Any:
    """Return a class of affinities, or a partial of one, as JSON values."""
    if make is None:
        return None
    kind = make.func if isinstance(make, functools.partial) else make
    name = getattr(kind, "__name__", type(kind).__name__)
    if _known_affinities(name) is not kind or (kind is not make and make.args):
        raise InvalidParameterError(
            "`affinities` must be a class of the room `affinity`, or functools.partial of one with options by name, to "
            f"be stored, got {name}"
        )
    options = getattr(make, "keywords", {})
    return {"class": name, "options": {option: plain(value, option) for option, value in options.items()}}


def _unpack_affinities(described: Any) -> Any:
    if described is None:
        return None
    kind = _known_affinities(described["class"])
    if kind is None:
        raise StorageError(f"it has affinities {str(described['class'])[:40]!r}, which are not known")
    return functools.partial(kind, **described["options"]) if described["options"] else kind


def _known_affinities(name: str) -> Any:
    """Return the class of affinities of that name, None where there is none."""
    kind = getattr(affinity, name, None) if name in affinity.__all__ else None
    return kind if isinstance(kind, type) and issubclass(kind, affinity.Affinities) else None


def plain(value: Any, name: str) -> Any:
    """Return a parameter as a JSON value, or refuse it.

    Parameters
    ----------
    value : object
    name : str
        What the user calls it.

    Examples
    --------
    >>> from opentsne_like.methods.parametric import plain
    >>> plain((1, 2.5), "lam")
    [1, 2.5]
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [plain(part, name) for part in value]
    if isinstance(value, dict):
        return {str(key): plain(part, name) for key, part in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidParameterError(
        f"`{name}` must be a number, a text or a list of them to be stored, got {type(value).__name__}"
    )
