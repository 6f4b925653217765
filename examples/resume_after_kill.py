"""A run that is killed twice and goes on, to the same bits as a run that was left alone.

Another process makes the map and is killed without warning. Writes ``resume_after_kill.png``.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import opentsne_like
from opentsne_like import TSNE, plotting

RUN = """
from sklearn.datasets import load_digits
from opentsne_like import TSNE
from opentsne_like.callbacks import Checkpoint

X, digit = load_digits(return_X_y=True)
TSNE(n_iter=2000, random_state=0).fit(X, checkpoint=Checkpoint("run.npz", every=25))
"""


def run_and_kill(folder, after):
    """Start a run, wait until its checkpoint has seen some iterations, and kill it with SIGKILL."""
    checkpoint = folder / "run.npz"
    process = subprocess.Popen([sys.executable, "-c", RUN], cwd=folder)
    while not checkpoint.exists() or opentsne_like.load(checkpoint).n_iter_ < after:
        if process.poll() is not None:
            raise SystemExit(f"the run ended before it could be killed, with exit code {process.returncode}")
        time.sleep(0.01)
    process.kill()
    process.wait()
    left = opentsne_like.load(checkpoint)
    print(f"killed; the checkpoint has {left.n_iter_} iterations, KL divergence {left.kl_divergence:.3f}")
    return left


X, digit = load_digits(return_X_y=True)
estimator = TSNE(n_iter=2000, random_state=0)

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    first = run_and_kill(folder, after=50)  # in early exaggeration
    second = run_and_kill(folder, after=400)  # after it
    resumed = estimator.fit(X, checkpoint=folder / "run.npz")  # goes on where the second run was killed

alone = estimator.fit(X)
print(f"resumed: {resumed.n_iter_} iterations; the same bits as an undisturbed run: {np.array_equal(resumed, alone)}")

maps = {
    f"killed after {first.n_iter_} iterations": first,
    f"and after {second.n_iter_}": second,
    f"ended with {resumed.n_iter_}": resumed,
}
plotting.compare(maps, digit, path="resume_after_kill.png", dpi=120)
