"""The rules of one episode of an orchestration, without clock or database.

A replay's reply lists every action since the execution began. Each new action gets the next task id, in the order of
that list. The SDK counts task ids in the same way without reporting them, and it also counts one for each retry. The
batch is therefore sorted: events that take a task id come before events that resume user code. `docs/devhost.md`
explains this rule.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devhost.durable.actions import ActionType, FatalError, Leaf, Reply, fingerprint
from devhost.durable.history import EventType, event, external_event_name, iso
from devhost.durable.models import Instance, Message, NewInstance, OpenTask, Outcome, Parent
from devhost.functions import FunctionTable

_CONTROL = {EventType.EXECUTION_TERMINATED, EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED}
_FAILURES = {EventType.TASK_FAILED, EventType.SUB_FAILED}
_ACTIVITIES = {ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY}
_SUBS = {ActionType.CALL_SUB, ActionType.CALL_SUB_WITH_RETRY}
_MAX_DETAIL_CHARACTERS = 2000  # a failure repeats the text of its cause at every level of nesting


@dataclass
class Batch:
    """The messages that an episode takes from the inbox.

    Attributes:
        events: Messages for the orchestrator's code, in replay order.
        control: Terminate, suspend and resume.
        consumed: Numbers of all messages that the episode uses up.
    """

    events: list[Message] = field(default_factory=list)
    control: list[Message] = field(default_factory=list)
    consumed: list[int] = field(default_factory=list)


def gather(instance: Instance, messages: list[Message]) -> Batch:
    """Sort the messages that are due into a batch. A suspended instance takes control messages only.

    Changes the status of `instance` as the control messages demand.
    """
    batch = Batch()
    for message in messages:
        if message.kind in _CONTROL:
            batch.control.append(message)
            _control(instance, message)
        elif not _is_stale(instance, message):
            batch.events.append(message)
    if instance.status == "Suspended":
        kept = {message.number for message in batch.events}
        batch.events = []
    else:
        kept = set()
        batch.events.sort(key=lambda message: _rank(instance, message))
    batch.consumed = [message.number for message in messages if message.number not in kept]
    return batch


def _control(instance: Instance, message: Message) -> None:
    if instance.is_finished:
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
    return 1 if _takes_task_id(instance, message) else 2


def _takes_task_id(instance: Instance, message: Message) -> bool:
    if message.task is None:
        return False
    task = instance.open[message.task]
    if message.kind in _FAILURES:
        return task.max_attempts > 0
    return task.kind == "retry" and task.attempt < task.max_attempts


class Episode:
    """Computes the outcome of a batch, from the reply of its replay where one is needed."""

    def __init__(self, instance: Instance, batch: Batch, functions: FunctionTable, now: float) -> None:
        self._instance = instance
        self._batch = batch
        self._functions = functions
        self._now = now
        self._history: list[str] = []
        self._new = [(EventType.ORCHESTRATOR_STARTED, event(EventType.ORCHESTRATOR_STARTED, now))]
        self._new += [(message.kind, message.event) for message in (*batch.control, *batch.events)]
        self._outcome = Outcome(instance, batch.consumed, history=list(self._new))

    def payload(self, history: list[str]) -> bytes:
        """Return the orchestrator's input.

        Args:
            history: The history before this episode.
        """
        instance = self._instance
        self._history = history
        head = json.dumps(
            {
                # As in production: the SDK for Python reads text and objects, and fails on lists, numbers and booleans.
                "input": None if instance.input is None else json.loads(instance.input),
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
        """Return the outcome of the orchestrator's reply.

        Raises:
            FatalError: The reply contradicts the history, or asks for a function that does not exist.
        """
        instance, leaves = self._instance, reply.leaves
        if fingerprint(leaves[: instance.leaves]) != instance.fingerprint:
            raise FatalError(
                "Non-Deterministic workflow detected: the replay asks for different work than was recorded"
            )
        for message in self._batch.events:
            if message.task is not None:
                self._close_task(message, leaves)
        for index in range(instance.leaves, len(leaves)):
            self._schedule(leaves[index], index)
        self._cancel_timers(leaves)
        instance.leaves, instance.fingerprint = len(leaves), fingerprint(leaves)
        instance.custom_status = reply.custom_status
        self._settle(reply)
        return self._outcome

    def fail(self, error: str) -> Outcome:
        """End the instance as failed, with all its open tasks. Call this on a fresh episode, before `conclude`."""
        text = f"Orchestrator function '{self._instance.name}' failed: {error}"
        self._finish("Failed", text, Reason=text, Details=f"Message: {error[:_MAX_DETAIL_CHARACTERS]}, StackTrace: ")
        return self._outcome

    def terminate(self) -> Outcome:
        """End the instance as its control messages demand."""
        reason = self._instance.output
        self._finish("Terminated", reason, Reason=reason, Details="")
        return self._outcome

    def record(self) -> Outcome:
        """Add the control messages to the history, and change nothing else."""
        self._outcome.history = self._new[1:]
        return self._outcome

    def _close_task(self, message: Message, leaves: list[Leaf]) -> None:
        """Close the task that the message answers; open the pause or the attempt that follows it."""
        task = self._instance.open.pop(message.task or 0)
        leaf = leaves[task.leaf]
        if message.kind in _FAILURES and task.max_attempts:
            # The SDK waits for this timer even after the last attempt. The timer then fires at once.
            pause = leaf.retry_seconds if task.attempt < task.max_attempts else 0.0
            self._timer(self._now + pause, OpenTask("retry", task.leaf, task.attempt, task.max_attempts))
        elif task.kind == "retry" and task.attempt < task.max_attempts:
            self._call(leaf, task.leaf, task.attempt + 1)

    def _schedule(self, leaf: Leaf, index: int) -> None:
        if leaf.type in _ACTIVITIES or leaf.type in _SUBS:
            self._call(leaf, index, 1)
        elif leaf.type is ActionType.CREATE_TIMER:
            self._timer(datetime.fromisoformat(leaf.fields["fireAt"]).timestamp(), OpenTask("timer", index))

    def _call(self, leaf: Leaf, index: int, attempt: int) -> None:
        task = self._take_task_id()
        if leaf.type in _ACTIVITIES:
            self._instance.open[task] = OpenTask("activity", index, attempt, leaf.max_attempts)
            self._call_activity(leaf, task)
        else:
            self._instance.open[task] = OpenTask("sub", index, attempt, leaf.max_attempts)
            self._call_sub(leaf, task)

    def _call_activity(self, leaf: Leaf, task: int) -> None:
        if self._functions.activity(leaf.name) is None:
            msg = f"The activity function '{leaf.name}' does not exist or has another kind of trigger."
            raise FatalError(msg)
        text = leaf.fields.get("input") or "null"
        self._add_event(EventType.TASK_SCHEDULED, task, Name=leaf.name, Version=None, Input=text)
        self._outcome.activities.append((task, leaf.name, text))

    def _call_sub(self, leaf: Leaf, task: int) -> None:
        if self._functions.orchestrator(leaf.name) is None:
            msg = f"The orchestrator function '{leaf.name}' does not exist or has another kind of trigger."
            raise FatalError(msg)
        instance, version = self._instance, leaf.fields.get("version")
        child = leaf.fields.get("instanceId") or f"{instance.execution}:{task:x}"
        text = json.dumps(leaf.fields.get("input"))
        self._add_event(EventType.SUB_CREATED, task, Name=leaf.name, Version=version, InstanceId=child, Input=text)
        parent = Parent(instance.id, instance.execution, task)
        self._outcome.children.append(NewInstance(child, leaf.name, text, version, parent))

    def _timer(self, fire_at: float, open_task: OpenTask) -> None:
        task = self._take_task_id()
        self._instance.open[task] = open_task
        text = iso(fire_at)
        self._add_event(EventType.TIMER_CREATED, task, FireAt=text)
        fired = event(EventType.TIMER_FIRED, fire_at, TimerId=task, FireAt=text)
        self._outcome.timers.append((fire_at, task, fired))

    def _cancel_timers(self, leaves: list[Leaf]) -> None:
        open_tasks = self._instance.open
        for task in [t for t, o in open_tasks.items() if o.kind == "timer" and leaves[o.leaf].fields.get("isCanceled")]:
            del open_tasks[task]
            self._outcome.cancelled.append(task)

    def _settle(self, reply: Reply) -> None:
        """End the execution if its code has ended and no task is open."""
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
            unread = self._unread_events(reply.leaves)
            self._outcome.consumed = [number for number in self._outcome.consumed if number not in unread]
        else:
            self._finish("Completed", reply.output)

    def _unread_events(self, leaves: list[Leaf]) -> set[int]:
        """Return the numbers of the external events that the next execution reads.

        These are the events of this batch behind the last message that resumed the code. Like the real engine, this
        drops an event that arrived before that message and that the code did not wait for.
        """
        waits = Counter(leaf.event_name for leaf in leaves if leaf.type is ActionType.WAIT_FOR_EVENT)
        waits.subtract(name for name in map(external_event_name, self._history) if name)
        unread: set[int] = set()
        for message in self._batch.events:
            if message.kind is not EventType.EVENT_RAISED:
                unread.clear()
                continue
            name = external_event_name(message.event)
            if waits[name] > 0:
                waits[name] -= 1
                unread.clear()
            else:
                unread.add(message.number)
        return unread

    def _finish(self, status: str, output: str | None, **failure: str | None) -> None:
        instance = self._instance
        instance.status, instance.output, instance.open = status, output, {}
        self._add_event(EventType.EXECUTION_COMPLETED, -1, OrchestrationStatus=status, Result=output)
        if instance.parent is None:
            return
        kind = EventType.SUB_FAILED if failure else EventType.SUB_COMPLETED
        fields: dict[str, Any] = failure or {"Result": output}
        text = event(kind, self._now, TaskScheduledId=instance.parent.task, **fields)
        self._outcome.parent_event = (kind, text)

    def _add_event(self, kind: EventType, task: int, **fields: Any) -> None:
        self._outcome.history.append((kind, event(kind, self._now, task, **fields)))

    def _take_task_id(self) -> int:
        task = self._instance.next_task
        self._instance.next_task += 1
        return task
