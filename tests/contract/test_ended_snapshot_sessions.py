"""A server that ends the sessions of a snapshot causes the error of the reading, and no other one at their close."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from exports.errors import SnapshotTimeError, SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection, ClientSnapshot
from tests.contract.client_stores import TENANT, SqlStore, client

SELECTION = ClientSelection(TENANT, ("code",))
EndSessions = Callable[[], None]


def _of_postgresql(store: SqlStore) -> EndSessions:
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL"

    def end_sessions() -> None:
        with store.engine.connect() as connection:
            assert len(connection.execute(text(f"{end} AND pid <> pg_backend_pid()")).all()) > 1

    return end_sessions


def _of_mariadb(store: SqlStore) -> EndSessions:
    others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"

    def end_sessions() -> None:
        with store.engine.connect() as connection:
            numbers = connection.execute(text(others)).scalars().all()
            assert numbers
            for number in numbers:
                connection.exec_driver_sql(f"KILL {number}")

    return end_sessions


@pytest.fixture(params=["postgres_store", "mariadb_store"])
def ended(request: pytest.FixtureRequest) -> tuple[SqlStore, EndSessions]:
    store: SqlStore = request.getfixturevalue(request.param)
    store.put(client("A"))
    return store, (_of_postgresql if request.param == "postgres_store" else _of_mariadb)(store)


def read(snapshot: ClientSnapshot) -> list[str]:
    return [code for rows in snapshot.clients.read(SELECTION, KeyRange()) for (code,) in rows]


def test_the_error_of_a_reading_stays_although_all_sessions_have_ended(ended: tuple[SqlStore, EndSessions]) -> None:
    store, end_sessions = ended

    def read_too_late() -> None:
        with store.source.open_snapshot() as snapshot:
            end_sessions()
            read(snapshot)

    with pytest.raises(SourceUnavailableError):
        read_too_late()


def test_an_error_that_needs_no_database_stays_too(ended: tuple[SqlStore, EndSessions]) -> None:
    store, end_sessions = ended

    def take_too_long() -> None:
        with store.source.open_snapshot():
            end_sessions()
            raise SnapshotTimeError("The time is over.")

    with pytest.raises(SnapshotTimeError):
        take_too_long()


def test_sessions_that_end_after_all_is_read_harm_neither_this_snapshot_nor_the_next(
    ended: tuple[SqlStore, EndSessions],
) -> None:
    store, end_sessions = ended
    for _ in range(3):
        with store.source.open_snapshot() as snapshot:
            assert read(snapshot) == ["A"]
            end_sessions()
