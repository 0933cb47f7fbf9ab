"""dev.py: what it writes, says and counts; and that nothing it starts outlives it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

import dev
from exports.scopes import ALL_SCOPES
from shared.key_ring import KeyRing
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def write_sample(folder: Path) -> Path:
    sample = folder / "sample.json"
    sample.write_text(json.dumps({"IsEncrypted": False, "Values": {"FUNCTIONS_WORKER_RUNTIME": "python"}}))
    return sample


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until_gone(*pids: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(is_running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


@contextmanager
def listener() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


# --- settings and keys


def test_new_settings_are_those_of_the_sample_readable_by_their_owner_alone(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    assert dev.create_settings(settings, write_sample(tmp_path))
    assert json.loads(settings.read_text())["Values"] == {"FUNCTIONS_WORKER_RUNTIME": "python"}
    assert settings.stat().st_mode & 0o077 == 0


def test_a_kept_key_changes_nothing_else_and_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Values": {"DEV_API_KEY": "old", "MINE": "1"}, "Host": {"CORS": "*"}}))
    dev.save_key(settings, "new")
    assert json.loads(settings.read_text()) == {"Values": {"DEV_API_KEY": "new", "MINE": "1"}, "Host": {"CORS": "*"}}
    assert settings.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [settings]


def test_settings_that_exist_are_never_touched(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("mine")
    assert not dev.create_settings(settings, write_sample(tmp_path))
    assert settings.read_text() == "mine"


def test_a_broken_settings_file_is_named_in_plain_words(tmp_path: Path) -> None:
    settings = tmp_path / "local.settings.json"
    settings.write_text("{")
    with pytest.raises(dev.DevError, match=r"local\.settings\.json is not a settings file"):
        dev.read_settings(settings, write_sample(tmp_path))


def test_a_setting_comes_from_the_environment_else_the_settings_else_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, sample = tmp_path / "settings.json", tmp_path / "sample.json"
    settings.write_text(json.dumps({"Values": {"ONE": "settings", "TWO": "settings"}}))
    sample.write_text(json.dumps({"Values": {"ONE": "sample", "TWO": "sample", "THREE": "sample"}}))
    monkeypatch.setenv("ONE", "environment")
    assert dev.read_settings(settings, sample) == {"ONE": "environment", "TWO": "settings", "THREE": "sample"}


@pytest.fixture
def keys_of_service(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Keys and what they open, of a service and a storage that are not there."""
    keys: dict[str, list[str]] = {}

    def make(_: str, tenants: list[str]) -> str:
        key = f"key{len(keys)}"
        keys[key] = tenants
        return key

    monkeypatch.setattr(dev, "make_key", make)
    monkeypatch.setattr(dev, "key_opens", lambda _, key, tenant: tenant in keys.get(key, []))
    return keys


def test_a_key_is_made_once_and_again_when_it_no_longer_opens(
    tmp_path: Path, keys_of_service: dict[str, list[str]]
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"Values": {}}')

    def key_for(tenant: str) -> str:
        return dev.usable_key("http://service", "storage", dev.values_of(settings).get("DEV_API_KEY"), tenant, settings)

    assert [key_for("northwind"), key_for("northwind"), key_for("harbour")] == ["key0"] * 3
    assert [key_for("acme"), key_for("northwind")] == ["key1"] * 2
    keys_of_service.clear()
    assert [key_for("northwind"), key_for("northwind")] == ["key0"] * 2
    assert keys_of_service == {"key0": ["northwind", "harbour"]}


def test_a_key_made_for_a_run_opens_its_tenants_with_every_scope(azurite: dev.Azurite) -> None:
    text = dev.make_key(azurite.connection_string, ["northwind", "acme"])
    account = StorageAccount(azurite.connection_string)
    found = KeyRing(TableKeyStore(account), run_aside=lambda _: None).find(text)
    account.tables.close()
    assert found is not None
    assert (found.tenants, found.scopes) == (("northwind", "acme"), ALL_SCOPES)


def test_a_tenant_that_cannot_be_one_is_named(azurite: dev.Azurite) -> None:
    with pytest.raises(dev.DevError, match="'a/b' cannot be a tenant"):
        dev.make_key(azurite.connection_string, ["a/b"])


@pytest.mark.parametrize(
    ("asked", "own_database", "chosen"), [(None, False, "northwind"), ("harbour", False, "harbour"), ("a", True, "a")]
)
def test_the_tenant_is_the_one_asked_for_or_the_first_of_the_sample(
    asked: str | None, own_database: bool, chosen: str
) -> None:
    assert dev.choose_tenant(asked, own_database) == chosen


