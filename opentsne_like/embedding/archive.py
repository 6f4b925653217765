"""Embeddings as arrays and JSON values: everything is written by its name, nothing by its kind."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from .. import storage
from .._types import Array
from .._validation import check_choice, check_matrix
from ..affinity import pack_affinities
from ..distortions import DISTORTIONS, DistortionFunction, unpack_distortion
from ..errors import InvalidParameterError, StorageError
from ..nearest_neighbors import pack_table
from ..objectives import LOSSES, FunctionLoss, Loss, ObjectiveLoss, PositionPenalty, carried_names, check_carried
from ..optimizer import CONSTRAINTS, OPTIMIZERS, State, StopReason
from ..repulsion import RADIALS, Radial
from ..storage import parts_below
from .descent import Descent
from .randomness import pack_random_state
from .remembered import pack_states, snapshots_of
from .settings import Settings

log = logging.getLogger(__name__)

LEVELS = ("coordinates", "optimizer", "affinities", "data")
_NOT_STORED = ("callbacks", "use_callbacks")  # functions; they are given again to `optimize`
_TABLES: dict[str, dict[str, Any]] = {"loss": LOSSES, "optimizer": OPTIMIZERS}


def save(embedding: Any, path: Any, include: str) -> None:
    """Write an embedding to one file.

    Parameters
    ----------
    embedding : Embedding
    path : path-like
    include : {"data", "affinities", "optimizer", "coordinates"}
    """
    level = LEVELS.index(check_choice(include, "include", LEVELS))
    duplicate = embedding.copy()  # of one iteration, should another thread be optimizing
    check_matrix(np.asarray(duplicate), "embedding")  # `load` would refuse it
    arrays, header = pack(duplicate, level)
    if level >= LEVELS.index("optimizer") and (states := snapshots_of(embedding)):
        held, left = pack_states(states)
        arrays, header = {**arrays, **held}, {**header, "run": {"callbacks": left}}
    storage.write(path, arrays, {**header, "include": include})


def pack(embedding: Any, level: int) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return an embedding as arrays and JSON values.

    Parameters
    ----------
    embedding : Embedding
    level : int
        Position in `LEVELS` of the last part that is wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, pack
    >>> Y = Embedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2)).optimize(3)
    >>> arrays, header = pack(Y, level=1)
    >>> header["settings"]["loss"]["class"], sorted(arrays)[:3]
    ('KullbackLeibler', ['coordinates', 'optimizer.counter', 'optimizer.gains'])
    """
    state = embedding._own
    arrays, settings = pack_settings(state.settings)
    header: dict[str, Any] = {"kind": type(embedding).__name__, "settings": settings}
    header["random_state"] = pack_random_state(embedding.random_state)
    arrays["coordinates"] = np.asarray(embedding)
    if level >= LEVELS.index("optimizer"):
        arrays |= {f"optimizer.{name}": part for name, part in _pack_state(embedding).items()}
        reason = embedding.stop_reason
        header["stop_reason"] = None if reason is None else reason.name
    with_data = level >= LEVELS.index("data")
    if level >= LEVELS.index("affinities"):
        if state.affinities is not None:
            parts, header["affinities"] = pack_affinities(state.affinities, with_data=with_data)
            arrays |= {f"affinities.{name}": part for name, part in parts.items()}
        if state.P is not None:
            arrays |= {f"partial.{name}": part for name, part in pack_table(state.P).items()}
    if with_data and state.reference is not None:
        parts, header["reference"] = pack(state.reference, level)
        arrays |= {f"reference.{name}": part for name, part in parts.items()}
    return arrays, header


def _pack_state(embedding: Any) -> dict[str, Array]:
    state = embedding.optimizer.state
    if state is None:
        return {}
    known, settings = known_arrays(embedding.settings), embedding.settings
    kept = {name: state[name] for name in state if name in known}
    if len(kept) < len(list(state)):
        log.warning("what an optimizer or a loss of your own keeps is not stored: `load` would not know it")
    carried = state.carried if embedding.optimizer.carried(np.asarray(embedding)) else {}  # else of points that moved
    carried = {name: part for name, part in carried.items() if name in carried_names(settings.loss)}
    return State(kept, counter=int(state.counter[0]), history=state.history, carried=carried).arrays()


