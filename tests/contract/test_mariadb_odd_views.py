"""Views of MariaDB as people write them: right cells, or a refusal that names the column and helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from exports.errors import SourceMismatchError
from exports.request.fields import TargetField
from tests.contract.client_stores import empty_database
from tests.contract.mariadb_views import MariadbViews
from tests.contract.viewed_clients import TENANT


@pytest.fixture(scope="module")
def views(mariadb_url: str) -> Iterator[MariadbViews]:
    with empty_database(mariadb_url) as database, closing(MariadbViews(database)) as made:
        yield made


def test_booleans_are_numbers_also_with_leading_zeros(views: MariadbViews) -> None:
    for declared, literals in {"tinyint(3) zerofill": ["1", "0", "NULL"], "bit(1)": ["b'1'", "b'0'", "NULL"]}.items():
        views.keep(declared, literals, "vat_registered")
        assert views.cells(TargetField.VAT_REGISTERED) == ["true", "false", ""]


@pytest.mark.parametrize(
    ("declared", "column", "literals", "cells"),
    [
        ("enum('true','false')", "vat_registered", ["'true'", "'false'", "NULL"], ["true", "false", ""]),
        ("set('1','0')", "vat_registered", ["'1'", "'0'"], ["true", "false"]),
        ("year", "incorporation_date", ["2026", "NULL"], ["2026-01-01", ""]),
        ("time", "incorporation_date", ["'10:00'"], [""]),
    ],
)
def test_the_change_that_a_refusal_asks_for_gives_the_right_cells(
    views: MariadbViews, declared: str, column: str, literals: list[str], cells: list[str]
) -> None:
    views.keep(declared, literals, column)
    field = TargetField.VAT_REGISTERED if column == "vat_registered" else TargetField.INCORPORATION_DATE
    with pytest.raises(SourceMismatchError, match=f"The column {column} .* Write in the view: ") as caught:
        views.cells(field)

    change = str(caught.value).partition("Write in the view: ")[2].rpartition(" AS ")[0]
    views.view(code="code", **{column: change.replace(column, "value")})
    assert views.cells(field) == cells


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("(SELECT o.code FROM kept AS o WHERE kept.code = 'C01')", "the expression in the view must not fail"),
        ("CAST(IF(code = 'C01', 1, 9) AS UNSIGNED) - 5", "the expression in the view must not fail"),
        ("refuse(code)", "the expression in the view must not fail"),
        ("CONVERT(IF(code = 'C01', X'ff41', X'41') USING utf8mb4)", "bytes that are not characters"),
    ],
)
def test_a_client_for_whom_an_expression_fails_or_loses_bytes_is_named(
    views: MariadbViews, expression: str, words: str
) -> None:
    views.keep("int", ["1", "2", "3"])
    views.run(
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "DROP FUNCTION IF EXISTS refuse",
        "CREATE FUNCTION refuse(code varchar(9)) RETURNS int DETERMINISTIC "
        "BEGIN IF code = 'C01' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a secret'; END IF; RETURN 1; END",
    )
    views.view(code="code", telephone=expression)

    with pytest.raises(SourceMismatchError, match=f"The column telephone .*{words}") as caught:
        views.cells()

    assert caught.value.private == "The client has the code C01."
    assert "a secret" not in str(caught.value)


def test_a_view_of_a_user_that_does_not_exist_is_refused_in_a_sentence_of_its_own(views: MariadbViews) -> None:
    views.keep("int", ["1"])
    views.run(
        "DROP VIEW clients",
        "CREATE DEFINER = ghost@nowhere VIEW clients AS "
        f"SELECT '{TENANT}' AS tenant, code, value AS telephone, code AS name FROM kept",
    )
    with pytest.raises(SourceMismatchError, match="belongs to a user that does not exist"):
        views.cells()
