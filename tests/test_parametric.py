"""Networks as optimizers of any loss: derivatives, bits, files, the door."""

from __future__ import annotations

import functools
import json
import logging

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from opentsne_like import (
    NCTSNE,
    TSNE,
    UMAP,
    NegTSNE,
    NeighborEmbedding,
    PaCMAP,
    ParametricEmbedding,
    affinity,
    objectives,
    repulsion,
    storage,
)
from opentsne_like.callbacks import Hook
from opentsne_like.errors import (
    InvalidParameterError,
    InvalidTypeError,
    MissingDependencyError,
    StorageError,
    UnavailableError,
)
from opentsne_like.methods import parametric as room
from opentsne_like.methods.parametric import networks
from opentsne_like.optimizer import Adam, Schedule

torch = pytest.importorskip("torch")

N, NEW = 120, 20
SHORT = {"random_state": 0, "n_jobs": 1}
RECIPES = {
    "t-SNE": TSNE(perplexity=10, n_iter=40, early_exaggeration_iter=20, **SHORT),
    "t-SNE, exaggerated": TSNE(perplexity=10, exaggeration=2, n_iter=40, early_exaggeration_iter=20, **SHORT),
    "Neg-t-SNE": NegTSNE(c=0.1, n_iter=20, early_iter=20, **SHORT),
    "NC-t-SNE": NCTSNE(n_iter=20, early_iter=20, **SHORT),
    "UMAP": UMAP(n_epochs=40, **SHORT),
    "PaCMAP": PaCMAP(num_iters=(10, 10, 10), **SHORT),
    "a loss alone": objectives.ElasticEmbedding(lam=10.0),
}
FAST = {"n_epochs": 20, "n_iter": 15, "hidden": (16,), **SHORT}
EVERY = pytest.mark.parametrize("name", RECIPES)


@functools.cache
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N + NEW, 5)) + 4 * rng.normal(size=(3, 5))[rng.integers(3, size=N + NEW)]


def make(name="Neg-t-SNE", **changes):
    return ParametricEmbedding(RECIPES[name], **{**FAST, **changes})


@functools.cache
def fitted():
    estimator = make()
    return estimator, estimator.fit(data()[:N])


def network(batch_norm=False, **options):
    with networks.seeded(3):
        module = room.multilayer(5, 2, (7,), batch_norm).double()
    return room.Network(module, data().mean(axis=0), spread=2.0, width=3.0, **options)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_gradient_in_the_weights_is_that_of_finite_differences(batch_norm):
    X, net = data()[:N], network(batch_norm)
    pulled, weights = net.pulled_back(X, np.cos(net.outputs(X))), net.weights
    for direction in np.random.default_rng(1).normal(size=(5, len(weights))):
        values = []
        for way in (1e-5, -1e-5):
            net.weights = weights + way * direction
            values.append(np.sin(net.outputs(X)).sum())
        np.testing.assert_allclose(pulled @ direction, (values[0] - values[1]) / 2e-5, rtol=1e-6, atol=1e-6)


def test_blocks_add_up_in_any_number_of_threads(monkeypatch):
    X, net = data(), network()
    gradient = np.random.default_rng(1).normal(size=(len(X), 2))
    whole, pulled = net.outputs(X), net.pulled_back(X, gradient)
    monkeypatch.setattr(networks, "ROWS", 16)
    blocks = [(network(n_jobs=n).outputs(X), network(n_jobs=n).pulled_back(X, gradient)) for n in (1, 3)]
    np.testing.assert_allclose(blocks[0][0], whole, rtol=1e-12)
    np.testing.assert_allclose(blocks[0][1], pulled, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(blocks[0][0], blocks[1][0])
    np.testing.assert_array_equal(blocks[0][1], blocks[1][1])


def test_units_of_the_rows():
    X = data() * 7 + 3
    center, spread = room.center_and_spread(X)
    np.testing.assert_allclose(center, X.mean(axis=0))
    np.testing.assert_allclose(spread, np.sqrt(((X - X.mean(axis=0)) ** 2).mean()))
    assert room.center_and_spread(np.ones((3, 2)))[1] == 1.0


@EVERY
def test_any_loss_falls_by_the_steps_of_a_network(name):
    regressed = make(name, n_iter=0).fit(data()[:N])
    estimator = make(name, n_iter=15)
    trained = estimator.fit(data()[:N])
    rho = 2.0 if "exaggerated" in name else 1.0
    value = [
        Y.optimizer.bind(Y, Y.affinities.P, Y.settings).evaluate_exaggerated(np.asarray(Y), exaggeration=rho)[1]
        for Y in (regressed, trained)
    ]
    assert value[1] < value[0]
    assert trained.history[-1].exaggeration == rho
    np.testing.assert_array_equal(estimator.transform(data()[:N]), trained)
    assert "weights" not in trained.optimizer.state
    assert trained.optimize(3).n_iter_ == trained.n_iter_ + 3


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads():
    one, Y = fitted()
    before = torch.random.get_rng_state(), torch.get_num_threads()
    other = make(n_jobs=3)
    np.testing.assert_array_equal(other.fit(data()[:N]), Y)
    np.testing.assert_array_equal(other.network_.weights, one.network_.weights)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]
    assert not np.array_equal(make(random_state=1).fit(data()[:N]), Y)


