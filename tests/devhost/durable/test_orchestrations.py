"""Orchestrations: order, retries, timers, events, children, and continue-as-new."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.devhost.durable.test_answers import kinds
from tests.devhost.harness import API, Host, wait_until


def test_a_chain_passes_each_result_to_the_next_activity(durable: Host) -> None:
    assert durable.result("chain", 5) == 8


def test_many_activities_fan_out_and_in(durable: Host) -> None:
    count = 60 if durable.is_real else 1000
    assert durable.result("fan_out", {"count": count}, seconds=120) == sum(range(1, count + 1))


def test_an_activity_is_retried_until_it_succeeds(durable: Host) -> None:
    assert durable.result("retry", {"key": "third", "succeeds_at": 3, "attempts": 5}) == 3


def test_the_first_attempt_needs_no_retry(durable: Host) -> None:
    assert durable.result("retry", {"key": "first", "succeeds_at": 1, "attempts": 5}) == 1


def test_exhausted_retries_fail_the_call_with_its_last_error(durable: Host) -> None:
    status = durable.run("retry", {"key": "never", "succeeds_at": 9, "attempts": 3})
    assert status["runtimeStatus"] == "Failed"
    assert "Activity function 'fail_until' failed:  ValueError: attempt 3" in status["output"]


def test_parallel_retries_do_not_mix_up_their_results(durable: Host) -> None:
    assert durable.result("retries_beside_each_other") == [[1, 2, 3, 1, 2, 3], 42]


def test_an_event_before_the_deadline_wins(durable: Host) -> None:
    instance_id = durable.begin("approval", 60)
    durable.reaches(instance_id, "Running")
    assert durable.send(instance_id, "answer", {"approved": True}).status == 202
    assert durable.finished(instance_id)["output"] == {"approved": True}


def test_a_deadline_before_the_event_wins(durable: Host) -> None:
    began = time.time()
    assert durable.result("approval", 0.3) == "too late"
    if not durable.is_real:  # the real extension may fire a timer up to a second early
        assert time.time() - began >= 0.3


def test_an_event_sent_before_the_first_replay_is_not_lost(durable: Host) -> None:
    """The real engine hands such an event on again later and later, so the deadline is far away."""
    instance_id = durable.begin("approval", 600)
    durable.send(instance_id, "answer", "early")
    assert durable.finished(instance_id)["output"] == "early"


def test_children_return_their_results(durable: Host) -> None:
    assert durable.result("parent") == [13, 23, 33]


def test_the_failure_of_a_child_can_be_caught(durable: Host) -> None:
    output = durable.result("parent_of_failure")
    assert output.startswith("caught: Orchestrator function 'broken' failed: from the child")


def test_a_failed_child_is_retried(durable: Host) -> None:
    assert durable.result("parent_with_retry") == 3


def test_a_child_whose_id_is_in_use_fails_but_the_real_engine_replaces_the_old_one(
    durable: Host,
) -> None:
    taken = durable.begin("reports", instance_id="taken")
    durable.reaches(taken, "Running")
    output = durable.result("parent_of", {"name": "chain", "input": 1, "id": taken})
    assert output == 4 if durable.is_real else "running already" in output


def test_a_terminated_child_fails_with_the_reason(devhosts_own: Host) -> None:
    parent = devhosts_own.begin("parent_of", {"name": "reports", "id": "doomed"})
    devhosts_own.reaches(parent, "Running")
    devhosts_own.reaches("doomed", "Running")
    devhosts_own.post(f"{API}/instances/doomed/terminate?reason=enough")
    assert devhosts_own.finished(parent)["output"].startswith("caught: enough")


def test_an_exception_fails_the_orchestration_with_its_text(durable: Host) -> None:
    status = durable.run("broken", "no luck")
    assert (status["runtimeStatus"], status["output"]) == ("Failed", "Orchestrator function 'broken' failed: no luck")


def test_an_orchestration_ends_only_when_no_task_is_open(durable: Host) -> None:
    began = time.monotonic()
    assert durable.result("returns_early") == "early"
    assert time.monotonic() - began >= 0.5


def test_continue_as_new_keeps_the_state_and_clears_the_history(durable: Host) -> None:
    status = durable.run("countdown", {"left": 4, "seen": []})
    assert status["output"] == [5, 4, 3, 2]
    history = durable.status(status["instanceId"], "?showHistory=true")["historyEvents"]
    assert [entry["EventType"] for entry in history] == ["ExecutionStarted", "ExecutionCompleted"]


def test_unread_events_survive_continue_as_new(durable: Host) -> None:
    instance_id = durable.begin("collect")
    for item in ("a", "b", "c"):
        before = durable.status(instance_id)["input"]
        durable.send(instance_id, "item", item)
        if item != "c":  # one at a time: the SDK keeps only the last of several early events
            while durable.status(instance_id)["input"] == before:
                time.sleep(0.005)
    assert durable.finished(instance_id)["output"] == ["a", "b", "c"]


def test_no_event_is_lost_when_many_arrive_across_continue_as_new(durable: Host) -> None:
    instance_id = durable.begin("collect_many", {"count": 30, "seen": []})
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda item: durable.send(instance_id, "item", item), range(30)))
    assert sorted(durable.finished(instance_id)["output"]) == list(range(30))


def test_an_event_that_was_not_awaited_ends_with_its_execution(durable: Host) -> None:
    instance_id = durable.begin("reads_other_after_go", "first")
    durable.reaches(instance_id, "Running")
    durable.send(instance_id, "other", "early")
    wait_until(lambda: "EventRaised" in kinds(durable, instance_id))
    durable.send(instance_id, "go")
    assert durable.finished(instance_id)["output"] == "never came"


def test_an_event_behind_the_one_that_ended_an_execution_reaches_the_next(durable: Host) -> None:
    instance_id = durable.begin("reads_other_after_go", "first")
    durable.send(instance_id, "go")
    durable.send(instance_id, "other", "in time")
    assert durable.finished(instance_id)["output"] == "in time"


def test_an_unknown_activity_fails_the_orchestration_even_if_it_is_caught(devhosts_own: Host) -> None:
    status = devhosts_own.run("calls_unknown_activity")
    assert status["runtimeStatus"] == "Failed"
    assert "'no_such_activity' does not exist" in status["output"]


@pytest.mark.parametrize(("name", "feature"), [("calls_http", "call_http"), ("calls_entity", "entities")])
def test_an_unsupported_feature_is_refused_by_name(devhosts_own: Host, name: str, feature: str) -> None:
    status = devhosts_own.run(name)
    assert status["output"] == f"Orchestrator function '{name}' failed: devhost does not support {feature}"


def test_a_replay_that_asks_for_other_work_is_detected(durable: Host) -> None:
    status = durable.run("changes_its_mind")
    assert status["runtimeStatus"] == "Failed"
    assert "Non-Deterministic" in status["output"]


def test_a_worker_that_dies_in_an_activity_loses_no_result(durable: Host) -> None:
    assert durable.result("runs", {"activity": "exit_process", "input": "dies-once"}) > 1


def test_an_activity_that_exceeds_the_function_timeout_fails(durable: Host) -> None:
    began = time.monotonic()
    status = durable.run("runs", {"activity": "sleep", "input": 60})
    assert status["runtimeStatus"] == "Failed"
    assert "TimeoutException: Timeout value of 2 s exceeded by function: sleep" in status["output"]
    assert time.monotonic() - began < 50


def test_the_function_timeout_ends_an_orchestrator_in_an_endless_loop(durable: Host) -> None:
    status = durable.run("never_yields")
    assert "Timeout value of 2 s exceeded by function: never_yields" in status["output"]


def test_the_input_arrives_as_the_client_sent_it(durable: Host) -> None:
    answer = durable.post("/api/begin/chain", 7)
    assert answer.status == 202
    status = durable.finished(answer.json()["id"])
    assert status["output"] == 10
    assert json.loads(status["input"]) == 7
