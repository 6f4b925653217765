"""The door to compiled loops: what they do not know by its type is refused, never taken for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidTypeError

if TYPE_CHECKING:
    from ..kernels.forms import ByType


def check_form(form: Any, formulas: ByType) -> None:
    """Refuse a form of a radial function for whose type compiled loops have no formula.

    Parameters
    ----------
    form : NamedTuple
    formulas : ByType
        Such as `kernels.forms.value_and_slope`.

    Raises
    ------
    InvalidTypeError
    """
    if type(form) not in formulas.table:
        known = ", ".join(kind.__name__ for kind in formulas.table)
        raise InvalidTypeError(
            f"`form` must be one of {known}, got {form!r}; a radial function without a form has exact sums by NumPy "
            "and the grid"
        )