def test_it_begins_with_a_finished_map():
    X = data()[:N]
    made = RECIPES["UMAP"].fit(X)
    kept = np.array(made)
    Y = make("t-SNE", n_iter=0, n_epochs=600).fit(X, embedding=made)
    assert Y.loss == made.loss
    np.testing.assert_array_equal(made, kept)
    away = np.linalg.norm(Y - (kept - kept.mean(axis=0)), axis=1)
    assert np.median(away) < 0.2 * kept.std()


def test_fine_tuning_goes_on_from_where_the_network_stands():
    estimator = make()
    estimator.fit(data()[:N])
    before = estimator.network_.weights
    begun = estimator.transform(data()[N:])
    np.testing.assert_array_equal(estimator.fine_tune(data()[N:], n_iter=0), begun)
    np.testing.assert_array_equal(estimator.network_.weights, before)
    tuned = estimator.fine_tune(data()[N:], n_iter=15)
    start = type(tuned)(begun, tuned.affinities, loss=tuned.loss)
    assert tuned.loss_value < start.loss_value
    np.testing.assert_array_equal(estimator.transform(data()[N:]), tuned)
    assert len(tuned.history) == 15


@pytest.mark.parametrize("batch_norm", [False, True])
@EVERY
def test_files_hold_weights_and_parameters(name, batch_norm, tmp_path):
    estimator = make(name, n_epochs=1, n_iter=1, batch_norm=batch_norm)
    estimator.fit(data()[:N])
    estimator.save(tmp_path / "network.npz")
    again = ParametricEmbedding.load(tmp_path / "network.npz")
    np.testing.assert_array_equal(again.transform(data()), estimator.transform(data()))
    assert repr(again) == repr(estimator).replace("(16,)", "[16]").replace("(10, 10, 10)", "[10, 10, 10]")
    np.testing.assert_array_equal(again.fine_tune(data()[N:], n_iter=2), estimator.fine_tune(data()[N:], n_iter=2))


def test_a_network_of_ones_own(tmp_path):
    with networks.seeded(0):
        module = torch.nn.Sequential(
            torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(8, 2)
        )
    module[0].requires_grad_(False)
    given = [part.detach().clone() for part in module.parameters()]
    estimator = make(network=module)
    Y = estimator.fit(data()[:N])
    np.testing.assert_array_equal(estimator.transform(data()[:N]), Y)
    assert all(torch.equal(part, kept) for part, kept in zip(module.parameters(), given, strict=True))
    assert torch.equal(estimator.network_.module[0].weight, given[0])
    assert module.training, "it is copied before it is tried"
    estimator.save(tmp_path / "network.npz")
    again = ParametricEmbedding.load(tmp_path / "network.npz", network=module)
    np.testing.assert_array_equal(again.transform(data()[:N]), Y)
    with pytest.raises(InvalidParameterError, match="`network` must be as `fit` had it: give it as `network`"):
        ParametricEmbedding.load(tmp_path / "network.npz")
    with pytest.raises(StorageError, match="weights are not those of this network"):
        ParametricEmbedding.load(tmp_path / "network.npz", network=torch.nn.Linear(5, 2))
    with pytest.raises(StorageError, match=r"are no finite float32 of shape \(9, 5\)"):
        ParametricEmbedding.load(
            tmp_path / "network.npz",
            network=torch.nn.Sequential(torch.nn.Linear(5, 9), torch.nn.Tanh(), torch.nn.Tanh(), torch.nn.Linear(9, 2)),
        )


