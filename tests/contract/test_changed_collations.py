"""`python -m exports view check` notes collations of PostgreSQL that have changed since indexes may have been built."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.contract.view_checks import VIEW, check, make_records, run


@pytest.fixture
def icu_database(postgres_schema: URL) -> Iterator[URL]:
    """A database whose default collation is one of ICU, which has a version."""
    name = f"icu_{secrets.token_hex(4)}"
    run(postgres_schema, f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'")
    yield postgres_schema.set(database=name, query={})
    run(postgres_schema, f"DROP DATABASE {name} WITH (FORCE)")


def notes_on_collations(url: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    code, answer = check(url, capsys)
    assert code == 0
    return [note for note in answer["notes"] if "collation" in note]


def test_a_collation_that_has_changed_since_the_index_was_built_is_noted(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    (schema,) = re.findall("search_path=(.+)", str(postgres_schema.query["options"]))
    url = make_records(
        postgres_schema,
        [("northwind", "C1")],
        f"CREATE COLLATION {schema}.\"Old one\" (provider = icu, locale = 'en')",
        'ALTER TABLE records ALTER code TYPE varchar(40) COLLATE "Old one"',
        VIEW,
    )
    assert notes_on_collations(url, capsys) == []
    run(postgres_schema, "UPDATE pg_collation SET collversion = '1.2' WHERE collname = 'Old one'")

    (note,) = notes_on_collations(url, capsys)

    assert f'The collation {schema}."Old one" has changed from version 1.2 to ' in note
    (refresh,) = re.findall("then run (.+)[.]$", note)
    run(postgres_schema, "REINDEX TABLE records", refresh)
    assert notes_on_collations(url, capsys) == []


def test_a_default_collation_that_has_changed_is_noted_with_its_database(
    icu_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(icu_database, [("northwind", "C1")], VIEW)
    assert notes_on_collations(url, capsys) == []
    run(icu_database, "UPDATE pg_database SET datcollversion = '1.2' WHERE datname = current_database()")

    (note,) = notes_on_collations(url, capsys)

    assert f"The collation of the database {icu_database.database} has changed from version 1.2 to " in note
    (refresh,) = re.findall("then run (.+)[.]$", note)
    run(icu_database, refresh)
    assert notes_on_collations(url, capsys) == []
