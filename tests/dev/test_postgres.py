"""The PostgreSQL server of the tests: how its programs are found, and that it leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from devhost.local.ports import is_free
from tests.support.postgres import postgres_server, system_programs


def test_the_server_uses_utf_8_and_removes_its_data() -> None:
    with postgres_server() as server:
        with psycopg.connect(server.url()) as connection:
            row = connection.execute("SELECT current_setting('data_directory'), lower('ZOË')").fetchone()
        assert row is not None
        data, name = Path(row[0]), row[1]

    assert name == "zoë"
    assert not data.parent.exists()
    assert is_free(server.port)


def test_a_killed_server_starts_again_with_its_data() -> None:
    with postgres_server() as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
            connection.commit()
            connection.execute("CHECKPOINT")
        server.kill()
        server.restart()

        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_the_server_requires_a_password() -> None:
    with postgres_server() as server:
        wrong = make_url(server.url()).set(password="wrong").render_as_string(hide_password=False)

        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_programs_on_path_come_first_then_the_newest_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = [tmp_path / f"usr/lib/postgresql/{version}/bin" for version in (9, 18, 15)]
    own = tmp_path / "own"
    for folder in (*usual, own):
        folder.mkdir(parents=True)
    (own / "pg_ctl").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(own))

    assert system_programs(tmp_path) == [own, usual[1], usual[2], usual[0]]
