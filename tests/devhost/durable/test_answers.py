"""The bodies of the durable HTTP API: devhost answers as the real extension does. Each test runs on both engines."""

import json
from typing import Any

import pytest

from tests.devhost.harness import API, Host, wait_until

JSON = {"Content-Type": "application/json"}
STARTED = {
    *("EventType", "Input", "Correlation", "ParentTraceContext", "ScheduledStartTime"),
    *("Generation", "GenerateNewTrace", "Timestamp", "FunctionName"),
}
COMPLETED = {"EventType", "Result", "Timestamp", "ScheduledTime", "FunctionName", "Input"}
ENDED = {"EventType", "OrchestrationStatus", "Result", "FailureDetails", "Timestamp"}


def history(host: Host, instance_id: str, query: str = "&showHistoryOutput=true") -> list[dict[str, Any]]:
    return list(host.status(instance_id, f"?showHistory=true{query}").get("historyEvents", ()))


def kinds(host: Host, instance_id: str) -> list[str]:
    return [entry["EventType"] for entry in history(host, instance_id)]


def start(host: Host, name: str, body: bytes, query: str = "") -> str:
    """Start an instance with exactly this body, and return its id."""
    answer = host.request("POST", f"{API}/orchestrators/{name}{query}", body, JSON)
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


@pytest.mark.parametrize(("body", "kind"), [(b"[1]", "list"), (b"5", "int"), (b"1.5", "float"), (b"true", "bool")])
def test_an_input_that_is_neither_text_nor_an_object_fails_in_the_sdk(durable: Host, body: bytes, kind: str) -> None:
    status = durable.finished(start(durable, "chain", body))
    assert status["runtimeStatus"] == "Failed"
    assert status["output"].endswith(f"the JSON object must be str, bytes or bytearray, not {kind}")
    assert status["input"] == json.loads(body)


def test_an_object_reaches_the_orchestrator(durable: Host) -> None:
    assert durable.finished(start(durable, "fan_out", b'{"count": 2}'))["output"] == 3


def test_a_start_answers_with_the_addresses_for_everyone(durable: Host) -> None:
    answer = durable.post(f"{API}/orchestrators/chain", "1").json()
    controls = {f"{verb}PostUri" for verb in ("sendEvent", "terminate", "restart", "suspend", "resume")}
    assert set(answer) == {"id", "statusQueryGetUri", "purgeHistoryDeleteUri", *controls}


def test_a_start_waits_only_if_it_says_how_long_and_how_often_to_look(durable: Host) -> None:
    for query in ("?timeout=20", "?timeout=20&pollingInterval=often"):
        start(durable, "chain", b'"1"', query)
    answer = durable.post(f"{API}/orchestrators/chain/impatient?timeout=1.5&pollingInterval=5", "1")
    assert answer.status == 400
    assert answer.json() == {"Message": "Total timeout 1.5 should be bigger than retry timeout 5"}
    assert durable.finished("impatient")["output"] == 4, "it has started nevertheless"


def test_the_history_shows_what_runs_and_then_what_has_completed(durable: Host) -> None:
    instance_id = durable.begin("runs", {"activity": "sleep", "input": 1.5})
    wait_until(lambda: kinds(durable, instance_id) == ["ExecutionStarted", "TaskScheduled"])
    running = history(durable, instance_id)
    assert running[1].keys() == {"EventType", "Name", "Input", "ParentTraceContext", "Tags", "Timestamp"}
    durable.finished(instance_id)
    started, completed, ended = history(durable, instance_id)
    assert [set(entry) for entry in (started, completed, ended)] == [STARTED, COMPLETED, ENDED]
    assert (started["FunctionName"], completed["FunctionName"]) == ("runs", "sleep")
    assert json.loads(started["Input"]) == json.dumps({"activity": "sleep", "input": 1.5})
    assert (completed["Result"], completed["Input"]) == ("slept", None)


def test_the_history_shows_inputs_by_default_and_results_only_if_asked(durable: Host) -> None:
    instance_id = durable.run("chain", 1)["instanceId"]
    for query, hidden in (("", {"Result"}), ("&showInput=0", {"Result"}), ("&showInput=False", {"Result", "Input"})):
        shown = history(durable, instance_id, query)
        assert [set(entry) for entry in shown[:2]] == [STARTED - hidden, COMPLETED - hidden], query


def test_the_history_names_timers_and_events(durable: Host) -> None:
    instance_id = durable.begin("approval", 60)
    wait_until(lambda: kinds(durable, instance_id) == ["ExecutionStarted", "TimerCreated"])
    durable.send(instance_id, "answer", "yes")
    durable.finished(instance_id)
    _, timer, event, _ = history(durable, instance_id)
    assert timer.keys() == {"EventType", "FireAt", "Timestamp"}
    assert event.keys() == {"EventType", "Name", "Input", "ParentTraceContext", "Timestamp"}
    assert (event["EventType"], event["Name"], event["Input"]) == ("EventRaised", "answer", '"yes"')


def test_a_failed_activity_and_its_retry_are_in_the_history(durable: Host) -> None:
    instance_id = durable.run("retry", {"key": "in-history", "succeeds_at": 2, "attempts": 2})["instanceId"]
    expected = ["ExecutionStarted", "TaskFailed", "TimerCreated", "TimerFired", "TaskCompleted", "ExecutionCompleted"]
    assert kinds(durable, instance_id) == expected
    failed = history(durable, instance_id)[1]
    assert failed.keys() == COMPLETED - {"Result"} | {"Reason", "Details", "FailureDetails"}
    assert failed["Reason"] == "Activity function 'fail_until' failed:  ValueError: attempt 1"


