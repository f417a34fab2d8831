"""What the OpenAPI document says of bodies that are read by hand."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from schemas.http.im import SendMessage, Text
from schemas.http.jobs import CreateJob
from schemas.http.tasks import BatchBody, GroupsBody, OccurrencesBody, TaskBody, TaskChange
from schemas.topics.contents import Content

_PARTS: Final = "#/components/schemas/"

_OF_TASKS: Final = (TaskBody, TaskChange, BatchBody, OccurrencesBody, GroupsBody)

_OF_A_MESSAGE: Final = (
    "A text as it is, or an object of the type that `messageType` names; its own `type` may be"
    " left out."
)
_OF_A_JOB: Final = (
    "Its texts, links included, may hold placeholders such as `{name}`, filled in for each"
    " recipient."
)


def documented(body: type[SendMessage | CreateJob]) -> dict[str, Any]:
    """Return the OpenAPI entry of a route whose body is read as this type."""
    schema = {"$ref": _PARTS + body.__name__}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def complete(app: FastAPI) -> None:
    """Have the application's document describe the bodies."""
    document_of: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = document_of()
        document["components"]["schemas"] |= _components()
        return document

    app.openapi = openapi


def _components() -> dict[str, Any]:
    (_, _, content, text), parts = msgspec.json.schema_components(
        [SendMessage, CreateJob, Content, Text], ref_template=_PARTS + "{name}"
    )
    of_a_job = content | {"description": _OF_A_JOB}
    of_a_message = {"anyOf": [text, *content["anyOf"]], "description": _OF_A_MESSAGE}
    for body, its_content in ((SendMessage, of_a_message), (CreateJob, of_a_job)):
        parts[body.__name__]["properties"]["content"] = its_content
    parts[SendMessage.__name__]["properties"]["messageType"] = {
        "enum": list(content["discriminator"]["mapping"])
    }
    return parts | _parts_of_tasks()


def _parts_of_tasks() -> dict[str, Any]:
    _, schema = models_json_schema(
        [(body, "validation") for body in _OF_TASKS], ref_template=_PARTS + "{model}"
    )
    return schema["$defs"]
