"""Settings that the host reads as the real one does: comments, letter case, overrides, and disabled functions."""

import json
from pathlib import Path

import pytest

from devhost.functions import StartupError
from devhost.json_files import parse_json
from devhost.settings import is_disabled, load_settings
from tests.devhost.conftest import StartHost
from tests.devhost.harness import API, APPS, Host

COMMENTED = """{
  // the schema
  "version": "2.0", /* a "quoted" comment */
  "extensions": {"http": {"routePrefix": "a//b, }"},},
}"""


def host_json(folder: Path, **durable: object) -> Path:
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"durableTask": durable}}))
    return folder


def test_comments_and_trailing_commas_are_allowed_and_text_stays_as_it_is() -> None:
    assert parse_json(COMMENTED) == {"version": "2.0", "extensions": {"http": {"routePrefix": "a//b, }"}}}


def test_settings_files_may_hold_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FROM_A_COMMENTED_FILE", raising=False)
    (tmp_path / "host.json").write_text(COMMENTED)
    (tmp_path / "local.settings.json").write_text('{"values": {"FROM_A_COMMENTED_FILE": "1",} /* end */ }')
    assert load_settings(tmp_path).route_prefix == "a//b, }"
    assert is_set("FROM_A_COMMENTED_FILE", monkeypatch)


def is_set(name: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether an environment variable is set, and delete it."""
    try:
        monkeypatch.delenv(name)
    except KeyError:
        return False
    return True


def test_names_in_host_json_ignore_case(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"Version": "2.0", "EXTENSIONS": {"durabletask": {"HubName": "Mine"}}}')
    assert load_settings(tmp_path).hub == "Mine"


@pytest.mark.parametrize(
    "name", ["AzureFunctionsJobHost__extensions__durableTask__", "azurefunctionsjobhost:Extensions:DurableTask:"]
)
def test_a_variable_overrides_a_value_of_host_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"{name}maxConcurrentActivityFunctions", "7")
    settings = load_settings(host_json(tmp_path, maxConcurrentActivityFunctions=3, hubName="Mine"))
    assert (settings.max_activities, settings.hub) == (7, "Mine")


def test_a_bad_value_names_the_choices(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="must be one of NonRunningStates, AnyState"):
        load_settings(host_json(tmp_path, overridableExistingInstanceStates="Any"))


@pytest.mark.parametrize(
    ("setting", "value", "disabled"),
    [
        ("AzureWebJobs.tick.Disabled", "true", True),
        ("AzureWebJobs_tick_Disabled", "1", True),
        ("azurewebjobs.TICK.disabled", "True", True),
        ("AzureWebJobs.tick.Disabled", "false", False),
        ("AzureWebJobs.other.Disabled", "true", False),
    ],
)
def test_an_app_setting_disables_a_function(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, disabled: bool
) -> None:
    monkeypatch.setenv(setting, value)
    assert is_disabled("tick") is disabled


def test_a_disabled_function_does_not_run(start_host: StartHost) -> None:
    host = start_host("durable", env={"AzureWebJobs.pid.Disabled": "true", "AzureWebJobs_chain_Disabled": "1"})
    assert host.get("/api/pid").status == 404
    status = host.run("chain", 1)
    assert status["runtimeStatus"] == "Failed"
    assert "doesn't exist, is disabled, or is not an orchestrator function" in status["output"]


def test_settings_that_only_the_real_engine_knows_are_refused(tmp_path: Path) -> None:
    host = Host(host_json(tmp_path, defaultVersion="1.0"), tmp_path)
    assert "does not support defaultVersion of durableTask" in host.refusal()


ANY_STATE = {"AzureFunctionsJobHost__extensions__durableTask__overridableExistingInstanceStates": "AnyState"}


def test_a_start_replaces_a_running_instance_where_any_state_may_be_overridden(start_host: StartHost) -> None:
    assert_replaces(start_host("durable", env=ANY_STATE))


@pytest.mark.thorough
def test_the_real_engine_replaces_a_running_instance_by_the_same_setting(
    start_host: StartHost, extension: dict[str, dict[str, str]]
) -> None:
    assert_replaces(start_host("durable", **{**extension, "env": {**extension["env"], **ANY_STATE}}))


def assert_replaces(host: Host) -> None:
    host.begin("reports", instance_id="taken")
    host.reaches("taken", "Running")
    answer = host.post(f"{API}/orchestrators/chain/taken", "1")
    assert answer.status == 202
    assert host.finished("taken")["output"] == 4


def test_the_sample_apps_need_no_such_setting() -> None:
    assert load_settings(APPS / "durable").unsupported == ()
