"""Kernels as a compiler for GPUs sees them, and the operations as the CPU's have their names."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
from importlib import resources

import pytest

from opentsne_like import gpu, ops
from opentsne_like.gpu.device import OPTIONS
from opentsne_like.gpu.source import FILES

# What is about trees, about distortions, about parts of P elsewhere, or about what stays on the host.
ABSENT = {
    *("build_tree", "walk_tree", "distort", "evaluate", "lengths", "pull", "checksum", "sample_places"),
    *("attract_with_losses", "edge_loss_chunks", "partial_edge_loss", "entropy_chunks", "partial_entropy"),
}
# What the CPU's have no operation for, because it is no matter of an iteration, or because others do it.
OWN = {"influence", "source", "exact_neighbors", "search", "evaluate", "symmetrized"}


def functions(module):
    return {name for name in module.__all__ if inspect.isfunction(getattr(module, name))}


def test_all_operations_are_there_but_those_that_are_named():
    assert functions(gpu) - OWN == functions(ops) - ABSENT


@pytest.mark.parametrize("name", sorted(functions(gpu) - OWN))
def test_operations_have_the_parameters_and_defaults_of_the_cpus(name):
    mine, theirs = (inspect.signature(getattr(module, name)).parameters for module in (gpu, ops))
    assert list(mine) == list(theirs)
    assert [(each.kind, each.default) for each in mine.values()] == [
        (each.kind, each.default) for each in theirs.values()
    ]


def test_every_file_is_joined():
    folder = resources.files(gpu) / "sources"
    assert {file.name for file in folder.iterdir()} == {f"{name}.cu" for name in FILES}


def test_every_kernel_is_launched_somewhere(emulated):
    code = "".join(path.read_text() for path in resources.files(gpu).iterdir() if path.name.endswith(".py"))
    launched = {name for name in emulated.device.kernels if f'"{name}"' in code}
    for stem, rest in re.findall(r'f"(\w+)_{([^}]+)}"', code):
        launched |= {f"{stem}_single", f"{stem}_double"} if "recision" in rest else set()
    launched |= {f"{name}_{kind}" for name in ("look", "add_up") for kind in ("single", "double")}
    assert launched == set(emulated.device.kernels)


def known_to(compiler):
    listed = subprocess.run([compiler, "--list-gpu-arch"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"compute_(\d+)\b", listed))


@pytest.mark.parametrize("generation", [70, 80, 90])
def test_kernels_compile(generation, tmp_path):
    """For the newest to its own code, which also finds kernels that ask for more memory than there is."""
    if not (compiler := shutil.which("nvcc")):
        pytest.skip("nvcc is not installed; kernels run on the host in other tests")
    if str(generation) not in known_to(compiler):
        pytest.skip(f"this nvcc makes no code for sm_{generation}")
    text = tmp_path / "all.cu"
    text.write_text(gpu.source())
    to = ["-cubin", "-arch=sm_90"] if generation == 90 else ["-ptx", f"-arch=compute_{generation}"]
    command = [compiler, *OPTIONS, *to, "-Werror", "all-warnings", "-o", "made", text]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stderr
