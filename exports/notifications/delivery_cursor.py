"""The cursors of a list of tries: they sort as the delivery log does, and stay valid when tries are added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC

from exports.notifications.delivery import Delivery

_CURSOR = re.compile(r"[0-9]{6}-[0-9]{8}T[0-9]{12}-[0-9]{6}")


def is_delivery_cursor(text: str) -> bool:
    """Return whether a text has the form of a cursor."""
    return _CURSOR.fullmatch(text) is not None


def with_cursors(tries: Iterable[Delivery]) -> Iterator[tuple[str, Delivery]]:
    """Yield each try with its cursor: the attempt, the begin of the try, and a number that tells equal ones apart.

    Args:
        tries: The tries of one job, by attempt and begin.
    """
    previous, number = "", 0
    for each in tries:
        begin = f"{each.attempt:06d}-{each.moment.astimezone(UTC):%Y%m%dT%H%M%S%f}"
        number = number + 1 if begin == previous else 0
        previous = begin
        yield f"{begin}-{number:06d}", each
