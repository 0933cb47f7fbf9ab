"""Names the kinds of faults that a request can have, and turns the errors of pydantic into faults.

A kind has a code for programs and a sentence for people. So a client can say the same in another language.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import get_args

from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from shared.problems import MAX_FAULTS, Fault, pointer


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: one row of a table of faults.

    It has what Google's AIP-193 asks of an error: a reason for programs beside the sentence, and the values that the
    sentence names, so that nobody has to parse it.

    Attributes:
        code: Stable identifier for programs, in kebab-case.
        sentence: Says what is wrong and what to change. May hold `{values}`.
    """

    code: str
    sentence: str

    def at(self, pointer: str, **values: str | int) -> Fault:
        """Return a fault of this kind at a place of the body."""
        written = {name: value if isinstance(value, str) else f"{value:,}" for name, value in values.items()}
        plain = {name: str(value) for name, value in values.items()}
        return Fault(pointer=pointer, detail=self.sentence.format(**written), code=self.code, values=plain or None)

    def error(self, **values: str) -> PydanticCustomError:
        """Return an error for a validator of pydantic; `faults_of` turns it into a fault of this kind."""
        return PydanticCustomError(self.code, self.sentence, dict(values) or None)


UNKNOWN_PROPERTY = FaultKind(
    "unknown-property", "There is no property with this name here; remove it or correct its spelling."
)
MISSING_PROPERTY = FaultKind("missing-property", "This property is required.")
REPEATED_PROPERTY = FaultKind("repeated-property", "This property appears twice; send it once.")
NOT_AN_OBJECT = FaultKind("not-an-object", "This must be an object.")
NOT_AN_ARRAY = FaultKind("not-an-array", "This must be an array.")
NOT_A_STRING = FaultKind("not-a-string", "This must be a string.")
NOT_A_BOOLEAN = FaultKind("not-a-boolean", "This must be true or false.")
NOT_A_MOMENT = FaultKind("not-a-moment", "This must be a date and time with its offset, e.g. 2026-01-31T09:00:00Z.")
EMPTY = FaultKind("empty", "This must not be empty.")
TOO_LONG = FaultKind("too-long", "This may have at most {most} characters.")
TOO_MANY_ENTRIES = FaultKind("too-many-entries", "This may have at most {most} entries.")
UNKNOWN_VALUE = FaultKind("unknown-value", "This is none of the {count} known values, which the documentation lists.")
MISSPELT_VALUE = FaultKind("misspelt-value", "This is not a known value; did you mean {near}?")
NONE_OF_VALUES = FaultKind("none-of-values", "This must be one of {known}.")
CONTROL_CHARACTERS = FaultKind("control-characters", "Leave out line breaks and other control characters.")
INVALID = FaultKind("invalid", "{reason}.")

FORM_KINDS = tuple(each for each in list(globals().values()) if isinstance(each, FaultKind))
"""The kinds of faults that any body of JSON can have."""

_FEW = 10
_MAX_SUGGESTIONS = 100
"""How many wrong values are compared with all known ones, which takes some milliseconds for each."""

_OF_PYDANTIC = frozenset(get_args(core_schema.ErrorType))
_KIND_OF = {
    "extra_forbidden": UNKNOWN_PROPERTY,
    "missing": MISSING_PROPERTY,
    "model_type": NOT_AN_OBJECT,
    "model_attributes_type": NOT_AN_OBJECT,
    "tuple_type": NOT_AN_ARRAY,
    "too_short": EMPTY,
    "string_type": NOT_A_STRING,
    "bool_type": NOT_A_BOOLEAN,
    "string_too_short": EMPTY,
}
"""The kind of each error of pydantic that needs no values."""

_NUMBERS = {
    "int_type": "This must be a whole number",
    "int_parsing": "This must be a whole number",
    "int_from_float": "This must be a whole number",
    "greater_than_equal": "This must be at least {ge}",
    "less_than_equal": "This must be at most {le}",
}
"""What is wrong with a number, by the error of pydantic."""


def faults_of(errors: Sequence[ErrorDetails]) -> list[Fault]:
    """Convert the errors of a pydantic validation into faults of the validated body, at most `MAX_FAULTS`.

    A list whose items are all invalid is reported by pydantic as too short as well. That second error is left out.
    """
    faulty = {error["loc"] for error in errors}
    own = (
        error
        for error in errors
        if error["type"] != "too_short" or not any(_is_inside(loc, error["loc"]) for loc in faulty)
    )
    return [_fault(error, suggests=index < _MAX_SUGGESTIONS) for index, error in enumerate(islice(own, MAX_FAULTS))]


def _is_inside(inner: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _fault(error: ErrorDetails, *, suggests: bool) -> Fault:
    place, kind = pointer(*error["loc"]), error["type"]
    if kind == "enum":
        known = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return _unknown_value(place, error.get("input"), known, suggests=suggests)
    if kind == "string_too_long":
        return TOO_LONG.at(place, most=error["ctx"]["max_length"])
    if kind == "too_long":
        return TOO_MANY_ENTRIES.at(place, most=error["ctx"]["max_length"])
    if kind.startswith("datetime_"):
        return NOT_A_MOMENT.at(place)
    if kind in _KIND_OF:
        return _KIND_OF[kind].at(place)
    if kind in _NUMBERS:
        return INVALID.at(place, reason=_NUMBERS[kind].format(**error.get("ctx", {})))
    if kind in _OF_PYDANTIC:
        return INVALID.at(place, reason=error["msg"].rstrip("."))
    return _fault_of_validator(place, error)


def _fault_of_validator(place: str, error: ErrorDetails) -> Fault:
    """Return the fault of an error that one of our validators raised, as `FaultKind.error` makes it."""
    values = {name: str(value) for name, value in error.get("ctx", {}).items()}
    return Fault(pointer=place, detail=error["msg"], code=error["type"], values=values or None)


def _unknown_value(place: str, value: object, known: list[str], *, suggests: bool) -> Fault:
    """List the known values if they are few, else suggest the nearest of them."""
    if len(known) <= _FEW:
        return NONE_OF_VALUES.at(place, known=", ".join(each if each.isalnum() else f"“{each}”" for each in known))
    near = difflib.get_close_matches(str(value), known, n=3) if suggests else []
    if near:
        return MISSPELT_VALUE.at(place, near=", ".join(near))
    return UNKNOWN_VALUE.at(place, count=len(known))
