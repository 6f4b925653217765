"""Who can be measured: a name, its adapter, the module that tells whether it is installed, and what pip installs."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

OURS = "opentsne_like"


@dataclass(frozen=True)
class Package:
    """One package, its adapter (a script in ``benchmarks/workers``), and what pip installs to have it."""

    module: str
    script: str
    requirements: tuple[str, ...] = ()


PACKAGES = {
    OURS: Package("opentsne_like", "run_opentsne.py"),
    "openTSNE": Package("openTSNE", "run_opentsne.py", ("openTSNE==1.0.4", "annoy>=1.17")),
    "scikit-learn": Package("sklearn", "run_sklearn.py", ("scikit-learn",)),
    "scikit-learn-intelex": Package("sklearnex", "run_sklearn.py", ("scikit-learn-intelex",)),
    "umap-learn": Package("umap", "run_umap.py", ("umap-learn",)),
    "manifolds-rs": Package("manifolds_rs", "run_manifolds.py"),
    "tsne-h2pack": Package("tsne_h2pack", "run_h2pack.py"),
}


@dataclass(frozen=True)
class Participant:
    """A package with the options that it is run with; the label names both."""

    label: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def package(self) -> Package:
        """The package that runs."""
        return PACKAGES[self.name]


def parse(text: str) -> Participant:
    """Return the participant that ``name:key=value,key=value`` describes; values are Python literals or plain words.

    Examples
    --------
    >>> parse("openTSNE:negative_gradient_method=bh,theta=0.3").options
    {'negative_gradient_method': 'bh', 'theta': 0.3}
    """
    name, _, settings = text.partition(":")
    if name not in PACKAGES:
        raise ValueError(f"`peers` must be one of {', '.join(PACKAGES)}, got {name!r}")
    options = {}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"an option must read key=value, got {setting!r}")
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return Participant(text, name, options)
