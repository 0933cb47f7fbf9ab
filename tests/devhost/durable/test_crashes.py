"""Kills the host or workers at random moments: every result must still be right, and every activity must have run.

CI kills more often, and with DEVHOST_KILLS=40 they are more still.
"""

import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from devhost.local.checks import under_ci
from tests.devhost.conftest import StartHost
from tests.devhost.durable.test_random import begin_programs, check, send_events
from tests.devhost.harness import Host

Kill = Callable[[Host, random.Random], None]
KILLS = int(os.environ.get("DEVHOST_KILLS", "5" if under_ci() else "2"))


def kill_host(host: Host, _rng: random.Random) -> None:
    host.kill()
    host.start()


def kill_worker(host: Host, rng: random.Random) -> None:
    if workers := host.worker_processes():
        rng.choice(workers).kill()


@pytest.mark.parametrize("kill", [kill_host, pytest.param(kill_worker, marks=pytest.mark.thorough)])
def test_kills_neither_lose_nor_corrupt_an_instance(
    start_host: StartHost, kill: Kill, request: pytest.FixtureRequest
) -> None:
    rng = random.Random(request.node.name)
    host = start_host("random")
    programs = begin_programs(host, range(1000, 1025))
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.02, 0.4))
        kill(host, rng)
    send_events(host, programs)
    time.sleep(rng.uniform(0.02, 0.2))
    kill(host, rng)
    check(host, programs, seconds=150 + KILLS)
    host.stop()
    with closing(sqlite3.connect(host.state)) as database, database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM inbox)").fetchone() == (
            0,
            0,
        )
    database.close()


def test_an_activity_that_always_kills_its_worker_fails_at_last(start_host: StartHost) -> None:
    host = start_host("durable", env={"DEATHS": "1000", "DEVHOST_POISON_DEATHS": "3"})
    status = host.run("runs", {"activity": "exit_process", "input": "poison"})
    assert status["runtimeStatus"] == "Failed"
    assert "Activity function 'exit_process' failed:  WorkerDied:" in status["output"]
    assert host.result("chain", 1) == 4
