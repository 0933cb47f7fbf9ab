"""What threads log belongs to their invocation, under the rules of the workers for every version of Python."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest

from devhost.functions import FunctionInfo
from devhost.workers.app_loader import LoadedFunction
from devhost.workers.invocations import Invocations
from devhost.workers.invoker import Invoker
from shared.invocations import carried, name_invocations_of_records, with_invocation

_log = logging.getLogger("shared.invocations.test")


class Seen(logging.Handler):
    """Notes for each record whether devhost finds its invocation, as the real worker would."""

    def __init__(self, invocations: Invocations) -> None:
        super().__init__()
        self._invocations = invocations
        self.found: list[bool] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self._invocations.current() is not None)


Run = Callable[[Callable[..., Any]], list[bool]]


@pytest.fixture(params=[False, True], ids=["up_to_3.12", "from_3.13_on"])
def found_by_worker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a trigger, and returns for each record that it logs whether the worker finds its invocation."""
    monkeypatch.setitem(sys.modules, "azure_functions_runtime", ModuleType("azure_functions_runtime"))
    make = logging.getLogRecordFactory()
    invocations = Invocations(by_variable=request.param)
    seen = Seen(invocations)
    _log.addHandler(seen)
    _log.setLevel(logging.INFO)

    def run(trigger: Callable[..., Any]) -> list[bool]:
        info = FunctionInfo("tick", "timer", "tick", "timer", wants_context=True)
        function = LoadedFunction(
            info, with_invocation(trigger), inspect.iscoroutinefunction(trigger), has_return=False
        )
        header, text = asyncio.run(_invoke(Invoker({"tick": function}, 1, invocations), invocations))
        assert header["ok"], text
        return seen.found

    name_invocations_of_records()
    yield run
    _log.removeHandler(seen)
    logging.setLogRecordFactory(make)


async def _invoke(invoker: Invoker, invocations: Invocations) -> tuple[dict[str, Any], bytes]:
    asyncio.get_running_loop().set_task_factory(invocations.make_task)
    return await invoker.run({"fn": "tick"}, b"{}")


def test_a_sync_trigger_its_own_threads_and_its_pools_are_found(found_by_worker: Run) -> None:
    def tick(timer: func.TimerRequest) -> None:
        _log.info("in the function")
        thread = threading.Thread(target=carried(lambda: _log.info("in a thread")))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(carried(lambda number: _log.info("in a pool: %d", number)), range(8)))

    assert found_by_worker(tick) == [True] * 10


def test_an_async_trigger_its_tasks_and_the_threads_that_it_awaits_are_found(found_by_worker: Run) -> None:
    def in_thread() -> None:
        _log.info("in a thread")
        thread = threading.Thread(target=carried(lambda: _log.info("in a thread of it")))
        thread.start()
        thread.join()

    async def tick(timer: func.TimerRequest) -> None:
        _log.info("in the function")
        await asyncio.to_thread(in_thread)
        await asyncio.gather(*(asyncio.to_thread(in_thread) for _ in range(3)))

    assert found_by_worker(tick) == [True] * 9


def test_a_thread_that_is_not_carried_is_not_found(found_by_worker: Run) -> None:
    def tick(timer: func.TimerRequest) -> None:
        thread = threading.Thread(target=lambda: _log.info("in a thread"))
        thread.start()
        thread.join()

    assert found_by_worker(tick) == [False]


def test_a_trigger_gets_a_parameter_for_its_invocation_that_workers_accept() -> None:
    @with_invocation
    async def start(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse()

    assert list(inspect.signature(start).parameters) == ["req", "context"]
    assert typing.get_type_hints(start)["context"] is func.Context
    assert inspect.iscoroutinefunction(start)


def test_a_call_without_an_invocation_works_as_before() -> None:
    @with_invocation
    def add(one: int, two: int) -> int:
        return one + two

    assert add(1, two=2) == 3


def test_records_are_named_once_however_often_the_app_is_imported() -> None:
    make = logging.getLogRecordFactory()
    try:
        name_invocations_of_records()
        named = logging.getLogRecordFactory()
        name_invocations_of_records()
        assert logging.getLogRecordFactory() is named
    finally:
        logging.setLogRecordFactory(make)
