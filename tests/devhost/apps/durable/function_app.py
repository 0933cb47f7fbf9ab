# mypy: ignore-errors
"""Small orchestrations. Each uses one feature of Durable Functions."""

import json
import os
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
Steps = Generator[Any, Any, Any]
Context = df.DurableOrchestrationContext


def _count(key: str) -> int:
    """Return how often all processes have called this with the key, now included. Kills cannot make the count wrong."""
    number = 1
    while True:
        try:
            (Path(os.environ["SCRATCH"]) / f"{key}.{number}").touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


@app.activity_trigger(input_name="number")
async def increase(number: int) -> int:
    return number + 1


@app.activity_trigger(input_name="number")
def increase_in_thread(number: int) -> int:
    return number + 1


@app.activity_trigger(input_name="number")
def increase_slowly(number: int) -> int:
    time.sleep(0.05)
    return number + 1


@app.activity_trigger(input_name="number")
def count_slowly(number: int) -> int:
    time.sleep(0.5)
    return _count(f"slow-{number}")


@app.activity_trigger(input_name="key")
def count_first(key: str) -> int:
    """Count, then go on for as long as a test needs to kill the host."""
    number = _count(key)
    time.sleep(1.5)
    return number


@app.activity_trigger(input_name="spec")
def fail_until(spec: dict) -> int:
    attempt = _count(spec["key"])
    if attempt < spec["succeeds_at"]:
        msg = f"attempt {attempt}"
        raise ValueError(msg)
    return attempt


@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
@app.activity_trigger(input_name="key")
def fail_with_retry_policy(key: str) -> None:
    msg = f"run {_count(key)}"
    raise ValueError(msg)


@app.activity_trigger(input_name="key")
def exit_process(key: str) -> int:
    if _count(key) <= int(os.environ.get("DEATHS", "1")):
        os._exit(3)
    return _count(key)


@app.activity_trigger(input_name="seconds")
def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


@app.orchestration_trigger(context_name="context")
def chain(context: Context) -> Steps:
    value = context.get_input()
    for _ in range(3):
        value = yield context.call_activity("increase", value)
    return value


@app.orchestration_trigger(context_name="context")
def long_chain(context: Context) -> Steps:
    for number in range(context.get_input()):
        yield context.call_activity("increase", number)


@app.orchestration_trigger(context_name="context")
def fan_out(context: Context) -> Steps:
    spec = context.get_input()
    name = spec.get("activity", "increase")
    results = yield context.task_all([context.call_activity(name, i) for i in range(spec["count"])])
    return sum(results)


@app.orchestration_trigger(context_name="context")
def retry(context: Context) -> Steps:
    spec = context.get_input()
    options = df.RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=spec["attempts"])
    return (yield context.call_activity_with_retry("fail_until", options, spec))


@app.orchestration_trigger(context_name="context")
def retries_beside_each_other(context: Context) -> Steps:
    """Runs retries in parallel. The engine must not mix up the ids of retries and of later actions."""
    options = df.RetryOptions(first_retry_interval_in_milliseconds=5, max_number_of_attempts=3)
    key = context.instance_id
    tasks = [
        context.call_activity_with_retry("fail_until", options, {"key": f"{key}-{i}", "succeeds_at": 1 + i % 3})
        for i in range(6)
    ]
    attempts = yield context.task_all(tasks)
    after = yield context.call_activity("increase", 41)
    return [attempts, after]


@app.orchestration_trigger(context_name="context")
def approval(context: Context) -> Steps:
    deadline = context.current_utc_datetime + timedelta(seconds=context.get_input())
    timer = context.create_timer(deadline)
    event = context.wait_for_external_event("answer")
    winner = yield context.task_any([timer, event])
    if winner is timer:
        return "too late"
    timer.cancel()
    return event.result


@app.orchestration_trigger(context_name="context")
def parent(context: Context) -> Steps:
    first = yield context.call_sub_orchestrator("chain", 10)
    both = yield context.task_all([context.call_sub_orchestrator("chain", i) for i in (20, 30)])
    return [first, *both]


@app.orchestration_trigger(context_name="context")
def parent_of_failure(context: Context) -> Steps:
    try:
        yield context.call_sub_orchestrator("broken", "from the child")
    except Exception as error:
        return f"caught: {error}"


@app.orchestration_trigger(context_name="context")
def parent_with_retry(context: Context) -> Steps:
    options = df.RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=3)
    spec = {"key": context.instance_id, "succeeds_at": 3, "attempts": 1}
    return (yield context.call_sub_orchestrator_with_retry("retry", options, spec))


@app.orchestration_trigger(context_name="context")
def parent_of(context: Context) -> Steps:
    """Runs a named child under a given id."""
    spec = context.get_input()
    try:
        return (yield context.call_sub_orchestrator(spec["name"], spec.get("input"), spec["id"]))
    except Exception as error:
        return f"caught: {error}"


@app.orchestration_trigger(context_name="context")
def broken(context: Context) -> Steps:
    yield context.call_activity("increase", 1)
    raise RuntimeError(context.get_input())


@app.activity_trigger(input_name="key")
def clock(key: str) -> float:
    return time.time()