def test_sparse_rows_and_memory_maps_are_rows(tmp_path):
    X = np.round(np.abs(data()), 1)
    np.save(tmp_path / "rows.npy", X)
    dense, mapped = (make(n_iter=3).fit(rows) for rows in (X, np.load(tmp_path / "rows.npy", mmap_mode="r")))
    np.testing.assert_array_equal(mapped, dense)
    estimator = make(n_iter=3)
    Y = estimator.fit(csr_matrix(X))
    np.testing.assert_array_equal(estimator.transform(X), Y)


def test_columns_are_matched_by_name(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(data(), columns=list("abcde"))
    estimator = make(n_epochs=1, n_iter=1)
    estimator.fit(frame[:N])
    expected = estimator.transform(frame[N:])
    estimator.save(tmp_path / "network.npz")
    for one in (estimator, ParametricEmbedding.load(tmp_path / "network.npz")):
        np.testing.assert_array_equal(one.transform(frame[N:][list("ebdca")]), expected)
    with pytest.raises(InvalidParameterError, match="must have the columns of the data"):
        estimator.transform(frame.rename(columns={"a": "z"}))


def test_columns_are_known_after_fine_tuning():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(data(), columns=list("abcde"))
    estimator = make(n_epochs=1, n_iter=1)
    estimator.fit(frame[:N])
    Y = estimator.fine_tune(frame[list("ebdca")], n_iter=1)
    np.testing.assert_array_equal(Y.transform(frame[:3][list("cdbae")], n_iter=2), Y.transform(data()[:3], n_iter=2))
    with pytest.raises(InvalidParameterError, match="must have the columns of the data"):
        Y.transform(frame.rename(columns={"a": "z"}))
    plain = make(n_epochs=1, n_iter=1)
    plain.fit(data()[:N])
    plain.fine_tune(frame, n_iter=1)
    np.testing.assert_array_equal(plain.transform(frame[list("ebdca")]), plain.transform(data()))


PARTS = {
    "defaults": NeighborEmbedding(random_state=0),
    "all parts": NeighborEmbedding(
        affinities=functools.partial(affinity.Uniform, k_neighbors=7, method="exact"),
        loss=objectives.Pairwise(repulsion.LogStudentT(), repulsion.Gaussian(), "rows"),
        optimizer=Adam(decay=0.9),
        schedule=[Schedule(3, exaggeration=2.0, min_grad_norm=1e-9), Schedule(4)],
        init_scaling=1.0,
        repulsion_strength=2.0,
        min_grad_norm=1e-8,
        random_state=3,
    ),
    "one stage": NeighborEmbedding(affinities=affinity.SelfTuning, schedule=Schedule(5), device="cpu"),
}


@pytest.mark.parametrize("name", PARTS)
def test_recipes_of_parts_are_stored(name):
    arrays, header = room.pack_recipe(PARTS[name])
    again = room.unpack_recipe(arrays, json.loads(json.dumps(header)))
    mine, its = PARTS[name].get_params(), again.get_params()
    make, its_make = mine.pop("affinities"), its.pop("affinities")
    assert mine == its
    assert getattr(make, "func", make) is getattr(its_make, "func", its_make)
    assert getattr(make, "keywords", {}) == getattr(its_make, "keywords", {})


def test_a_network_of_parts_goes_on_after_load(tmp_path):
    recipe = PARTS["all parts"]
    estimator = ParametricEmbedding(recipe, **{**FAST, "n_iter": 3})
    Y = estimator.fit(data()[:N])
    estimator.save(tmp_path / "network.npz")
    again = ParametricEmbedding.load(tmp_path / "network.npz")
    np.testing.assert_array_equal(again.transform(data()[:N]), Y)
    np.testing.assert_array_equal(again.fine_tune(data(), n_iter=2), estimator.fine_tune(data(), n_iter=2))


class Bowl:
    def evaluate(self, points, *, exaggeration, with_loss):
        return float((points**2).sum()), points / 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"affinities": lambda X: affinity.Uniform(X, k_neighbors=5)}, "`affinities` must be a class of the room"),
        ({"loss": Bowl()}, "`loss` must be a Loss of the room `objectives` to be stored, got Bowl"),
        ({"schedule": Schedule(5, exaggeration=lambda i: 1.0)}, "`exaggeration` must be one number or several to be"),
        ({"schedule": [Schedule(5, momentum=lambda i: 0.5)]}, "`momentum` must be one number or several to be stored"),
        ({"schedule": Schedule(5, learning_rate=lambda i: 9.0)}, "`learning_rate` must be one number or several to be"),
        ({"initialization": np.zeros((N, 2))}, "`initialization` must be a number, a text or a list"),
    ],
)
def test_parts_that_files_do_not_know_are_refused(changes, message):
    with pytest.raises(InvalidParameterError, match=message):
        room.pack_recipe(NeighborEmbedding(**changes))


