"""All durable state, in one SQLite file that this process alone writes.

WAL with synchronous=NORMAL survives the death of the process at any moment (a power cut may lose the last commits).
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

from devhost.functions import StartupError
from devhost.history import NOT_REPLAYED, EventType, event
from devhost.models import Activity, Filter, Instance, Message, NewInstance, Open, Outcome, Parent

_VERSION = 1
_SCHEMA = """
CREATE TABLE instances(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT, status TEXT NOT NULL, input TEXT, output TEXT, custom TEXT,
  execution TEXT NOT NULL, parent TEXT, parent_execution TEXT, parent_task INTEGER, created REAL NOT NULL,
  updated REAL NOT NULL, next INTEGER NOT NULL, leaves INTEGER NOT NULL, fingerprint INTEGER NOT NULL,
  events INTEGER NOT NULL, open TEXT NOT NULL);
CREATE INDEX instances_created ON instances(created);
CREATE TABLE history(
  id TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY(id, seq)
) WITHOUT ROWID;
CREATE TABLE inbox(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT, at REAL NOT NULL, kind INTEGER NOT NULL,
  task INTEGER, event TEXT NOT NULL);
CREATE INDEX inbox_due ON inbox(id, at);
CREATE TABLE tasks(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT NOT NULL, task INTEGER NOT NULL,
  name TEXT NOT NULL, input TEXT NOT NULL, deaths INTEGER NOT NULL DEFAULT 0);
