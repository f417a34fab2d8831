"""What the documents say of each other is there."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/*.md")]
    + [ROOT / folder / "README.md" for folder in ("deploy", "simulator", "schemas")]
)
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PROMISE = re.compile(r"^### (\d+)\. ", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text()) if "://" not in link[0]]

    assert [path + anchor for path, anchor in links if not _is_there(document, path, anchor)] == []


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text()))

    assert listed == {path.name for path in folder.glob("0*.md")}


def test_every_promise_has_its_own_number() -> None:
    numbers = [int(n) for n in PROMISE.findall((ROOT / "docs" / "architecture.md").read_text())]

    assert numbers == list(range(1, len(numbers) + 1))


def _is_there(document: Path, path: str, anchor: str) -> bool:
    aim = (document.parent / path).resolve() if path else document
    return aim.exists() and (not anchor or anchor[1:] in _anchors(aim))


def _anchors(document: Path) -> set[str]:
    headings = HEADING.findall(document.read_text())
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {word.replace(" ", "-") for word in words}
