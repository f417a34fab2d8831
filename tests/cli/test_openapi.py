from pathlib import Path

import pytest
import yaml

from cli import openapi


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that the command takes for the published documents; it is empty."""
    monkeypatch.setattr(openapi, "GENERATED", tmp_path)
    return tmp_path


def test_the_published_openapi_documents_are_those_of_the_routes() -> None:
    assert openapi.drifted(openapi.documents()) == []


def test_each_drifted_document_is_told_in_one_line_until_it_is_written(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = openapi.main(["--check"])
    told = capsys.readouterr().err.splitlines()
    written = openapi.main([])
    after = openapi.main(["--check"])

    assert (before, written, after) == (1, 0, 0)
    assert told == [
        f"schemas/generated/openapi/{name}: differs from the routes" for name in openapi.documents()
    ]
    assert len(list(published.iterdir())) == len(told)


def test_every_call_has_a_summary_and_an_answer() -> None:
    for text in openapi.documents().values():
        for methods in yaml.safe_load(text)["paths"].values():
            for call in methods.values():
                assert call["summary"]
                assert call["responses"]
