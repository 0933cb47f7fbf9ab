"""A writer that changes clients at a given speed during exports, and knows which values an export may contain."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random

from sqlalchemy import Connection, Engine, create_engine, text

from tests.support.background_writer import BackgroundWriter
from tests.support.system import NORTHWIND

CHANGES_PER_SECOND = 1_500
_PAIRS_PER_TRANSACTION, _INSERTS_PER_TRANSACTION = 4, 2
_UPDATE_PAIR = text(
    "UPDATE client_records SET internal_reference = :value, website = :value "
    "WHERE tenant = :tenant AND code IN (:a, :b)"
)
_INSERT = text(
    "INSERT INTO client_records (tenant, code, name, internal_reference, website, updated_at) "
    "VALUES (:tenant, :code, 'New', :value, :value, '2026-01-01T00:00:00Z')"
)
_DELETE = text("DELETE FROM client_records WHERE tenant = :tenant AND code = :code")


@dataclass(frozen=True, slots=True)
class Progress:
    """The work of the writer up to a moment.

    Attributes:
        value: The greatest committed value.
        changes: The number of inserts, updates and deletes.
        values: The values of the lasting clients that were changed, by code.
    """

    value: int
    changes: int
    values: Mapping[str, int]


class ChangingClients(BackgroundWriter):
    """Changes the clients of one tenant on a thread while the context is open.

    Every transaction writes one value, greater than all earlier ones, into two columns of each client that it changes.
    Two adjacent clients form a pair, which is always changed together. Every third client may be deleted, and new
    clients appear between the others. The clients of the pairs are never deleted: they are `lasting`.
    """

    def __init__(self, url: str) -> None:
        super().__init__(CHANGES_PER_SECOND)
        self._engine: Engine = create_engine(url)
        self._random = Random(1)
        self._values = count(1)
        self._value, self._changed = 0, 0
        self._of_client: dict[str, int] = {}
        self._lock = threading.Lock()
        with self._engine.begin() as connection:
            select = text("SELECT code FROM client_records WHERE tenant = :tenant ORDER BY code")
            codes = [str(code) for (code,) in connection.execute(select, {"tenant": NORTHWIND})]
            connection.execute(text("UPDATE client_records SET internal_reference = '0', website = '0'"))
        self._deletable = codes[2::3]
        self.pairs = list(zip(codes[0::3], codes[1::3], strict=False))
        self.lasting = frozenset(code for pair in self.pairs for code in pair)
        self._inserted: list[str] = []
        self._numbers = count(1)

    def close(self) -> None:
        self._engine.dispose()

    @property
    def done(self) -> Progress:
        """The work that is committed by now."""
        with self._lock:
            return Progress(self._value, self._changed, dict(self._of_client))

    def write(self) -> int:
        value = next(self._values)
        pairs = self._random.choices(self.pairs, k=_PAIRS_PER_TRANSACTION)
        with self._engine.begin() as connection:
            changes = sum(self._changes(connection, pairs, str(value)))
        with self._lock:
            self._value, self._changed = value, self._changed + changes
            self._of_client.update({code: value for pair in pairs for code in pair})
            return self._changed

    def _changes(self, connection: Connection, pairs: list[tuple[str, str]], value: str) -> Iterator[int]:
        """Execute the statements of a transaction; yield the number of clients that each one changed."""
        random = self._random
        for a, b in pairs:
            yield connection.execute(_UPDATE_PAIR, {"tenant": NORTHWIND, "a": a, "b": b, "value": value}).rowcount
        for _ in range(_INSERTS_PER_TRANSACTION):
            code = f"{random.choice(self.pairs)[1]}-{next(self._numbers)}"  # sorts between two existing clients
            self._inserted.append(code)
            yield connection.execute(_INSERT, {"tenant": NORTHWIND, "code": code, "value": value}).rowcount
            candidates = self._inserted if random.random() < 0.5 or not self._deletable else self._deletable
            deleted = candidates.pop(random.randrange(len(candidates)))
            yield connection.execute(_DELETE, {"tenant": NORTHWIND, "code": deleted}).rowcount
