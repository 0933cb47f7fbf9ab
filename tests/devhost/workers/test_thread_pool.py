"""Sync functions and orchestrators share one thread pool, as in the real Functions worker."""

import asyncio
import json
import re
import threading
from pathlib import Path

import pytest

from devhost.functions import FunctionInfo
from devhost.workers.app_loader import LoadedFunction
from devhost.workers.invocations import Invocations
from devhost.workers.invoker import Invoker
from devhost.workers.threads import function_threads

_ROOT = Path(__file__).parents[3]


def test_an_orchestrator_waits_for_a_thread_that_a_sync_function_holds() -> None:
    """With one thread, an orchestrator starts only after the timer that holds the thread has ended."""
    release = threading.Event()
    ended: list[str] = []

    def hang(timer: object) -> None:
        release.wait(10)
        ended.append("timer")

    def orchestrate(context: object) -> str:
        ended.append("orchestrator")
        return "{}"

    functions = {
        "hang": LoadedFunction(FunctionInfo("hang", "timer", "hang", "timer"), hang, is_async=False),
        "lead": LoadedFunction(FunctionInfo("lead", "orchestrator", "lead", "context"), orchestrate, is_async=False),
    }

    async def both() -> None:
        invoker = Invoker(functions, threads=1, invocations=Invocations())
        held = asyncio.create_task(invoker.run({"fn": "hang"}, b"{}"))
        await asyncio.sleep(0.05)
        lead = asyncio.create_task(invoker.run({"fn": "lead"}, b"{}"))
        await asyncio.sleep(0.2)
        release.set()
        await asyncio.gather(held, lead)

    asyncio.run(both())

    assert ended == ["timer", "orchestrator"]


@pytest.mark.parametrize(
    ("count", "cores", "threads"),
    [("", "1", 5), ("", "2", 6), ("", "64", 32), ("7", "1", 7), ("0", "1", 5), ("many", "2", 6)],
)
def test_a_worker_has_as_many_threads_as_the_real_one(
    monkeypatch: pytest.MonkeyPatch, count: str, cores: str, threads: int
) -> None:
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", count)
    monkeypatch.setenv("DEVHOST_CORES", cores)
    assert function_threads() == threads


def test_the_shipped_thread_count_exceeds_all_concurrent_durable_work() -> None:
    """All durable work of an instance and all of its requests, hanging at once, still leave threads."""
    durable = json.loads((_ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["durableTask"]
    sample = json.loads((_ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    threads = sample["PYTHON_THREADPOOL_THREAD_COUNT"]
    bicep = (_ROOT / "infra/modules/app.bicep").read_text("utf-8")
    requests = re.search(r"var httpConcurrency = (\d+)", bicep)
    assert requests is not None
    busiest = durable["maxConcurrentActivityFunctions"] + durable["maxConcurrentOrchestratorFunctions"]

    assert int(threads) > busiest + int(requests[1])
    assert f"PYTHON_THREADPOOL_THREAD_COUNT: '{threads}'" in bicep
