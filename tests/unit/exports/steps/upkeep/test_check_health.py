"""Health: the answer names every dependency and shows no internals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Barrier, Event
from typing import NoReturn

import pytest

from exports.errors import SourceMismatchError, SourceUnavailableError, StorageUnavailableError
from exports.steps.upkeep import check_health as step
from exports.steps.upkeep.check_health import Dependency, HealthStatus, check_health, health_of
from shared.api_keys import KeysUnavailableError
from shared.key_ring import KeyRing
from tests.support.fakes import MemoryServices, a_services
from tests.support.keys import MemoryKeyStore

HEALTHY, UNHEALTHY = HealthStatus


def _detail(services: MemoryServices, name: str) -> str | None:
    """Return the detail of this dependency, which must be the only unhealthy one."""
    health = check_health(services)
    assert health.status is UNHEALTHY
    assert [found.name for found in health.dependencies if found.status is UNHEALTHY] == [name]
    return next(found.detail for found in health.dependencies if found.name == name)


def test_a_healthy_service_names_every_dependency() -> None:
    health = check_health(a_services())
    assert health.status is HEALTHY
    assert [(found.name, found.status, found.detail) for found in health.dependencies] == [
        (name, HEALTHY, None) for name in ("apiKeys", "blobs", "clients", "packages", "tables")
    ]


@pytest.mark.parametrize(("store", "name"), [("files", "blobs"), ("jobs", "tables")])
def test_a_store_that_does_not_answer_is_unhealthy(store: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()

    def fail() -> NoReturn:
        raise StorageUnavailableError("It did not answer.")

    monkeypatch.setattr(getattr(services, store), "check", fail)
    assert _detail(services, name) == "It did not answer."


def test_a_database_that_does_not_answer_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()

    def fail(_: object) -> NoReturn:
        raise SourceUnavailableError("The database did not answer.")

    monkeypatch.setattr(services.clients, "missing_columns", fail)
    assert _detail(services, "clients") == "The database did not answer."


def test_missing_required_columns_are_named() -> None:
    services = a_services()
    services.clients.lacking = frozenset({"code", "email", "name"})
    assert "lacks code, name;" in str(_detail(services, "clients"))


def test_a_view_without_optional_columns_is_healthy_and_health_names_them() -> None:
    services = a_services()
    services.clients.lacking = frozenset({"email", "service_codes"})
    clients = next(each for each in check_health(services).dependencies if each.name == "clients")
    assert clients.status is HEALTHY
    assert "lacks email, service_codes: files show nothing there" in str(clients.detail)


def test_faults_of_fields_and_of_filters_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()

    def refuse(columns: Sequence[str]) -> NoReturn:
        raise SourceMismatchError("email and team_code." if "team_code" in columns else "email.")

    monkeypatch.setattr(services.clients, "missing_columns", refuse)
    assert _detail(services, "clients") == "email and team_code."


def test_a_service_without_api_keys_is_healthy_and_says_so() -> None:
    services = replace(a_services(), keys=KeyRing(MemoryKeyStore()))
    health = check_health(services)
    assert health.status is HEALTHY
    assert "keys create" in str(health.dependencies[0].detail)


def test_a_store_of_keys_that_does_not_answer_is_unhealthy() -> None:
    store = MemoryKeyStore()
    store.before_ask = _fail_to_read_keys
    assert _detail(replace(a_services(), keys=KeyRing(store)), "apiKeys") == "They did not answer."


def _fail_to_read_keys() -> NoReturn:
    raise KeysUnavailableError("They did not answer.")


def test_an_unexpected_error_is_logged_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    services = a_services()

    def fail() -> NoReturn:
        raise ValueError("secret.host.example")

    monkeypatch.setattr(services.files, "check", fail)
    assert _detail(services, "blobs") == "The check failed; the log says why."
    assert "secret.host.example" in caplog.text


def test_all_dependencies_are_checked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    services, both_are_checked = a_services(), Barrier(2, timeout=5)

    def meet() -> None:
        both_are_checked.wait()

    for store in (services.files, services.jobs):
        monkeypatch.setattr(store, "check", meet)
    assert check_health(services).status is HEALTHY


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [((HEALTHY, HEALTHY), HEALTHY), ((HEALTHY, UNHEALTHY), UNHEALTHY), ((UNHEALTHY, HEALTHY), UNHEALTHY)],
)
def test_the_service_is_as_healthy_as_its_worst_dependency(
    statuses: tuple[HealthStatus, ...], whole: HealthStatus
) -> None:
    assert health_of(tuple(Dependency(name="x", status=status) for status in statuses)).status is whole


def test_packages_of_the_platform_are_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "replaced_packages", lambda: ["azure-functions 1.21.3 in place of 1.26.0"])
    health = check_health(a_services())
    packages = next(found for found in health.dependencies if found.name == "packages")
    assert health.status is HEALTHY
    assert packages.detail is not None
    assert "azure-functions 1.21.3 in place of 1.26.0" in packages.detail


def test_a_source_that_hangs_does_not_hold_up_the_answer_and_holds_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    services, release, calls = a_services(), Event(), []

    def hang(_: object) -> list[str]:
        calls.append(1)
        release.wait(20)
        return []

    monkeypatch.setattr(services.clients, "missing_columns", hang)
    for _ in range(3):
        clients = next(found for found in check_health(services, 0.05).dependencies if found.name == "clients")
        assert (clients.status, clients.detail) == (UNHEALTHY, "There was no answer within 0.05 seconds.")
    assert len(calls) == 1
    release.set()
    assert check_health(services).status is HEALTHY
