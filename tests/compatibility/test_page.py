"""The pages for users of openTSNE and of PyMDE name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PAGES = {TESTS.parent / "docs" / "openTSNE.md": 50, TESTS.parent / "docs" / "pymde.md": 20}  # tests named, at least


def _named():
    """Return (file, function) of every test that a page names, but for openTSNE's own, which are methods."""
    found = {pair for page in PAGES for pair in _named_by(page)}
    return sorted(found)


def _named_by(page):
    return set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_names_many_tests(page):
    assert len(_named_by(page)) > PAGES[page]


@pytest.mark.parametrize(("file", "function"), _named())
def test_the_test_exists(file, function):
    assert re.search(rf"^def {function}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_line_of_its_tables_is_shown_by_a_test(page):
    text = page.read_text(encoding="utf-8").split("## What is the same")[1]
    rows = [
        line for line in text.splitlines() if line.startswith("|") and not re.match(r"\|[-|]+\|$|.*shown in \|$", line)
    ]
    assert len(rows) > PAGES[page]
    assert not [row for row in rows if "::test_" not in row]
