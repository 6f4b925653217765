"""What a notebook shows when a cell ends in a picture or a page. Needs what the documentation is built with."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

CELLS = [
    "import sys\nimport numpy as np\nfrom opentsne_like.plotting import animate, html, scatter",
    "Y = np.random.rand(200, 2)",
    "scatter(Y, np.arange(200) % 3)",
    "assert 'matplotlib.pyplot' not in sys.modules",
    "import matplotlib.pyplot\nscatter(Y, np.arange(200) % 3)",
    "html(Y, np.arange(200) % 3)",
    "animate([Y, 1 - Y], dpi=30)",
]


@pytest.mark.filterwarnings("ignore")  # whatever Jupyter's packages say about each other
def test_pictures_and_pages_are_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    _, _, alone, _, beside_pyplot, page, movie = [
        output["data"] for cell in notebook.cells for output in cell.outputs or [{"data": None}]
    ]
    assert {"image/png", "text/plain"} <= set(alone)
    assert "image/png" in beside_pyplot
    assert page["text/html"].startswith("<iframe ")
    assert page["text/plain"].startswith("Page(200 points")
    assert movie["text/html"].startswith('<img src="data:image/gif;base64,')