def test_an_own_database_needs_a_tenant() -> None:
    with pytest.raises(dev.DevError, match="--tenant"):
        dev.choose_tenant(None, own_database=True)


# --- ports and addresses


def test_the_connection_string_names_all_three_services() -> None:
    text = dev.connection_string(1, 2, 3)
    assert text.startswith("DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=")
    assert "BlobEndpoint=http://127.0.0.1:1/devstoreaccount1;" in text
    assert "QueueEndpoint=http://127.0.0.1:2/devstoreaccount1;" in text
    assert "TableEndpoint=http://127.0.0.1:3/devstoreaccount1;" in text


def test_a_port_in_use_is_named_with_the_option_that_helps() -> None:
    with listener() as port, pytest.raises(dev.DevError, match=rf"Port {port} is in use.*--port {port + 1}"):
        dev.require_free(port)


def test_a_port_given_back_is_free_again() -> None:
    with listener() as port:
        pass
    dev.require_free(port)


# --- what is shown


@pytest.mark.parametrize(
    ("done", "total", "begins"),
    [
        (0, None, "[░░░░] "),
        (0, 8, "[░░░░]   0 %"),
        (3, 8, "[█░░░]  37 %"),
        (8, 8, "[████] 100 %"),
        (0, 0, "[████] 100 %"),
    ],
)
def test_the_bar_fills_with_the_share_done(done: int, total: int | None, begins: str) -> None:
    assert dev.progress_line(done, total, seconds=1, bar_width=4).startswith(begins)


def test_the_bar_tells_rows_and_rows_a_second() -> None:
    assert dev.progress_line(5_000, 20_000, seconds=2).endswith("5,000 of 20,000 rows  2,500 rows/s")


def test_a_terminal_sees_one_line_that_updates_itself() -> None:
    output = io.StringIO()
    bar = dev.ProgressBar(output, terminal=True)
    for done in (1, 2, 3):
        bar.show(done, 3)
    bar.close()
    assert output.getvalue().count("\n") == 1
    assert output.getvalue().count("\r") == 3


def test_a_log_file_sees_at_most_five_lines() -> None:
    output = io.StringIO()
    bar = dev.ProgressBar(output, terminal=False)
    for done in range(1001):
        bar.show(done, 1000)
    assert [line.split("]")[1][:6] for line in output.getvalue().splitlines()] == [
        "   0 %", "  25 %", "  50 %", "  75 %", " 100 %",
    ]  # fmt: skip


def test_the_health_report_names_only_what_is_unhealthy() -> None:
    healthy = {"name": "tables", "status": "Healthy", "detail": None}
    unhealthy = {"name": "clients", "status": "Unhealthy", "detail": "no view"}
    body = {"status": "Unhealthy", "dependencies": [healthy, unhealthy]}
    assert dev.health_report(dev.Answer(503, {}, json.dumps(body).encode())) == "    clients: no view"


def test_a_health_answer_of_another_form_is_shown_as_it_is() -> None:
    assert dev.health_report(dev.Answer(503, {}, b"down")) == "    503 down"


@pytest.mark.parametrize("piece_bytes", [1, 3, 1000])
def test_line_breaks_inside_quotes_are_not_counted_as_rows(piece_bytes: int) -> None:
    content = b'a,b\r\n"x\r\ny","say ""hi""\n"\r\nlast,1\r\n'
    counter = dev.RowCounter()
    for start in range(0, len(content), piece_bytes):
        counter.feed(content[start : start + piece_bytes])
    assert counter.rows == 3


def test_first_lines_fit_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text('Name,Note\r\n"A\r\nB","' + "x" * 300 + '"\r\nC,D\r\nE,F\r\n', newline="")
    header, first, second = dev.first_lines(file, count=3, width=20)
    assert (header, second) == ("Name,Note", "C,D")
    assert first == "A B," + "x" * 15 + "…"


def test_pytest_totals_are_found_among_colours_and_rulers() -> None:
    output = (
        "...F\n=== short test summary info ===\nFAILED a.py\n\x1b[31m\x1b[1m1 failed\x1b[0m, 3 passed in 0.10s\x1b[0m\n"
    )
    assert dev.totals_line(output) == "1 failed, 3 passed in 0.10s"


# --- set-up


def test_a_stamp_is_current_only_for_exactly_these_files(tmp_path: Path) -> None:
    source, stamp = tmp_path / "requirements.txt", tmp_path / "stamp"
    source.write_text("a==1")
    assert not dev.is_current(stamp, [source])
    stamp.write_text(dev.digest([source]))
    assert dev.is_current(stamp, [source])
    source.write_text("a==2")
    assert not dev.is_current(stamp, [source])


