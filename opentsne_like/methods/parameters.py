"""Parameters by name, as scikit-learn's estimators have them."""

from __future__ import annotations

import inspect
from typing import Any, Self

import numpy as np

from .._validation import near_miss
from ..errors import InvalidParameterError


class Parameters:
    """An object whose parameters are the arguments of its ``__init__``, kept under their names.

    Examples
    --------
    >>> from opentsne_like import SNE
    >>> from opentsne_like.methods import Parameters
    >>> isinstance(SNE(), Parameters), SNE().set_params(perplexity=20)
    (True, SNE(perplexity=20))
    """

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
                raise InvalidParameterError(f"`{name}` must be one of {', '.join(known)}{near_miss(name, known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        default = type(self)().get_params()
        changed = {
            k: v for k, v in self.get_params().items() if v is not default[k] and not np.array_equal(v, default[k])
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"