@app.orchestration_trigger(context_name="context")
def goes_on_after_a_failure(context: Context) -> Steps:
    """Catches an early failure of `task_all` while an activity still runs. Returns after how long the next one ran."""
    began = yield context.call_activity("clock", "before")
    failing = context.call_activity("fail_until", {"key": context.instance_id, "succeeds_at": 9})
    try:
        yield context.task_all([context.call_activity("sleep", 1.5), failing])
    except Exception:
        return (yield context.call_activity("clock", "after")) - began


@app.orchestration_trigger(context_name="context")
def returns_early(context: Context) -> Steps:
    """Returns while an activity is still running."""
    yield context.task_any([context.call_activity("sleep", 0.5), context.call_activity("increase", 1)])
    return "early"


@app.orchestration_trigger(context_name="context")
def countdown(context: Context) -> Steps:
    state = context.get_input()
    if state["left"] == 0:
        return state["seen"]
    seen = yield context.call_activity("increase", state["left"])
    context.continue_as_new({"left": state["left"] - 1, "seen": [*state["seen"], seen]})
    return None


@app.orchestration_trigger(context_name="context")
def collect(context: Context) -> Steps:
    """Continues as new after each event."""
    seen = context.get_input() or []
    seen.append((yield context.wait_for_external_event("item")))
    if len(seen) == 3:
        return seen
    context.continue_as_new(seen)
    return None


@app.orchestration_trigger(context_name="context")
def collect_many(context: Context) -> Steps:
    """Continues as new after each event, until it has seen as many as its input says."""
    state = context.get_input()
    if len(state["seen"]) == state["count"]:
        return state["seen"]
    seen = yield context.wait_for_external_event("item")
    context.continue_as_new({**state, "seen": [*state["seen"], seen]})
    return None


@app.orchestration_trigger(context_name="context")
def reads_other_after_go(context: Context) -> Steps:
    """Continues as new after the event `go`, and then waits for the event `other` for a few seconds."""
    if context.get_input() == "first":
        yield context.wait_for_external_event("go")
        context.continue_as_new("second")
        return None
    other = context.wait_for_external_event("other")
    deadline = context.create_timer(context.current_utc_datetime + timedelta(seconds=4))
    winner = yield context.task_any([other, deadline])
    return other.result if winner == other else "never came"


@app.orchestration_trigger(context_name="context")
def reports(context: Context) -> Steps:
    context.set_custom_status({"step": 1})
    yield context.wait_for_external_event("go")
    context.set_custom_status({"step": 2})
    return "done"


@app.orchestration_trigger(context_name="context")
def calls_unknown_activity(context: Context) -> Steps:
    try:
        yield context.call_activity("no_such_activity", 1)
    except Exception:
        return "caught"


@app.orchestration_trigger(context_name="context")
def calls_http(context: Context) -> Steps:
    yield context.call_http("GET", "http://127.0.0.1:1/")


@app.orchestration_trigger(context_name="context")
def calls_entity(context: Context) -> Steps:
    yield context.call_entity(df.EntityId("counter", "a"), "get")


@app.orchestration_trigger(context_name="context")
def changes_its_mind(context: Context) -> Steps:
    """Is not deterministic: asks for another activity when it is replayed."""
    name = "increase" if _count(context.instance_id) == 1 else "sleep"
    yield context.call_activity(name, 0)
    yield context.call_activity("increase", 0)


@app.orchestration_trigger(context_name="context")
def runs(context: Context) -> Steps:
    spec = context.get_input()
    return (yield context.call_activity(spec["activity"], spec["input"]))


@app.orchestration_trigger(context_name="context")
def never_yields(context: Context) -> Steps:
    while True:
        time.sleep(0.01)
    yield


@app.route(route="client/{verb}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def use_client(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Calls one method of the SDK's client with the arguments in the body."""
    result = await getattr(client, req.route_params["verb"])(**req.get_json())
    if hasattr(result, "to_json"):
        result = result.to_json() if result else None
    elif isinstance(result, list):
        result = [status.to_json() for status in result]
    elif hasattr(result, "instances_deleted"):
        result = result.instances_deleted
    return func.HttpResponse(json.dumps(result, default=str))


@app.route(route="begin/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def begin(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new(req.route_params["name"], client_input=req.get_json())
    return client.create_check_status_response(req, instance_id)


@app.route(route="guarded", auth_level=func.AuthLevel.FUNCTION)
def guarded(req: func.HttpRequest) -> str:
    return "open"


@app.route(route="meet/{me}/{other}")
def meet(req: func.HttpRequest) -> str:
    """Waits for the request of another one, and tells whether it came."""
    me, other = (Path(os.environ["SCRATCH"]) / f"meet-{req.route_params[name]}" for name in ("me", "other"))
    me.touch()
    deadline = time.monotonic() + 1.8
    while not other.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return "met" if other.exists() else "alone"


@app.route(route="slow/{seconds}")
def slow(req: func.HttpRequest) -> str:
    time.sleep(float(req.route_params["seconds"]))
    return "done"


@app.route(route="pid")
def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())


@app.route(route="crash")
async def crash(req: func.HttpRequest) -> str:
    os._exit(9)