def test_a_failing_step_shows_its_command_and_what_it_said() -> None:
    with pytest.raises(dev.DevError, match=r"(?s)No luck\..*Tried: .*exit.*ended with code 3.*told you"):
        dev.run_quietly([sys.executable, "-c", "print('told you'); exit(3)"], "No luck.")


@pytest.mark.parametrize("command", [["run", "--clients", "0"], ["run", "--colour"], ["unknown"], []])
def test_wrong_arguments_are_refused_before_anything_starts(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        dev.main(command)
    assert "usage" in capsys.readouterr().err


def test_unknown_arguments_of_test_go_to_pytest_in_their_order() -> None:
    options, rest = dev.make_parser().parse_known_args(["test", "-k", "name", "--fast", "tests/dev", "-x"])
    assert options.fast
    assert rest == ["-k", "name", "tests/dev", "-x"]


# --- nothing is left running


def test_stopping_ends_the_whole_group(tmp_path: Path) -> None:
    starter = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(60)"
    process = dev.Process("starter", [sys.executable, "-c", starter, *SLEEPER], log=tmp_path / "log")
    while not (printed := process.log.read_text().strip()):
        time.sleep(0.02)
    process.stop()
    assert wait_until_gone(process.pid, int(printed))


def test_a_program_deaf_to_sigterm_is_killed(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    process = dev.Process("deaf", [sys.executable, "-c", deaf], log=tmp_path / "log")
    while "deaf" not in process.log.read_text():
        time.sleep(0.02)
    process.stop(patience_seconds=0.2)
    assert not is_running(process.pid)


def test_what_a_killed_program_started_is_ended_at_once(tmp_path: Path) -> None:
    program = f"""
import sys, time; sys.path.insert(0, {str(dev.ROOT)!r})
import dev
from pathlib import Path
print(dev.Process("sleeper", sys.argv[1:], log=Path({str(tmp_path / "log")!r})).pid, flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", program, *SLEEPER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        sleeper = int(starter.stdout.readline())
        starter.kill()
    assert wait_until_gone(sleeper)


def test_leftovers_of_a_killed_run_are_ended_by_the_next(tmp_path: Path) -> None:
    record = tmp_path / "pids.json"
    with subprocess.Popen(SLEEPER, start_new_session=True) as leftover:
        dev.record_run(record, [leftover.pid])
        forget(record, "owner")
        dev.claim_run(record)
        assert leftover.wait(10) == -signal.SIGTERM


def test_a_process_that_took_over_a_recorded_number_is_spared(tmp_path: Path) -> None:
    record = tmp_path / "pids.json"
    with subprocess.Popen(SLEEPER, start_new_session=True) as stranger:
        dev.record_run(record, [stranger.pid])
        forget(record, "owner", "started")
        dev.claim_run(record)
        assert stranger.poll() is None
        stranger.kill()


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "pids.json"
    dev.record_run(record, [])
    with pytest.raises(dev.DevError, match=rf"Another `dev.py run`.*process {os.getpid()}"):
        dev.claim_run(record)


def forget(record: Path, *parts: str) -> None:
    """Make the recorded processes look like ones that are gone, whose numbers others have now."""
    content = json.loads(record.read_text())
    for part in parts:
        entries = content[part] if part == "started" else [content[part]]
        for entry in entries:
            entry["identity"] = "started at another time"
    record.write_text(json.dumps(content))


def test_azurite_listens_on_free_ports_and_leaves_nothing_running(tmp_path: Path) -> None:
    azurite = dev.start_azurite(tmp_path)
    try:
        assert all(not dev.is_free(port) for port in azurite.ports)
        assert dev.call("GET", f"http://127.0.0.1:{azurite.ports[0]}/").status == 400
    finally:
        azurite.stop()
    assert not is_running(azurite.pid)
    assert all(dev.is_free(port) for port in azurite.ports)


def test_azurite_starts_again_on_its_files_and_ports_after_a_kill(tmp_path: Path) -> None:
    first = dev.start_azurite(tmp_path)
    first.kill()
    assert not is_running(first.pid)
    second = dev.start_azurite(tmp_path, ports=first.ports)
    second.stop()
    assert second.connection_string == first.connection_string


def test_azurite_that_cannot_start_says_why(tmp_path: Path) -> None:
    with listener() as port, pytest.raises(dev.DevError, match="EADDRINUSE"):
        dev.start_azurite(tmp_path, ports=(port, 0, 0))
