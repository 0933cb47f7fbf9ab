"""Health: names and states for everybody, the details for callers with a key, and a probe that touches nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, NoReturn

import azure.functions as func
import pytest

from exports import VERSION
from exports.errors import SourceUnavailableError
from exports.settings import SettingsError
from exports.steps.upkeep.check_health import HealthStatus
from exports.triggers.http.health_routes import health, health_live
from exports.triggers.http.routes import Api
from shared.api_keys import KeysUnavailableError
from shared.key_ring import KeyRing
from tests.support.fakes import MemoryServices, a_services
from tests.support.keys import MemoryKeyStore, a_key


def _ask(services: MemoryServices, **headers: str) -> tuple[int, Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = health(func.HttpRequest("GET", "http://x/health", headers=names, body=b""), Api(lambda: services, ()))
    return answer.status_code, json.loads(answer.get_body())


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> MemoryServices:
    services = a_services()

    def fail(_: object) -> NoReturn:
        raise SourceUnavailableError("The database at a secret place did not answer.")

    monkeypatch.setattr(services.clients, "missing_columns", fail)
    return services


@pytest.mark.parametrize("key", [None, "", "cx_aaaaaaaaaaaa_" + "x" * 43, "nonsense"])
def test_without_a_valid_key_the_health_has_names_and_states_only(services: MemoryServices, key: str | None) -> None:
    status, body = _ask(services, **({} if key is None else {"x_api_key": key}))
    assert status == 503
    assert body["status"] == "Unhealthy"
    assert {each["name"]: each["status"] for each in body["dependencies"]}["clients"] == "Unhealthy"
    assert [each.get("detail") for each in body["dependencies"]] == [None] * 5
    assert body["version"] is None
    assert "secret" not in json.dumps(body)


def test_with_a_valid_key_the_health_has_details_and_the_version(services: MemoryServices) -> None:
    key, text = a_key()
    services = replace(services, keys=KeyRing(MemoryKeyStore(key), services.now))
    _, body = _ask(services, x_api_key=str(text))
    assert "secret place" in str(body["dependencies"])
    assert body["version"] == VERSION


def test_a_key_that_cannot_be_checked_counts_as_none(services: MemoryServices) -> None:
    store = MemoryKeyStore()

    def fail() -> NoReturn:
        raise KeysUnavailableError("It did not answer.")

    store.before_ask = fail
    services = replace(services, keys=KeyRing(store))
    status, body = _ask(services, x_api_key=str(a_key()[1]))
    assert (status, body["version"]) == (503, None)


def test_wrong_settings_are_named_to_everybody_because_nobody_can_show_a_key() -> None:
    def provide() -> NoReturn:
        raise SettingsError("EXPORT_STORAGE: set it")

    answer = health(func.HttpRequest("GET", "http://x/health", body=b""), Api(provide, ()))
    assert answer.status_code == 503
    assert "EXPORT_STORAGE" in answer.get_body().decode()


def test_liveness_touches_no_service_and_no_setting() -> None:
    def provide() -> NoReturn:
        raise AssertionError

    answer = health_live(func.HttpRequest("GET", "http://x/health/live", body=b""), Api(provide, ()))
    assert (answer.status_code, json.loads(answer.get_body())) == (200, {"status": HealthStatus.HEALTHY})
