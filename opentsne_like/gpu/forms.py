"""Radial functions as kernels take them: the number of their kind, and their numbers."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidTypeError
from ..kernels import forms

# Whose names are those of the formulas in `sources/forms.cu`; their places here are the numbers of their kinds.
KINDS: tuple[type, ...] = (
    forms.Cauchy,
    forms.StudentT,
    forms.StudentTTail,
    forms.Gaussian,
    forms.LogInverse,
    forms.LogStudentT,
    forms.LogStudentTTail,
    forms.Square,
    forms.LogOnePlus,
    forms.LogOnePlusPower,
    forms.SoftenedLog,
)


def numbers(form: Any) -> tuple[int, float, float, float]:
    """Return the kind of a form and its three numbers, or refuse one that kernels do not know by its type.

    Examples
    --------
    >>> from opentsne_like.gpu.forms import numbers
    >>> from opentsne_like.kernels import forms
    >>> numbers(forms.StudentT(0.5))
    (1, 0.5, 0.0, 0.0)
    """
    if type(form) not in KINDS:
        known = ", ".join(kind.__name__ for kind in KINDS)
        raise InvalidTypeError(f"`form` must be one of {known} on a GPU, got {form!r}; use the CPU for other functions")
    a, b, c = (*map(float, form), 0.0, 0.0, 0.0)[:3]
    return KINDS.index(type(form)), a, b, c
