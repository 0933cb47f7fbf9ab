"""Reads an orchestrator's reply: reduces the actions that its replay asks for to a flat list of leaf actions."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

# The SDK raises a failed orchestrator's state as the text of an exception, behind this label.
_STATE_LABEL = "\n\n$OutOfProcData$:"


class ActionType(IntEnum):
    """The SDK's numbers for actions."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB = 2
    CALL_SUB_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    SCHEDULED_SIGNAL = 10
    WHEN_ANY = 11
    WHEN_ALL = 12


_UNSUPPORTED = {
    ActionType.CALL_ENTITY: "entities",
    ActionType.SIGNAL_ENTITY: "entities",
    ActionType.SCHEDULED_SIGNAL: "entities",
    ActionType.CALL_HTTP: "call_http",
}


class FatalError(Exception):
    """Fails the orchestration at once, with all its open tasks. The orchestrator's code cannot catch it."""


@dataclass(frozen=True)
class Leaf:
    """One action that is not a WhenAny or WhenAll."""

    type: ActionType
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.fields.get("functionName", ""))

    @property
    def event_name(self) -> str:
        """The name of the external event that it waits for, in lower case; empty for other actions."""
        return str(self.fields.get("externalEventName", "")).lower()

    @property
    def max_attempts(self) -> int:
        """Attempts allowed; 0 for a call without retry options."""
        options = self.fields.get("retryOptions")
        return max(1, int(options["maxNumberOfAttempts"])) if options else 0

    @property
    def retry_seconds(self) -> float:
        return float(self.fields["retryOptions"]["firstRetryIntervalInMilliseconds"]) / 1000


@dataclass(frozen=True)
class Reply:
    """The state of an orchestrator's code after a replay. If `error` is set the code failed, even if `done` is false.

    Attributes:
        leaves: All actions since the execution began. A later replay returns the same list with new actions at its end.
    """

    leaves: list[Leaf]
    done: bool
    output: str | None
    error: str | None
    custom_status: str | None


def parse_reply(text: str) -> Reply:
    """Parse the state that an orchestrator returned.

    Raises:
        FatalError: The orchestrator asks for a feature that devhost does not support.
    """
    state = json.loads(text)
    actions = state.get("actions") or [[]]
    return Reply(
        leaves=list(_flatten(actions[0])),
        done=bool(state.get("isDone")),
        output=_json_or_none(state.get("output")),
        error=state.get("error"),
        custom_status=_json_or_none(state.get("customStatus")),
    )


def parse_failure(text: str) -> Reply:
    """Parse the state inside the exception that the SDK raises.

    Reads the text behind the last label, because the texts of nested failures may hold labels of their own.

    Raises:
        FatalError: The exception holds no state, because it was not raised by the orchestrator's own code.
    """
    _, label, state = text.rpartition(_STATE_LABEL)
    if not label:
        raise FatalError(text)
    return parse_reply(state)


def fingerprint(leaves: list[Leaf]) -> int:
    """Return a number that differs if the kinds or names of the actions differ."""
    return zlib.crc32("|".join(f"{int(leaf.type)}{leaf.name}" for leaf in leaves).encode())


def _flatten(actions: list[dict[str, Any]]) -> Iterator[Leaf]:
    for action in actions:
        kind = ActionType(action["actionType"])
        if kind in (ActionType.WHEN_ANY, ActionType.WHEN_ALL):
            yield from _flatten(action["compoundActions"])
        elif kind in _UNSUPPORTED:
            msg = f"devhost does not support {_UNSUPPORTED[kind]}"
            raise FatalError(msg)
        else:
            yield Leaf(kind, action)


def _json_or_none(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
