"""One episode of an orchestration: pure rules, no clock, no database.

A replay's reply lists every action since the execution began; the new ones get consecutive ids in that order. The SDK
counts the same ids silently, also for retries, which is why the batch is sorted: events that draw an id come before
those that resume user code. `docs/devhost.md` tells why.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devhost.actions import ActionType, FatalError, Leaf, Reply, fingerprint
from devhost.functions import FunctionTable
from devhost.history import EventType, event, iso
from devhost.models import Instance, Message, NewInstance, Open, Outcome, Parent

_CONTROL = {EventType.EXECUTION_TERMINATED, EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED}
_FAILURES = {EventType.TASK_FAILED, EventType.SUB_FAILED}
_ACTIVITIES = {ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY}
_SUBS = {ActionType.CALL_SUB, ActionType.CALL_SUB_WITH_RETRY}
_LONGEST_DETAIL = 2000  # a failure repeats its cause at every level of nesting


@dataclass
class Batch:
    """What an episode takes from the inbox: `events` in replay order, and all rows that are `consumed` by it."""

    events: list[Message] = field(default_factory=list)
    control: list[Message] = field(default_factory=list)
    consumed: list[int] = field(default_factory=list)


def gather(instance: Instance, messages: list[Message]) -> Batch:
    """Sort out what is due; a suspended instance takes control messages only.

    Changes the status of `instance` as the control messages say.
    """
    batch = Batch()
    for message in messages:
        if message.kind in _CONTROL:
            batch.control.append(message)
            _control(instance, message)
        elif not _is_stale(instance, message):
            batch.events.append(message)
    if instance.status == "Suspended":
        kept = {message.n for message in batch.events}
        batch.events = []
    else:
        kept = set()
        batch.events.sort(key=lambda message: _rank(instance, message))
    batch.consumed = [message.n for message in messages if message.n not in kept]
    return batch


def _control(instance: Instance, message: Message) -> None:
    if instance.finished:
        return
    if message.kind is EventType.EXECUTION_TERMINATED:
        instance.status = "Terminated"
        instance.output = json.loads(message.event)["Input"]
    elif message.kind is EventType.EXECUTION_SUSPENDED:
        instance.status = "Suspended"
    elif instance.status == "Suspended":
        instance.status = "Running"


def _is_stale(instance: Instance, message: Message) -> bool:
    if message.execution is not None and message.execution != instance.execution:
        return True
    return message.task is not None and message.task not in instance.open


def _rank(instance: Instance, message: Message) -> int:
    if message.kind is EventType.EXECUTION_STARTED:
        return 0
    return 1 if _draws_id(instance, message) else 2


def _draws_id(instance: Instance, message: Message) -> bool:
    if message.task is None:
        return False
    opened = instance.open[message.task]
    if message.kind in _FAILURES:
        return opened.attempts > 0
    return opened.kind == "retry" and opened.attempt < opened.attempts


class Episode:
    """Turns a batch and the reply of its replay into an outcome."""

    def __init__(self, instance: Instance, batch: Batch, functions: FunctionTable, now: float) -> None:
        self._instance = instance
        self._batch = batch
        self._functions = functions
        self._now = now
        self._new = [(EventType.ORCHESTRATOR_STARTED, event(EventType.ORCHESTRATOR_STARTED, now))]
        self._new += [(message.kind, message.event) for message in (*batch.control, *batch.events)]
        self._outcome = Outcome(instance, batch.consumed, history=list(self._new))

    def payload(self, history: list[str]) -> bytes:
        """The orchestrator's input, given the history before this episode."""
        instance = self._instance
        head = json.dumps(
            {
                "input": _sdk_input(instance.input),
                "instanceId": instance.id,
                "isReplaying": False,
                "parentInstanceId": instance.parent.id if instance.parent else None,
                "upperSchemaVersion": 1,
                "upperSchemaVersionNew": 2,
            }
        )
        events = ",".join([*history, *(text for _, text in self._new)])
        return f'{head[:-1]}, "history": [{events}]}}'.encode()

    def conclude(self, reply: Reply) -> Outcome:
        """What follows from the orchestrator's reply.

        Raises:
            FatalError: The reply contradicts the history, or asks for a function that does not exist.
        """
        instance, leaves = self._instance, reply.leaves
        if fingerprint(leaves[: instance.leaves]) != instance.fingerprint:
            raise FatalError("Non-Deterministic workflow detected: the replay asks for other work than was recorded")
        for message in self._batch.events:
            if message.task is not None:
                self._absorb(message, leaves)
        for index in range(instance.leaves, len(leaves)):
            self._schedule(leaves[index], index)
        self._cancel_timers(leaves)
        instance.leaves, instance.fingerprint = len(leaves), fingerprint(leaves)
        instance.custom = reply.custom_status
        self._settle(reply)
        return self._outcome

    def fail(self, error: str) -> Outcome:
        """End the instance as failed, whatever is still open. Use a fresh episode, not one that has concluded."""
        text = f"Orchestrator function '{self._instance.name}' failed: {error}"
        self._finish("Failed", text, Reason=text, Details=f"Message: {error[:_LONGEST_DETAIL]}, StackTrace: ")
        return self._outcome

    def terminate(self) -> Outcome:
        """End the instance as its control messages demanded."""
        reason = self._instance.output
        self._finish("Terminated", reason, Reason=reason, Details="")
        return self._outcome

    def record(self) -> Outcome:
        """Only note the control messages."""
        self._outcome.history = self._new[1:]
        return self._outcome

    def _absorb(self, message: Message, leaves: list[Leaf]) -> None:
        opened = self._instance.open.pop(message.task or 0)
        leaf = leaves[opened.leaf]
        if message.kind in _FAILURES and opened.attempts:
            # the SDK waits for this timer even after the last attempt; it then fires at once
            pause = leaf.retry_seconds if opened.attempt < opened.attempts else 0.0
            self._timer(self._now + pause, Open("retry", opened.leaf, opened.attempt, opened.attempts))
        elif opened.kind == "retry" and opened.attempt < opened.attempts:
            self._call(leaf, opened.leaf, opened.attempt + 1)

    def _schedule(self, leaf: Leaf, index: int) -> None:
        if leaf.type in _ACTIVITIES or leaf.type in _SUBS:
            self._call(leaf, index, 1)
        elif leaf.type is ActionType.CREATE_TIMER:
            self._timer(datetime.fromisoformat(leaf.fields["fireAt"]).timestamp(), Open("timer", index))

    def _call(self, leaf: Leaf, index: int, attempt: int) -> None:
        task = self._draw_id()
        if leaf.type in _ACTIVITIES:
            self._instance.open[task] = Open("activity", index, attempt, leaf.attempts)
            self._call_activity(leaf, task)
        else:
            self._instance.open[task] = Open("sub", index, attempt, leaf.attempts)
            self._call_sub(leaf, task)

    def _call_activity(self, leaf: Leaf, task: int) -> None:
        if self._functions.activity(leaf.name) is None:
            msg = f"The activity function '{leaf.name}' does not exist or has another kind of trigger."
            raise FatalError(msg)
        text = leaf.fields.get("input") or "null"
        self._note(EventType.TASK_SCHEDULED, task, Name=leaf.name, Version=None, Input=text)
        self._outcome.activities.append((task, leaf.name, text))

    def _call_sub(self, leaf: Leaf, task: int) -> None:
        if self._functions.orchestrator(leaf.name) is None:
            msg = f"The orchestrator function '{leaf.name}' does not exist or has another kind of trigger."
            raise FatalError(msg)
        me, version = self._instance, leaf.fields.get("version")
        child = leaf.fields.get("instanceId") or f"{me.execution}:{task:04x}"
        text = json.dumps(leaf.fields.get("input"))
        self._note(EventType.SUB_CREATED, task, Name=leaf.name, Version=version, InstanceId=child, Input=text)
        parent = Parent(me.id, me.execution, task)
        self._outcome.children.append(NewInstance(child, leaf.name, text, version, parent))

    def _timer(self, fire_at: float, opened: Open) -> None:
        task = self._draw_id()
        self._instance.open[task] = opened
        text = iso(fire_at)
        self._note(EventType.TIMER_CREATED, task, FireAt=text)
        fired = event(EventType.TIMER_FIRED, fire_at, TimerId=task, FireAt=text)
        self._outcome.timers.append((fire_at, task, fired))

    def _cancel_timers(self, leaves: list[Leaf]) -> None:
        opened = self._instance.open
        for task in [t for t, o in opened.items() if o.kind == "timer" and leaves[o.leaf].fields.get("isCanceled")]:
            del opened[task]
            self._outcome.cancelled.append(task)

    def _settle(self, reply: Reply) -> None:
        """End the execution if its code has ended and nothing is open any more."""
        instance = self._instance
        again = next((leaf for leaf in reply.leaves if leaf.type is ActionType.CONTINUE_AS_NEW), None)
        ended = reply.error is not None or reply.done
        if not ended or instance.open:
            instance.status = "Running"
        elif reply.error is not None:
            self.fail(reply.error)
        elif again:
            instance.status, instance.input = "Running", json.dumps(again.fields.get("input"))
            self._outcome.restart = True
        else:
            self._finish("Completed", reply.output)

    def _finish(self, status: str, output: str | None, **failure: str | None) -> None:
        instance = self._instance
        instance.status, instance.output, instance.open = status, output, {}
        self._note(EventType.EXECUTION_COMPLETED, -1, OrchestrationStatus=status, Result=output)
        if instance.parent is None:
            return
        kind = EventType.SUB_FAILED if failure else EventType.SUB_COMPLETED
        fields: dict[str, Any] = failure or {"Result": output}
        text = event(kind, self._now, TaskScheduledId=instance.parent.task, **fields)
        self._outcome.answer = (kind, text)

    def _note(self, kind: EventType, task: int, **fields: Any) -> None:
        self._outcome.history.append((kind, event(kind, self._now, task, **fields)))

    def _draw_id(self) -> int:
        task = self._instance.next
        self._instance.next += 1
        return task


def _sdk_input(raw: str | None) -> str | None:
    """The SDK wants text: a JSON string's content, or the JSON of anything else."""
    if raw is None:
        return None
    value = json.loads(raw)
    return value if isinstance(value, str) else json.dumps(value)
