"""The durable HTTP API, and the SDK's client that uses it."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.devhost.harness import API, Host, wait_until


def client(host: Host, verb: str, **arguments: Any) -> Any:
    """Call a method of the SDK's client inside a function of the app."""
    answer = host.post(f"/api/client/{verb}", arguments)
    assert answer.status == 200, host.log()[-2000:]
    return answer.json()


def events(host: Host, instance_id: str, query: str = "") -> list[dict[str, Any]]:
    history = host.status(instance_id, f"?showHistory=true{query}")["historyEvents"]
    assert isinstance(history, list)
    return history


def test_the_client_starts_and_reads_an_instance(durable: Host) -> None:
    instance_id = client(durable, "start_new", orchestration_function_name="chain", instance_id="mine", client_input=1)
    assert instance_id == "mine"
    durable.finished("mine")
    status = client(durable, "get_status", instance_id="mine")
    assert (status["name"], status["runtimeStatus"], status["output"]) == ("chain", "Completed", 4)


def test_a_start_that_waits_answers_with_the_output_of_the_instance(durable: Host) -> None:
    answer = durable.post(f"{API}/orchestrators/chain?timeout=20&pollingInterval=0.1", "1")
    assert (answer.status, answer.json()) == (200, 4)


def test_a_start_that_waits_in_vain_answers_as_one_that_does_not_wait(durable: Host) -> None:
    began = time.monotonic()
    answer = durable.post(f"{API}/orchestrators/reports?timeout=1&pollingInterval=0.2")
    assert answer.status == 202
    assert time.monotonic() - began >= 0.9
    durable.send(answer.json()["id"], "go")


def test_a_start_that_waits_answers_a_failure_with_its_status(durable: Host) -> None:
    answer = durable.post(f"{API}/orchestrators/broken?timeout=20&pollingInterval=0.1")
    assert (answer.status, answer.json()["runtimeStatus"]) == (200, "Failed")


def test_names_of_orchestrators_ignore_case(durable: Host) -> None:
    assert durable.result("CHAIN", 1) == 4


def test_an_instance_of_an_unknown_orchestrator_fails_and_names_the_known_ones(durable: Host) -> None:
    status = durable.run("nothing")
    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith("Orchestrator function 'nothing' failed: The function 'nothing' doesn't exist, ")
    assert "The following are the known orchestrator functions: " in status["output"]
    assert "'chain'" in status["output"]


def test_an_id_can_be_reused_only_after_its_instance_has_finished(durable: Host) -> None:
    durable.begin("reports", instance_id="once")
    assert durable.post(f"{API}/orchestrators/reports/once").status == 409
    durable.send("once", "go")
    durable.finished("once")
    durable.begin("chain", 1, instance_id="once")
    assert durable.finished("once")["output"] == 4


@pytest.mark.parametrize("instance_id", ["@entity", "a%23b", "a%3Fb", "x" * 257])
def test_devhosts_own_engine_refuses_ids_that_table_storage_cannot_hold(durable: Host, instance_id: str) -> None:
    """The storage emulator accepts them, so that the real engine runs them here."""
    answer = durable.post(f"{API}/orchestrators/chain/{instance_id}", 1)
    assert answer.status == (202 if durable.is_real else 400)


def test_a_body_that_is_not_json_is_refused(durable: Host) -> None:
    headers = {"Content-Type": "application/json"}
    assert durable.request("POST", f"{API}/orchestrators/chain", b"{x", headers).status == 400


def test_an_unknown_instance_is_a_404_and_none_for_the_client(durable: Host) -> None:
    answer = durable.get(f"{API}/instances/missing")
    assert (answer.status, answer.body) == (404, b"")
    assert client(durable, "get_status", instance_id="missing") is None


def test_a_running_instance_answers_202_with_its_location(durable: Host) -> None:
    instance_id = durable.begin("reports")
    answer = durable.get(f"{API}/instances/{instance_id}")
    assert answer.status == 202
    assert answer.headers["Location"].endswith(f"/instances/{instance_id}")
    durable.send(instance_id, "go")


def test_custom_status_is_visible_while_the_instance_runs(durable: Host) -> None:
    instance_id = durable.begin("reports")
    wait_until(lambda: durable.status(instance_id)["customStatus"] == {"step": 1})
    client(durable, "raise_event", instance_id=instance_id, event_name="go")
    assert durable.finished(instance_id)["customStatus"] == {"step": 2}


def test_an_event_from_the_client_arrives_as_text(durable: Host) -> None:
    instance_id = durable.begin("approval", 60)
    durable.reaches(instance_id, "Running")
    client(durable, "raise_event", instance_id=instance_id, event_name="answer", event_data={"a": 1})
    assert durable.finished(instance_id)["output"] == '{"a": 1}'


