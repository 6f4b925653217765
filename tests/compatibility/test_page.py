"""The page for openTSNE's users names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "openTSNE.md"


def _named():
    """Return (file, function) of every test that the page names, but for openTSNE's own, which are methods."""
    return sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE.read_text(encoding="utf-8"))))


def test_the_page_names_many_tests():
    assert len(_named()) > 50


@pytest.mark.parametrize(("file", "function"), _named())
def test_the_test_exists(file, function):
    assert re.search(rf"^def {function}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_line_of_its_tables_is_shown_by_a_test():
    page = PAGE.read_text(encoding="utf-8").split("## What is the same")[1]
    rows = [
        line for line in page.splitlines() if line.startswith("|") and not re.match(r"\|[-|]+\|$|.*shown in \|$", line)
    ]
    assert len(rows) > 50
    assert not [row for row in rows if "::test_" not in row]
