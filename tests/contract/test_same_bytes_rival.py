"""The rival of the benchmark that claims to write the same bytes as this service writes them."""

from __future__ import annotations

from itertools import pairwise

from sqlalchemy import URL

from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from tests.bench.rivals.by_hand_same_bytes import clients_of, make_block
from tests.bench.rivals.common import ExportInput
from tests.contract.client_stores import TENANT, SqlStore, client


def test_copy_by_hand_with_our_bytes_writes_the_file_that_the_renderer_writes(
    postgres_schema: URL, postgres_store: SqlStore
) -> None:
    postgres_store.put(
        client("C1", name="=1+1", telephone="", email="a,b"),
        client("C2", name='say "x"\n@a', postal_address_line1=" 1 High Street ", postal_address_line2="  "),
        client("C3", pcl_sent=True, name="|=a"),
    )
    renderer = CsvRenderer(ALL_COLUMNS)
    rows = [
        row
        for rows in postgres_store.source.read(ClientSelection(TENANT, renderer.source_columns), KeyRange())
        for row in rows
    ]
    source = ExportInput(postgres_schema.render_as_string(hide_password=False), "", TENANT, "")

    try:
        ends = enumerate(pairwise([None, "C2", "C3", None]))
        blocks = [make_block(source, page, KeyRange(start, stop)) for page, (start, stop) in ends]
    finally:
        clients_of(source.database).close()
        clients_of.cache_clear()

    data = b"".join(piece for block in blocks for piece in block.pieces)
    assert data == renderer.opening(with_header=True) + renderer.render(rows)
    assert b"'=1+1" in data
    assert len({len(block.id) for block in blocks}) == 1