def test_processing_duplicates_is_left_to_the_network():
    with pytest.raises(InvalidParameterError, match="`process_duplicates` of `loss` must be False, got True"):
        ParametricEmbedding(NeighborEmbedding(process_duplicates=True), **FAST).fit(data()[:N])


class Stop(Hook):
    """Stops the steps of the network."""

    def iteration(self, progress):
        return progress.total >= 45


def test_callbacks_of_the_method_see_the_steps_of_the_network():
    recipe = NegTSNE(n_iter=20, early_iter=20, callbacks=Stop(), callbacks_every_iters=1, **SHORT)
    estimator = ParametricEmbedding(recipe, **FAST)
    Y = estimator.fit(data()[:N])
    assert Y.n_iter_ == 45
    np.testing.assert_array_equal(estimator.transform(data()[:N]), Y)


class WithoutGradient(torch.nn.Linear):
    """A layer that nothing can be learned of."""

    def forward(self, rows):
        return super().forward(rows).detach()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "t-SNE"}, "`loss` must be an estimator such as TSNE"),
        ({"loss": TSNE}, "got TSNE itself"),
        ({"hidden": 100}, "`hidden` must be a sequence"),
        ({"n_jobs": 0}, "`n_jobs` must"),
        ({"network": "MLP"}, "`network` must be a torch.nn.Module"),
        ({"network": torch.nn.Linear(5, 3)}, r"`network` must take 5 columns to 2, got an output of shape \(2, 3\)"),
        ({"network": torch.nn.Linear(4, 2)}, "`network` must take rows of 5 columns, got the error"),
        ({"network": torch.nn.ReLU()}, "`network` must have weights"),
        (
            {"network": torch.nn.Linear(5, 2).bfloat16()},
            "`network` must have all its weights in one type that NumPy has",
        ),
        ({"network": torch.nn.LSTM(5, 2)}, "`network` must return one tensor of the type of its weights, got tuple"),
        ({"network": torch.nn.Bilinear(5, 5, 2)}, "`network` must take rows of 5 columns, got the error .*missing 1"),
        ({"network": WithoutGradient(5, 2)}, "`network` must have an output that depends on its weights"),
        ({"hidden": (0,)}, "`hidden` must be"),
        ({"hidden": None}, "`hidden` must be a sequence"),
        ({"verbose": "yes"}, "`verbose` must be"),
        ({"batch_norm": "yes"}, "`batch_norm` must be"),
        ({"n_iter": -1}, "`n_iter` must be"),
        ({"n_epochs": 1.5}, "`n_epochs` must be"),
        ({"learning_rate": 0}, "`learning_rate` must be"),
    ],
    ids=repr,
)
def test_parameters_that_mean_nothing_are_refused_before_any_work(changes, message):
    estimator = ParametricEmbedding(**{"loss": NeighborEmbedding(schedule=Schedule(10**9)), **changes})
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message):
        estimator.fit(data()[:N])


