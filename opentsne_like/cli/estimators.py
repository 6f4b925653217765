"""From options to an estimator: of any method of the family, checked as far as can be before a table is read."""

from __future__ import annotations

import json
import os
from typing import Any

from .._validation import check_choice, check_integer, shown
from ..errors import InvalidParameterError, InvalidTypeError
from .tables import read_table

# What goes to the estimator as it is, when it is given, and other names that parameters have in some estimators.
_OPTIONS = (
    *("n_components", "perplexity", "n_neighbors", "metric", "neighbors", "early_exaggeration"),
    *("early_exaggeration_iter", "exaggeration", "n_iter", "learning_rate", "dof", "negative_gradient_method"),
    *("schedule", "n_jobs", "random_state", "initialization"),
)
_ALSO = {"n_iter": "n_epochs", "initialization": "init", "negative_gradient_method": "method"}
_METHODS = ("auto", "exact", "bh", "fft")
_MANY = 5_000  # rows, from which on the accelerated schedule is faster and no worse


def check_names(options: Any) -> None:
    """Refuse names that stand for nothing.

    Parameters
    ----------
    options : argparse.Namespace
        Of `embed`.
    """
    from .. import nearest_neighbors
    from ..methods import find_estimator

    estimator = find_estimator(options.method, "--method")
    search = options.neighbors or "auto", options.metric or "euclidean"
    nearest_neighbors.check_names(*search, names=("--neighbors", "--metric"))
    if options.schedule is not None:
        check_choice(options.schedule, "--schedule", ("auto", "standard", "accelerated"))
    start = options.initialization
    if start is not None and not _is_file(start):
        check_choice(start, "--initialization", estimator.starts)
    if options.n_iter is not None:
        check_integer(options.n_iter, "--n-iter", at_least=0)
    if options.negative_gradient_method is not None:
        check_choice(options.negative_gradient_method, "--negative-gradient-method", _METHODS)
    make_estimator(options, 2, read_starts=False)


def make_estimator(options: Any, n: int, *, read_starts: bool = True) -> Any:
    """Return the estimator for a table.

    Parameters
    ----------
    options : argparse.Namespace
        Of `embed`.
    n : int
        Rows of the table.
    read_starts : bool
        Whether a start in a file is read.
    """
    from ..methods import find_estimator

    made = find_estimator(options.method, "--method")()
    known = made.get_params()
    for name in _OPTIONS:
        value = getattr(options, name)
        if name == "schedule" and value in (None, "auto"):
            value = ("accelerated" if n >= _MANY else "standard") if name in known else None
        if value is None:
            continue
        own = name if name in known else _ALSO.get(name, name)
        if own not in known:
            raise InvalidParameterError(
                f"`{name}` must be left out with --method {options.method}, which has none, got {shown(value)}"
            )
        if name == "initialization" and _is_file(value):
            value = read_table(value, "--initialization") if read_starts else "pca"
        made.set_params(**{own: value})
    return made.set_params(**dict(map(_setting, options.set)))


def _setting(text: str) -> tuple[str, Any]:
    """Return a name and a value of ``NAME=VALUE``, a number, a list or a word."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InvalidTypeError(f"`--set` must be NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _is_file(name: str) -> bool:
    return bool(os.path.splitext(name)[1])
