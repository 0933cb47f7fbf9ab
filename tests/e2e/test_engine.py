"""The whole system runs on the engine that the test run asks for: devhost's own, or the real Durable extension."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from devhost.local.engine_program import USED, executable
from tests.support.system import System


def test_orchestrations_run_on_the_engine_that_the_run_asks_for(system: System) -> None:
    asked = os.environ.get(USED)
    programs = {Path(child.exe()) for child in psutil.Process(system.host.pid).children()}

    assert any(program.name == "durable-engine" for program in programs) is bool(asked)
    assert not asked or executable(Path(asked)) in programs
