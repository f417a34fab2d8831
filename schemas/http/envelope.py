"""The answer of each ``/api/v1/**`` call: ``{code, message, data}``, code = status (CF-08)."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Shape(BaseModel):
    """A body or part of one: camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Envelope(Shape, Generic[T]):
    """A successful answer."""

    code: int = 200
    message: str = "success"
    data: T
