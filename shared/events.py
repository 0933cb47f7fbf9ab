"""Writes the events of the service to the log: one line for each thing that happened. `docs/events.md` lists them.

A line is `event=NAME` and then pairs `key=value`, separated by one space, in a fixed order:

    event=job.ended request=4f1c tenant=northwind job=7yb attempt=1 status=Completed rows=120 bytes=9000 seconds=1.5

A value with a space, `"`, `=` or a character that is not printable is a JSON string. Absent values are left out.
`parse-kv` of Kusto reads such lines. Events never contain a secret, data of clients, or a link.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime

from shared.request_ids import current_request

FIELDS = (
    "request",
    "tenant",
    "job",
    "schedule",
    "mapping",
    "page",
    "attempt",
    "status",
    "rows",
    "bytes",
    "seconds",
    "error",
)
"""The fields that events share, in their order. Other fields follow in the order of the alphabet."""

_NEEDS_QUOTES = re.compile(r'[\s"=]')
_DECIMALS = 3
_log = logging.getLogger(__name__)


def emit(event: str, level: int = logging.INFO, *, cause: BaseException | None = None, **fields: object) -> None:
    """Write an event to the log. Its name must be a literal, because a test compares all calls with `docs/events.md`.

    Args:
        cause: The error behind the event. The log shows its traceback after the line of the event.
        fields: The values by name; None: absent. A `request` counts only outside of a request.
    """
    if _log.isEnabledFor(level):
        _log.log(level, "%s", line_of(event, fields), exc_info=cause, stacklevel=2)


def line_of(event: str, fields: dict[str, object]) -> str:
    """Return the line of an event."""
    known = {**fields, "request": current_request() or fields.get("request")}
    names = [*FIELDS, *sorted(known.keys() - set(FIELDS))]
    pairs = [f"{name}={_text_of(known[name])}" for name in names if known.get(name) is not None]
    return " ".join([f"event={event}", *pairs])


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(round(value, _DECIMALS))
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return json.dumps(text) if not text or not text.isprintable() or _NEEDS_QUOTES.search(text) else text