CREATE INDEX tasks_of ON tasks(id);
CREATE TABLE timers(name TEXT PRIMARY KEY, schedule TEXT NOT NULL, last REAL, next REAL NOT NULL);
"""
_SKIPPED = ", ".join(str(int(kind)) for kind in NOT_REPLAYED)
_POST = "INSERT INTO inbox(id, execution, at, kind, task, event) VALUES(?, ?, ?, ?, ?, ?)"
_PURGE = (
    "DELETE FROM history WHERE id = ?",
    "DELETE FROM inbox WHERE id = ?",
    "DELETE FROM tasks WHERE id = ?",
    "DELETE FROM instances WHERE id = ?",
)


class Store:
    """Every public method that writes is one transaction, unless it runs inside `transaction`."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000;")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            msg = f"{path} was written by another version of devhost; delete it to start afresh"
            raise StartupError(msg)
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # instances

    def create(self, new: NewInstance) -> bool:
        """Start an instance; a finished one of the same id gives way. False if that id is in use."""
        with self.transaction():
            existing = self.instance(new.id)
            if existing and not existing.finished:
                return False
            if existing:
                self.delete(new.id)
            self._begin(new)
        return True

    def instance(self, instance_id: str) -> Instance | None:
        row = self._db.execute("SELECT * FROM instances WHERE id = ?", (instance_id,)).fetchone()
        return _instance(row) if row else None

    def find(self, query: Filter) -> list[Instance]:
        """Matching instances, oldest first."""
        where, values = _where(query)
        limit = -1 if query.top is None else query.top
        statement = f"SELECT * FROM instances WHERE {where} ORDER BY created LIMIT ?"  # noqa: S608
        rows = self._db.execute(statement, (*values, limit))
        return [_instance(row) for row in rows]

    def delete(self, instance_id: str) -> None:
        """Forget an instance and everything of it. Its activities in flight lose their token."""
        with self.transaction():
            for statement in _PURGE:
                self._db.execute(statement, (instance_id,))

    def replay(self, instance_id: str) -> list[str]:
        """The history the SDK needs, as JSON texts."""
        statement = f"SELECT event FROM history WHERE id = ? AND kind NOT IN ({_SKIPPED}) ORDER BY seq"  # noqa: S608
        return [row[0] for row in self._db.execute(statement, (instance_id,))]

    def history(self, instance_id: str) -> list[str]:
        return [
            row[0] for row in self._db.execute("SELECT event FROM history WHERE id = ? ORDER BY seq", (instance_id,))
        ]

    # messages

    def post(
        self, instance_id: str, kind: EventType, text: str, *, execution: str | None = None, task: int | None = None
    ) -> None:
        self._db.execute(_POST, (instance_id, execution, time.time(), kind, task, text))

    def inbox(self, instance_id: str, now: float) -> list[Message]:
        """What is due, in the order of its due time."""
        statement = "SELECT n, execution, kind, task, event FROM inbox WHERE id = ? AND at <= ? ORDER BY at, n"
        return [
            Message(n, execution, EventType(kind), task, text)
            for n, execution, kind, task, text in self._db.execute(statement, (instance_id, now))
        ]

    def waiting(self, instance_id: str, now: float) -> int:
        """How many messages are due."""
        return int(
            self._db.execute("SELECT count(*) FROM inbox WHERE id = ? AND at <= ?", (instance_id, now)).fetchone()[0]
        )

    def next_due(self, instance_id: str) -> float | None:
        at: float | None = self._db.execute("SELECT min(at) FROM inbox WHERE id = ?", (instance_id,)).fetchone()[0]
        return at

    def all_due(self) -> list[tuple[str, float]]:
        """Every instance with messages, and when the first of them is due."""
        return self._db.execute("SELECT id, min(at) FROM inbox GROUP BY id").fetchall()

    def clear_inbox(self, instance_id: str) -> None:
        self._db.execute("DELETE FROM inbox WHERE id = ?", (instance_id,))

    def discard(self, messages: Iterable[int]) -> None:
        with self.transaction():
            self._db.executemany("DELETE FROM inbox WHERE n = ?", ((n,) for n in messages))

    # episodes

    def commit(self, outcome: Outcome) -> list[str]:
        """Store what an episode changed.

        Returns:
            Other instances that got a message by it. Nothing is stored if the instance was purged or replaced
            meanwhile.
        """
        instance = outcome.instance
        with self.transaction():
            known = self._db.execute("SELECT execution FROM instances WHERE id = ?", (instance.id,)).fetchone()
            if known is None or known[0] != instance.execution:
                return []
            self.discard(outcome.consumed)
            woken = self._restart(outcome) if outcome.restart else self._advance(outcome)
            if instance.finished:
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
        return [self._start_child(child) for child in outcome.children] + self._answer(outcome)

    def _restart(self, outcome: Outcome) -> list[str]:
        instance, now = outcome.instance, time.time()
        self._db.execute("DELETE FROM history WHERE id = ?", (instance.id,))
        self._db.execute("DELETE FROM inbox WHERE id = ? AND execution IS NOT NULL", (instance.id,))
        instance.execution = uuid.uuid4().hex
        instance.events = instance.next = instance.leaves = instance.fingerprint = 0
        self._post_start(instance, now)
        return []

    def _start_child(self, child: NewInstance) -> str:
        parent = child.parent
        if parent is None or self.create(child):
            return child.id
        now, reason = time.time(), f"An orchestration with the id {child.id!r} is running already."
        text = event(EventType.SUB_FAILED, now, TaskScheduledId=parent.task, Reason=reason, Details="")
        self.post(parent.id, EventType.SUB_FAILED, text, execution=parent.execution, task=parent.task)
        return parent.id

    def _answer(self, outcome: Outcome) -> list[str]:
        parent = outcome.instance.parent
        if parent is None or outcome.answer is None:
            return []
        kind, text = outcome.answer
        self.post(parent.id, kind, text, execution=parent.execution, task=parent.task)
        return [parent.id]

    def _begin(self, new: NewInstance) -> None:
        now = time.time()
        instance = Instance(
            id=new.id, name=new.name, version=new.version, status="Pending", input=new.raw_input, output=None,
            custom=None, execution=uuid.uuid4().hex, parent=new.parent, created=now, updated=now,
        )  # fmt: skip
        self._db.execute(f"INSERT INTO instances VALUES({', '.join('?' * 18)})", _row(instance))
        self._post_start(instance, now)

    def _post_start(self, instance: Instance, now: float) -> None:
        text = _execution_started(now, instance)
        self.post(instance.id, EventType.EXECUTION_STARTED, text, execution=instance.execution)

    def _save(self, instance: Instance) -> None:
        instance.updated = time.time()
        self._db.execute(f"REPLACE INTO instances VALUES({', '.join('?' * 18)})", _row(instance))

    # activities

    def pending_activities(self) -> list[int]:
        return [row[0] for row in self._db.execute("SELECT n FROM tasks ORDER BY n")]

    def activities_of(self, instance_id: str, after: int) -> list[int]:
        statement = "SELECT n FROM tasks WHERE id = ? AND n > ? ORDER BY n"
        return [row[0] for row in self._db.execute(statement, (instance_id, after))]

    def activity(self, n: int) -> Activity | None:
        statement = "SELECT n, id, execution, task, name, input, deaths FROM tasks WHERE n = ?"
        row = self._db.execute(statement, (n,)).fetchone()
        return Activity(*row) if row else None

    def charge_death(self, n: int) -> None:
        self._db.execute("UPDATE tasks SET deaths = deaths + 1 WHERE n = ?", (n,))

    def complete_activities(self, completions: Iterable[tuple[Activity, EventType, str]]) -> None:
        """Report results, each only if its token is still there."""
        with self.transaction():
            for activity, kind, text in completions:
                if self._db.execute("DELETE FROM tasks WHERE n = ?", (activity.n,)).rowcount:
                    self.post(activity.id, kind, text, execution=activity.execution, task=activity.task)

    # timer triggers

    def timer(self, name: str, schedule: str) -> tuple[float | None, float] | None:
        """Last run and next run of a timer trigger with that schedule."""
        statement = "SELECT last, next FROM timers WHERE name = ? AND schedule = ?"
        row: tuple[float | None, float] | None = self._db.execute(statement, (name, schedule)).fetchone()
        return row

    def save_timer(self, name: str, schedule: str, last: float | None, upcoming: float) -> None:
        self._db.execute("REPLACE INTO timers VALUES(?, ?, ?, ?)", (name, schedule, last, upcoming))


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


def _instance(row: tuple[Any, ...]) -> Instance:
    parent = Parent(*row[8:11]) if row[8] is not None else None
    opened = {int(key): Open(*value) for key, value in json.loads(row[17]).items()}
    return Instance(*(*row[:8], parent, *row[11:17], opened))


def _row(instance: Instance) -> tuple[Any, ...]:
    parent = astuple(instance.parent) if instance.parent else (None, None, None)
    opened = {key: (o.kind, o.leaf, o.attempt, o.attempts) for key, o in instance.open.items()}
    i = instance
    return (
        *(i.id, i.name, i.version, i.status, i.input, i.output, i.custom, i.execution, *parent, i.created, i.updated),
        *(i.next, i.leaves, i.fingerprint, i.events, json.dumps(opened)),
    )


def _where(query: Filter) -> tuple[str, list[Any]]:
    clauses, values = ["1"], list[Any]()
    if query.created_from is not None:
        clauses.append("created >= ?")
        values.append(query.created_from)
    if query.created_to is not None:
        clauses.append("created <= ?")
        values.append(query.created_to)
    if query.prefix:
        clauses.append("substr(id, 1, ?) = ?")
        values += [len(query.prefix), query.prefix]
    if query.statuses:
        clauses.append(f"status IN ({', '.join('?' * len(query.statuses))})")
        values += query.statuses
    return " AND ".join(clauses), values
