"""The stored due times of timer triggers, from which a restarted host sees which run it has missed."""

from devhost.database import Database


class DueTimes:
    """Reads and writes the table `timers`. A time stored under another schedule does not count."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def load(self, name: str, schedule: str) -> tuple[float | None, float] | None:
        """Return when a timer with that schedule last ran (None: never) and is next due, in Unix seconds."""
        statement = "SELECT last, next FROM timers WHERE name = ? AND schedule = ?"
        row: tuple[float | None, float] | None = self._db.execute(statement, (name, schedule)).fetchone()
        return row

    def save(self, name: str, schedule: str, last: float | None, next_due: float) -> None:
        self._db.execute("REPLACE INTO timers VALUES(?, ?, ?, ?)", (name, schedule, last, next_due))
