"""Exports as `by_hand` does, but writes the same bytes as this service, with its checks of each page.

A page has everything that its bytes and their proof need: the service's own statement and COPY, the search for cells to
guard, the check that every client occurs once, SHA-256 and CRC-32. A job has nothing: no plan of pages of equal bytes,
no orchestration, no record of a page, no row of a job, no manifest and no retries.
"""

from __future__ import annotations

import os
from functools import cache
from typing import cast

from exports.adapters.clients_sql.source import SqlClientSource
from exports.file.block_buffer import BlockBuffer
from exports.file.block_ids import block_id
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from tests.bench.rivals.by_hand import Block, run_by
from tests.bench.rivals.common import ExportInput

_RENDERER = CsvRenderer(ALL_COLUMNS)
_MEMORY_BYTES = 1024 * 1024 * 1024  # no block needs a temporary file


def make_block(source: ExportInput, page: int, key_range: KeyRange) -> Block:
    """Make the block of a page from all 67 columns in the default format."""
    selection = ClientSelection(source.tenant, _RENDERER.source_columns, absent_columns=())
    with BlockBuffer(_MEMORY_BYTES) as buffer:
        if page == 0:
            buffer.add(_RENDERER.opening(with_header=True))
        for records in clients_of(source.database).render(selection, key_range, _RENDERER):
            buffer.add(records.data)
        return Block(block_id(page, buffer.sha256), cast("list[bytes]", buffer.body()))


@cache
def clients_of(database: str) -> SqlClientSource:
    """Return the source of this process, which keeps its connection."""
    return SqlClientSource(database)


def _warm_up() -> None:
    """Make a block of no clients, which imports the driver and connects: the service did that long ago."""
    make_block(ExportInput(os.environ["BENCH_DATABASE"], "", tenant="nobody", blob=""), 1, KeyRange())


if __name__ == "__main__":
    run_by(make_block, _warm_up)
