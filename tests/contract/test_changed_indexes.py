"""An index of PostgreSQL in another order than its collation has now makes no file that lacks clients."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import URL

from exports.adapters.clients_sql.dialects import postgresql_plans
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import KeyOrderError, RowCountError
from exports.steps.finalize.publish_file import publish_file
from exports.steps.pages.plan_pages import plan_pages
from exports.workflow.commands import PlanPages
from exports.workflow.outcomes import PagesPlanned
from tests.contract.view_checks import VIEW, make_records, run
from tests.support.fakes import a_services
from tests.support.steps import TENANT, a_stored_job, write_pages

CODES = sorted({"".join(random.Random(seed).choices("aAbBcCdD-_0123", k=6)) for seed in range(8_000)})
NUMBERS_BY_VALUE, WITHOUT_PUNCTUATION = "en-u-kn", "sv-u-ka-shifted"
"""Locales of ICU that order the codes otherwise than `en`."""


@pytest.fixture
def source(postgres_schema: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlClientSource]:
    """A source whose pages are planned by the index, as those of many clients are."""
    monkeypatch.setattr(postgresql_plans, "MIN_SKIP_SCAN_ROWS", 0)
    run(postgres_schema, "CREATE COLLATION of_codes (provider = icu, locale = 'en')")
    url = make_records(
        postgres_schema,
        [(TENANT, code) for code in CODES],
        "ALTER TABLE records ALTER code TYPE varchar(40) COLLATE of_codes",
        "CREATE UNIQUE INDEX ON records (tenant, code)",
        VIEW,
        "VACUUM ANALYZE records",
    )
    with closing(SqlClientSource(url)) as opened:
        yield opened


def published_codes(source: SqlClientSource) -> list[str]:
    """Export all clients; return the codes in the file."""
    services = a_services()
    object.__setattr__(services, "clients", source)
    job = a_stored_job(services)
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=8_000))
    assert isinstance(planned, PagesPlanned)
    publish_file(services, write_pages(services, job, planned.pages))
    lines = (services.files.read(job.file_path) or b"").decode().split("\r\n")
    return sorted(line.partition(",")[0].removeprefix("'") for line in lines[1:-1])


def reorder(url: URL, locale: str) -> None:
    """Give the collation of the codes another order, as a new library of the server does. The index keeps the old one.

    PostgreSQL 17 has renamed the column of the locale.
    """
    run(
        url,
        f"""
        DO $$ DECLARE name text; BEGIN
            SELECT attname INTO name FROM pg_attribute
            WHERE attrelid = 'pg_collation'::regclass AND attname IN ('colliculocale', 'colllocale');
            EXECUTE 'UPDATE pg_collation SET ' || name || ' = ''{locale}'' WHERE oid = ''of_codes''::regcollation';
        END $$
        """,
    )


@pytest.mark.parametrize("locale", [NUMBERS_BY_VALUE, WITHOUT_PUNCTUATION])
def test_an_index_in_an_old_order_of_its_collation_makes_no_file(
    postgres_schema: URL, source: SqlClientSource, locale: str
) -> None:
    assert published_codes(source) == CODES
    reorder(postgres_schema, locale)

    with closing(SqlClientSource(postgres_schema.render_as_string(hide_password=False))) as changed:
        with pytest.raises((KeyOrderError, RowCountError)):
            published_codes(changed)
        run(postgres_schema, "REINDEX TABLE records")
        assert published_codes(changed) == CODES
