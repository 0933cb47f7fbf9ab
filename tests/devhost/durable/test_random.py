"""Random orchestrations with known results, which test the numbering of tasks, the order of events and retries.

CI runs twice as many of them, and DEVHOST_SEEDS=200 runs more.
"""

import os

import pytest

from devhost.local.checks import under_ci
from tests.devhost.conftest import StartHost
from tests.devhost.durable.programs import Node, activities, events, expected, make_program
from tests.devhost.harness import API, Host, wait_until

SEEDS = int(os.environ.get("DEVHOST_SEEDS", "60" if under_ci() else "30"))


def begin_programs(host: Host, seeds: range) -> dict[str, list[Node]]:
    """Start one instance for each seed."""
    (host.directory / "runs").mkdir(exist_ok=True)
    programs = {f"random-{seed}": make_program(seed, f"random-{seed}") for seed in seeds}
    for instance_id, program in programs.items():
        host.begin("run", program, instance_id)
    return programs


def send_events(host: Host, programs: dict[str, list[Node]]) -> None:
    for instance_id, program in programs.items():
        for name in events(program):
            host.send(instance_id, name, name)


def check(host: Host, programs: dict[str, list[Node]], seconds: float) -> None:
    """Assert that every instance returns the expected result, and that every activity ran."""
    unfinished = f"{API}/instances?instanceIdPrefix=random-&runtimeStatus=Pending,Running"
    wait_until(lambda: host.get(unfinished).json() == [], seconds, every=0.2)
    wrong = {
        instance_id: (status["runtimeStatus"], status["output"])
        for instance_id, program in programs.items()
        if (status := host.status(instance_id))["output"] != expected(program)
    }
    assert not wrong
    for key, runs in (pair for program in programs.values() for pair in activities(program).items()):
        assert (host.directory / "runs" / f"{key}.{runs}").exists()


@pytest.mark.thorough
def test_random_orchestrations_return_the_expected_results(start_host: StartHost) -> None:
    host = start_host("random")
    programs = begin_programs(host, range(SEEDS))
    send_events(host, programs)
    check(host, programs, seconds=60 + SEEDS)
