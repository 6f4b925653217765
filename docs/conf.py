"""How the documentation is built: ``sphinx-build -W -b html docs docs/_build/html``."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sphinx.util.inspect import signature, stringify_signature

import opentsne_like
from opentsne_like.methods import Parameters

# Names that a module offers but another one defines: each class and function has one page, at home.
borrowed = {}
for room in opentsne_like._SUBMODULES:
    module = importlib.import_module(f"opentsne_like.{room}")
    names = [name for name in module.__all__ if hasattr(getattr(module, name), "__module__")]
    homes = {name: f"{getattr(module, name).__module__}." for name in names}
    borrowed[module.__name__] = [name for name in names if not homes[name].startswith(f"{module.__name__}.")]

project = "opentsne_like"
author = "The opentsne_like developers"
copyright = author  # the name that Sphinx asks for
release = version = opentsne_like.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",  # Markdown pages; those with code cells are executed while the documentation is built
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

autosummary_generate = True
autosummary_imported_members = True  # what a package offers is what its __all__ says
autosummary_ignore_module_all = False
autosummary_context = {"borrowed": borrowed}
autodoc_typehints = "none"  # the docstrings say it in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the pages of the API list what this package defines, not what ndarray does
numpydoc_xref_param_type = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Affinities and placed points both have a property P, and numpydoc links attributes by their bare names.
suppress_warnings = ["ref.python"]
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "remove"  # progress bars
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_title = "opentsne_like"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# Pages without pages below them would have an empty column there.
html_sidebars = {path.stem: [] for path in Path(__file__).parent.glob("*.md")}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "collapse_navigation": True,  # all names beside each page take a quarter of the time that the pages take
    "show_toc_level": 2,
    "use_edit_page_button": False,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "show_prev_next": True,
}


def run_examples(app: Any) -> None:
    """Run the scripts in ``examples``; their pages show the pictures and the output of this very run."""
    docs = Path(__file__).resolve().parent
    (docs / "examples" / "made").mkdir(exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(run_example, sorted((docs.parent / "examples").glob("*.py"))))


def run_example(script: Path) -> None:
    """Run one of them."""
    made = script.parent.parent / "docs" / "examples" / "made"
    command = [sys.executable, "-W", "error", str(script)]
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    ended = subprocess.run(command, cwd=made, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{script.name} failed: {ended.stderr}")
    (made / f"{script.stem}.txt").write_text(ended.stdout, encoding="utf-8")


# Files above this folder, to which links lead on the pages of the repository, and the pages that show them here.
SHOWN = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "development/contributing.md",
    "benchmarks/README.md": "development/benchmarks.md",
}


def lead_to_pages(app: Any, docname: str, source: list[str]) -> None:
    """Let links to files above this folder lead to the pages that show them."""
    below = docname.count("/")
    for file, page in SHOWN.items():
        source[0] = source[0].replace(f"]({'../' * (below + 1)}{file}", f"]({'../' * below}{page}")


def skip_borrowed(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what estimators have from scikit-learn, whose words refer to its own pages."""
    module = str(getattr(obj, "__module__", ""))
    return True if module.startswith("sklearn.") or (name.startswith("set_") and name.endswith("_request")) else None


def sign_by_parameters(app: Any, what: str, name: str, obj: Any, options: Any, *found: Any) -> tuple[str, str] | None:
    """Show the parameters of estimators, whose ``__new__`` Sphinx would show in their place."""
    if what == "class" and isinstance(obj, type) and issubclass(obj, Parameters):
        return stringify_signature(signature(obj), show_annotation=False), ""
    return None


def setup(app: Any) -> None:
    """Let the examples run before the pages are read."""
    app.connect("builder-inited", run_examples)
    app.connect("source-read", lead_to_pages)
    app.connect("autodoc-skip-member", skip_borrowed)
    app.connect("autodoc-process-signature", sign_by_parameters)
