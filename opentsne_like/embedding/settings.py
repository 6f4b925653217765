"""The options of a map: each a field of exactly one dataclass, found by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache, lru_cache
from typing import Any, ClassVar, Self

from .._validation import check_choice, check_n_jobs
from ..callbacks import Following
from ..dependencies import need_gpu
from ..errors import InvalidTypeError, UnavailableError
from ..objectives import KullbackLeibler, Loss, ObjectiveLoss
from ..optimizer import Momentum, Optimizer, Plan, Schedule, Unconstrained


@dataclass(frozen=True)
class Resources:
    """Where a map is computed.

    Attributes
    ----------
    n_jobs : int
        Threads; -1 for all cores. No result depends on it.
    device : {"auto", "cpu", "cuda"}
        "cuda" optimizes maps on an NVIDIA GPU (extras `cuda12`, `cuda13`): by t-SNE, SNE, InfoNC-t-SNE, Neg-t-SNE and
        elastic embedding, with `Momentum`, in up to three dimensions. They are those of the CPU but for rounding.
        Estimators find exact neighbours there, too, under the euclidean and cosine metrics, and make Gaussian
        affinities and the start by principal components. Points that are placed on a map, and values that are read, are
        the CPU's. "auto" is the CPU so far.

    Examples
    --------
    >>> from opentsne_like.embedding import Resources
    >>> Resources(n_jobs=4)
    Resources(n_jobs=4, device='auto')
    """

    n_jobs: int = -1
    device: str = "auto"

    def __post_init__(self) -> None:
        check_choice(self.device, "device", ("auto", "cpu", "cuda"))
        object.__setattr__(self, "n_jobs", check_n_jobs(self.n_jobs))


@dataclass(frozen=True)
class Settings:
    """What an embedding optimizes by, unless a call says otherwise: five dataclasses that share no field.

    Attributes
    ----------
    loss : Loss
    optimizer : Optimizer
    schedule : Schedule
    following : Following
    resources : Resources

    Examples
    --------
    >>> from opentsne_like.embedding import Settings
    >>> changed = Settings().changed(dof=0.5, momentum=0.9, n_jobs=1)
    >>> changed.loss.dof, changed.schedule.momentum, changed.resources.n_jobs
    (0.5, 0.9, 1)
    """

    loss: Loss = field(default_factory=KullbackLeibler)
    optimizer: Optimizer = field(default_factory=Momentum)
    schedule: Schedule = field(default_factory=Schedule)
    following: Following = field(default_factory=Following)
    resources: Resources = field(default_factory=Resources)
    # Of one call or one map, and so not handed on to points that are placed on it.
    own: ClassVar[tuple[str, ...]] = ("schedule", "following")
    own_of_descent: ClassVar[tuple[str, ...]] = ("optimizer", "schedule", "following")

    def changed(self, **changes: Any) -> Self:
        """Return settings with other values; each option finds its owner by its name.

        Parameters
        ----------
        **changes
            Fields of the dataclasses, or a whole one by its role, such as ``loss=``. An objective of the user's own may
            stand for a loss.

        Raises
        ------
        InvalidTypeError
            If no dataclass has such a field, or two have the same, or what is given by its role is something else.
        """
        whole = {role: self._whole(role, changes.pop(role)) for role in self.roles() if role in changes}
        current = replace(self, **whole) if whole else self
        owners = current._owners()
        if unknown := sorted(set(changes) - set(owners)):
            known = ", ".join(sorted({*owners, *current.roles()}))
            raise InvalidTypeError(f"`optimize` does not know `{unknown[0]}`; it takes {known}")
        by_owner: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            by_owner.setdefault(owners[name], {})[name] = value
        return replace(current, **{role: replace(getattr(current, role), **some) for role, some in by_owner.items()})

    def asked(self, **changes: Any) -> Self:
        """Return settings with other values of the loss or of the threads, which are all that its value depends on.

        Parameters
        ----------
        **changes
            As of `changed`.
        """
        owners = self._owners()
        for name in changes:
            if owners.get(name, name) in self.own_of_descent:
                raise InvalidTypeError(
                    f"`evaluate` takes `P`, `loss`, options of the loss and `n_jobs`, got `{name}`, on which no value "
                    "depends"
                )
        return self.changed(**changes)

    def has(self, name: str) -> bool:
        """Say whether one of the dataclasses has an option of this name."""
        return name in self._owners()

    def _whole(self, role: str, value: Any) -> Any:
        """Return what is given for a whole role, or refuse what cannot play it."""
        if role == "loss":
            return as_loss(value)
        if role == "optimizer":
            methods = ("start", "auto_rate", "propose")
            plays = is_dataclass(value) and all(callable(getattr(value, name, None)) for name in methods)
            wanted = "an Optimizer such as Momentum(), a dataclass with the methods `start`, `auto_rate` and `propose`"
        else:
            kind = type(getattr(self, role))
            plays, wanted = isinstance(value, kind), f"of the class {kind.__name__}"
        if isinstance(value, type) or not plays:
            raise InvalidTypeError(f"`{role}` must be {wanted}, got {_called(value)}")
        return value

    def _owners(self) -> Mapping[str, str]:
        """Return the role that each option belongs to, or refuse a dataclass that takes another's name for its own."""
        return _owners_by_class(tuple((role, type(getattr(self, role))) for role in self.roles()))

    @property
    def searches(self) -> bool:
        """Whether the optimizer looks at the loss elsewhere before it steps, see `optimizer.Optimizer`."""
        return bool(getattr(self.optimizer, "searches", False))

    def on_gpu(self, shape: tuple[int, ...], placed: bool = False) -> bool:
        """Say whether a map is to be optimized on a GPU, or refuse what cannot be.

        Parameters
        ----------
        shape : (int, int)
            Of the map.
        placed : bool
            Whether its points are placed on another one, which the CPU does.

        Raises
        ------
        MissingDependencyError
            If CuPy is not installed.
        UnavailableError
            If there is no GPU, or loss, optimizer or constraint are none for a GPU.
        """
        if self.resources.device != "cuda" or placed:
            return False
        loss, optimizer, constraint = self.loss, self.optimizer, self.plan(shape[0], placed=False).constraint
        what = None
        if not loss.on_gpu:
            what = f"`loss` {loss!r}"
        elif not isinstance(optimizer, Momentum):
            what = f"`optimizer` {type(optimizer).__name__}"
        elif constraint.curved or len(constraint.fixed):
            what = "`constraint`, or points that are fixed,"
        elif shape[1] > 3:
            what = f"a map of {shape[1]} dimensions"
        if what is not None:
            raise UnavailableError(
                f"`device` must be 'cpu' for {what}, got 'cuda', which is for t-SNE, SNE, InfoNC-t-SNE, Neg-t-SNE and "
                "elastic embedding by all pairs without trees, with Momentum(), in up to 3 dimensions"
            )
        need_gpu()
        return True

    def inherited(self) -> Self:
        """Return the settings for points that are placed on the map: those of the call and of its callbacks are not.

        An optimizer that moves all points together is none for points that go each by itself; `Momentum` takes over.
        """
        own = (*self.own, "optimizer") if self.searches else self.own
        return type(self)(**{role: getattr(self, role) for role in self.roles() if role not in own})

    def called(self, n_iter: int, changes: Mapping[str, Any]) -> Self:
        """Return the settings of one call of `optimize`.

        Parameters
        ----------
        n_iter : int
        changes : mapping
            Callbacks among them are heard, whatever was said of those that were there before.
        """
        heard = {"use_callbacks": None} if "callbacks" in changes and "use_callbacks" not in changes else {}
        return self.changed(n_iter=n_iter, **heard, **changes)

    def plan(self, n: int, placed: bool) -> Plan:
        """Return the iterations of a call on `n` points, which are `placed` on another map or are one."""
        rest = Unconstrained() if placed else None
        return self.schedule.plan(n, self.auto_rate(n, placed), rest, self.resources.n_jobs)

    def auto_rate(self, n: int, placed: bool) -> Callable[[float], float]:
        """Return the learning rate "auto" as a function of the exaggeration."""
        placing = self.loss.placing
        if placed and placing is not None:
            return lambda exaggeration: placing.learning_rate
        return lambda exaggeration: self.optimizer.auto_rate(lambda rho: self.loss.learning_rate(n, rho), exaggeration)

    @classmethod
    @cache
    def roles(cls) -> tuple[str, ...]:
        """Return the names of the dataclasses."""
        return tuple(f.name for f in fields(cls))


