"""Reads what a view `clients` shows, for the tests that fill views with values of any type."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from exports.adapters.clients_sql.source import SqlClientSource
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.filters import ClientFilter

TENANT = "northwind"


class ViewedClients:
    """The clients of the view that `source` reads."""

    source: SqlClientSource

    def find(self, tenant: str = TENANT, **wanted: Any) -> list[str]:
        """Return the codes of the clients that a filter finds."""
        selection = ClientSelection(tenant, ("code",), ClientFilter(**wanted))
        return [str(row[0]) for rows in self.source.read(selection, KeyRange()) for row in rows]

    def pages(self, rows_per_page: int, tenant: str = TENANT) -> tuple[int, list[list[str]]]:
        """Plan and read all pages; return the planned rows, and the codes of each page."""
        selection = ClientSelection(tenant, ("code",))
        found = self.source.find_boundaries(selection, rows_per_page)
        assert all(type(start) is str for start in found.starts)
        ranges = [KeyRange(start, stop) for start, stop in pairwise([None, *found.starts, None])]
        codes = [[str(row[0]) for rows in self.source.read(selection, each) for row in rows] for each in ranges]
        return found.total_rows, codes
