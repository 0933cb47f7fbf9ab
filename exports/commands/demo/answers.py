"""Checks of the service's answers, for the export that `dev.py run` shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.local_http import Answer


class DemoError(Exception):
    """The service did not do what the demo asked for. The message tells the user what it did instead."""


def expect(answer: Answer, statuses: Iterable[int], action: str) -> Answer:
    """Return the answer if its status is one of `statuses`.

    Args:
        action: What the request was meant to do, for the message.

    Raises:
        DemoError: The status is another one.
    """
    if answer.status in statuses:
        return answer
    message = f"{action} failed with HTTP status {answer.status}:\n    {answer.text}"
    raise DemoError(message)


def json_object(answer: Answer) -> dict[str, Any]:
    """Return the JSON object in the body.

    Raises:
        DemoError: The body is not a JSON object.
    """
    content = json.loads(answer.body)
    if not isinstance(content, dict):
        message = f"Expected a JSON object, got: {answer.text}"
        raise DemoError(message)
    return content
