"""Functions in a view that put clients into statements and messages: the log shows neither."""

from __future__ import annotations

import traceback

import pytest
from sqlalchemy import URL

from tests.contract.test_failing_views import FUNCTION, RECORDS, VIEW, failure_of
from tests.support.sql_statements import run_statements


@pytest.mark.parametrize(
    "statement",
    ["{} || gone()", "{} FROM gone", "length({}) + gone", "{} || current_setting(''gone.x'')"],
)
def test_no_log_shows_a_client_that_a_function_of_postgresql_wrote_into_a_statement(
    postgres_schema: URL, statement: str
) -> None:
    text = statement.format("' || quote_literal(code) || '")
    body = f"DECLARE found text; BEGIN EXECUTE 'SELECT {text}' INTO found; RETURN found; END"
    run_statements(postgres_schema, *RECORDS, "UPDATE records SET code = 'a private code ' || code")
    run_statements(
        postgres_schema, FUNCTION.format("NULL;").replace("BEGIN NULL; END", body), VIEW.format("of_client(code)")
    )

    log = "".join(traceback.format_exception(failure_of(postgres_schema)))

    assert "a private code" not in log
    assert "gone" in log


def test_no_log_shows_what_a_function_of_postgresql_says_of_a_client(postgres_schema: URL) -> None:
    raised = FUNCTION.format("RAISE EXCEPTION USING MESSAGE = concat('a private code of ', code);")
    run_statements(postgres_schema, *RECORDS, raised, VIEW.format("of_client(code)"))

    assert "a private code" not in "".join(traceback.format_exception(failure_of(postgres_schema)))
