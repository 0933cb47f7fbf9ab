"""What is checked of a view before a client is read."""

from __future__ import annotations

from exports.adapters.clients_sql.sql.checks import EVERY_FILTER
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import columns_by_filter, filters_by


def test_the_filter_that_is_checked_reads_every_column_that_any_filter_reads() -> None:
    read = {column for columns in columns_by_filter(EVERY_FILTER).values() for column in columns}
    assert read == {column for column in VIEW_COLUMNS if filters_by(column)}
