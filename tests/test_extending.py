"""The code of the page "Extending" runs, and what it adds keeps the contract of what is there."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from opentsne_like import objectives, optimizer

from . import test_contract as contract

PAGE = Path(__file__).parent.parent / "docs" / "development" / "extending.md"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGE.exists(), reason="only the package is here, not the project"),
]
NAME = "the page's loss"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return the names of the page after all of its code has run, in order."""
    blocks = re.findall(r"^```\{code-cell\}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    module = types.ModuleType("extending")
    tables = (objectives.LOSSES, optimizer.OPTIMIZERS, contract.CASES)
    before = [dict(table) for table in tables]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        patch.setitem(sys.modules, "extending", module)  # where pickles look for its classes
        for block in blocks:
            exec(compile(block, "extending.md", "exec"), vars(module))
        contract.CASES[NAME] = (module.SymmetricSNE(), 1e-2)
        yield module
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


def test_what_the_page_says_is_so(page):
    for made in (page.embedding, page.between):
        assert made.loss_value < page.estimator.set_params(loss=made.loss).prepare_initial(page.X).loss_value
    assert page.error < 5e-3
    np.testing.assert_allclose(page.compiled.gradient, page.plain.gradient, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(page.once, page.often)
    np.testing.assert_allclose(page.mine.gradient, page.theirs.gradient, rtol=1e-10)
    np.testing.assert_allclose(page.by_numpy, page.small.optimize(5), atol=1e-4)
    assert {"spread", "convolve", "gather", "step", "commit"} <= set(page.lacks)
    assert not page.differ


def test_its_loss_goes_down_in_any_pieces(page):
    contract.test_the_loss_falls(NAME)
    contract.test_one_by_one_is_the_same_as_all_at_once(NAME, inplace=True)
    contract.test_any_number_of_threads_gives_the_same_bits(NAME, method="fft")
    contract.test_early_stopping_ends_it(NAME)


def test_its_loss_is_kept(page, tmp_path):
    contract.test_a_file_goes_on_with_the_same_bits(NAME, tmp_path)
    contract.test_duplicates_go_on_by_themselves(NAME, lambda Y: contract.pickle.loads(contract.pickle.dumps(Y)))
    contract.test_an_interrupted_fit_goes_on(NAME, 17, tmp_path)
    contract.test_a_map_says_what_it_is(NAME)


def test_its_loss_places_points_and_is_followed(page, tmp_path, caplog):
    contract.test_new_points_land_where_they_land_whoever_comes_along(NAME)
    contract.test_a_map_grows(NAME)
    contract.test_every_callback(NAME, tmp_path, caplog)


@pytest.mark.parametrize("loss", [name for name in contract.CASES if name != NAME])
def test_its_optimizer_takes_every_loss(page, loss, tmp_path):
    Y = contract.begin(loss, optimizer=page.RMSprop())
    Z = Y.optimize(30)
    assert Z.loss_value < Y.loss_value
    for _ in range(30):
        Y.optimize(1, inplace=True)
    contract.assert_same(Y, Z)
    Z.save(tmp_path / "map.npz")
    contract.assert_same(contract.load(tmp_path / "map.npz").optimize(5), Z.optimize(5))
    grown = Z.add(contract.data()[contract.N :])
    held = grown.optimize(5, fixed=np.arange(len(grown)) < len(Z))
    np.testing.assert_array_equal(held[: len(Z)], Z)
    assert not np.array_equal(held[len(Z) :], grown[len(Z) :])


def test_its_affinities_attract(page):
    P = page.ranked.affinities.P
    np.testing.assert_allclose(P.sum(), 1.0)
    np.testing.assert_allclose((P - P.T).data, 0.0, atol=1e-15)
    near = page.ranked.transform(page.X[:20])
    assert np.median(np.linalg.norm(near - np.asarray(page.ranked)[:20], axis=1)) < 0.15 * np.ptp(page.ranked)
