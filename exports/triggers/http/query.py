"""Query parameters, read strictly: a wrong one is 400, never ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from exports.jobs.codes import is_job_code
from exports.triggers.http.problems import INVALID_QUERY
from shared.paging import BadTokenError, decode_token
from shared.problems import ProblemError

DEFAULT_LIMIT, MAX_LIMIT = 25, 100
_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of a list: at most `limit` items after the position `after`."""

    limit: int
    after: str | None


def values_of_query(url: str, name: str) -> list[str]:
    """All values of a parameter, in order."""
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return [value for key, value in query if key == name]


def refuse_unknown(url: str, known: Collection[str]) -> None:
    """See that a request has no query parameter but the known ones: a misspelt filter must not give everything.

    Raises:
        ProblemError: 400.
    """
    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name not in known:
            offer = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise ProblemError(INVALID_QUERY, f"This request has an unknown query parameter; {offer}.")


def one_of_query(name: str, value: str, known: Collection[str]) -> str:
    """Give the value if it is known.

    Raises:
        ProblemError: 400.
    """
    if value not in known:
        raise ProblemError(INVALID_QUERY, f"{name} must be one of {', '.join(known)}.")
    return value


def page_of_query(url: str, is_position: Callable[[str], bool] = is_job_code) -> PageQuery:
    """Read `limit` and `continuationToken` of a list; of jobs, unless told what a position is.

    Raises:
        ProblemError: 400.
    """
    limit = _last(url, "limit")
    if limit is not None and not (_WHOLE.fullmatch(limit) and 1 <= int(limit) <= MAX_LIMIT):
        raise ProblemError(INVALID_QUERY, f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return PageQuery(int(limit or DEFAULT_LIMIT), _position(_last(url, "continuationToken"), is_position))


def _last(url: str, name: str) -> str | None:
    return next(reversed(values_of_query(url, name)), None)


def _position(token: str | None, is_position: Callable[[str], bool]) -> str | None:
    if token is None:
        return None
    try:
        position = decode_token(token)
    except BadTokenError as error:
        raise ProblemError(INVALID_QUERY, str(error)) from None
    if not is_position(position):
        raise ProblemError(INVALID_QUERY, "The continuation token is not one of this list; start from the beginning.")
    return position