def test_events_and_controls_for_a_finished_instance_give_a_410(durable: Host) -> None:
    instance_id = durable.run("chain", 1)["instanceId"]
    assert durable.send(instance_id, "answer", 1).status == 410
    for verb in ("terminate", "suspend", "resume"):
        assert durable.post(f"{API}/instances/{instance_id}/{verb}").status == 410


def test_controls_that_would_change_nothing_are_refused_with_the_reason(durable: Host) -> None:
    instance_id = durable.begin("reports")
    durable.reaches(instance_id, "Running")
    for verb, state in (("resume", "Running"), ("suspend", "Suspended")):
        if state == "Suspended":
            durable.post(f"{API}/instances/{instance_id}/suspend")
            durable.reaches(instance_id, "Suspended")
        answer = durable.post(f"{API}/instances/{instance_id}/{verb}")
        assert answer.status == 500
        words = f"Cannot {verb} the orchestration instance {instance_id} because instance is in the {state} state."
        assert answer.json()["ExceptionMessage"] == words
    durable.post(f"{API}/instances/{instance_id}/terminate")


@pytest.mark.parametrize(
    ("body", "kind"), [(b"hello", "text/plain"), (b"", "application/json"), (b"{x", "application/json"), (None, None)]
)
def test_an_event_without_a_json_body_is_refused(durable: Host, body: bytes | None, kind: str | None) -> None:
    instance_id = durable.begin("reports")
    headers = {"Content-Type": kind} if kind else {}
    assert durable.request("POST", f"{API}/instances/{instance_id}/raiseEvent/x", body, headers).status == 400
    durable.post(f"{API}/instances/{instance_id}/terminate")


def test_paths_of_the_api_ignore_case(durable: Host) -> None:
    assert durable.post(f"{API.upper()}/ORCHESTRATORS/chain", 1).status == 202


def test_events_and_controls_for_an_unknown_instance_give_a_404(durable: Host) -> None:
    assert durable.send("missing", "answer", 1).status == 404
    assert durable.post(f"{API}/instances/missing/terminate").status == 404


def test_terminate_ends_an_instance_with_the_reason(durable: Host) -> None:
    instance_id = durable.begin("approval", 60)
    durable.reaches(instance_id, "Running")
    client(durable, "terminate", instance_id=instance_id, reason="no longer needed")
    status = durable.finished(instance_id)
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "no longer needed")


def test_a_suspended_instance_reads_events_on_resume_but_the_real_engine_at_once(durable: Host) -> None:
    """The real engine leaves it to the SDK to hold events back, and the SDK for Python does not."""
    instance_id = durable.begin("approval", 60)
    durable.reaches(instance_id, "Running")
    client(durable, "suspend", instance_id=instance_id, reason="pause")
    durable.reaches(instance_id, "Suspended")
    durable.send(instance_id, "answer", "kept")
    if not durable.is_real:
        time.sleep(0.2)
        assert durable.status(instance_id)["runtimeStatus"] == "Suspended"
        client(durable, "resume", instance_id=instance_id, reason="go on")
    assert durable.finished(instance_id)["output"] == "kept"


def test_a_suspended_instance_can_be_terminated(durable: Host) -> None:
    instance_id = durable.begin("approval", 60)
    durable.post(f"{API}/instances/{instance_id}/suspend")
    durable.reaches(instance_id, "Suspended")
    durable.post(f"{API}/instances/{instance_id}/terminate?reason=stop")
    assert durable.finished(instance_id)["output"] == "stop"


def test_lists_can_be_filtered_by_prefix_status_and_time(durable: Host) -> None:
    before = datetime.now(UTC)
    for number in range(3):
        durable.finished(durable.begin("chain", 1, instance_id=f"list-{number}"))
    durable.begin("reports", instance_id="list-running")
    durable.reaches("list-running", "Running")

    def ids(query: str) -> list[str]:
        return [item["instanceId"] for item in durable.get(f"{API}/instances?{query}").json()]

    assert ids("instanceIdPrefix=list-") == ["list-0", "list-1", "list-2", "list-running"]
    assert ids("instanceIdPrefix=list-&runtimeStatus=Running,Pending") == ["list-running"]
    assert ids("instanceIdPrefix=list-&top=2") == ["list-0", "list-1"]
    assert ids(f"instanceIdPrefix=list-&createdTimeTo={before:%Y-%m-%dT%H:%M:%S.%fZ}") == []
    assert len(ids(f"instanceIdPrefix=list-&createdTimeFrom={before:%Y-%m-%dT%H:%M:%S.%fZ}")) == 4
    assert "list-0" in [status["instanceId"] for status in client(durable, "get_status_all")]
    durable.send("list-running", "go")


