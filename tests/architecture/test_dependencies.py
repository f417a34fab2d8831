"""Every direct dependency has its reason, its hash and nothing beside it."""

import re

import pytest

from tests.architecture.tree import ROOT

REASONS = ROOT / "docs" / "dependencies.md"


def _named(file: str) -> list[str]:
    lines = (ROOT / "requirements" / f"{file}.in").read_text().splitlines()
    return [re.split(r"[\[<>=~! ]", line)[0] for line in lines if line[:1].isalpha()]


@pytest.mark.parametrize("file", ["runtime", "dev"])
def test_every_dependency_has_one_line_of_reason(file: str) -> None:
    reasons = re.findall(r"^\| `([^`]+)` \| .{10,} \|$", REASONS.read_text(), re.MULTILINE)

    assert [name for name in _named(file) if name not in reasons] == []


def test_no_reason_is_left_of_a_dependency_that_went() -> None:
    reasons = re.findall(r"^\| `([^`]+)` \|", REASONS.read_text(), re.MULTILINE)

    assert sorted(reasons) == sorted([*_named("runtime"), *_named("dev")])


@pytest.mark.parametrize("file", ["runtime", "dev"])
def test_every_dependency_is_pinned_with_its_hash(file: str) -> None:
    pinned = (ROOT / "requirements" / f"{file}.txt").read_text()

    for name in _named(file):
        pin = rf"(?im)^{re.escape(name)}(\[.*\])?==\S+ \\\n +--hash=sha256:"
        assert re.search(pin, pinned), name
