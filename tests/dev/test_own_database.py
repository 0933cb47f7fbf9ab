"""`dev.py run --database` checks the view first; after a failed export a person fixes it and presses Enter."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import dev_commands
from devhost.local.errors import DevError
from devhost.local.health import unhealthy_names, wait_until_healthy
from devhost.local.keypress import enter_key
from exports.commands.demo.answers import DemoError
from exports.request.fields import VIEW_COLUMNS
from shared.local_http import Answer
from tests.support.system import KEY, NORTHWIND, System, app_settings, start_storage
from tests.support.waiting import wait_until

BROKEN = "SELECT tenant, name FROM records"
MENDED = "SELECT * FROM records"


class Keyboard:
    """The standard input of a program, and its other end."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        self.input = os.fdopen(reading)

    def press_enter(self) -> None:
        os.write(self._writing, b"\n")

    def end(self) -> None:
        """End the input, and wait until its reader has noticed."""
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1
        for thread in threading.enumerate():
            if thread.name == "enter-key":
                thread.join(10)


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    made = Keyboard()
    yield made
    made.end()
    made.input.close()


def replace_view(database: Path, select: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(f"DROP VIEW IF EXISTS clients; CREATE VIEW clients AS {select};")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "practice.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE records ({', '.join(f'{name} TEXT' for name in VIEW_COLUMNS)})")
        connection.execute("INSERT INTO records (tenant, code, name) VALUES (?, 'C1', 'Harbour Bakery')", (NORTHWIND,))
        connection.commit()
    replace_view(path, BROKEN)
    return path


@pytest.fixture
def running(tmp_path: Path, database: Path) -> Iterator[dev_commands.System]:
    """The programs of `dev.py run --database`, with the broken view."""
    storage = start_storage(tmp_path / "azurite")
    system = System(tmp_path, app_settings(storage.connection_string, f"sqlite:///{database}"))
    try:
        system.start()
        wait_until_healthy(system.url, system.host, tolerated=("clients",))
        yield dev_commands.System(system.url, system.host, storage, KEY, NORTHWIND)
    finally:
        system.stop()
        storage.stop()


def test_after_a_failed_export_enter_checks_the_mended_view_and_exports_again(
    running: dev_commands.System,
    database: Path,
    tmp_path: Path,
    keyboard: Keyboard,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    exported = tmp_path / "out" / "clients.csv"
    monkeypatch.setattr(dev_commands, "EXPORTED_FILE", exported)
    monkeypatch.setattr(dev_commands, "shown_path", str)
    waits_for_enter = threading.Event()

    def make_enter_key() -> Callable[[], bool]:
        waits_for_enter.set()
        return enter_key(keyboard.input)

    def person() -> None:
        waits_for_enter.wait(60)
        replace_view(database, MENDED)
        keyboard.press_enter()
        wait_until(exported.exists, 60)
        running.host.stop()  # in the place of Ctrl-C

    acting = threading.Thread(target=person)
    acting.start()
    with pytest.raises(DevError, match="ended by itself"):
        dev_commands.serve(running, f"sqlite:///{database}", make_enter_key)
    acting.join()

    printed = capfd.readouterr().out
    failed, _, again = printed.partition("Still running: fix the view, then press Enter")
    assert "The export ended as Failed" in failed
    assert f"or use {running.base_url}/." in again
    assert "If the URL or the tenant is wrong, press Ctrl-C, and start again" in again
    assert "Found nothing that would make an export fail." in again
    assert "Harbour Bakery" in exported.read_text()


def test_the_check_prints_its_table_before_the_export(database: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dev_commands.check_view(f"sqlite:///{database}", NORTHWIND)
    printed = capfd.readouterr().out
    assert "FAIL  code" in printed
    assert "An export would fail" in printed


def test_clients_in_table_storage_have_no_view_to_check(capfd: pytest.CaptureFixture[str]) -> None:
    dev_commands.check_view("azure-tables:///clients", NORTHWIND)
    assert capfd.readouterr() == ("", "")


def test_a_failed_run_names_the_option_of_the_database_not_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who gives `--database` has set CLIENTS_DATABASE_URL, which the service names in its reasons."""
    reason = "There is no file of the client database at this path. Correct the path in CLIENTS_DATABASE_URL."

    def fail(*_: object) -> None:
        raise DevError(reason)

    monkeypatch.setattr(dev_commands, "LOCAL", tmp_path)
    monkeypatch.setattr(dev_commands, "start_system", fail)
    monkeypatch.setattr(dev_commands, "ignore_signals", lambda: None)
    given = dev_commands.RunOptions(7071, 1, "devhost", None, "sqlite:///none.db", NORTHWIND, once=True, engine=None)

    with pytest.raises(DevError, match=r"Correct the path in --database\."):
        dev_commands.run_command(given)
    with pytest.raises(DevError, match=r"Correct the path in CLIENTS_DATABASE_URL\."):
        dev_commands.run_command(replace(given, database=None))


@pytest.mark.thorough
def test_a_failed_export_of_the_sample_clients_still_ends_the_run(
    running: dev_commands.System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_commands, "EXPORTED_FILE", tmp_path / "clients.csv")
    with pytest.raises(DemoError, match="ended as Failed"):
        dev_commands.try_export(running, None)


def test_only_named_dependencies_may_be_unhealthy_at_the_start() -> None:
    def answer(*unhealthy: str) -> Answer:
        states = [{"name": name, "status": "Unhealthy"} for name in unhealthy]
        return Answer(
            503, {}, json.dumps({"dependencies": [{"name": "tables", "status": "Healthy"}, *states]}).encode()
        )

    assert unhealthy_names(answer("clients")) == {"clients"}
    assert not unhealthy_names(answer("clients", "blobs")) <= {"clients"}
    assert not unhealthy_names(Answer(503, {}, b"starting")) <= {"clients"}


def test_enter_counts_once_and_the_end_of_the_input_never(keyboard: Keyboard) -> None:
    pressed = enter_key(keyboard.input)
    assert not pressed()
    keyboard.press_enter()
    wait_until(pressed, 10)
    keyboard.end()
    assert not pressed()
