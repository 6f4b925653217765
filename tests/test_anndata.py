"""Maps of AnnData objects, with anndata and scanpy, which are installed by hand, since they hold pandas below 3."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import TSNE, UMAP, PaCMAP, affinity, metrics
from opentsne_like.errors import InvalidParameterError, InvalidTypeError

anndata = pytest.importorskip("anndata", reason="pip install anndata scanpy")
scanpy = pytest.importorskip("scanpy", reason="pip install anndata scanpy")

import opentsne_like.anndata as ota  # noqa: E402
from opentsne_like.anndata import matrices  # noqa: E402

BRIEF = {"n_iter": 30, "early_exaggeration_iter": 20}
pytestmark = pytest.mark.filterwarnings("ignore")  # what these libraries warn of among themselves


@pytest.fixture(scope="module")
def blood():
    """700 cells of blood, with 50 components and 10 neighbours each."""
    return scanpy.datasets.pbmc68k_reduced()


@pytest.fixture(scope="module")
def many():
    """20,000 cells of 8 types in 2 batches: counts, normalized, 200 of 400 genes, components, batches joined."""
    rng = np.random.default_rng(0)
    n, genes = 20_000, 400
    kind, batch = rng.integers(8, size=n), rng.integers(2, size=n)
    rates = np.exp(rng.normal(-1.5, 0.8, genes) + 1.2 * rng.normal(size=(8, genes)) * (rng.random((8, genes)) < 0.15))
    shift = np.exp(0.5 * rng.normal(size=(2, genes)) * (rng.random(genes) < 0.2))
    counts = rng.poisson(rates[kind] * shift[batch] * rng.gamma(8, 1 / 8, size=(n, 1)))
    cells = anndata.AnnData(sparse.csr_matrix(counts.astype(np.float32)))
    cells.obs["kind"] = [f"kind {i}" for i in kind]
    cells.obs["batch"] = [f"batch {i}" for i in batch]
    for name in ("kind", "batch"):
        cells.obs[name] = cells.obs[name].astype("category")
    cells.var_names = [f"gene {i}" for i in range(genes)]
    cells.layers["counts"] = cells.X.copy()
    scanpy.pp.normalize_total(cells)
    scanpy.pp.log1p(cells)
    scanpy.pp.highly_variable_genes(cells, n_top_genes=200)
    scanpy.pp.pca(cells, n_comps=20)
    Z = np.array(cells.obsm["X_pca"])
    for i in range(2):
        Z[batch == i] -= Z[batch == i].mean(axis=0)
    cells.obsm["X_pca_joined"] = Z
    return cells


def same(one, other):
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other), strict=True)


def test_neighbours_that_scanpy_left_serve_and_weigh_alike(blood, caplog):
    cells = blood.copy()
    with caplog.at_level(logging.INFO, "opentsne_like.anndata"):
        Y = ota.tsne(cells, **BRIEF)
    assert "9 neighbours of each cell, which all weigh alike" in caplog.text
    graph = affinity.from_neighbors(cells.obsp["distances"], perplexity=None)
    same(Y, TSNE(**BRIEF, random_state=0).fit(cells.obsm["X_pca"], affinities=graph))
    assert type(cells.obsm["X_tsne"]) is np.ndarray
    same(cells.obsm["X_tsne"], Y)
    params = cells.uns["tsne"]["params"]
    assert (params["neighbors_key"], params["affinities"], params["use_rep"]) == ("neighbors", "uniform", "X_pca")
    assert "perplexity" not in params
    assert cells.uns["tsne"]["kl_divergence"] == pytest.approx(Y.kl_divergence)
    assert Y.transform(cells.obsm["X_pca"][:3], n_iter=5).shape == (3, 2), "it knows the data"


def test_a_large_graph_gets_a_perplexity(blood):
    cells = blood.copy()
    scanpy.pp.neighbors(cells, n_neighbors=91, key_added="wide", metric="cosine")
    Y = ota.tsne(cells, neighbors_key="wide", **BRIEF)
    graph = affinity.from_neighbors(cells.obsp["wide_distances"], perplexity=30, metric="cosine")
    same(Y, TSNE(**BRIEF, random_state=0).fit(cells.obsm["X_pca"], affinities=graph))
    assert cells.uns["tsne"]["params"]["perplexity"] == 30
    assert Y.affinities.knn_index.metric == "cosine"
    asked = ota.tsne(cells, neighbors_key="wide", perplexity=12, **BRIEF)
    assert asked.affinities.perplexity == 12


@pytest.mark.parametrize(
    ("how", "columns", "options"),
    [
        ({"use_rep": "X_pca", "n_pcs": 20}, slice(20), {}),
        ({"n_pcs": 20, "perplexity": 10}, slice(20), {"perplexity": 10}),
        ({"metric": "cosine"}, slice(None), {"metric": "cosine"}),
    ],
)
def test_named_data_or_parameters_are_searched_anew(blood, how, columns, options):
    cells = blood.copy()
    Y = ota.tsne(cells, **how, **BRIEF)
    same(Y, TSNE(**BRIEF, **options, random_state=0).fit(cells.obsm["X_pca"][:, columns]))
    assert "neighbors_key" not in cells.uns["tsne"]["params"]


def test_genes_themselves_where_there_are_few_or_they_are_named(blood):
    few = anndata.AnnData(blood.X[:, :30])
    Y = ota.tsne(few, **BRIEF)
    same(Y, TSNE(**BRIEF, random_state=0).fit(blood.X[:, :30]))
    assert few.uns["tsne"]["params"]["use_rep"] == "X"
    sparsely = anndata.AnnData(sparse.csr_matrix(blood.raw.X[:200]))
    assert ota.tsne(sparsely, use_rep="X", **BRIEF).shape == (200, 2)


def test_every_method_goes_where_scanpy_draws_it(blood, tmp_path):
    cells = blood.copy()
    names = {"t-SNE": "tsne", "umap": "umap", "neg-t-SNE": "negtsne", "SNE": "sne", "largevis": "largevis"}
    for method in names:
        length = {"n_epochs": 10} if method == "umap" else {"n_iter": 10}
        ota.embed(cells, method, **length)
    ota.umap(cells, n_epochs=10, key_added="X_mine", metric_params=None, min_dist=0.3)
    cells.write_h5ad(tmp_path / "cells.h5ad")
    again = anndata.read_h5ad(tmp_path / "cells.h5ad")
    for name in [*(f"X_{name}" for name in names.values()), "X_mine"]:
        same(again.obsm[name], cells.obsm[name])
        axes = scanpy.pl.embedding(again, name, color="bulk_labels", show=False)
        drawn = axes.collections[0].get_offsets()
        assert {tuple(row) for row in np.round(drawn, 6)} == {tuple(row) for row in np.round(again.obsm[name], 6)}
    assert again.uns["X_mine"]["params"]["min_dist"] == 0.3
    assert again.uns["umap"]["params"]["affinities"] == "fuzzy"
    assert again.uns["sne"]["loss"] == pytest.approx(cells.uns["sne"]["loss"])


def test_repulsion_goes_by_the_name_that_t_sne_has_for_it(blood):
    cells = blood.copy()
    X = cells.obsm["X_pca"]
    ota.embed(cells, "umap", n_epochs=10, use_rep="X_pca", negative_gradient_method="bh")
    same(cells.obsm["X_umap"], UMAP(n_epochs=10, method="bh", random_state=0).fit(X))
    assert cells.uns["umap"]["params"]["method"] == "bh"
    assert ota.ingest(cells[:9].copy(), cells, method="umap", obs=(), n_iter=3).shape == (9, 2)
    same(ota.umap(cells, n_epochs=10, use_rep="X_pca", method="bh"), cells.obsm["X_umap"])
    brief = {"n_iter": 5, "early_exaggeration_iter": 5, "use_rep": "X_pca", "negative_gradient_method": "bh"}
    same(ota.embed(cells, **brief), ota.tsne(cells, **brief))
    with pytest.raises(InvalidParameterError, match="`method` must be one of"):
        ota.tsne(cells, method="bh")


def test_pacmap_chooses_its_own_pairs(blood):
    cells = blood.copy()
    Y = ota.embed(cells, "pacmap", num_iters=(5, 5, 5))
    same(Y, PaCMAP(num_iters=(5, 5, 5), random_state=0).fit(cells.obsm["X_pca"]))
    assert "neighbors_key" not in cells.uns["pacmap"]["params"]
    with pytest.raises(InvalidParameterError, match="`neighbors_key` must be left out for PaCMAP"):
        ota.embed(cells, "pacmap", neighbors_key="neighbors")


def test_a_copy_leaves_the_object_alone(blood):
    cells = blood.copy()
    made = ota.tsne(cells, copy=True, **BRIEF)
    assert "X_tsne" in made.obsm
    assert "X_tsne" not in cells.obsm
    assert "tsne" not in cells.uns
    named = ota.tsne(cells, key_added="mine", perplexity=[5, 20], **BRIEF)
    same(cells.obsm["mine"], named)
    same(cells.uns["mine"]["params"]["perplexity"], np.array([5, 20]))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_backed_objects_are_read_block_by_block(blood, form, tmp_path, monkeypatch):
    X = np.asarray(blood.raw.X.todense())[:300, :200]
    anndata.AnnData(form(X)).write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    monkeypatch.setattr(matrices, "BLOCK_BYTES", 8 * 200 * 70)
    assert [at.stop - at.start for at, _ in matrices.blocks(backed.X)] == [70, 70, 70, 70, 20]
    Y = ota.tsne(backed, **BRIEF)
    same(Y, TSNE(**BRIEF, random_state=0).fit(form(X)))
    same(backed.obsm["X_tsne"], Y)


def test_new_cells_are_projected_placed_and_named(blood, tmp_path):
    old, new = blood[:600].copy(), blood[600:].copy()
    del new.obsm, new.obs
    new = new[:, ::-1].copy()  # genes in another order
    scanpy.pp.pca(old, n_comps=30)
    scanpy.pp.neighbors(old)
    Y = ota.tsne(old, **BRIEF)
    before = np.array(old.obsm["X_tsne"])
    placed = ota.ingest(new, old, obs=["bulk_labels", "phase"], embedding=Y, n_iter=20)
    centred = blood[600:].X - old.X.mean(axis=0)
    np.testing.assert_allclose(new.obsm["X_pca"], centred @ old.varm["PCs"], atol=1e-3)
    same(placed, Y.transform(new.obsm["X_pca"], n_iter=20))
    same(new.obsm["X_tsne"], placed)
    same(old.obsm["X_tsne"], before)
    assert (new.obs["bulk_labels"] == blood[600:].obs["bulk_labels"]).mean() > 0.6
    assert list(new.obs["bulk_labels"].cat.categories) == list(old.obs["bulk_labels"].cat.categories)
    assert new.obs["phase_share"].between(0, 1).all()
    assert list(new.uns["bulk_labels_colors"]) == list(old.uns["bulk_labels_colors"])
    old.write_h5ad(tmp_path / "old.h5ad")
    again = new.copy()
    same(ota.ingest(again, anndata.read_h5ad(tmp_path / "old.h5ad"), "phase", n_iter=20), placed)
    assert (again.obs["phase"] == new.obs["phase"]).all()


def test_votes_are_those_of_the_nearest(blood):
    old = anndata.AnnData(np.arange(12.0).reshape(-1, 1) * [[1.0, 0.0]])
    old.obs["side"] = [*"aaabbbccc", *"ddd"]
    Y = ota.tsne(old, perplexity=2, **BRIEF)
    new = anndata.AnnData(np.array([[0.9, 0.0], [5.4, 0.0], [11.5, 0.0]]))
    ota.ingest(new, old, "side", embedding=Y, k=3)
    assert new.obs["side"].tolist() == ["a", "b", "d"]
    np.testing.assert_allclose(new.obs["side_share"], [1, 2 / 3, 1])
    tie = anndata.AnnData(np.array([[2.6, 0.0]]))
    ota.ingest(tie, old, "side", embedding=Y, k=2)
    assert tie.obs["side"].tolist() == ["b"], "of two with one vote each, the nearer one's"


@pytest.mark.parametrize("rep", ["X", "X_pca_harmony"])
def test_other_representations_of_a_reference(blood, rep):
    old, new = blood[:600, :40].copy(), blood[600:, :60].copy()
    for cells in (old, new):
        cells.obsm["X_pca_harmony"] = cells.obsm["X_pca"][:, :10]
    Y = ota.tsne(old, use_rep=rep, **BRIEF)
    placed = ota.ingest(new, old, embedding=Y, n_iter=5)
    X = blood[600:, :40].X if rep == "X" else new.obsm[rep]
    same(placed, Y.transform(X, n_iter=5))


def test_what_cannot_be_ingested_is_said(blood):
    old, new = blood[:600].copy(), blood[600:].copy()
    with pytest.raises(InvalidParameterError, match=r"must have a map 'X_tsne' that opentsne_like.anndata made"):
        ota.ingest(new, old)
    Y = ota.tsne(old, use_rep="X_pca", **BRIEF)
    with pytest.raises(InvalidParameterError, match=r"`obs` must name columns of reference\.obs, got 'kind'"):
        ota.ingest(new, old, "kind")
    with pytest.raises(InvalidParameterError, match=r"must have the genes of the reference, got none for \d+ of 309"):
        ota.ingest(new[:, :100].copy(), old)
    with pytest.raises(InvalidParameterError, match="must have the 600 cells of the reference, got 100"):
        ota.ingest(new, old, embedding=Y.transform(old.obsm["X_pca"][:100], n_iter=0))
    other = old.copy()
    other.X = np.exp(other.X)
    with pytest.raises(InvalidParameterError, match="must have the genes that its components were made from"):
        ota.ingest(new, other)
    ota.tsne(old, use_rep="X_pca", **BRIEF)
    old.uns["tsne"]["params"]["use_rep"] = "X_scVI"
    with pytest.raises(InvalidParameterError, match=r"`adata_new.obsm` must have 'X_scVI'"):
        ota.ingest(new, old)
    del old.varm["PCs"]
    old.uns["tsne"]["params"]["use_rep"] = "X_pca"
    with pytest.raises(InvalidParameterError, match="must have the loadings 'PCs'"):
        ota.ingest(new, old)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"use_rep": "X_scVI"}, "`use_rep` must be one of 'X', 'X_pca', 'X_umap', got 'X_scVI'"),
        ({"n_pcs": 51}, r"`n_pcs` must lie in 1..50, the columns of obsm\['X_pca'\], got 51"),
        ({"neighbors_key": "wide"}, "`neighbors_key` must be a key of adata.uns, got 'wide'"),
        (
            {"neighbors_key": "neighbors", "metric": "cosine"},
            "`metric` must be left out with neighbors_key=",
        ),
        ({"perplexty": 3}, "did you mean 'perplexity'"),
        ({"method": "neg-tsn"}, "`method` must be one of .*; did you mean 'negtsne'"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(blood, how, message):
    cells = blood.copy()
    with pytest.raises(InvalidParameterError, match=message):
        ota.embed(cells, **how)
    assert "tsne" not in cells.uns


def test_neighbours_of_a_part_of_the_cells_are_refused(blood):
    part = blood[::9].copy()
    for method in ("tsne", "umap"):
        with pytest.raises(
            InvalidParameterError, match=r"`adata\.obsp` must have the neighbours of these cells, got \d"
        ):
            ota.embed(part, method)
    scanpy.pp.neighbors(part, n_neighbors=10)
    assert ota.tsne(part, **BRIEF).shape == (len(part), 2)
    scanpy.pp.neighbors(part, knn=False, method="gauss")  # distances of all cells, in a dense array
    assert ota.tsne(part, **BRIEF).shape == (len(part), 2)


@pytest.mark.parametrize("n_pcs", ["20", 2.5, -1])
def test_a_number_of_components_is_checked(blood, n_pcs):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match="`n_pcs` must be"):
        ota.tsne(blood, n_pcs=n_pcs)


def test_components_that_are_not_there_are_not_passed_over(blood):
    cells = anndata.AnnData(blood.X[:100])
    with pytest.raises(
        InvalidParameterError, match=r"`n_pcs` must be left out for a map of the genes themselves, got 20"
    ):
        ota.tsne(cells, n_pcs=20)


def test_sparse_representations(blood):
    cells = blood[:200].copy()
    cells.obsm["X_counts"] = sparse.csr_matrix(np.abs(cells.obsm["X_pca"]))
    Y = ota.tsne(cells, use_rep="X_counts", n_pcs=10, **BRIEF)
    same(Y, TSNE(**BRIEF, random_state=0).fit(cells.obsm["X_counts"][:, :10]))
    placed = ota.ingest(cells[:5].copy(), cells, embedding=Y, n_iter=5)
    same(placed, Y.transform(cells.obsm["X_counts"][:5, :10], n_iter=5))


def test_what_cannot_be_stored_as_it_is(blood, tmp_path):
    cells, new = blood[:200].copy(), blood[200:205].copy()
    Y = ota.tsne(cells, use_rep="X_pca", random_state=np.random.RandomState(0), **BRIEF)
    same(ota.ingest(new, cells, n_iter=5), ota.ingest(new, cells, embedding=Y, n_iter=5))
    with pytest.raises(InvalidTypeError, match="`embedding` must be an Embedding, got ndarray"):
        ota.ingest(new, cells, embedding=np.asarray(Y))
    with pytest.raises(InvalidParameterError, match=r"`obs` must name columns of reference\.obs, got 5"):
        ota.ingest(new, cells, obs=5)
    ota.tsne(cells, use_rep="X_pca", metric=lambda x, y: abs(x - y).max(), **BRIEF)
    with pytest.raises(InvalidParameterError, match="`embedding` must be given for a map by a metric"):
        ota.ingest(new, cells)
    cells.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InvalidParameterError, match="`copy` must be False for an object that is backed"):
        ota.tsne(anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r"), copy=True)


def test_other_objects_are_refused(blood):
    with pytest.raises(InvalidTypeError, match=r"`adata` must be an AnnData object, got ndarray; arrays are for TSNE"):
        ota.tsne(np.eye(5))
    with pytest.raises(InvalidTypeError, match=r"pass it to opentsne_like.anndata.tsne, or one of its arrays"):
        TSNE().fit(blood)
    with pytest.raises(InvalidParameterError, match="must have at least 2 cells"):
        ota.tsne(blood[:1])


def test_scanpy_takes_the_neighbour_search(blood):
    ours, theirs = blood.copy(), blood.copy()
    scanpy.pp.neighbors(ours, transformer=ota.KNeighborsTransformer(15), n_pcs=20)
    scanpy.pp.neighbors(theirs, n_neighbors=15, n_pcs=20)
    difference = abs(ours.obsp["connectivities"] - theirs.obsp["connectivities"])
    assert difference.max() < 1e-4
    new = ota.KNeighborsTransformer(4).fit(blood.obsm["X_pca"]).transform(blood.obsm["X_pca"][:7])
    assert (new.shape, np.diff(new.indptr).tolist()) == ((7, 700), [5] * 7)
    assert new.diagonal().max() < 1e-3


def test_the_whole_way_from_counts(many, tmp_path):
    cells = many.copy()
    scanpy.pp.neighbors(cells, transformer=ota.KNeighborsTransformer(15, metric="euclidean"), use_rep="X_pca_joined")
    ota.tsne(cells, schedule="accelerated")
    params = cells.uns["tsne"]["params"]
    assert (params["use_rep"], params["affinities"]) == ("X_pca_joined", "uniform")
    assert metrics.knn_accuracy(cells.obsm["X_tsne"][::10], cells.obs["kind"].cat.codes[::10]) > 0.9
    mixed = metrics.knn_accuracy(cells.obsm["X_tsne"][::10], cells.obs["batch"].cat.codes[::10])
    assert mixed < 0.65, "batches lie within each other"
    cells.write_h5ad(tmp_path / "cells.h5ad")
    again = anndata.read_h5ad(tmp_path / "cells.h5ad")
    same(again.obsm["X_tsne"], cells.obsm["X_tsne"])
    axes = scanpy.pl.tsne(again, color="kind", show=False)
    assert len(axes.collections[0].get_offsets()) == 20_000
