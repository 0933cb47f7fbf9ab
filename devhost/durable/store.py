"""The durable state of orchestrations: instances, their history, their inbox, and scheduled activities."""

import time
import uuid
from collections.abc import Iterable

from devhost.database import Database
from devhost.durable.history import NOT_REPLAYED, EventType, event
from devhost.durable.models import Activity, Filter, Instance, Message, NewInstance, Outcome
from devhost.durable.rows import INSTANCE_COLUMNS, instance_from_row, row_from_instance, where_clause

_SKIPPED = ", ".join(str(int(kind)) for kind in NOT_REPLAYED)
_POST = "INSERT INTO inbox(id, execution, at, kind, task, event) VALUES(?, ?, ?, ?, ?, ?)"
_INSTANCE_VALUES = ", ".join("?" * INSTANCE_COLUMNS)
_PURGE = (
    "DELETE FROM history WHERE id = ?",
    "DELETE FROM inbox WHERE id = ?",
    "DELETE FROM tasks WHERE id = ?",
    "DELETE FROM instances WHERE id = ?",
)


class Store:
    """Reads and writes that state. Each public method that writes is one transaction, or part of the caller's."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection
        self.transaction = database.transaction

    # instances

    def create(self, new: NewInstance, *, replaces_running: bool = False) -> bool:
        """Start an instance, and replace a finished one that has the same id.

        Args:
            replaces_running: Whether to replace one that has not finished, too.

        Returns:
            False if an instance that must not be replaced uses the id.
        """
        with self.transaction():
            existing = self.instance(new.id)
            if existing and not existing.is_finished and not replaces_running:
                return False
            if existing:
                self.delete(new.id)
            self._begin(new)
        return True

    def instance(self, instance_id: str) -> Instance | None:
        row = self._db.execute("SELECT * FROM instances WHERE id = ?", (instance_id,)).fetchone()
        return instance_from_row(row) if row else None

    def find(self, query: Filter) -> list[Instance]:
        """Return the matching instances, ordered by their ids as the real API lists them."""
        where, values = where_clause(query)
        limit = -1 if query.top is None else query.top
        statement = f"SELECT * FROM instances WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608
        rows = self._db.execute(statement, (*values, limit))
        return [instance_from_row(row) for row in rows]

    def delete(self, instance_id: str) -> None:
        """Delete an instance with all its rows. Its running activities lose their token: their results are dropped."""
        with self.transaction():
            for statement in _PURGE:
                self._db.execute(statement, (instance_id,))

    def replay(self, instance_id: str) -> list[str]:
        """Return the history that the SDK needs for a replay, as JSON texts."""
        statement = f"SELECT event FROM history WHERE id = ? AND kind NOT IN ({_SKIPPED}) ORDER BY seq"  # noqa: S608
        return [row[0] for row in self._db.execute(statement, (instance_id,))]

    def history(self, instance_id: str) -> list[str]:
        """Return the whole history, as JSON texts."""
        return [
            row[0] for row in self._db.execute("SELECT event FROM history WHERE id = ? ORDER BY seq", (instance_id,))
        ]

    # messages

    def post(
        self, instance_id: str, kind: EventType, text: str, *, execution: str | None = None, task: int | None = None
    ) -> None:
        """Put a message that is due now into an instance's inbox."""
        self._db.execute(_POST, (instance_id, execution, time.time(), kind, task, text))

    def inbox(self, instance_id: str, now: float) -> list[Message]:
        """Return the messages that are due, in the order of their due times."""
        statement = "SELECT n, execution, kind, task, event FROM inbox WHERE id = ? AND at <= ? ORDER BY at, n"
        return [
            Message(number, execution, EventType(kind), task, text)
            for number, execution, kind, task, text in self._db.execute(statement, (instance_id, now))
        ]

    def count_due(self, instance_id: str, now: float) -> int:
        """Count the messages that are due."""
        return int(
            self._db.execute("SELECT count(*) FROM inbox WHERE id = ? AND at <= ?", (instance_id, now)).fetchone()[0]
        )

    def next_due(self, instance_id: str) -> float | None:
        """Return when the instance's first message is due, or None if it has no messages."""
        at: float | None = self._db.execute("SELECT min(at) FROM inbox WHERE id = ?", (instance_id,)).fetchone()[0]
        return at

    def all_due(self) -> list[tuple[str, float]]:
        """Return every instance that has messages, and when its first message is due."""
        return self._db.execute("SELECT id, min(at) FROM inbox GROUP BY id").fetchall()

    def clear_inbox(self, instance_id: str) -> None:
        self._db.execute("DELETE FROM inbox WHERE id = ?", (instance_id,))

    def discard(self, messages: Iterable[int]) -> None:
        """Delete the messages with these numbers."""
        with self.transaction():
            self._db.executemany("DELETE FROM inbox WHERE n = ?", ((number,) for number in messages))

    # episodes

    def commit(self, outcome: Outcome) -> list[str]:
        """Store the changes of one episode.

        Returns:
            The other instances that got a message from it. If the instance was purged or replaced during the episode,
            stores nothing and returns no instances.
        """
        instance = outcome.instance
        with self.transaction():
            known = self._db.execute("SELECT execution FROM instances WHERE id = ?", (instance.id,)).fetchone()
            if known is None or known[0] != instance.execution:
                return []
            self.discard(outcome.consumed)
            woken = self._restart(outcome) if outcome.restart else self._advance(outcome)
            if instance.is_finished:
                self.clear_inbox(instance.id)
            self._save(instance)
            return woken

    def _advance(self, outcome: Outcome) -> list[str]:
        instance, execution = outcome.instance, outcome.instance.execution
        rows = ((instance.id, instance.events + i, kind, text) for i, (kind, text) in enumerate(outcome.history))
        self._db.executemany("INSERT INTO history VALUES(?, ?, ?, ?)", rows)
        instance.events += len(outcome.history)
        self._db.executemany(
            "INSERT INTO tasks(id, execution, task, name, input) VALUES(?, ?, ?, ?, ?)",
            ((instance.id, execution, task, name, text) for task, name, text in outcome.activities),
        )
        self._db.executemany(
            _POST,
            ((instance.id, execution, at, EventType.TIMER_FIRED, task, text) for at, task, text in outcome.timers),
        )
        self._db.executemany(
            "DELETE FROM inbox WHERE id = ? AND execution = ? AND task = ? AND kind = 11",
            ((instance.id, execution, task) for task in outcome.cancelled),
        )
        return [self._start_child(child) for child in outcome.children] + self._post_to_parent(outcome)

    def _restart(self, outcome: Outcome) -> list[str]:
        """Begin a new execution. Messages without an execution, such as unread external events, stay in the inbox."""
        instance, now = outcome.instance, time.time()
        self._db.execute("DELETE FROM history WHERE id = ?", (instance.id,))
        self._db.execute("DELETE FROM inbox WHERE id = ? AND execution IS NOT NULL", (instance.id,))
        instance.execution = uuid.uuid4().hex
        instance.events = instance.next_task = instance.leaves = instance.fingerprint = 0
        self._post_start(instance, now)
        return []

    def _start_child(self, child: NewInstance) -> str:
        """Start a sub-orchestration, or tell its parent that the id is in use; return the instance to wake."""
        parent = child.parent
        if parent is None or self.create(child):
            return child.id
        now, reason = time.time(), f"An orchestration with the id {child.id!r} is running already."
        text = event(EventType.SUB_FAILED, now, TaskScheduledId=parent.task, Reason=reason, Details="")
        self.post(parent.id, EventType.SUB_FAILED, text, execution=parent.execution, task=parent.task)
        return parent.id

    def _post_to_parent(self, outcome: Outcome) -> list[str]:
        parent = outcome.instance.parent
        if parent is None or outcome.parent_event is None:
            return []
        kind, text = outcome.parent_event
        self.post(parent.id, kind, text, execution=parent.execution, task=parent.task)
        return [parent.id]

    def _begin(self, new: NewInstance) -> None:
        now = time.time()
        instance = Instance(
            id=new.id, name=new.name, version=new.version, status="Pending", input=new.raw_input, output=None,
            custom_status=None, execution=uuid.uuid4().hex, parent=new.parent, created=now, updated=now,
        )  # fmt: skip
        self._db.execute(f"INSERT INTO instances VALUES({_INSTANCE_VALUES})", row_from_instance(instance))
        self._post_start(instance, now)

    def _post_start(self, instance: Instance, now: float) -> None:
        text = _execution_started(now, instance)
        self.post(instance.id, EventType.EXECUTION_STARTED, text, execution=instance.execution)

    def _save(self, instance: Instance) -> None:
        instance.updated = time.time()
        self._db.execute(f"REPLACE INTO instances VALUES({_INSTANCE_VALUES})", row_from_instance(instance))

    # activities

    def pending_activities(self) -> list[int]:
        """Return the numbers of all activities that have not reported a result, oldest first."""
        return [row[0] for row in self._db.execute("SELECT n FROM tasks ORDER BY n")]

    def activities_of(self, instance_id: str, after: int) -> list[int]:
        """Return the numbers of an instance's activities that are newer than number `after`."""
        statement = "SELECT n FROM tasks WHERE id = ? AND n > ? ORDER BY n"
        return [row[0] for row in self._db.execute(statement, (instance_id, after))]

    def activity(self, number: int) -> Activity | None:
        statement = "SELECT n, id, execution, task, name, input, deaths FROM tasks WHERE n = ?"
        row = self._db.execute(statement, (number,)).fetchone()
        return Activity(*row) if row else None

    def count_worker_death(self, number: int) -> None:
        """Note that a worker died while it ran this activity."""
        self._db.execute("UPDATE tasks SET deaths = deaths + 1 WHERE n = ?", (number,))

    def complete_activities(self, completions: Iterable[tuple[Activity, EventType, str]]) -> None:
        """Deliver results to the instances' inboxes; drop the result of each activity whose token is gone."""
        with self.transaction():
            for activity, kind, text in completions:
                if self._db.execute("DELETE FROM tasks WHERE n = ?", (activity.number,)).rowcount:
                    self.post(activity.instance_id, kind, text, execution=activity.execution, task=activity.task)


def _execution_started(now: float, instance: Instance) -> str:
    parent = {"OrchestrationInstance": {"InstanceId": instance.parent.id}} if instance.parent else None
    return event(
        EventType.EXECUTION_STARTED,
        now,
        Name=instance.name,
        Version=instance.version,
        Input=instance.input,
        Tags=None,
        OrchestrationInstance={"InstanceId": instance.id, "ExecutionId": instance.execution},
        ParentInstance=parent,
    )
