"""Exports as fast as code written by hand can: a process for each core, `COPY … CSV` of key ranges, blocks in parallel.

It has no proof of the file, no formula guard and no retries.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.pool import Pool
from time import sleep

import psycopg
from azure.storage.blob import BlobBlock, BlobClient
from psycopg import sql

from exports.adapters.storage.file_content import request_body
from exports.file.ranges import KeyRange
from exports.request.fields import TargetField
from tests.bench.rivals.common import ExportInput, run, statement

_ROWS = 8_000


@dataclass(frozen=True)
class Block:
    """A block of the file: its id before base 64, as long as those of the others, and its bytes in pieces."""

    id: str
    pieces: list[bytes]


MakeBlock = Callable[[ExportInput, int, KeyRange], Block]
"""Reads the clients of a page, counted from 0, and returns its block. The header belongs to page 0."""


def export(pool: Pool, make_block: MakeBlock, source: ExportInput) -> int:
    """Stage the blocks of all key ranges in parallel, then commit them in order."""
    with psycopg.connect(source.database) as connection:
        starts, count = _starts(connection, source.tenant)
    ranges = [KeyRange(start, stop) for start, stop in pairwise([None, *starts, None])]
    blocks = pool.map(partial(_stage, make_block, source), enumerate(ranges), chunksize=1)
    with BlobClient.from_connection_string(source.storage, source.container, source.blob) as blob:
        blob.commit_block_list([BlobBlock(block) for block in blocks])
    return count


def _starts(connection: psycopg.Connection, tenant: str) -> tuple[list[str], int]:
    codes = connection.execute("SELECT code FROM clients WHERE tenant = %s ORDER BY code", [tenant]).fetchall()
    return [code for (code,) in codes[_ROWS::_ROWS]], len(codes)


def _stage(make_block: MakeBlock, source: ExportInput, page: tuple[int, KeyRange]) -> str:
    block = make_block(source, *page)
    name = base64.b64encode(block.id.encode()).decode()
    with BlobClient.from_connection_string(source.storage, source.container, source.blob) as blob:
        body = request_body(block.pieces, has_checksum=False)
        blob.stage_block(name, body, length=sum(map(len, block.pieces)))
    return name


def _copy(source: ExportInput, page: int, key_range: KeyRange) -> Block:
    conditions = [sql.SQL("tenant = {}").format(source.tenant)]
    if key_range.start is not None:
        conditions.append(sql.SQL("code >= {}").format(key_range.start))
    if key_range.stop is not None:
        conditions.append(sql.SQL("code < {}").format(key_range.stop))
    where = sql.SQL(" AND ").join(conditions)
    query = (
        sql.SQL("COPY (") + sql.SQL(statement("postgresql", "{}")).format(where) + sql.SQL(") TO STDOUT (FORMAT csv)")
    )
    with psycopg.connect(source.database) as connection, connection.cursor().copy(query) as copy:
        data = b"".join(copy)
    header = (",".join(field.value for field in TargetField) + "\n").encode()
    return Block(f"{page:06d}", [header, data] if page == 0 else [data])


def run_by(make_block: MakeBlock, prepare: Callable[[], object] | None = None) -> None:
    """Run a rival that makes blocks in a process for each core, and report its rows and seconds.

    Args:
        prepare: Runs in each process before the measurement.
    """
    processes = os.cpu_count() or 1
    with get_context("spawn").Pool(processes, prepare) as workers:
        workers.map(sleep, [0.5] * processes, chunksize=1)  # waits until all have started, outside the measurement
        run(partial(export, workers, make_block))


if __name__ == "__main__":
    run_by(_copy)
