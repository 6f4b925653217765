"""Parameters by name, as scikit-learn's estimators have them."""

from __future__ import annotations

import inspect
from typing import Any, Self

import numpy as np

from ..errors import InvalidParameterError, UnknownParameterError
from .synonyms import meant_by


class Parameters:
    """An object whose parameters are the arguments of its ``__init__``, kept under their names.

    An argument that there is not is answered by what it is called here, where that is known.

    Raises
    ------
    UnknownParameterError
        There is no parameter of that name.

    Examples
    --------
    >>> from opentsne_like import SNE
    >>> from opentsne_like.methods import Parameters
    >>> isinstance(SNE(), Parameters), SNE().set_params(perplexity=20)
    (True, SNE(perplexity=20))
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse arguments that ``__init__`` does not know, before Python does in fewer words."""
        taken = inspect.signature(cls.__init__).parameters
        unknown = next((name for name in kwargs if name not in taken), None)
        if unknown is not None and not any(one.kind is one.VAR_KEYWORD for one in taken.values()):
            names = cls._names()
            hint = meant_by(unknown, names) or f", which has {', '.join(names)}"
            raise UnknownParameterError(f"`{unknown}` is no parameter of {cls.__name__}{hint}")
        return super().__new__(cls)

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, as scikit-learn's estimators do."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters by name."""
        known = self._names()
        for name, value in params.items():
            if name not in known:
                raise InvalidParameterError(f"`{name}` must be one of {', '.join(known)}{meant_by(name, known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        default = type(self)().get_params()
        changed = {
            k: v for k, v in self.get_params().items() if v is not default[k] and not np.array_equal(v, default[k])
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"
