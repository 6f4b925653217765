"""Solves a problem by PyMDE on one thread, and says how long the steps took."""

from __future__ import annotations

import json
import sys
import time
import types


def main() -> None:
    """Read the problem, solve it, write the embedding."""
    sys.modules.setdefault("torchvision", types.ModuleType("torchvision"))  # which PyMDE's data sets alone need
    import numpy as np
    import pymde
    import torch

    torch.set_num_threads(1)
    given, made, asked = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    arrays = np.load(given)
    numbers = torch.tensor(arrays["numbers"], dtype=torch.float32)
    if asked["loss"] == "PushAndPull":
        penalties = pymde.penalties
        function = penalties.PushAndPull(numbers, penalties.Log1p, penalties.Log)
    elif asked["spectral"]:
        function = pymde.penalties.Quadratic(numbers)
    else:
        function = getattr(pymde.losses, asked["loss"])(numbers)
    constraint = getattr(pymde, asked["constraint"])()
    edges = torch.tensor(arrays["edges"])
    problem = pymde.MDE(asked["n_items"], 2, edges, function, constraint)
    start = torch.tensor(arrays["start"], dtype=torch.float32)
    start = constraint.project_onto_constraint(start, inplace=False)
    problem.embed(start, max_iter=1)
    begun = time.process_time()
    if asked["spectral"]:
        start = pymde.quadratic.spectral(asked["n_items"], 2, edges, numbers)
    embedding = problem.embed(start, max_iter=asked["max_iter"])
    seconds = time.process_time() - begun
    np.save(made, embedding.detach().numpy().astype(float))
    print(json.dumps({"seconds": seconds, "steps": int(problem.solve_stats.iterations)}))


if __name__ == "__main__":
    main()
