"""What no file of ours does."""

import ast
import io
import re
import tokenize

import pytest

from tests.architecture.tree import ROOT, SERVICES, files, parsed, where

SPEAKS = ("cli", "bench", "deploy")
"""They talk to the person at the terminal."""

HEADINGS = ("Promises", "Settings", "When something is away")
FACTS = ("consumes", "produces", "tables")
"""What a service's card says: the first as headings, the others in its first table."""

PARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def test_only_what_talks_to_a_person_prints() -> None:
    wrong = [
        where(path, node.lineno)
        for path in files()
        if path.relative_to(ROOT).parts[0] not in SPEAKS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]

    assert wrong == []


def test_nothing_is_left_for_later_in_a_comment() -> None:
    wrong = [
        where(path, token.start[0])
        for path in files()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type == tokenize.COMMENT and PARK.search(token.string)
    ]

    assert wrong == []


def test_the_clock_and_chance_are_handed_to_the_rules() -> None:
    forbidden = re.compile(r"\b(datetime\.now|time\.time|random\.|uuid4|date\.today|os\.environ)")

    wrong = [where(path) for path in files("domain") if forbidden.search(path.read_text())]

    assert wrong == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_its_card(service: str) -> None:
    card = ROOT / "services" / service / "README.md"

    assert card.exists(), f"services/{service}/README.md is missing"
    text = card.read_text()
    headings = {line.lstrip("# ").strip() for line in text.splitlines() if line[:1] == "#"}
    assert [heading for heading in HEADINGS if heading not in headings] == []
    assert [fact for fact in FACTS if fact not in text.lower()] == []


def test_every_module_says_which_question_it_answers() -> None:
    wrong = [
        where(path)
        for path in files("domain", "schemas", "runtime", "providers", "services", "cli")
        if path.read_text().strip() and ast.get_docstring(parsed(path)) is None
    ]

    assert wrong == []