def test_rows_and_maps_that_do_not_fit_are_refused():
    estimator, Y = fitted()
    weights = estimator.network_.weights
    with pytest.raises(UnavailableError, match="no network yet"):
        make().transform(data())
    with pytest.raises(InvalidParameterError, match="must have the 30 rows of `X`"):
        make().fit(data()[:30], embedding=Y)
    with pytest.raises(InvalidTypeError, match="`embedding` must be an Embedding"):
        make().fit(data()[:N], embedding=np.asarray(Y))
    wide = np.full((3, 5), 1e200)
    odd = (
        (data()[:, :3], "5 columns"),
        (np.full((3, 5), np.nan), "finite"),
        (data()[0], "two-dimensional"),
        (wide, "wide"),
    )
    for rows, message in odd:
        for method in (estimator.transform, estimator.fine_tune):
            with pytest.raises(InvalidParameterError, match=message):
                method(rows)
    np.testing.assert_array_equal(estimator.network_.weights, weights)


def test_files_of_something_else_are_refused(tmp_path, caplog):
    estimator, Y = fitted()
    Y.save(tmp_path / "map.npz")
    with pytest.raises(StorageError, match="must be of a ParametricEmbedding"):
        ParametricEmbedding.load(tmp_path / "map.npz")
    estimator.save(tmp_path / "network.npz")
    arrays, header = storage.read(tmp_path / "network.npz")
    damages = [
        {"width": -1},
        {"d": "x"},
        {"d": 10**9},
        {"loss": {"class": "PCA", "parameters": {}}},
        {"columns": ["a"]},
    ]
    hidden = [{"hidden": odd} for odd in (None, "x", [8.5], [10**12], [10**9, 10**9])]
    parameters = [{}, *({**header["parameters"], **odd} for odd in ({"n_iter": -1}, {"batch_norm": True}, *hidden))]
    for odd in (*damages, *({"parameters": some} for some in parameters)):
        storage.write(tmp_path / "odd.npz", arrays, {**header, **odd})
        with pytest.raises(StorageError, match=r"odd.npz' cannot be read"):
            ParametricEmbedding.load(tmp_path / "odd.npz")
    storage.write(tmp_path / "odd.npz", {**arrays, "network.0.bias": np.full(16, np.nan, np.float32)}, header)
    with pytest.raises(StorageError, match=r"'0.bias' are no finite float32"):
        ParametricEmbedding.load(tmp_path / "odd.npz")
    with caplog.at_level(logging.WARNING):
        estimator.set_params(loss=NegTSNE(callbacks=Stop())).save(tmp_path / "network.npz")
    assert "`callbacks` of NegTSNE are not stored" in caplog.text
    estimator.set_params(loss=NegTSNE(initialization=np.zeros((N, 2))))
    with pytest.raises(InvalidParameterError, match="`initialization` must be a number, a text or a list"):
        estimator.save(tmp_path / "network.npz")
    estimator.set_params(loss=RECIPES["Neg-t-SNE"])


def test_constraints_are_refused_by_name():
    _, Y = fitted()
    steps = room.NetworkSteps(network=network(), rows=data()[:N])
    held = np.arange(N) < 5
    of = NeighborEmbedding(loss=Y.loss, schedule=[Schedule(10**9), Schedule(5, constraint="standardized")], **SHORT)
    anchored = type(Y)(np.array(Y), Y.affinities, loss=Y.loss, fixed=held)
    for use in (
        lambda: ParametricEmbedding(of, **FAST).fit(data()[:N]),
        lambda: make().fit(data()[:N], embedding=anchored),
        lambda: Y.optimize(5, optimizer=steps, learning_rate=0.01, fixed=held),
    ):
        with pytest.raises(UnavailableError, match="a network moves all points and keeps to no constraint"):
            use()


@pytest.mark.parametrize("changes", [{"hidden": (5,)}, {"batch_norm": True}, {"network": torch.nn.Linear(5, 2)}])
def test_what_load_could_not_read_is_not_stored(changes, tmp_path):
    estimator, _ = fitted()
    kept = estimator.get_params()
    with pytest.raises(InvalidParameterError, match="must be as `fit` had them to be stored"):
        estimator.set_params(**changes).save(tmp_path / "network.npz")
    estimator.set_params(**kept).save(tmp_path / "network.npz")
    assert ParametricEmbedding.load(tmp_path / "network.npz").transform(data()[:3]).shape == (3, 2)


def test_without_pytorch_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"opentsne-like\[torch\]"):
        make().fit(data()[:N])
