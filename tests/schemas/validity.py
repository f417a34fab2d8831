"""What a JSON Schema says of a document."""

from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for  # pyright: ignore[reportUnknownVariableType] - untyped package


def problems(schema: dict[str, Any], document: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Return one line for each violation; the schema names its own dialect, else it is 2020-12."""
    kind: type[Validator] = validator_for(schema, Draft202012Validator)
    kind.check_schema(schema)
    return [f"{error.json_path}: {error.message}" for error in kind(schema).iter_errors(document)]