def test_purge_deletes_one_instance(durable: Host) -> None:
    instance_id = durable.run("chain", 1)["instanceId"]
    assert durable.request("DELETE", f"{API}/instances/{instance_id}").json() == {"instancesDeleted": 1}
    assert durable.get(f"{API}/instances/{instance_id}").status == 404
    assert client(durable, "purge_instance_history", instance_id=instance_id) == 0


def test_a_running_instance_cannot_be_purged(durable: Host) -> None:
    instance_id = durable.begin("reports")
    durable.reaches(instance_id, "Running")
    answer = durable.request("DELETE", f"{API}/instances/{instance_id}")
    assert answer.status == 412
    assert answer.json() == (
        "Only orchestrations in a terminal state can be purged, but the orchestration with instance ID "
        f"{instance_id} has status Running"
    )
    durable.post(f"{API}/instances/{instance_id}/terminate")


def test_purge_by_filter_needs_a_time(durable: Host) -> None:
    answer = durable.request("DELETE", f"{API}/instances")
    assert (answer.status, answer.json()) == (400, "Please provide value for 'createdTimeFrom' parameter.")


def test_filters_of_lists_that_cannot_be_read_filter_nothing(durable: Host) -> None:
    durable.run("chain", 1)
    for query in ("runtimeStatus=Nonsense", "createdTimeFrom=yesterday"):
        assert durable.get(f"{API}/instances?{query}").json()


def test_purge_by_filter_skips_running_instances(durable: Host) -> None:
    since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    running = durable.begin("reports")
    durable.run("chain", 1)
    answer = durable.request("DELETE", f"{API}/instances/?createdTimeFrom={since}&runtimeStatus=Completed,Running")
    assert answer.json() == {"instancesDeleted": 1}
    again = durable.request("DELETE", f"{API}/instances/?createdTimeFrom={since}&runtimeStatus=Completed,Running")
    assert again.status == 404
    assert durable.status(running)["runtimeStatus"] in ("Pending", "Running")
    durable.send(running, "go")


def test_results_of_activities_of_a_purged_instance_are_dropped(durable: Host) -> None:
    instance_id = durable.begin("runs", {"activity": "sleep", "input": 1.5})
    durable.reaches(instance_id, "Running")
    durable.post(f"{API}/instances/{instance_id}/terminate")
    durable.finished(instance_id)
    durable.request("DELETE", f"{API}/instances/{instance_id}")
    time.sleep(2)  # until the activity has ended
    assert durable.get(f"{API}/instances/{instance_id}").status == 404


def test_history_names_events_and_joins_scheduling_with_completion(durable: Host) -> None:
    instance_id = durable.run("chain", 1)["instanceId"]
    shown = events(durable, instance_id)
    names = ["ExecutionStarted", "TaskCompleted", "TaskCompleted", "TaskCompleted", "ExecutionCompleted"]
    assert [entry["EventType"] for entry in shown] == names
    assert shown[1]["FunctionName"] == "increase"
    assert shown[1]["ScheduledTime"] <= shown[1]["Timestamp"]
    assert "Result" not in shown[1]
    assert events(durable, instance_id, "&showHistoryOutput=true")[1]["Result"] == 2


@pytest.mark.parametrize("verb", ["rewind", "restart"])
def test_unsupported_operations_are_refused_by_name(devhosts_own: Host, verb: str) -> None:
    answer = devhosts_own.post(f"{API}/instances/any/{verb}")
    assert answer.status == 501
    assert answer.json()["Message"] == f"devhost does not support {verb}"


def test_entities_are_refused(devhosts_own: Host) -> None:
    assert devhosts_own.get(f"{API}/entities/counter/a").status == 501


def test_a_failed_instance_answers_500_only_if_asked_to(durable: Host) -> None:
    instance_id = durable.run("broken", "x")["instanceId"]
    assert durable.get(f"{API}/instances/{instance_id}").status == 200
    assert durable.get(f"{API}/instances/{instance_id}?returnInternalServerErrorOnFailure=true").status == 500


def test_the_urls_of_a_check_status_response_work(durable: Host) -> None:
    links = durable.post("/api/begin/approval", 60).json()
    durable.reaches(links["id"], "Running")
    path = links["sendEventPostUri"].replace("{eventName}", "answer").partition(str(durable.port))[2]
    assert durable.post(path, "by link").status == 202
    assert durable.finished(links["id"])["output"] == "by link"
    assert durable.get(links["statusQueryGetUri"].partition(str(durable.port))[2]).status == 200
