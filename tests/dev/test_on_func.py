"""The tests can run their systems on Azure Functions Core Tools. A small program stands for `func`, which runs devhost.

Only the workflow has the real one. What is shown here is how it is called, and when it is refused.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from devhost.local import checks, hosts
from devhost.local.errors import DevError
from devhost.local.paths import ROOT
from tests.support.system import System

_FUNC = """#!{python}
import json, os, sys
if sys.argv[1:] == ["--version"]:
    print("{version}")
else:
    kept = {{name: os.environ.get(name) for name in {settings}}}
    print(json.dumps([os.getcwd(), sys.argv[1:], kept]))
"""
_SETTINGS = ("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_WORKER_PROCESS_COUNT", "EXPORT_STORAGE")


def _install_func(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str = "4.0.7000") -> None:
    program = folder / "func"
    program.write_text(_FUNC.format(python=sys.executable, version=version, settings=_SETTINGS))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_system_starts_on_func_with_the_app_the_port_and_the_settings_of_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install_func(tmp_path, monkeypatch)
    monkeypatch.setenv(hosts.USED, "func")
    system = System(tmp_path, {"EXPORT_STORAGE": "here"}, workers=3)
    system.start()
    system.host.wait()

    folder, arguments, settings = json.loads(system.log)
    assert (folder, arguments) == (str(ROOT), ["start", "--port", str(system.port)])
    assert settings == dict(zip(_SETTINGS, ("python", "3", "here"), strict=True))


@pytest.mark.parametrize("version", ["", "3.0.1"])
def test_func_that_is_absent_or_too_old_is_refused_before_a_test_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if version:
        _install_func(tmp_path, monkeypatch, version)
    with pytest.raises(DevError, match=r"`func` version 4 .* is not on PATH. Install it"):
        hosts.choose_host("func")


@pytest.mark.parametrize(
    ("given", "run"), [((), ["tests/e2e", "-m", "not thorough"]), (("tests/e2e/test_jobs.py",),) * 2]
)
def test_a_run_on_func_runs_e2e_or_what_is_named(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], run: list[str]
) -> None:
    runs = list[tuple[str, list[str]]]()

    def run_pytest(arguments: list[str], _title: str) -> tuple[checks.Check, checks.Summary]:
        runs.append((os.environ[hosts.USED], list(arguments)))
        return checks.Check("pytest", 1.0, ok=True), checks.Summary("", "1 passed in 1 s")

    monkeypatch.setattr(checks, "run_pytest", run_pytest)
    assert checks.run_on_host("func", given)
    assert runs == [("func", [checks.LONG_WAITS, *run])]
    assert hosts.host_of_systems() == "devhost"
