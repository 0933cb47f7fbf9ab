"""devhost on the real Durable extension: it starts and ends with its host, and gives back its work when stopped."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.devhost.conftest import StartHost
from tests.devhost.harness import APPS, WORKER, Host, alive, wait_until

Options = dict[str, Any]


def programs(host: Host) -> list[psutil.Process]:
    """Return the processes of the extension that this host has started."""
    assert host.process is not None
    return [child for child in psutil.Process(host.process.pid).children() if WORKER not in child.cmdline()]


@pytest.mark.thorough
def test_orchestrations_run_on_the_real_extension(the_real_one: Host) -> None:
    assert len(programs(the_real_one)) == 1
    assert the_real_one.result("chain", 5) == 8
    assert the_real_one.result("parent") == [13, 23, 33]


@pytest.mark.thorough
def test_the_failure_of_an_activity_reads_the_same_on_both_engines(devhosts_own: Host, the_real_one: Host) -> None:
    value = {"key": "same", "succeeds_at": 9, "attempts": 1}
    first_lines = [host.run("retry", value)["output"].splitlines()[0].rstrip() for host in (devhosts_own, the_real_one)]
    assert first_lines[0] == first_lines[1]


@pytest.mark.thorough
def test_the_program_compiles_its_busy_methods_without_counters(the_real_one: Host) -> None:
    (program,) = programs(the_real_one)
    assert program.environ()["DOTNET_TieredPGO"] == os.environ.get("DOTNET_TieredPGO", "0")  # noqa: SIM112


@pytest.mark.thorough
def test_the_program_ends_with_a_host_that_is_killed(start_host: StartHost, idle_extension: Options) -> None:
    host = start_host("durable", **idle_extension)
    (program,) = programs(host)
    host.kill()
    wait_until(lambda: not alive([program]))


@pytest.mark.thorough
def test_the_program_ends_with_a_host_that_is_stopped(start_host: StartHost, idle_extension: Options) -> None:
    host = start_host("durable", **idle_extension)
    (program,) = programs(host)
    assert host.stop() == 0
    assert not alive([program])


@pytest.mark.thorough
def test_a_host_whose_program_ends_stops_and_says_why(start_host: StartHost, idle_extension: Options) -> None:
    host = start_host("durable", **idle_extension)
    (program,) = programs(host)
    program.kill()
    assert host.process is not None
    assert host.process.wait(60) == 1
    assert "devhost: the Durable extension ended by itself" in host.log()


@pytest.mark.thorough
def test_a_stopped_host_ends_what_it_runs_and_the_next_one_does_the_rest(
    start_host: StartHost, extension: Options, tmp_path: Path
) -> None:
    """No activity runs twice, and the others need not wait for a minute, because the host has given them back.

    Only messages that the extension received while it stopped, seen: one in each run, stay hidden for a minute.
    """
    host = start_host("durable", **extension)
    instance_id = host.begin("fan_out", {"count": 64, "activity": "count_slowly"})
    wait_until(lambda: len(list(tmp_path.glob("slow-*"))) >= 16)  # the first to end, so all 64 are scheduled
    assert host.stop() == 0
    began = len(list(tmp_path.glob("slow-*")))
    assert 0 < began < 64
    host.start()
    wait_until(lambda: len(list(tmp_path.glob("slow-*"))) >= 60, 45)
    assert host.finished(instance_id, 120)["output"] == 64, "each activity returned 1: it was its first run"


@pytest.mark.thorough
def test_a_killed_host_leaves_its_activities_to_the_next_one_after_a_minute(
    start_host: StartHost, extension: Options, tmp_path: Path
) -> None:
    host = start_host("durable", **extension)
    instance_id = host.begin("runs", {"activity": "count_first", "input": "killed"})
    wait_until((tmp_path / "killed.1").exists)
    host.kill()
    began = time.monotonic()
    host.start()
    assert host.finished(instance_id, 120)["output"] == 2, "within about a minute after the start"
    assert time.monotonic() - began > 40


@pytest.mark.parametrize("storage", ["", pytest.param("UseDevelopmentStorage=true", marks=pytest.mark.thorough)])
def test_a_program_that_cannot_start_is_refused_with_its_reason(tmp_path: Path, storage: str) -> None:
    program = tmp_path / "durable-engine"
    program.write_text("#!/bin/sh\necho 'no storage account'\nexit 3\n")
    program.chmod(0o755)
    host = Host(APPS / "durable", tmp_path, durable=program)
    environment = {name: text for name, text in host.environment().items() if name != "AzureWebJobsStorage"}
    environment |= {"AzureWebJobsStorage": storage} if storage else {}
    done = subprocess.run(host.command(), capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == 1
    assert "devhost: the Durable extension ended with code 3 before it served" in done.stderr
    assert "no storage account" in done.stderr
    assert ("AzureWebJobsStorage, which names its storage account, is missing" in done.stderr) is not bool(storage)


@pytest.mark.parametrize("name", [pytest.param("durable-engine", marks=pytest.mark.thorough), "durable-engine.tar.xz"])
def test_a_missing_program_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    host = Host(APPS / "durable", tmp_path, durable=tmp_path / name)
    done = subprocess.run(
        host.command(), capture_output=True, text=True, timeout=60, env=host.environment(), check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{name} is not a file" in done.stderr
