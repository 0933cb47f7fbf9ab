"""A record outside of a running invocation is dropped and counted, as the real host drops it; no logger is silenced."""

import asyncio
import contextvars
import logging
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devhost.functions import FunctionInfo
from devhost.workers.app_loader import LoadedFunction
from devhost.workers.invocations import Invocations
from devhost.workers.invoker import Invoker
from tests.devhost.conftest import StartHost
from tests.devhost.harness import APPS, wait_until

DROPPED = "dropped a log record outside of an invocation"


@pytest.mark.parametrize("rules", ["3.12", "3.13"])
def test_records_of_a_thread_that_does_not_name_its_invocation_are_dropped(start_host: StartHost, rules: str) -> None:
    host = start_host("web", workers=1, env={"DEVHOST_LOG_RULES": rules})
    for place in ("here", "task", "thread", "carried"):
        assert host.get(f"/logs/{place}").body == b"logged"
    lines = re.findall(r"line from (\w+)", host.log())
    assert lines == ["here", "task", "carried"]
    assert f"{DROPPED}, as the real host does (1 so far): root, function_app.py:" in host.log()


def test_a_record_after_the_end_of_its_invocation_is_dropped(start_host: StartHost) -> None:
    host = start_host("web", workers=1)
    host.get("/late")
    wait_until(lambda: DROPPED in host.log())
    assert "line from late" not in host.log()


def test_no_logger_of_a_library_is_silenced(start_host: StartHost, tmp_path: Path) -> None:
    code = """
import azure.functions as func, logging
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route(route="a")
def a(req: func.HttpRequest) -> str:
    for name in ("azure.core", "azure.identity", "urllib3", "asyncio"):
        logging.getLogger(name).info("line of a library")
    return "logged"
"""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/function_app.py").write_text(code)
    (tmp_path / "app/host.json").write_text((APPS / "web/host.json").read_text())
    host = start_host(tmp_path / "app", workers=1)
    assert host.get("/a").body == b"logged"
    assert host.log().count("line of a library") == 4


def run(invocations: Invocations, function: Callable[[Any], Any]) -> None:
    """Run a function as a timer trigger, which fails if the function fails."""
    info = FunctionInfo("tick", "timer", "tick", "timer")
    invoker = Invoker({"tick": LoadedFunction(info, function, is_async=False, has_return=False)}, 1, invocations)
    header, text = asyncio.run(invoker.run({"fn": "tick"}, b"{}"))
    assert header["ok"], text


@pytest.mark.parametrize(("by_variable", "found"), [(False, False), (True, True)])
def test_copied_context_variables_name_the_invocation_only_from_python_313_on(
    monkeypatch: pytest.MonkeyPatch, by_variable: bool, found: bool
) -> None:
    monkeypatch.setitem(sys.modules, "azure_functions_runtime", type(sys)("azure_functions_runtime"))
    invocations = Invocations(by_variable=by_variable)
    seen: list[str | None] = []

    def tick(timer: object) -> None:
        copied = contextvars.copy_context()
        thread = threading.Thread(target=lambda: seen.append(copied.run(invocations.current)))
        thread.start()
        thread.join()

    run(invocations, tick)
    assert (seen[0] is not None) is found


def test_a_function_without_a_binding_for_a_result_must_not_return_one(caplog: pytest.LogCaptureFixture) -> None:
    info = FunctionInfo("tick", "timer", "tick", "timer")
    tick = LoadedFunction(info, lambda timer: "a result", is_async=False, has_return=False)
    with caplog.at_level(logging.CRITICAL):
        header, text = asyncio.run(Invoker({"tick": tick}, 1, Invocations()).run({"fn": "tick"}, b"{}"))
    assert not header["ok"]
    assert text.decode() == "function 'tick' has no binding for a result, but it returned one"