def test_a_child_names_its_parent_and_the_history_its_children(durable: Host) -> None:
    parent = durable.begin("parent_of", {"name": "reports", "id": "a-child"})
    wait_until(lambda: kinds(durable, parent) == ["ExecutionStarted", "SubOrchestrationInstanceCreated"])
    created = history(durable, parent)[1]
    assert created.keys() == {
        *("EventType", "Name", "InstanceId", "Input", "ClientSpanId", "Tags", "Timestamp"),
    }
    durable.reaches("a-child", "Running")
    durable.send("a-child", "go")
    durable.finished(parent)
    completed = history(durable, parent)[1]
    assert completed.keys() == {*COMPLETED, "InstanceId"}
    assert (completed["FunctionName"], completed["InstanceId"]) == ("reports", "a-child")
    listed = {each["instanceId"]: each.get("parentInstanceId") for each in durable.get(f"{API}/instances").json()}
    assert (listed["a-child"], listed[parent]) == (parent, None)
    assert durable.status("a-child")["parentInstanceId"] == parent


@pytest.mark.parametrize(("query", "output"), [("", None), ("?reason=", ""), ("?REASON=enough", "enough")])
def test_the_output_of_a_terminated_instance_is_the_given_reason(durable: Host, query: str, output: str | None) -> None:
    instance_id = durable.begin("reports")
    durable.reaches(instance_id, "Running")
    durable.post(f"{API}/instances/{instance_id}/TERMINATE{query}")
    assert durable.finished(instance_id)["output"] == output


def test_verbs_in_paths_ignore_case(durable: Host) -> None:
    instance_id = durable.begin("reports")
    durable.reaches(instance_id, "Running")
    assert durable.post(f"{API}/instances/{instance_id}/SUSPEND").status == 202
    durable.reaches(instance_id, "Suspended")
    assert durable.post(f"{API}/INSTANCES/{instance_id}/Resume").status == 202
    durable.reaches(instance_id, "Running")
    assert durable.post(f"{API}/instances/{instance_id}/RAISEEVENT/go", 1).status == 202
    assert durable.finished(instance_id)["output"] == "done"


def test_the_reason_of_a_resume_is_the_output_on_the_real_engine_only(durable: Host) -> None:
    instance_id = durable.begin("reports")
    durable.reaches(instance_id, "Running")
    for verb, state in (("suspend", "Suspended"), ("resume", "Running")):
        durable.post(f"{API}/instances/{instance_id}/{verb}?reason={verb}")
        durable.reaches(instance_id, state)
    assert durable.status(instance_id)["output"] == ("resume" if durable.is_real else None)
    durable.send(instance_id, "go")
    assert durable.finished(instance_id)["output"] == "done"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/instances"),
        ("PUT", "/instances"),
        ("POST", "/instances/any"),
        ("GET", "/instances/any/terminate"),
        ("POST", "/instances/any/raiseEvent"),
        ("GET", "/orchestrators/chain"),
        ("POST", "/orchestrators"),
        ("GET", "/nothing"),
    ],
)
def test_a_request_that_the_api_does_not_know_is_an_empty_404(durable: Host, method: str, path: str) -> None:
    answer = durable.request(method, f"{API}{path}")
    assert (answer.status, answer.body) == (404, b"")


def test_a_body_that_is_not_json_is_named_as_such(durable: Host) -> None:
    instance_id = durable.begin("reports")
    for path in ("orchestrators/chain", f"instances/{instance_id}/raiseEvent/go"):
        answer = durable.request("POST", f"{API}/{path}", b"{x", JSON).json()
        assert answer.keys() == {"Message", "ExceptionMessage", "ExceptionType", "StackTrace"}
        assert answer["Message"] == "Invalid JSON content"
        assert answer["ExceptionType"] == "Newtonsoft.Json.JsonReaderException"
        assert answer["ExceptionMessage"].startswith("Unexpected end while parsing") is durable.is_real
        assert bool(answer["StackTrace"]) is durable.is_real
    durable.post(f"{API}/instances/{instance_id}/terminate")


def test_a_control_that_would_change_nothing_is_an_invalid_operation(durable: Host) -> None:
    instance_id = durable.begin("reports")
    durable.reaches(instance_id, "Running")
    answer = durable.post(f"{API}/instances/{instance_id}/resume").json()
    assert answer["Message"] == "Something went wrong while processing your request"
    assert answer["ExceptionType"] == "System.InvalidOperationException"
    durable.post(f"{API}/instances/{instance_id}/terminate")


def test_a_purge_by_filter_knows_no_prefix(durable: Host) -> None:
    """So it deletes more than a caller may expect who has filtered a list by a prefix."""
    durable.run("chain", 1)
    later = "createdTimeFrom=2200-01-01T00:00:00Z"
    nothing = durable.request("DELETE", f"{API}/instances?{later}")
    assert (nothing.status, nothing.body) == (404, b"")
    all_ended = "createdTimeFrom=2020-01-01T00:00:00Z&runtimeStatus=Completed"
    answer = durable.request("DELETE", f"{API}/instances?{all_ended}&instanceIdPrefix=no-such-prefix&top=1")
    assert answer.status == 200
    assert answer.json()["instancesDeleted"] >= 1


def test_the_location_of_a_running_instance_is_that_of_its_host(durable: Host) -> None:
    instance_id = durable.begin("reports")
    location = durable.get(f"{API}/instances/{instance_id}?showInput=false").headers["Location"]
    assert location == f"http://127.0.0.1:{durable.port}{API}/instances/{instance_id}?showInput=false"
    durable.send(instance_id, "go")


def test_another_task_hub_is_asked_on_the_real_engine_only(durable: Host) -> None:
    durable.run("chain", 1)
    assert durable.get(f"{API}/instances?taskHub=Sample").json()
    assert (durable.get(f"{API}/instances?taskHub=NoSuchHub").json() == []) is durable.is_real
