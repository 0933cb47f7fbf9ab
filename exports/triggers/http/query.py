"""Parses query parameters strictly: a wrong parameter is a 400, and none is ignored.

OpenStack's guidelines for APIs ask for the same (“Failure Code Clarifications”): a parameter that is ignored gives an
answer that the client does not expect. OAuth (RFC 6749, section 5.2) answers 400 if a request repeats a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from exports.triggers.http.problems import INVALID_QUERY
from exports.triggers.http.routes import Parameter
from shared.lists import BadTokenError, decode_token
from shared.problems import ProblemError

Member = TypeVar("Member", bound=StrEnum)

DEFAULT_LIMIT, MAX_LIMIT = 25, 100
LIST_PARAMETERS = (
    Parameter("limit", "query", "The most items to return", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}),
    Parameter(
        "continuationToken",
        "query",
        "`continuationToken` of the previous answer: the list continues there",
        {"type": "string"},
    ),
)
"""The parameters of every list."""

_MAX_TEXT_CHARACTERS = 200
_TEXT_PATTERN = r"^[^\x00-\x1f\x7f]+$"
TEXT: Mapping[str, Any] = {"type": "string", "maxLength": _MAX_TEXT_CHARACTERS, "pattern": _TEXT_PATTERN}
"""The schema of a parameter that `text_of_query` reads."""

DAY: Mapping[str, Any] = {"type": "string", "format": "date"}
"""The schema of a parameter that `day_of_query` reads."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which part of a list the caller wants: at most `limit` items after the cursor `after`."""

    limit: int
    after: str | None


def values_of_query(url: str, name: str) -> list[str]:
    """Return all values of a parameter, in order.

    Raises:
        ProblemError: 400: a parameter is not in UTF-8.
    """
    return [value for key, value in _pairs(url) if key == name]


def refuse_unknown(url: str, known: Collection[str]) -> None:
    """Refuse a query that has unknown parameters: if a misspelt filter were ignored, the list would not be filtered.

    Raises:
        ProblemError: 400.
    """
    for name, _ in _pairs(url):
        if name not in known:
            offer = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise ProblemError(INVALID_QUERY, f"This request has an unknown query parameter; {offer}.")


def require_one_of(name: str, value: str, known: Collection[str]) -> str:
    """Return the value of a parameter if it is a known one.

    Raises:
        ProblemError: 400.
    """
    if value not in known:
        raise ProblemError(INVALID_QUERY, f"{name} must be one of {', '.join(known)}.")
    return value


def members_parameter(name: str, meaning: str, members: type[StrEnum]) -> Parameter:
    """Describe a parameter that `members_of_query` reads."""
    schema = {"type": "array", "items": {"type": "string", "enum": [member.value for member in members]}}
    return Parameter(name, "query", f"{meaning}; may be repeated", schema)


def members_of_query(url: str, name: str, members: type[Member]) -> list[Member]:
    """Return the members of an enumeration that a parameter names, which may be repeated.

    Raises:
        ProblemError: 400.
    """
    known = [member.value for member in members]
    return [members(require_one_of(name, value, known)) for value in values_of_query(url, name)]


def text_of_query(url: str, name: str) -> str | None:
    """Return the text of a parameter; None if the request does not have it.

    Raises:
        ProblemError: 400.
    """
    text = _only(url, name)
    if text is not None and not (len(text) <= _MAX_TEXT_CHARACTERS and re.fullmatch(_TEXT_PATTERN, text)):
        detail = f"{name} must be text of 1 to {_MAX_TEXT_CHARACTERS} characters, without control characters."
        raise ProblemError(INVALID_QUERY, detail)
    return text


def flag_of_query(url: str, name: str, *, default: bool) -> bool:
    """Return whether a parameter is `true`; the default if the request does not have it.

    Raises:
        ProblemError: 400.
    """
    text = _only(url, name)
    return default if text is None else require_one_of(name, text, ("true", "false")) == "true"


def day_of_query(url: str, name: str) -> date | None:
    """Return the day that a parameter names; None if the request does not have it.

    Raises:
        ProblemError: 400.
    """
    text = _only(url, name)
    try:
        if text is None or _DAY.fullmatch(text):
            return None if text is None else date.fromisoformat(text)
    except ValueError:
        pass
    raise ProblemError(INVALID_QUERY, f"{name} must be a day of the calendar, as 2026-01-31.")


def parse_list_query(url: str, is_cursor: Callable[[str], bool] = lambda _: True) -> ListQuery:
    """Parse `limit` and `continuationToken` of a list.

    Args:
        is_cursor: Says whether a text has the form of a cursor of this list. In a list by name any text has.

    Raises:
        ProblemError: 400.
    """
    limit = _only(url, "limit")
    if limit is not None and not (_WHOLE_NUMBER.fullmatch(limit) and 1 <= int(limit) <= MAX_LIMIT):
        raise ProblemError(INVALID_QUERY, f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return ListQuery(int(limit or DEFAULT_LIMIT), _cursor(_only(url, "continuationToken"), is_cursor))


def _pairs(url: str) -> list[tuple[str, str]]:
    """Return the names and values of all parameters. Bytes that are no UTF-8 would be read as text that nobody sent.

    Raises:
        ProblemError: 400.
    """
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        detail = "Percent-encode the query as UTF-8: ü is %C3%BC."
        raise ProblemError(INVALID_QUERY, detail) from None


def _only(url: str, name: str) -> str | None:
    """Return the value of a parameter that has one value; None if the request does not have it.

    Raises:
        ProblemError: 400.
    """
    values = values_of_query(url, name)
    if len(values) > 1:
        raise ProblemError(INVALID_QUERY, f"{name} is given more than once; send it once.")
    return values[0] if values else None


def _cursor(token: str | None, is_cursor: Callable[[str], bool]) -> str | None:
    if token is None:
        return None
    try:
        cursor = decode_token(token)
    except BadTokenError as error:
        raise ProblemError(INVALID_QUERY, str(error)) from None
    if not is_cursor(cursor):
        raise ProblemError(INVALID_QUERY, "The continuation token is not one of this list; start from the beginning.")
    return cursor
