"""What a module has to be, to be the network of a map."""

from __future__ import annotations

from typing import Any

from ...dependencies import need
from ...errors import InvalidParameterError, InvalidTypeError


def check_network(module: Any, n_features: int, n_components: int) -> None:
    """Refuse a module that does not take the data to a map.

    Parameters
    ----------
    module : torch.nn.Module
        Is left in its mode of evaluation.
    n_features, n_components : int

    Examples
    --------
    >>> from opentsne_like.methods.parametric import multilayer
    >>> check_network(multilayer(5, 3, [8], batch_norm=False), 5, 2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `network` must take 5 columns to 2, got an output of shape (2, 3) ...
    """
    torch = need("torch", "torch")
    if not isinstance(module, torch.nn.Module):
        raise InvalidTypeError(f"`network` must be a torch.nn.Module, got {type(module).__name__}")
    learned = [part for part in module.parameters() if part.requires_grad]
    if not learned:
        raise InvalidParameterError("`network` must have weights that are learned, got one without")
    kinds = {part.dtype for part in learned}
    on_cpu = {str(part.device) for part in learned} == {"cpu"}
    if not on_cpu or len(kinds) != 1 or not kinds <= {torch.float16, torch.float32, torch.float64}:
        raise InvalidParameterError(
            "`network` must have all its weights in one type that NumPy has, on the CPU; use network.cpu().float()"
        )
    try:
        made = module.eval()(torch.zeros((2, n_features), dtype=learned[0].dtype))
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidParameterError(
            f"`network` must take rows of {n_features} columns, got the error {reason}"
        ) from error
    if not isinstance(made, torch.Tensor) or {made.dtype} != kinds:
        raise InvalidParameterError(
            f"`network` must return one tensor of the type of its weights, got {_called(made)}; wrap it in a module "
            "that does"
        )
    shape = tuple(made.shape)
    if shape != (2, n_components):
        raise InvalidParameterError(
            f"`network` must take {n_features} columns to {n_components}, got an output of shape {shape} for 2 rows"
        )
    if not made.requires_grad:
        raise InvalidParameterError(
            "`network` must have an output that depends on its weights, got one without gradient"
        )


def _called(made: Any) -> str:
    return str(getattr(made, "dtype", type(made).__name__))
