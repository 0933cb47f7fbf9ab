"""Every route there is, called by everybody who must not. The routes are the app's own, so new ones are covered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from exports.request.scopes import ALL_SCOPES, Scope
from exports.triggers.http.routes import Route
from function_app import ROUTES
from shared.api_keys import new_key_text, parse_key
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.builders import NOON
from tests.support.http_client import Response
from tests.support.keys import a_key, with_other_secret
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, NORTHWIND_KEY, System

NO_CODE = "7zzzzzzzzzzzzzzzzzzzzzzzzz"
MAPPING = {"name": "Theirs", "columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
SCHEDULE = {"name": "Theirs", "cron": "0 3 1 1 *"}
TIMED_REQUESTS, ROUNDS = 7, 8


@dataclass(frozen=True)
class Door:
    """One form of one route.

    Attributes:
        template: Its path, with a slash in front.
    """

    route: Route
    template: str
    scope: Scope

    @property
    def names_tenant(self) -> bool:
        return "{tenant}" in self.template

    @property
    def takes_code(self) -> bool:
        return "{code}" in self.template

    def knock(self, system: System, key: str | None, tenant: str = NORTHWIND, code: str = NO_CODE) -> Response:
        """Call the route. What it may take as a body is not JSON, so that nothing happens behind the door."""
        return self.call(system, key, b"{" if self.route.body else None, tenant, code)

    def call(self, system: System, key: str | None, body: Any, tenant: str = NORTHWIND, code: str = NO_CODE) -> Response:
        filled = self.template.replace("{tenant}", tenant).replace("{code}", code)
        return system.call(self.route.method, re.sub(r"\{\w+\}", "1", filled), body, key=key)


DOORS = [
    Door(route, f"/{template}", route.scope)
    for route in ROUTES
    if route.scope is not None
    for _, template in route.forms
]


def doors(*, naming_tenant: bool = False, taking_code: bool = False) -> pytest.MarkDecorator:
    """Parametrize a test with every door, or with those that name a tenant or take a code."""
    found = [door for door in DOORS if door.names_tenant >= naming_tenant and door.takes_code >= taking_code]
    return pytest.mark.parametrize("door", found, ids=lambda door: f"{door.route.method} {door.template}")


@dataclass(frozen=True)
class Keys:
    """Keys of `northwind`: those that open nothing any more, and for each scope one that has all others."""

    expired: str
    revoked: str
    lacking: dict[Scope, str]


@pytest.fixture(scope="module")
def store(system: System) -> Iterator[TableKeyStore]:
    account = StorageAccount(system.storage)
    yield TableKeyStore(account)
    account.tables.close()


@pytest.fixture(scope="module")
def keys(store: TableKeyStore) -> Keys:
    def added(**changes: Any) -> str:
        key, text = a_key(NORTHWIND, **changes)
        assert store.add(key)
        return text

    lacking = {scope: added(scopes=tuple(other for other in ALL_SCOPES if other != scope)) for scope in Scope}
    return Keys(added(expires=datetime.now(UTC) - timedelta(seconds=1)), added(revoked=NOON), lacking)


def told(answer: Response) -> tuple[int, dict[str, str], bytes]:
    """All a caller can see of an answer, but for the time of day."""
    return answer.status, {name: value for name, value in answer.headers.items() if name != "date"}, answer.body


@doors()
def test_no_route_opens_without_a_good_key_and_all_refusals_are_one(system: System, keys: Keys, door: Door) -> None:
    without = door.knock(system, None)
    assert (without.status, without.json["code"]) == (401, "invalid-api-key")
    bad_keys = ("wrong", with_other_secret(NORTHWIND_KEY), str(new_key_text()), keys.expired, keys.revoked)
    assert [told(door.knock(system, key)) for key in bad_keys] == [told(without)] * len(bad_keys)


@doors()
def test_no_route_opens_to_a_key_without_its_scope(system: System, keys: Keys, door: Door) -> None:
    answer = door.knock(system, keys.lacking[door.scope])
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert door.scope in answer.json["detail"]


@doors(naming_tenant=True)
def test_no_route_opens_to_a_key_of_another_tenant_whether_that_exists_or_not(system: System, door: Door) -> None:
    there, nowhere = (door.knock(system, NORTHWIND_KEY, tenant) for tenant in (HARBOUR, "nowhere"))
    assert (there.status, there.json["code"]) == (403, "forbidden")
    assert {**there.json, "instance": ""} == {**nowhere.json, "instance": ""}


@doors()
def test_every_route_opens_to_a_key_of_its_tenant_and_scope(system: System, door: Door) -> None:
    assert door.knock(system, NORTHWIND_KEY).status not in (401, 403)


@pytest.fixture(scope="module")
def foreign_codes(system: System) -> dict[str, str]:
    """By the beginning of a path: the code of something there that belongs to `harbour`."""
    mapping = system.call("POST", f"/tenants/{HARBOUR}/csv-mappings", MAPPING | {"mappingType": "Client"})
    schedule = system.call("POST", f"/tenants/{HARBOUR}/clients/export/schedules", SCHEDULE)
    codes = {"csv-mappings": mapping.json["code"], "clients/export/schedules": schedule.json["code"]}
    return codes | {"": system.start_export({}, HARBOUR).json["code"]}


def foreign_code(codes: dict[str, str], door: Door) -> str:
    return next(code for beginning, code in codes.items() if door.route.path.startswith(beginning))


def never(code: str) -> str:
    """A code that looks alike and was never given out."""
    return code[:-1] + ("1" if code[-1] == "0" else "0")


@doors(taking_code=True)
def test_what_belongs_to_another_tenant_differs_in_nothing_from_what_never_was(
    system: System, foreign_codes: dict[str, str], door: Door
) -> None:
    theirs = foreign_code(foreign_codes, door)
    body = (SCHEDULE if "/schedules" in door.template else MAPPING) if door.route.body else None
    foreign, unknown = (door.call(system, NORTHWIND_KEY, body, code=code) for code in (theirs, never(theirs)))

    assert foreign.status == 404
    status, headers, content = told(unknown)
    assert told(foreign) == (status, headers, content.replace(never(theirs).encode(), theirs.encode()))


@doors(naming_tenant=True, taking_code=True)
def test_what_belongs_to_another_tenant_takes_as_long_to_refuse_as_what_never_was(
    system: System, foreign_codes: dict[str, str], door: Door
) -> None:
    theirs = foreign_code(foreign_codes, door)
    body = (SCHEDULE if "/schedules" in door.template else MAPPING) if door.route.body else None

    def seconds(code: str) -> float:
        begun = time.perf_counter()
        assert door.call(system, NORTHWIND_KEY, body, code=code).status == 404
        return time.perf_counter() - begun

    assert any(takes_as_long(lambda: seconds(theirs), lambda: seconds(never(theirs))) for _ in range(ROUNDS))


def takes_as_long(first: Callable[[], float], second: Callable[[], float]) -> bool:
    """Compare some requests in turn. What differs differs in every round, what a busy machine does does not."""
    taken = [(first(), second()) for _ in range(TIMED_REQUESTS)]
    foreign, unknown = median(each for each, _ in taken), median(each for _, each in taken)
    return abs(foreign - unknown) < max(0.5 * unknown, 0.010)


def test_the_last_use_of_a_key_is_noted_and_that_of_a_refused_one_is_not(
    system: System, store: TableKeyStore, keys: Keys
) -> None:
    key, text = a_key(NORTHWIND)
    store.add(key)
    door, begun = DOORS[0], datetime.now(UTC)
    for shown in (with_other_secret(text), keys.revoked, text):
        door.knock(system, shown)
    deadline = time.monotonic() + 60
    while (used := last_use(store, text)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert used is not None
    assert begun <= used <= datetime.now(UTC)
    assert last_use(store, keys.revoked) is None


def last_use(store: TableKeyStore, text: str) -> datetime | None:
    parsed = parse_key(text)
    assert parsed is not None
    kept = store.get(parsed.id)
    assert kept is not None
    return kept.last_used


def scope_by_contract(route: Route) -> Scope:
    """Looking needs to read; changing needs to write what stands first in the path. An estimate changes nothing."""
    if route.method == "GET" or route.path.endswith("/estimate"):
        return Scope.EXPORTS_READ
    if route.path.startswith("csv-mappings"):
        return Scope.MAPPINGS_WRITE
    return Scope.SCHEDULES_WRITE if "/schedules" in route.path else Scope.EXPORTS_WRITE


def test_every_route_asks_for_the_scope_of_the_contract() -> None:
    assert {door.route.name: door.scope for door in DOORS} == {
        door.route.name: scope_by_contract(door.route) for door in DOORS
    }


def test_the_walk_covers_the_routes_of_the_contract() -> None:
    walked = {f"{door.route.method} {door.template}" for door in DOORS}
    for prefix in ("", "/tenants/{tenant}"):
        assert {f"POST {prefix}{EXPORT}", f"GET {prefix}{EXPORT}/{{code}}"} <= walked
    assert {route.path for route in ROUTES if route.scope is None} <= {"health", "openapi.json", "docs", ""}
