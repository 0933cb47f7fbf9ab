"""The base of every model that crosses a process or network boundary."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Immutable, camelCase in JSON, and closed: an unknown property is an error.

    An error that is logged shows no value: what cannot be read may be a secret.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )


def rfc3339(moment: datetime) -> str:
    """Write a moment in UTC with millisecond precision and `Z` (RFC 3339, section 5.6)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A point in time; UTC with `Z` in JSON."""

_Value = TypeVar("_Value")
OptionalField = Annotated[_Value | None, Field(exclude_if=lambda value: value is None)]
"""A field that came later: where it is not used, what is written is what was written before."""
