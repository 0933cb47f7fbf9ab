"""Filters with text that the character set of a MariaDB column cannot hold."""

from __future__ import annotations

import pytest

from exports.ports.clients import ClientSelection
from exports.request.filters import ClientFilter
from tests.contract.client_stores import TENANT, SqlStore, client

WANTED = [
    ClientFilter(search="Łódź😀"),
    ClientFilter(manager_codes=("Ł1😀",)),
    ClientFilter(service_codes=("Ł1😀",)),
]


@pytest.mark.parametrize("charset", ["latin1", "ascii", "utf8mb3"])
def test_text_outside_the_character_set_of_a_column_finds_nobody(mariadb_store: SqlStore, charset: str) -> None:
    mariadb_store.put(client("C1"))
    mariadb_store.execute(f"ALTER TABLE client_records CONVERT TO CHARACTER SET {charset}")
    source = mariadb_store.source

    assert source.find_boundaries(ClientSelection(TENANT, ("code",)), 10).total_rows == 1
    for wanted in WANTED:
        assert source.find_boundaries(ClientSelection(TENANT, ("code",), wanted), 10).total_rows == 0
    assert source.find_boundaries(ClientSelection("Ł😀", ("code",)), 10).total_rows == 0