@lru_cache(maxsize=64)  # of classes that exist, not of settings: a call of one iteration would spend a tenth on it
def _owners_by_class(kinds: tuple[tuple[str, type], ...]) -> Mapping[str, str]:
    owners: dict[str, str] = {}
    for role, kind in kinds:
        for option in fields(kind):
            if owners.setdefault(option.name, role) != role:
                raise InvalidTypeError(
                    f"`{owners[option.name]}` and `{role}` must not both have a field `{option.name}`; rename one"
                )
    return owners


def as_loss(value: Any) -> Loss:
    """Return a loss, or an objective of the user's own as one.

    Parameters
    ----------
    value : Loss or Objective

    Examples
    --------
    >>> from opentsne_like.embedding import as_loss
    >>> from opentsne_like.objectives import KullbackLeibler
    >>> as_loss(KullbackLeibler()) == KullbackLeibler()
    True
    """
    if isinstance(value, Loss):
        return value
    if callable(getattr(value, "evaluate", None)) and not isinstance(value, type):
        return ObjectiveLoss(value)
    raise InvalidTypeError(f"`loss` must be a Loss, or an object with a method `evaluate`, got {_called(value)}")


def _called(value: Any) -> str:
    """Return what an error calls a value that is something else than was asked for."""
    if isinstance(value, type):
        return f"the class {value.__name__}; call it: {value.__name__}()"
    return type(value).__name__
