"""What `python -m exports view check` finds in views of SQLite alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.contract.view_checks import MANY, VIEW, check, make_records, many_clients, run, view_with


def test_an_index_on_a_virtual_table_is_never_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = run(
        make_url(f"sqlite:///{tmp_path / 'clients.db'}"),
        "CREATE VIRTUAL TABLE records USING fts5(tenant, code, name)",
        "INSERT INTO records VALUES ('northwind', 'C1', 'a')",
        VIEW,
    )

    assert "CREATE" not in check(url, capsys)[1]["key"]["change"]


def test_random_in_a_nested_view_of_sqlite_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_records(
        make_url(f"sqlite:///{tmp_path / 'clients.db'}"),
        [("northwind", "C1")],
        view_with("random()", name="inner_view"),
        view_with("email || ' changes()' || date('now')", "inner_view"),
    )
    found = check(url, capsys)[1]["functions"]
    assert [(each["name"], each["view"]) for each in found] == [("random", "inner_view")]


def test_calls_beside_literals_and_names_with_apostrophes_are_found_in_sqlite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(
        make_url(f"sqlite:///{tmp_path / 'clients.db'}"),
        [("northwind", "C1")],
        view_with("""(SELECT 'x\\' AS "it's") || random() || ' changes()'"""),
    )

    found = check(url, capsys)[1]["functions"]

    assert [each["name"] for each in found] == ["random"]


@pytest.mark.usefixtures("unhurried_view_check")
def test_a_value_that_no_filter_can_compare_says_fail_on_the_line_of_its_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = f"C{MANY - 1:06}"
    update = f"UPDATE records SET updated_at = 'yesterday' WHERE code = '{last}'"
    url = make_records(make_url(f"sqlite:///{tmp_path / 'clients.db'}"), many_clients(), update, VIEW)

    exit_code, answer = check(url, capsys)

    (refused,) = (column for column in answer["columns"] if column["state"] == "refused")
    assert (exit_code, refused["name"]) == (1, "updated_at")
    assert last in refused["problem"]
