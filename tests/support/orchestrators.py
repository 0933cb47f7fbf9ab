"""Runs orchestrators without a host: feeds them histories and returns the work that they schedule.

The handles are the ones that the function app registers. So the SDK runs our code as it does in production.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from exports.triggers.orchestrators import export_orchestrators
from exports.workflow.names import EXPORT_JOB, EXPORT_WAVE, WEBHOOK_DELIVERY
from tests.support.builders import NOON

Event = dict[str, Any]
Answers = Callable[[str, Any], Any]
"""Takes the name and the input of an activity. Returns its result, or raises an error to fail it."""

STARTED, EXECUTION_STARTED, COMPLETED_ACTIVITY, FAILED_ACTIVITY = 12, 0, 5, 6
SCHEDULED_ACTIVITY, CREATED_CHILD, CREATED_TIMER = 4, 7, 10
COMPLETED_CHILD, FAILED_CHILD, FIRED_TIMER = 8, 9, 11
_COMPOUND = {11, 12}
_SCHEDULING = {0: SCHEDULED_ACTIVITY, 2: CREATED_CHILD, 5: CREATED_TIMER}
_CONTINUE_AS_NEW = 4


@dataclass(frozen=True)
class Scheduled:
    """A piece of work that an orchestrator has scheduled. `input` is parsed; `at` is the moment when a timer fires."""

    kind: int
    name: str | None = None
    input: Any = None
    at: datetime | None = None


@dataclass
class Run:
    """The result of an orchestration: its output or the input with which it continued as new, and its work."""

    output: Any = None
    continued_with: Any = None
    scheduled: list[Scheduled] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)

    def names(self) -> list[str | None]:
        return [work.name for work in self.scheduled]

    def commands(self, activity: str) -> list[Any]:
        return [work.input["order"] for work in self.scheduled if work.name == activity]

    def pauses(self) -> list[datetime | None]:
        return [work.at for work in self.scheduled if work.kind == CREATED_TIMER]


def handles() -> dict[str, Callable[[Any], str]]:
    """Return the orchestrators of the app by name."""
    functions = export_orchestrators()._function_builders
    built = [builder.build() for builder in functions]
    found = {function.get_function_name(): function.get_user_function() for function in built}
    assert set(found) == {EXPORT_JOB, EXPORT_WAVE, WEBHOOK_DELIVERY}
    return found


def replay(orchestrator: str, history: list[Event], instance: str = "instance") -> Any:
    """Replay a history with an orchestrator. Return its answer, parsed."""
    body = {"history": history, "input": _input(history), "instanceId": instance, "isReplaying": False}
    body |= {"parentInstanceId": None, "upperSchemaVersion": 1, "upperSchemaVersionNew": 2}
    return json.loads(handles()[orchestrator](SimpleNamespace(body=json.dumps(body))))


def scheduled_by(answer: Any) -> list[Scheduled]:
    """Return the work that an answer schedules, in order."""
    return [_scheduled(action) for action in _leaves(answer["actions"][0]) if action["actionType"] in _SCHEDULING]


def run(orchestrator: str, payload: Any, answers: Answers, instance: str = "instance") -> Run:
    """Run an orchestrator to its end. Answer all scheduled work at once; run sub-orchestrations as well."""
    result, clock = Run(), NOON
    result.history = [_event(STARTED, clock), _started(orchestrator, payload, clock)]
    while True:
        answer = replay(orchestrator, result.history, instance)
        result.output = answer.get("output")
        again = [leaf for leaf in _leaves(answer["actions"][0]) if leaf["actionType"] == _CONTINUE_AS_NEW]
        if answer["isDone"]:
            result.continued_with = parsed(again[0]["input"]) if again else None
            return result
        new = scheduled_by(answer)[len(result.scheduled) :]
        assert new, "the orchestrator has not ended, but waits for no work"
        completions = [
            _complete(work, len(result.scheduled) + index, answers, instance) for index, work in enumerate(new)
        ]
        result.scheduled += new
        clock = max([clock + timedelta(milliseconds=10), *(work.at for work in new if work.at)])
        result.history += [_event(STARTED, clock), *({**each, "Timestamp": _text(clock)} for each in completions)]


def _complete(work: Scheduled, task: int, answers: Answers, instance: str) -> Event:
    if work.kind == CREATED_TIMER:
        assert work.at is not None
        return _event(FIRED_TIMER, NOON, TimerId=task, FireAt=_text(work.at))
    done, failed = (COMPLETED_ACTIVITY, FAILED_ACTIVITY)
    assert work.name is not None
    try:
        if work.kind == CREATED_CHILD:
            done, failed = (COMPLETED_CHILD, FAILED_CHILD)
            result = run(work.name, work.input, answers, f"{instance}:{task}").output
        else:
            result = answers(work.name, work.input)
    except Exception as error:
        return _event(failed, NOON, TaskScheduledId=task, Reason=str(error), Details="")
    return _event(done, NOON, TaskScheduledId=task, Result=json.dumps(result))


def _leaves(actions: list[Any]) -> Iterator[Any]:
    for action in actions:
        if action["actionType"] in _COMPOUND:
            yield from _leaves(action["compoundActions"])
        else:
            yield action


def _scheduled(action: Any) -> Scheduled:
    kind = _SCHEDULING[action["actionType"]]
    if kind == CREATED_TIMER:
        return Scheduled(kind, at=datetime.fromisoformat(action["fireAt"]))
    return Scheduled(kind, action["functionName"], parsed(action["input"]))


def parsed(value: Any) -> Any:
    """Parse an input, which is JSON inside a JSON string, once or twice."""
    while isinstance(value, str):
        value = json.loads(value)
    return value


def _input(history: list[Event]) -> Any:
    return json.dumps(parsed(next(event["Input"] for event in history if event["EventType"] == EXECUTION_STARTED)))


def _started(name: str, payload: Any, at: datetime) -> Event:
    return _event(EXECUTION_STARTED, at, Name=name, Version=None, Input=json.dumps(payload), Tags=None)


def _event(kind: int, at: datetime, **more: Any) -> Event:
    return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": _text(at), **more}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
