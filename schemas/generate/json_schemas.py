"""The shapes of records as JSON Schema, with the fields explained in the words of the models."""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import dedent
from typing import Any, Final, cast, get_args, get_type_hints

import msgspec

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_of(model: type[msgspec.Struct], file_name: str) -> Schema:
    """Return the self-contained schema of one record type."""
    schemas = shared_schemas([model], "#/$defs/{name}")
    root = schemas.pop(model.__name__)
    document: Schema = {
        "$schema": DIALECT,
        "$id": f"https://sendtrail.invalid/schemas/{file_name}",
        **root,
    }
    return {**document, "$defs": schemas} if schemas else document


def shared_schemas(models: Iterable[type[msgspec.Struct]], reference: str) -> dict[str, Schema]:
    """Return the schemas of the models and of all they hold, by the name of the class.

    ``reference`` is where they will stand, with ``{name}`` in it.
    """
    roots = list(models)
    _, schemas = msgspec.json.schema_components(roots, ref_template=reference)
    for model in _with_parts(roots):
        _explain(schemas[model.__name__], model)
    _drop_discriminators(schemas)
    return dict(sorted(schemas.items()))


def field_docs(model: type[msgspec.Struct]) -> dict[str, str]:
    """Return the text under each field of the class, by the field's name in Python."""
    (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - the source of a class is a class
    docs: dict[str, str] = {}
    for statement, text in zip(definition.body, definition.body[1:], strict=False):
        match statement, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                value=ast.Constant(value=str(doc))
            ):
                docs[name] = one_line(doc)
            case _:
                pass
    return docs


def one_line(text: str) -> str:
    """Return a docstring as Markdown in one line."""
    return re.sub(r"\s+", " ", text).strip().replace("``", "`")


def _explain(schema: Schema, model: type[msgspec.Struct]) -> None:
    schema["description"] = one_line(schema["description"])
    wire_names = {field.name: field.encode_name for field in msgspec.structs.fields(model)}
    for field, text in field_docs(model).items():
        property_: Mapping[str, Any] = schema["properties"][wire_names[field]]
        # JSON Schema 2020-12 lets a description stand beside a reference; older readers skip it.
        schema["properties"][wire_names[field]] = {"description": text, **property_} | (
            {"description": text}
        )


def _drop_discriminators(node: Any) -> None:  # noqa: ANN401 - any part of a schema
    """Take away what JSON Schema does not know and AsyncAPI knows in another shape.

    Each kind says by itself which ``type`` it is of.
    """
    if isinstance(node, dict):
        tree = cast("dict[str, Any]", node)
        if isinstance(tree.get("discriminator"), dict) and "anyOf" in tree:
            del tree["discriminator"]
        for part in tree.values():
            _drop_discriminators(part)
    elif isinstance(node, list):
        for part in cast("list[Any]", node):
            _drop_discriminators(part)


def _with_parts(models: Iterable[type[msgspec.Struct]]) -> Iterator[type[msgspec.Struct]]:
    waiting = list(models)
    seen: set[type[msgspec.Struct]] = set()
    while waiting:
        model = waiting.pop()
        if model not in seen:
            seen.add(model)
            yield model
            waiting += [part for hint in get_type_hints(model).values() for part in _structs(hint)]


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:  # noqa: ANN401 - any annotation
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in get_args(hint):
        yield from _structs(part)
