"""A writer that moves amounts between clients, so that the sum over all clients is the same in every state."""

from __future__ import annotations

import time
from collections.abc import Iterable
from random import Random

from sqlalchemy import Engine, text

from tests.support.background_writer import BackgroundWriter

CHANGES_PER_SECOND = 1_000
AMOUNT = 1_000
"""What each client has at first."""

_WRITE = text("UPDATE client_records SET internal_reference = :amount WHERE tenant = :tenant AND code = :code")


class MovingAmounts(BackgroundWriter):
    """Moves amounts on a thread while the context is open.

    Every transaction takes an amount from one client and gives it to another one, anywhere in the key space. So a
    reading of all clients shows the sum of the beginning if it shows one state, and most likely another sum if it shows
    one client before a transaction and the other one after it.
    """

    def __init__(self, engine: Engine, tenant: str, codes: Iterable[str]) -> None:
        super().__init__(CHANGES_PER_SECOND)
        self.changes = 0
        self._engine = engine
        self._tenant = tenant
        self._codes = list(codes)
        self._amounts = dict.fromkeys(self._codes, AMOUNT)
        self.total = AMOUNT * len(self._amounts)
        self._random = Random(1)
        with engine.begin() as connection:
            connection.execute(text("UPDATE client_records SET internal_reference = :amount"), {"amount": str(AMOUNT)})

    def wait_for_changes(self, count: int) -> None:
        """Wait until so many more changes are committed."""
        goal, end = self.changes + count, time.monotonic() + 20
        while self.changes < goal:
            assert self._failure is None, self._failure
            assert time.monotonic() < end, "the writer is too slow"
            time.sleep(0.001)

    def write(self) -> int:
        giver, taker = self._random.sample(self._codes, 2)
        self._move(giver, taker, self._random.randint(1, 9))
        return self.changes

    def _move(self, giver: str, taker: str, amount: int) -> None:
        self._amounts[giver] -= amount
        self._amounts[taker] += amount
        rows = [{"tenant": self._tenant, "code": code, "amount": str(self._amounts[code])} for code in (giver, taker)]
        with self._engine.begin() as connection:
            connection.execute(_WRITE, rows)
        self.changes += len(rows)