def known_arrays(settings: Settings) -> set[str]:
    """Return the names of arrays of a state that `load` knows: of optimizers and losses in the tables.

    Those of the settings may have made no step yet, and others a few.

    Parameters
    ----------
    settings : Settings

    Examples
    --------
    >>> from opentsne_like.embedding import Settings, known_arrays
    >>> {"gains", "update", "log_dof"} <= known_arrays(Settings())
    True
    """
    optimizers: list[Any] = [*OPTIMIZERS.values(), settings.optimizer]
    losses: list[Any] = [*LOSSES.values(), settings.loss]
    return {name for kind in optimizers for name in kind.keeps} | {name for kind in losses for name in kind.learnable}


def pack_settings(settings: Settings) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return settings as arrays and JSON values: the class and the fields of each dataclass.

    Parameters
    ----------
    settings : Settings

    Examples
    --------
    >>> from opentsne_like.embedding import Settings
    >>> pack_settings(Settings())[1]["resources"]
    {'class': 'Resources', 'n_jobs': -1, 'device': 'auto'}
    """
    arrays: dict[str, Array] = {}
    header: dict[str, Any] = {}
    for role in settings.roles():
        part = getattr(settings, role)
        if role == "loss":
            part = _storable(part)
        name = type(part).__name__
        check_stored_kind(role, part)
        header[role] = {"class": name}
        for option in fields(part):
            value = getattr(part, option.name)
            if option.name in _NOT_STORED:
                continue
            if isinstance(value, np.ndarray):
                arrays[f"settings.{role}.{option.name}"] = value
            elif isinstance(value, Radial):
                header[role][option.name] = _pack_radial(value, option.name)
            elif isinstance(value, PositionPenalty):
                raise InvalidParameterError(
                    f"`{option.name}` must be None to be stored, got a penalty of your own; give it to `optimize` "
                    "again after `load`"
                )
            elif isinstance(value, DistortionFunction):
                header[role][option.name] = _pack_distortion(value, option.name)
            elif callable(value):
                log.warning("`%s` is a function and is not stored; pass it to `optimize` again", option.name)
            elif role == "schedule" and option.name == "constraint" and not isinstance(value, str):
                raise InvalidParameterError(
                    f"`constraint` must go by a name, {', '.join(CONSTRAINTS)}, to be stored, got {value!r}; "
                    "save with a named one and give this one to `optimize` again"
                )
            else:
                header[role][option.name] = value
    return arrays, header


def check_stored_kind(role: str, part: Any) -> None:
    """Refuse a loss or an optimizer of a class that `load` would not know.

    Parameters
    ----------
    role : str
        Of the settings, such as ``"loss"``.
    part : dataclass

    Examples
    --------
    >>> from opentsne_like.embedding import check_stored_kind
    >>> from opentsne_like.optimizer import Momentum
    >>> check_stored_kind("optimizer", Momentum())
    """
    if isinstance(part, (FunctionLoss, ObjectiveLoss)):  # left out, with a line in the log
        return
    name = type(part).__name__
    if role in _TABLES and _TABLES[role].get(name) is not type(part):
        raise InvalidParameterError(
            f"`{role}` must be of a class that files know, {', '.join(_TABLES[role])}, to be stored, got {name}; "
            f"enter it in the table of its room, {'LOSSES' if role == 'loss' else 'OPTIMIZERS'}"
        )


def _pack_radial(radial: Radial, name: str) -> dict[str, Any]:
    kind = type(radial).__name__
    if RADIALS.get(kind) is not type(radial):
        raise InvalidParameterError(f"`{name}` must be one of {', '.join(RADIALS)}, to be stored, got {kind}")
    return {"radial": kind, **{f.name: getattr(radial, f.name) for f in fields(radial)}}  # type: ignore[arg-type]


def _pack_distortion(function: DistortionFunction, name: str) -> dict[str, Any]:
    kind = type(function).__name__
    if DISTORTIONS.get(kind) is not type(function):
        raise InvalidParameterError(f"`{name}` must be one of {', '.join(DISTORTIONS)}, to be stored, got {kind}")
    return function.packed()


def _unpack_function(described: Any) -> Any:
    """Return the radial or distortion function that a field describes, or the field as it is."""
    if isinstance(described, dict) and "distortion" in described:
        return unpack_distortion(described)
    if not (isinstance(described, dict) and "radial" in described):
        return described
    numbers = {name: value for name, value in described.items() if name != "radial"}
    if described["radial"] not in RADIALS:
        raise StorageError(f"it has a radial function {str(described['radial'])[:40]!r}, which is not known")
    return RADIALS[described["radial"]](**numbers)


def _storable(loss: Loss) -> Loss:
    """Return the loss that is written: functions and objects of the user's own are not."""
    if not isinstance(loss, (FunctionLoss, ObjectiveLoss)):
        return loss
    log.warning("the loss is a function or an object of your own and is not stored; pass it to `optimize` again")
    return loss.plain() if isinstance(loss, FunctionLoss) else LOSSES["KullbackLeibler"]()


