"""The shape of the house: who imports whom, what a bare import costs, what is documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import opentsne_like
from opentsne_like.errors import MissingDependencyError

PACKAGE = "opentsne_like"
ROOT = Path(opentsne_like.__file__).parent

# From the top of the house to its cellar. An import points down this list only; rooms on one line never import each
# other. `docs/development/architecture.md` says what each room is for.
LAYERS = [
    {"__main__"},
    {"cli", "sklearn", "anndata", "dask"},
    {"tsne", "kl_divergence"},
    {"methods", "mde"},
    {"loading"},
    {"opentsne"},
    {"embedding"},
    {"callbacks"},
    {"objectives"},
    {"affinity", "initialization"},
    {"plotting"},
    {"metrics"},
    {"repulsion", "distortions"},
    {"optimizer"},
    {"nearest_neighbors", "storage"},
    {"devices"},
    {"gpu"},
    {"ops"},
    {"kernels"},
    {"_parallel", "dependencies", "utils"},
    {"_validation"},
    {"errors", "_types"},
]
LEVEL = {room: level for level, rooms in enumerate(reversed(LAYERS)) for room in rooms}

# What nobody should wait for who only wants the names.
HEAVY = [
    "numba",
    "faiss",
    "pynndescent",
    "sklearn",
    "matplotlib",
    "tqdm",
    "pandas",
    "pyarrow",
    "scipy.sparse.linalg",
    "torch",
]
# Adapters are subclasses of another package's classes, so they cannot be light.
ADAPTERS = {f"{PACKAGE}.sklearn", f"{PACKAGE}.plotting.picture"}


def _module_name(path: Path) -> str:
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {_module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def _room(module: str) -> str | None:
    """Return the room a module belongs to; the package's own face belongs to none."""
    return module.split(".")[1] if "." in module else None


def _home(package: str, name: str) -> str:
    """Return the module that ``from package import name`` reaches, through the lazy names of the package's face."""
    if f"{package}.{name}" in SOURCES:
        return f"{package}.{name}"
    if package == PACKAGE and name in opentsne_like._HOMES:
        return f"{PACKAGE}.{opentsne_like._HOMES[name]}"
    return package


def _imports(module: str) -> set[str]:
    """Return the modules of this package that `module` imports, wherever in the file the statement stands."""
    path = SOURCES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                above = ".".join(parents[: len(parents) - node.level + 1])
                base = f"{above}.{base}" if base else above
            if base.split(".")[0] == PACKAGE:
                found |= {_home(base, alias.name) for alias in node.names}
    return {name for name in found if name.split(".")[0] == PACKAGE and name != module}


IMPORTS = {module: _imports(module) for module in SOURCES}


def test_every_room_has_its_place():
    rooms = {_room(module) for module in SOURCES} - {None}
    assert rooms <= set(LEVEL), f"give {sorted(rooms - set(LEVEL))} a line in LAYERS and in the architecture page"


def test_the_architecture_page_has_the_rooms_in_this_order():
    page = ROOT.parent / "docs" / "development" / "architecture.md"
    if not page.exists():
        pytest.skip("only the package is here, not the project")
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    there = {_room(module) for module in SOURCES} - {"__main__"}
    built = [rooms & there for rooms in LAYERS]
    assert [set(re.findall(r"[a-z_]+", row)) for row in rows] == [rooms for rooms in built if rooms]


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_downward(module):
    room = _room(module)
    if room is None:
        assert not IMPORTS[module], "the package's face resolves its names lazily"
        return
    upward = [
        target
        for target in IMPORTS[module]
        if (there := _room(target)) is not None and there != room and LEVEL[there] >= LEVEL[room]
    ]
    assert not upward, f"{module} imports {sorted(upward)}, which is not below it"


def test_no_cycles():
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in finished:
            for target in IMPORTS[module] & set(SOURCES):
                visit(target, (*path, module))
            finished.add(module)

    for module in SOURCES:
        visit(module, ())


