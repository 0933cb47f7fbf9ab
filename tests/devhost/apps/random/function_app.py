# mypy: ignore-errors
"""An orchestrator that runs any program of tests/devhost/durable/programs.py. Its activities count their runs."""

import os
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df

app = df.DFApp()
QUICKLY = 10


def count(key: str) -> int:
    """Return how many runs had this key so far, including this one. A kill never makes the count wrong."""
    number = 1
    while True:
        try:
            (Path(os.environ["SCRATCH"]) / "runs" / f"{key}.{number}").touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


@app.activity_trigger(input_name="spec")
def call(spec):
    if count(spec["key"]) <= spec["fails"]:
        raise ValueError("not yet")
    return spec["value"]


@app.activity_trigger(input_name="key")
async def fail(key):
    msg = f"run {count(key)}"
    raise ValueError(msg)


@app.orchestration_trigger(context_name="context")
def run(context):
    results = []
    for step in context.get_input():
        if step["kind"] == "exhaust":
            results.append((yield from exhaust(context, step)))
            continue
        task = build(context, step)
        yield task
        if step["again"]:
            yield task
        results.append(harvest(step, task))
        cancel(step, task)
    return results


@app.orchestration_trigger(context_name="context")
def run_after_failure(context):
    """Fails at its first attempts, for a parent that retries it."""
    spec = context.get_input()
    attempt = yield context.call_activity("call_count", spec["key"])
    if attempt < 2:
        raise RuntimeError("first attempt")
    return (yield context.call_sub_orchestrator("run", spec["program"]))


@app.activity_trigger(input_name="key")
def call_count(key):
    return count(key)


def exhaust(context, step):
    options = df.RetryOptions(QUICKLY, step["attempts"])
    try:
        yield context.call_activity_with_retry("fail", options, step["key"])
    except Exception:
        return "failed"


def build(context, node):
    kind = node["kind"]
    if kind in ("all", "any"):
        tasks = [build(context, child) for child in node["of"]]
        return context.task_all(tasks) if kind == "all" else context.task_any(tasks)
    if kind == "call":
        return context.call_activity("call", node)
    if kind == "flaky":
        return context.call_activity_with_retry("call", df.RetryOptions(QUICKLY, node["fails"] + 1), node)
    if kind == "timer":
        return context.create_timer(context.current_utc_datetime + timedelta(milliseconds=node["milliseconds"]))
    if kind == "event":
        return context.wait_for_external_event(node["name"])
    if kind == "child":
        return context.call_sub_orchestrator("run", node["program"])
    spec = {"key": str(context.new_guid()), "program": node["program"]}
    return context.call_sub_orchestrator_with_retry("run_after_failure", df.RetryOptions(QUICKLY, 9), spec)


def harvest(node, task):
    if node["kind"] == "all":
        return [harvest(child, part) for child, part in zip(node["of"], task.children, strict=True)]
    if node["kind"] == "any":
        winner = task.result
        harvest(next(child for child, part in zip(node["of"], task.children, strict=True) if part is winner), winner)
        return "one of several"
    return task.result


def cancel(node, task):
    """Cancel timers that have not fired."""
    for child, part in zip(node.get("of", ()), getattr(task, "children", ()), strict=False):
        cancel(child, part)
    if node["kind"] == "timer" and node["cancel"] and not task.is_completed:
        task.cancel()
