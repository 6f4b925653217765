"""Links between pages lead somewhere on the pages of the repository, unbuilt; Sphinx checks those of the built ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    if not {"_build", "generated"} & set(path.parts)
)
pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="only the package is here, not the project")


def plain(path):
    """Return a page without code."""
    text = re.sub(r"^(```+|~~~).*?^\1", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda found: found[0].replace("]", "").replace("(", ""), text)


def anchors(path):
    """Return the names of a page's headings, as repositories and Sphinx make them."""
    headings = re.findall(r"^#+ +(.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.strip().lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    broken = []
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", plain(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_pages_that_can_be_read_unbuilt(page):
    for link in re.findall(r"\]\((?!https?:)([^)\s#]+\.md)", plain(page)):
        text = (page.parent / link).read_text(encoding="utf-8")
        assert not text.startswith("```{include}"), f"{link} shows another file when it is built; link to that file"