def unpack_settings(kind: type[Settings], arrays: Mapping[str, Array], header: Mapping[str, Any]) -> Settings:
    """Return the settings that `pack_settings` took apart; every class checks its own fields.

    Parameters
    ----------
    kind : type
        The class of settings.
    arrays : mapping of str to ndarray
        Named as `pack_settings` names them.
    header : mapping of str to JSON values

    Examples
    --------
    >>> from opentsne_like.embedding import Settings, pack_settings, unpack_settings
    >>> settings = Settings().changed(dof=0.5, momentum=0.9)
    >>> unpack_settings(Settings, *pack_settings(settings)) == settings
    True
    """
    made: dict[str, Any] = {}
    known = kind()
    for role in kind.roles():
        described = dict(header[role])
        name = described.pop("class")
        table = _TABLES.get(role, {type(getattr(known, role)).__name__: type(getattr(known, role))})
        if name not in table:
            raise StorageError(f"its {role} is of the class {str(name)[:40]!r}, which is not known")
        parts = parts_below(f"settings.{role}.", dict(arrays))
        if refused := sorted({*described, *parts} & {*_NOT_STORED}):
            raise StorageError(f"its {role} has a field {refused[0]!r}, which is never stored")
        options = {option: _unpack_function(_as_written(value)) for option, value in described.items()}
        made[role] = table[name](**options, **parts)
    return kind(**made)


def _as_written(value: Any) -> Any:
    """Return a JSON value with its lists as the tuples that they were: a frozen dataclass holds no lists."""
    return tuple(_as_written(part) for part in value) if isinstance(value, list) else value


def unpack_descent(
    kind: type[Descent], arrays: Mapping[str, Array], reason: str | None, points: Array, settings: Settings
) -> Descent:
    """Return where an optimization stands, checked against the map and against what optimizer and loss keep.

    Parameters
    ----------
    kind : type
        The class of descent.
    arrays : mapping of str to ndarray
        Of the state, see `optimizer.State.arrays`; empty before the first call.
    reason : str or None
        The name of the reason why the last call ended.
    points : ndarray of shape (n, d)
    settings : Settings

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.embedding import Descent, Settings, unpack_descent
    >>> from opentsne_like.optimizer import Momentum
    >>> points = np.zeros((3, 2))
    >>> arrays = Momentum().start(points).arrays()
    >>> sorted(unpack_descent(Descent, arrays, "FINISHED", points, Settings()).state)
    ['gains', 'update']
    """
    descent = kind()
    descent.stop_reason = None if reason is None else StopReason[reason]
    if not arrays:
        return descent
    state = State.from_arrays(arrays)
    _check_arrays(state, points.shape, settings)
    if state.carried:
        check_carried(state.carried, points.shape, settings.loss)
        descent.note_place(points)
    descent.state = state
    return descent


def _check_arrays(state: State, shape: tuple[int, ...], settings: Settings) -> None:
    """Refuse arrays that neither the optimizer nor a loss would find in place."""
    expected = settings.optimizer.start(np.empty(shape))
    others = {name for kind in OPTIMIZERS.values() for name in kind.keeps}  # they may have made a few steps
    bounds = {name: bound for loss in LOSSES.values() for name, bound in loss.learnable.items()}
    missing = [name for name in settings.optimizer.keeps if name not in state]
    if 0 < len(missing) < len(settings.optimizer.keeps):  # without any, no call was its own
        raise StorageError(f"the optimizer's state lacks {missing[0]!r}")
    for name in state:
        array = state[name]
        if array.dtype != np.float64 or not np.isfinite(array).all():
            raise StorageError(f"the optimizer's state {name!r} is not finite float64")
        if name in bounds:
            low, high = bounds[name]
            if array.ndim != 2 or len(array) != 3 or not ((low <= array[0]) & (array[0] <= high)).all():
                raise StorageError(f"what the optimizer has learned, {name!r}, is out of its bounds")
        elif not (
            array.shape == expected[name].shape
            if name in expected
            else name in others and (array.shape[-2:] == shape or array.ndim == 1)
        ):
            raise StorageError(f"the optimizer's state {name!r} does not belong to the coordinates")
