"""Networks between rows of data and the coordinates of a map: arrays in and out, PyTorch inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..._parallel import chunk_bounds, run_tasks
from ..._types import Array
from ..._validation import check_matrix
from ...dependencies import need
from ...errors import InvalidParameterError, StorageError

ROWS = 4096  # that go through a network together
BATCH = 256  # that one step of a regression takes
RATE = 2e-3  # of a regression, falling to nothing


class Network:
    """A PyTorch module with the units of its input and output: its weights as one array, the rows in fixed blocks.

    A row ``x`` has the coordinates ``width * module((x - center) / spread)``. Each block goes through the module on one
    thread, several blocks at a time, and sums are added in the order of the blocks, so the number of threads does not
    show. Outside of a regression the module is in its mode of evaluation: batch norm uses the averages that it has,
    nothing is dropped out, and the coordinates of a row depend on that row alone.

    Parameters
    ----------
    module : torch.nn.Module
        From rows (m, n_features) to coordinates (m, d).
    center : ndarray of shape (n_features,)
    spread, width : float
    n_jobs : int
        Threads.

    Examples
    --------
    >>> import numpy as np
    >>> torch = need("torch", "torch")
    >>> module = torch.nn.Linear(3, 2, bias=False)
    >>> network = Network(module, np.ones(3), spread=2.0, width=10.0)
    >>> network.weights = np.arange(6.0)
    >>> network.outputs(np.array([[1.0, 1.0, 1.0], [3.0, 1.0, 1.0]])).tolist()
    [[0.0, 0.0], [0.0, 30.0]]
    """

    def __init__(self, module: Any, center: Array, spread: float, width: float, n_jobs: int = -1) -> None:
        self.module = module
        self.center, self.spread, self.width, self.n_jobs = center, spread, width, n_jobs
        self._learned = [part for part in module.parameters() if part.requires_grad]
        self._kind = self._learned[0].detach().numpy().dtype

    @property
    def weights(self) -> Array:
        """All weights that are learned, shape (p,), float64."""
        return np.concatenate([part.detach().numpy().ravel() for part in self._learned]).astype(np.float64)

    @weights.setter
    def weights(self, values: Array) -> None:
        used = 0
        for part in self._learned:
            held = part.detach().numpy()  # the memory of the module itself
            held[...] = values[used : used + held.size].reshape(held.shape)
            used += held.size

    def outputs(self, X: Any) -> Array:
        """Return the coordinates of rows, shape (n, d), float64.

        Parameters
        ----------
        X : ndarray or csr_matrix of shape (n, n_features)
            May be memory-mapped.
        """
        torch = need("torch", "torch")

        def block(low: int, high: int) -> Array:
            with torch.no_grad():
                return np.asarray(self.module(self._tensor(X, slice(low, high))).numpy(), dtype=np.float64)

        return self.width * np.concatenate(self._mapped(block, X.shape[0]))

    def pulled_back(self, X: Any, gradient: Array) -> Array:
        """Return the derivative in the weights of a function of the coordinates, shape (p,).

        Parameters
        ----------
        X : ndarray or csr_matrix of shape (n, n_features)
        gradient : ndarray of shape (n, d)
            The derivative in the coordinates: it goes in where PyTorch's own differentiation would begin.
        """
        torch = need("torch", "torch")

        def block(low: int, high: int) -> Array:
            pushed = torch.from_numpy((self.width * gradient[low:high]).astype(self._kind))
            parts = torch.autograd.grad(
                self.module(self._tensor(X, slice(low, high))), self._learned, pushed, materialize_grads=True
            )
            return np.concatenate([part.numpy().ravel() for part in parts]).astype(np.float64)

        total = np.zeros(sum(part.numel() for part in self._learned))
        for part in self._mapped(block, X.shape[0]):
            total += part
        return total

    def regress(self, X: Any, targets: Array, n_epochs: int, seed: int) -> None:
        """Train the module to give each row its place on a map, by the squared distance.

        Parameters
        ----------
        X : ndarray or csr_matrix of shape (n, n_features)
        targets : ndarray of shape (n, d)
        n_epochs : int
            How often each row is seen.
        seed : int
            Of the order of the rows, and of whatever the module draws.
        """
        torch = need("torch", "torch")
        bounds = chunk_bounds(len(targets), BATCH, most=len(targets))
        steps = torch.optim.Adam(self._learned, lr=RATE)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(steps, max(1, n_epochs * len(bounds)))
        orders = np.random.default_rng(seed)
        goal = targets / self.width
        with seeded(seed), _one_thread():
            self.module.train()
            for _ in range(n_epochs):
                order = orders.permutation(len(goal))
                for low, high in bounds:
                    rows = np.sort(order[low:high])
                    steps.zero_grad()
                    missed = self.module(self._tensor(X, rows)) - torch.from_numpy(goal[rows].astype(self._kind))
                    (missed**2).mean().backward()
                    steps.step()
                    falling.step()
            steps.zero_grad()

    def arrays(self) -> dict[str, Array]:
        """Return the state of the module by name: weights, and averages of batch norm."""
        return {name: part.detach().numpy().copy() for name, part in self.module.state_dict().items()}

    def load_arrays(self, arrays: dict[str, Array]) -> None:
        """Set the state of the module, or refuse arrays that are not of it.

        Parameters
        ----------
        arrays : dict of str to ndarray
            As `arrays` returns them.
        """
        torch = need("torch", "torch")
        own = self.arrays()
        if sorted(own) != sorted(arrays):
            odd = sorted(set(own) ^ set(arrays))[0]
            raise StorageError(f"its weights are not those of this network: {odd!r} is in one of them alone")
        for name, array in arrays.items():
            if array.shape != own[name].shape or array.dtype != own[name].dtype or not np.isfinite(array).all():
                raise StorageError(f"its weights {name!r} are no finite {own[name].dtype} of shape {own[name].shape}")
        self.module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})

    def _tensor(self, X: Any, rows: Any) -> Any:
        """Return some rows, in the units of the module, as a tensor."""
        torch = need("torch", "torch")
        block = dense(X, rows, n_columns=len(self.center))
        with np.errstate(over="ignore"):
            scaled = ((block - self.center) / self.spread).astype(self._kind)
        if not np.isfinite(scaled).all():
            raise InvalidParameterError(
                f"`X` must be less than {np.finfo(self._kind).max:.2g} times as wide as the data of `fit`, got values "
                f"up to {np.abs(block).max():g}"
            )
        return torch.from_numpy(scaled)

    def _mapped(self, block: Any, n: int) -> list[Any]:
        """Return what a function makes of each block of rows, in order, with the module in evaluation."""
        torch = need("torch", "torch")

        def alone(low: int, high: int) -> Any:
            if torch.get_num_threads() != 1:  # each thread has its own number
                torch.set_num_threads(1)
            return block(low, high)

        bounds = chunk_bounds(n, ROWS, most=max(1, n // ROWS))
        self.module.eval()
        with _one_thread():
            return run_tasks([(alone, pair) for pair in bounds], n_jobs=self.n_jobs)


def dense(X: Any, rows: Any, n_columns: int | None = None) -> Array:
    """Return some rows of a table as a checked dense array.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n, n_features)
        May be memory-mapped.
    rows : slice or ndarray of int
    n_columns : int, optional
        How many columns it must have.

    Examples
    --------
    >>> dense(np.eye(4), slice(1, 2)).tolist()
    [[0.0, 1.0, 0.0, 0.0]]
    """
    block = X[rows]
    first = rows.start if isinstance(rows, slice) else 0
    block = block.toarray() if hasattr(block, "toarray") else block
    return np.asarray(check_matrix(block, "X", n_columns=n_columns, first_row=first))


def center_and_spread(X: Any) -> tuple[Array, float]:
    """Return the mean of each column, and the root mean square distance from it that a column has on average.

    All columns have one unit, since distances between rows are what a map is made of.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n, n_features)
        May be memory-mapped.

    Returns
    -------
    center : ndarray of shape (n_features,)
    spread : float
        1 where all rows are equal.

    Examples
    --------
    >>> center_and_spread(np.array([[0.0, 0.0], [6.0, 2.0]]))
    (array([3., 1.]), 2.23606797749979)
    """
    n, columns = X.shape
    bounds = chunk_bounds(n, ROWS, most=max(1, n // ROWS))
    center = sum((dense(X, slice(*pair)).sum(axis=0, dtype=np.float64) for pair in bounds), np.zeros(columns)) / n
    squares = sum(float(((dense(X, slice(*pair)) - center) ** 2).sum()) for pair in bounds)
    return center, float(np.sqrt(squares / (n * columns))) or 1.0


def multilayer(n_features: int, n_components: int, hidden: Sequence[int], batch_norm: bool) -> Any:
    """Return a multilayer perceptron with rectified linear units.

    Parameters
    ----------
    n_features, n_components : int
        Columns of its input and output.
    hidden : sequence of int
        Units of each layer between.
    batch_norm : bool
        Normalize the input of each unit over its mini-batch.

    Returns
    -------
    torch.nn.Sequential

    Examples
    --------
    >>> [type(layer).__name__ for layer in multilayer(5, 2, [8], batch_norm=True)]
    ['Linear', 'BatchNorm1d', 'ReLU', 'Linear']
    """
    nn = need("torch", "torch").nn
    layers = []
    for units in hidden:
        layers.append(nn.Linear(n_features, units))
        layers += [nn.BatchNorm1d(units)] if batch_norm else []
        layers.append(nn.ReLU())
        n_features = units
    return nn.Sequential(*layers, nn.Linear(n_features, n_components))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let PyTorch draw from a seed meanwhile, and leave its own stream as it is.

    Parameters
    ----------
    seed : int
    """
    torch = need("torch", "torch")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep PyTorch on one thread meanwhile: the order of its sums depends on their number."""
    torch = need("torch", "torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
