"""`python -m exports view check` takes the settings of the service, and says where a wrong value was given."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from exports.__main__ import main


@pytest.mark.parametrize("given", [["--deletions", "no name"], []])
def test_a_wrong_name_is_refused_with_the_option_and_the_setting(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPORT_DELETIONS_VIEW", "no name either")
    assert main(["view", "check", "sqlite://", *given]) != 0
    assert "--deletions or EXPORT_DELETIONS_VIEW: " in capsys.readouterr().err


def test_the_database_of_the_setting_is_checked_unless_a_url_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIENTS_DATABASE_URL", "azure-tables:///clients")
    assert main(["view", "check"]) == 1
    assert "Clients in Table Storage have no view." in capsys.readouterr().err
    assert main(["view", "check", "sqlite://"]) == 1
    assert "Table Storage" not in capsys.readouterr().err


def test_a_check_without_a_url_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CLIENTS_DATABASE_URL", raising=False)
    assert main(["view", "check"]) == 1
    assert capsys.readouterr().err == "Give the URL of the database, or set CLIENTS_DATABASE_URL.\n"


def test_text_of_the_database_cannot_make_the_terminal_obey(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "J\u00fcrgen\x9b2J\x1b[2J\x7f\u202e"
    file = tmp_path / "clients.db"
    with sqlite3.connect(file) as database:
        row = f"'{evil}' AS tenant, '{evil}' AS code, '{evil}' AS name, '{evil}' AS type, 'Active' AS status"
        database.execute(f"CREATE VIEW clients AS SELECT {row}")
    database.close()
    main(["view", "check", f"sqlite:///{file}"])
    shown = capsys.readouterr().out
    assert "J\u00fcrgen?2J?[2J" in shown
    assert shown.replace("\n", "").isprintable()

    main(["view", "check", f"sqlite:///{file}", "--json"])
    document = capsys.readouterr().out
    assert document.replace("\n", "").isprintable()
    assert json.loads(document)["tenants"]["names"] == [evil]