def test_kernels_depend_on_nothing_but_their_compiler():
    compiler = {f"{PACKAGE}.kernels.{name}" for name in ("_jit", "_cache", "_interrupts", "_lanes")}
    for module in SOURCES:
        if _room(module) == "kernels":
            allowed = {*compiler, f"{PACKAGE}._types"}
            below = {"forms": {"elementary"}, "elementary": set()}.get(module.rpartition(".")[2], {"forms"})
            allowed |= {f"{PACKAGE}.errors"} if module in compiler else {f"{PACKAGE}.kernels.{name}" for name in below}
            assert IMPORTS[module] <= allowed, module


NEVERS = [  # a room, what it never imports, and why
    (
        "optimizer",
        {"objectives", "repulsion", "callbacks"},
        "an optimizer knows no kernel, the loop no loss, no follower",
    ),
    ("callbacks", {"objectives", "repulsion", "kernels", "ops"}, "callbacks know no loss"),
    ("embedding", {"opentsne", "loading", "methods"}, "nothing below `load` knows the kinds of embeddings"),
    ("objectives", {"opentsne", "loading", "callbacks", "embedding"}, "a loss knows no map and nobody who looks at it"),
]


@pytest.mark.parametrize(("room", "never", "why"), NEVERS)
def test_what_a_room_never_imports(room, never, why):
    for module in SOURCES:
        if _room(module) == room:
            assert not {_room(target) for target in IMPORTS[module]} & never, f"{module}: {why}"


def test_compiled_loops_of_an_iteration_are_called_through_ops_alone():
    """What another device has to offer is what `ops` lists."""
    rooms = {"kernels", "ops", "gpu", "affinity", "nearest_neighbors", "initialization", "metrics"}
    callers = {module for module in SOURCES if "kernels" in {_room(name) for name in IMPORTS[module]}}
    others = {module for module in callers if _room(module) not in rooms}
    data = ("repulsion.radial", "repulsion.powers", "repulsion.softened", "distortions.base", "distortions.penalties")
    assert others <= {f"{PACKAGE}.{name}" for name in data}  # forms are data


LIGHT_IMPORTS = """
import importlib, json, sys
heavy, names = json.loads(sys.argv[1])
import opentsne_like
loaded = {"opentsne_like": [h for h in heavy if h in sys.modules]}
opentsne_like.TSNE
loaded["opentsne_like.TSNE"] = [h for h in heavy if h in sys.modules]
for name in names:
    before = set(sys.modules)
    try:
        importlib.import_module(name)
    except opentsne_like.errors.MissingDependencyError:
        pass
    loaded[name] = [h for h in heavy if h in sys.modules and h not in before]
print(json.dumps(loaded))
"""


def test_imports_are_light():
    modules = [m for m in SOURCES if _room(m) not in {None, "kernels", "gpu", "anndata"} and m not in ADAPTERS]
    command = [sys.executable, "-W", "error", "-c", LIGHT_IMPORTS, json.dumps([HEAVY, modules])]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    loaded = {name: heavy for name, heavy in json.loads(run.stdout).items() if heavy}
    assert not loaded


def test_every_public_name_is_in_reach():
    for name in [*opentsne_like.__all__, *opentsne_like._HOMES, *opentsne_like._SUBMODULES]:
        assert getattr(opentsne_like, name) is not None
        assert name in dir(opentsne_like)
    with pytest.raises(AttributeError, match="has no attribute 'tsen'"):
        _ = opentsne_like.tsen


def _load(module: str):
    try:
        return importlib.import_module(module)
    except MissingDependencyError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("module", SOURCES)
def test_names_listed_as_public_exist(module):
    loaded = _load(module)
    for name in getattr(loaded, "__all__", []):
        assert hasattr(loaded, name), f"{module}.__all__ lists {name}, which does not exist"


def _public_objects(module):
    """Yield the public functions and classes that `module` defines, and the public methods of the classes."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            yield f"{module.__name__}.{name}", value
            for key, member in vars(value).items():
                function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                if not key.startswith("_") and inspect.isfunction(function):
                    yield f"{module.__name__}.{name}.{key}", getattr(value, key)
        elif callable(value):
            yield f"{module.__name__}.{name}", value


@pytest.mark.parametrize("module", SOURCES)
def test_everything_public_is_documented(module):
    loaded = _load(module)
    assert loaded.__doc__
    assert loaded.__doc__.strip()
    undocumented = [
        name
        for name, value in _public_objects(loaded)
        if not ((vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)) or "").strip()
    ]
    assert not undocumented
