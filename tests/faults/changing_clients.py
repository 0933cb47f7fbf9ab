"""A writer that changes clients as fast as it is told while they are exported, and knows what may be seen of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, text

from tests.support.system import NORTHWIND

CHANGES_PER_SECOND = 1_500
_PAIRS_PER_TRANSACTION, _BIRTHS_PER_TRANSACTION = 4, 2
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
class Window:
    """What the writer had done at a moment.

    Attributes:
        value: The greatest value that was committed.
        changes: Clients inserted, updated or deleted.
        values: Of the lasting clients that were changed.
    """

    value: int
    changes: int
    values: Mapping[str, int]


class ChangingClients:
    """Changes clients of one tenant on a thread while the context is open.

    Every transaction writes one value, greater than all before, into two columns of each client it touches. Clients
    come in pairs of neighbours that are always changed together. Every third client may be deleted; new ones appear
    between the others. The rest stays: `lasting`.
    """

    def __init__(self, url: str) -> None:
        self._engine: Engine = create_engine(url)
        self._chance = Random(1)
        self._values = count(1)
        self._value, self._changed = 0, 0
        self._of_client: dict[str, int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        with self._engine.begin() as connection:
            select = text("SELECT code FROM client_records WHERE tenant = :tenant ORDER BY code")
            codes = [str(code) for (code,) in connection.execute(select, {"tenant": NORTHWIND})]
            connection.execute(text("UPDATE client_records SET internal_reference = '0', website = '0'"))
        self._mortal = codes[2::3]
        self.pairs = list(zip(codes[0::3], codes[1::3], strict=False))
        self.lasting = frozenset(code for pair in self.pairs for code in pair)
        self._born: list[str] = []
        self._inserted = count(1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._engine.dispose()
        if self._failure:
            raise self._failure

    @property
    def done(self) -> Window:
        """What has been committed by now."""
        with self._lock:
            return Window(self._value, self._changed, dict(self._of_client))

    def _run(self) -> None:
        try:
            begun = time.monotonic()
            while not self._stopping.is_set():
                self._change_some()
                ahead = self._changed / CHANGES_PER_SECOND - (time.monotonic() - begun)
                if ahead > 0:
                    time.sleep(ahead)
        except BaseException as error:
            self._failure = error

    def _change_some(self) -> None:
        value = next(self._values)
        pairs = self._chance.choices(self.pairs, k=_PAIRS_PER_TRANSACTION)
        with self._engine.begin() as connection:
            changes = sum(self._changes(connection, pairs, str(value)))
        with self._lock:
            self._value, self._changed = value, self._changed + changes
            self._of_client.update({code: value for pair in pairs for code in pair})

    def _changes(self, connection: Connection, pairs: list[tuple[str, str]], value: str) -> Iterator[int]:
        """Clients changed by each statement of a transaction."""
        chance = self._chance
        for a, b in pairs:
            yield connection.execute(_UPDATE_PAIR, {"tenant": NORTHWIND, "a": a, "b": b, "value": value}).rowcount
        for _ in range(_BIRTHS_PER_TRANSACTION):
            code = f"{chance.choice(self.pairs)[1]}-{next(self._inserted)}"  # sorts between two old neighbours
            self._born.append(code)
            yield connection.execute(_INSERT, {"tenant": NORTHWIND, "code": code, "value": value}).rowcount
            dying = self._born if chance.random() < 0.5 or not self._mortal else self._mortal
            victim = dying.pop(chance.randrange(len(dying)))
            yield connection.execute(_DELETE, {"tenant": NORTHWIND, "code": victim}).rowcount
