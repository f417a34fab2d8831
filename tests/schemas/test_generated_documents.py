import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from schemas.generate import __main__ as command
from schemas.generate.contracts import contracts
from schemas.generate.files import GENERATED, broken, documents, drifted, write
from schemas.generate.json_schemas import field_docs
from schemas.topics.registry import REGISTRY
from schemas.topics.send_requests import SendRequested
from schemas.topics.status_changes import StatusChanged
from tests.schemas.validity import problems

OFFICIAL: Final = Path(__file__).parent / "vendor" / "asyncapi-3.0.0.json"


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    return yaml.safe_load((GENERATED / "asyncapi.yaml").read_text())


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the published documents that the command takes for the real ones."""
    folder = tmp_path / "generated"
    shutil.copytree(GENERATED, folder)
    monkeypatch.setattr(command, "GENERATED", folder)
    return folder


def test_the_published_documents_are_those_of_the_models() -> None:
    assert drifted(GENERATED, documents()) == []
    assert broken(GENERATED, documents()) == []


def test_the_asyncapi_document_is_valid_under_the_official_schema(
    asyncapi: dict[str, Any],
) -> None:
    schema = json.loads(OFFICIAL.read_text())

    assert problems(schema, asyncapi) == []


def test_every_reference_in_the_asyncapi_document_leads_somewhere(
    asyncapi: dict[str, Any],
) -> None:
    for reference in _references(asyncapi):
        assert _followed(asyncapi, reference) is not None


def test_every_example_in_the_asyncapi_document_fits_its_payload_and_headers(
    asyncapi: dict[str, Any],
) -> None:
    tried = 0
    for message in asyncapi["components"]["messages"].values():
        for example in message.get("examples", ()):
            for part in ("payload", "headers"):
                schema = {**message[part], "components": asyncapi["components"]}
                assert problems(schema, example[part]) == []
                tried += 1

    assert tried == 2 * len(contracts())


def test_every_topic_and_its_dead_letters_have_a_channel_and_operations(
    asyncapi: dict[str, Any],
) -> None:
    names = [entry.topic.name for entry in REGISTRY]

    assert set(asyncapi["channels"]) == {*names, *(f"{name}.dlq" for name in names)}
    assert "dispatcher.receive.send-requests" in asyncapi["operations"]
    assert "status_projector.send.status-changes" in asyncapi["operations"]
    headers = asyncapi["components"]["schemas"]["DeadLetterHeaders"]["required"]
    assert all(name.startswith("dlq_") for name in headers)


def test_the_words_under_a_field_explain_it_in_the_schema() -> None:
    schema = json.loads(documents()["json/send-requested.schema.json"])

    assert field_docs(SendRequested)["requested_at"].startswith("When it was accepted")
    described = schema["properties"]["requestedAt"]["description"]
    assert described == field_docs(SendRequested)["requested_at"]
    assert "sequence" in field_docs(StatusChanged)


def test_nothing_is_said_and_nothing_changes_where_nothing_drifted(published: Path) -> None:
    before = {path: path.read_text() for path in published.rglob("*.*")}

    assert command.main(["--check"]) == 0
    assert command.main([]) == 0

    assert {path: path.read_text() for path in published.rglob("*.*")} == before


def test_the_command_checks_the_tree_it_lies_in() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "schemas.generate", "--check"],
        cwd=GENERATED.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_each_drifted_file_is_told_in_one_line(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (published / "asyncapi.yaml").write_text("asyncapi: 3.0.0\n")
    (published / "json/job-changed.schema.json").unlink()
    (published / "json/notes.txt").write_text("")

    code = command.main(["--check"])

    assert code == 1
    assert capsys.readouterr().err.splitlines() == [
        "schemas/generated/asyncapi.yaml: differs from the models",
        "schemas/generated/json/job-changed.schema.json: is missing",
        "schemas/generated/json/notes.txt: belongs to no contract",
    ]


def test_a_published_promise_is_not_overwritten_by_a_narrower_one(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = published / "json/job-changed.schema.json"
    promised = json.loads(path.read_text())
    promised["properties"]["colour"] = {"type": "string"}
    path.write_text(json.dumps(promised))
    (published / "json/pigeon-sent.schema.json").write_text("{}")

    code = command.main([])

    assert code == 1
    assert capsys.readouterr().err.splitlines() == [
        "schemas/generated/json/job-changed.schema.json: $.colour: removed",
        "schemas/generated/json/pigeon-sent.schema.json: the record type is gone",
    ]
    assert json.loads(path.read_text()) == promised


def test_the_documents_are_written_where_there_are_none(tmp_path: Path) -> None:
    write(tmp_path, documents())

    assert drifted(tmp_path, documents()) == []


def _references(node: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(node, dict):
        branch = cast("dict[str, Any]", node)
        if isinstance(branch.get("$ref"), str):
            yield branch["$ref"]
        for part in branch.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in cast("list[Any]", node):
            yield from _references(part)


def _followed(document: dict[str, Any], reference: str) -> Any:  # noqa: ANN401 - any JSON value
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node
