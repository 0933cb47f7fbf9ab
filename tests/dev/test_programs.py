"""The programs that dev.py starts: their ports and addresses, and that none of them outlives dev.py."""

from __future__ import annotations

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

from devhost.durable.program import _STOP_SECONDS
from devhost.local.azurite import connection_string, start_azurite
from devhost.local.command_line import Defaults, make_parser
from devhost.local.errors import DevError
from devhost.local.hosts import STOP_SECONDS_ON_ENGINE
from devhost.local.paths import ROOT
from devhost.local.ports import is_free, require_free
from devhost.local.processes import Process
from devhost.local.run_record import claim_run, record_run
from shared.local_http import call
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until_gone(*pids: int) -> bool:
    deadline = time.monotonic() + 60
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


# --- ports and addresses


def test_the_connection_string_names_all_three_services() -> None:
    text = connection_string(1, 2, 3)
    assert text.startswith("DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=")
    assert "BlobEndpoint=http://127.0.0.1:1/devstoreaccount1;" in text
    assert "QueueEndpoint=http://127.0.0.1:2/devstoreaccount1;" in text
    assert "TableEndpoint=http://127.0.0.1:3/devstoreaccount1;" in text


def test_the_error_for_a_port_in_use_suggests_another_port() -> None:
    with listener() as port, pytest.raises(DevError, match=rf"Port {port} is in use.*--port {port + 1}"):
        require_free(port)


def test_a_number_that_is_no_port_is_refused_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    parser = make_parser(Defaults("northwind", 1, "clients.csv"))
    with pytest.raises(SystemExit):
        parser.parse_args(["run", "--port", "65536"])
    assert "argument --port: 65536 is not a port; the last one is 65535" in capsys.readouterr().err
    assert parser.parse_args(["run", "--port", "65535"]).port == 65535


def test_a_released_port_is_free_again() -> None:
    with listener() as port:
        pass
    require_free(port)


# --- nothing is left running


def test_stopping_a_program_ends_its_whole_process_group(tmp_path: Path) -> None:
    starter = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(60)"
    process = Process("starter", [sys.executable, "-c", starter, *SLEEPER], log=tmp_path / "log")
    while not (printed := process.log.read_text().strip()):
        time.sleep(0.02)
    process.stop()
    assert wait_until_gone(process.pid, int(printed))


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ignoring = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    process = Process("ignoring", [sys.executable, "-c", ignoring], log=tmp_path / "log")
    while "ready" not in process.log.read_text():
        time.sleep(0.02)
    process.stop(timeout_seconds=0.2)
    assert not is_running(process.pid)


def test_programs_started_by_a_killed_program_are_ended(tmp_path: Path) -> None:
    program = f"""
import sys, time; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from devhost.local.processes import Process
print(Process("sleeper", sys.argv[1:], log=Path({str(tmp_path / "log")!r})).pid, flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", program, *SLEEPER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        sleeper = int(starter.stdout.readline())
        starter.kill()
    assert wait_until_gone(sleeper)


def test_a_run_ends_the_programs_that_a_killed_run_left_behind(tmp_path: Path) -> None:
    record = tmp_path / "pids.json"
    with subprocess.Popen(SLEEPER, start_new_session=True) as leftover:
        record_run(record, [leftover.pid])
        forget(record, "owner")
        claim_run(record)
        assert leftover.wait(10) == -signal.SIGTERM


def test_a_later_process_with_a_recorded_id_is_not_ended(tmp_path: Path) -> None:
    record = tmp_path / "pids.json"
    with subprocess.Popen(SLEEPER, start_new_session=True) as stranger:
        record_run(record, [stranger.pid])
        forget(record, "owner", "started")
        claim_run(record)
        assert stranger.poll() is None
        stranger.kill()


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "pids.json"
    record_run(record, [])
    with pytest.raises(DevError, match=rf"Another `dev.py run`.*process {os.getpid()}"):
        claim_run(record)


def forget(record: Path, *parts: str) -> None:
    """Make the recorded processes look as if they had ended and other processes had their ids now."""
    content = json.loads(record.read_text())
    for part in parts:
        entries = content[part] if part == "started" else [content[part]]
        for entry in entries:
            entry["identity"] = "started at another time"
    record.write_text(json.dumps(content))


def test_azurite_listens_on_free_ports_and_leaves_nothing_running(tmp_path: Path) -> None:
    azurite = start_azurite(tmp_path)
    try:
        assert all(not is_free(port) for port in azurite.ports)
        assert call("GET", f"http://127.0.0.1:{azurite.ports[0]}/").status == 400
    finally:
        azurite.stop()
    assert not is_running(azurite.pid)
    assert all(is_free(port) for port in azurite.ports)


def test_a_killed_azurite_starts_again_with_its_files_and_ports(tmp_path: Path) -> None:
    first = start_azurite(tmp_path)
    first.kill()
    assert not is_running(first.pid)
    second = start_azurite(tmp_path, ports=first.ports)
    second.stop()
    assert second.connection_string == first.connection_string


def test_the_error_says_why_azurite_cannot_start(tmp_path: Path) -> None:
    with listener() as port, pytest.raises(DevError, match="EADDRINUSE"):
        start_azurite(tmp_path, ports=(port, 0, 0))


@pytest.mark.parametrize(("stop_seconds", "exit_code"), [(0.1, -signal.SIGKILL), (30, 7)])
def test_a_program_has_its_own_time_to_end_in_order(tmp_path: Path, stop_seconds: float, exit_code: int) -> None:
    slow = "import signal, sys, time\nsignal.signal(15, lambda *_: (time.sleep(1), sys.exit(7)))\n"
    command = [sys.executable, "-c", f"{slow}print('ready', flush=True)\ntime.sleep(60)"]
    program = Process("slow", command, log=tmp_path / "log", stop_seconds=stop_seconds)
    wait_until(lambda: "ready" in program.log.read_text())
    program.stop()
    assert program.wait() == exit_code


def test_a_host_on_the_real_extension_may_take_as_long_to_stop_as_the_extension() -> None:
    assert STOP_SECONDS_ON_ENGINE > _STOP_SECONDS
