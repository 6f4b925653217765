"""What a word on the command line says about a place: a file, and perhaps what in it."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import chain, count

from .._validation import near_miss, shown
from ..errors import InvalidParameterError
from .text import SUFFIXES as TEXTS

SUFFIXES = (".npy", ".npz", *TEXTS, ".parquet", ".h5ad")


@dataclass(frozen=True)
class Location:
    """A file, and what is wanted of it.

    Attributes
    ----------
    path : str
    suffix : str
        One of `SUFFIXES`, which the path ends in, in small letters.
    what : str or None
        What stands behind the colon: a column, an array, a place in a file.
    name : str
        How the argument is called.
    """

    path: str
    suffix: str
    what: str | None
    name: str

    @classmethod
    def find(cls, text: str, name: str) -> Location:
        """Return the parts of ``FILE`` or ``FILE:WHAT``; the file ends where a known suffix does.

        Names of columns may have colons, too.
        """
        for end in [len(text), *(at for at, letter in enumerate(text) if letter == ":")]:
            suffix = next((s for s in SUFFIXES if text[:end].lower().endswith(s)), None)
            if suffix is not None:
                return cls(text[:end], suffix, text[end + 1 :] if end < len(text) else None, name)
        raise InvalidParameterError(
            f"`{name}` must end in .npy, .npz, .csv, .tsv or .parquet, or in .h5ad, got {text!r}"
        )

    def chosen(self, known: Iterable[str], noun: str = "column") -> str:
        """Return `what`, if it is known.

        Parameters
        ----------
        known : iterable of str
        noun : str
            What they are.

        Raises
        ------
        InvalidParameterError
        """
        names = list(known)
        what = self.what or ""
        if what not in names:
            listed = ", ".join(map(shown, names[:20])) + (", ..." if len(names) > 20 else "")
            raise InvalidParameterError(
                f"`{self.name}` {self.path!r} must have the {noun} {what!r}, got {listed or 'none'}"
                f"{near_miss(what, names)}"
            )
        return what

    @property
    def title(self) -> str:
        """What a column from here is called: as it was asked for, or as the file."""
        if self.what is None:
            return os.path.basename(self.path)[: -len(self.suffix)]
        return self.what.rpartition("/")[2] if self.suffix == ".h5ad" else self.what

    def __str__(self) -> str:
        return self.path if self.what is None else f"{self.path}:{self.what}"


def free_name(name: str, taken: Container[str | None]) -> str:
    """Return a name, with the first number behind it that makes it free where it is taken.

    Parameters
    ----------
    name : str
    taken : container of str

    Examples
    --------
    >>> free_name("y", ["x", "y"])
    'y_1'
    """
    return next(one for one in chain([name], (f"{name}_{i}" for i in count(1))) if one not in taken)
