"""The base of every model that crosses a process or network boundary."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, TypeAdapter, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic_core import PydanticKnownError

_BEGINS_WITH_DAY_AND_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt _]")
_DATETIME = TypeAdapter(datetime, config=ConfigDict(hide_input_in_errors=True))


class Model(BaseModel):
    """An immutable model with camelCase names in JSON. An unknown property is an error.

    Validation errors never show the input, because a value that cannot be read may be a secret.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )


def rfc3339(moment: datetime) -> str:
    """Format a moment in UTC with `Z` (RFC 3339, section 5.6). Digits beyond milliseconds are cut off."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_text(value: Any) -> Any:
    """Read the text of a moment, but refuse digits: pydantic takes them as Unix time, so `20260131` is a day of 1970.

    A strict validation takes text only from JSON itself, and a validator that comes first hides where it is from.
    """
    if not isinstance(value, str):
        return value
    if not _BEGINS_WITH_DAY_AND_TIME.match(value):
        raise PydanticKnownError("datetime_parsing", {"error": "this is not a date with a time"})
    return _DATETIME.validate_python(value)


def _exact_rfc3339(moment: datetime) -> str:
    """Format a moment as `rfc3339` does, but with microseconds if it is not a whole millisecond."""
    if moment.microsecond % 1000 == 0:
        return rfc3339(moment)
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_FROM_TEXT = BeforeValidator(_read_text)
_AS_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time"})

Moment = Annotated[datetime, _FROM_TEXT, PlainSerializer(rfc3339, when_used="json"), _AS_DATE_TIME]
"""A point in time. In JSON it is in UTC, with `Z`, and digits beyond milliseconds are cut off. Text of digits alone is
refused."""

ExactMoment = Annotated[datetime, _FROM_TEXT, PlainSerializer(_exact_rfc3339, when_used="json"), _AS_DATE_TIME]
"""A `Moment` that JSON keeps to the microsecond: one with which other moments are compared."""

_Value = TypeVar("_Value")
OptionalField = Annotated[_Value | None, Field(exclude_if=lambda value: value is None)]
"""A field that is left out of JSON while it is None.

A field that was added to a published format later is of this type. So a payload that does not use the field is the same
as it was before.
"""


def drop_default(schema: JsonDict) -> None:
    """Describe a property that may be left out, but whose default cannot be given, or not in every request."""
    schema.pop("default", None)
