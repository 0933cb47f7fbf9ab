"""Every route refuses every key that it must refuse. The routes come from the app, so new routes are covered too."""

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
from tests.support.each_case import assert_each
from tests.support.http_client import Response
from tests.support.keys import a_key, with_other_secret
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, NORTHWIND_KEY, System
from tests.support.waiting import wait_until

NO_CODE = "7zzzzzzzzzzzzzzzzzzzzzzzzz"
MAPPING = {"name": "Theirs", "columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
SCHEDULE = {"name": "Theirs", "cron": "0 3 1 1 *"}
TIMED_REQUESTS, ROUNDS = 7, 8


@dataclass(frozen=True)
class RouteForm:
    """One form of a route: with the tenant in its path, or the short one.

    Attributes:
        template: The path with a leading slash.
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

    def probe(self, system: System, key: str | None, tenant: str = NORTHWIND, code: str = NO_CODE) -> Response:
        """Call the route without an effect: if it takes a body, the body is invalid."""
        return self.call(system, key, b"{" if self.route.body else None, tenant, code)

    def call(
        self, system: System, key: str | None, body: Any, tenant: str = NORTHWIND, code: str = NO_CODE
    ) -> Response:
        filled = self.template.replace("{tenant}", tenant).replace("{code}", code)
        return system.call(self.route.method, re.sub(r"\{\w+\}", "1", filled), body, key=key, x_request_id="same")


FORMS = [
    RouteForm(route, f"/{template}", route.scope)
    for route in ROUTES
    if route.scope is not None
    for _, template in route.forms
]


def route_forms(*, naming_tenant: bool = False, taking_code: bool = False) -> dict[str, RouteForm]:
    """Return every form of every route, or only those that name a tenant or take a code."""
    selected = [form for form in FORMS if form.names_tenant >= naming_tenant and form.takes_code >= taking_code]
    return {f"{form.route.method} {form.template}": form for form in selected}


@dataclass(frozen=True)
class Keys:
    """Keys of `northwind`: an expired one, a revoked one, and for each scope a key with all other scopes."""

    expired: str
    revoked: str
    without_scope: dict[Scope, str]


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

    without_scope = {scope: added(scopes=tuple(other for other in ALL_SCOPES if other != scope)) for scope in Scope}
    return Keys(added(expires=datetime.now(UTC) - timedelta(seconds=1)), added(revoked=NOON), without_scope)


def visible_part(response: Response) -> tuple[int, dict[str, str], bytes]:
    """Return everything that a caller can see of a response, except the time of day."""
    return response.status, {name: value for name, value in response.headers.items() if name != "date"}, response.body


def test_every_route_refuses_every_bad_key_with_the_same_response(system: System, keys: Keys) -> None:
    bad_keys = ("wrong", with_other_secret(NORTHWIND_KEY), str(new_key_text()), keys.expired, keys.revoked)

    def check(form: RouteForm) -> None:
        without = form.probe(system, None)
        assert (without.status, without.json["code"]) == (401, "invalid-api-key")
        assert [visible_part(form.probe(system, key)) for key in bad_keys] == [visible_part(without)] * len(bad_keys)

    assert_each(route_forms(), check)


def test_every_route_refuses_a_key_without_its_scope(system: System, keys: Keys) -> None:
    def check(form: RouteForm) -> None:
        response = form.probe(system, keys.without_scope[form.scope])
        assert (response.status, response.json["code"]) == (403, "forbidden")
        assert form.scope in response.json["detail"]

    assert_each(route_forms(), check)


def test_every_route_refuses_existing_and_unknown_tenants_of_others_alike(system: System) -> None:
    def check(form: RouteForm) -> None:
        existing, unknown = (form.probe(system, NORTHWIND_KEY, tenant) for tenant in (HARBOUR, "nowhere"))
        assert (existing.status, existing.json["code"]) == (403, "forbidden")
        assert {**existing.json, "instance": ""} == {**unknown.json, "instance": ""}

    assert_each(route_forms(naming_tenant=True), check)


def test_every_route_accepts_a_key_of_its_tenant_and_scope(system: System) -> None:
    def check(form: RouteForm) -> None:
        assert form.probe(system, NORTHWIND_KEY).status not in (401, 403)

    assert_each(route_forms(), check)


@pytest.fixture(scope="module")
def foreign_codes(system: System, store: TableKeyStore) -> dict[str, str]:
    """Resources of `harbour`: a code for the beginning of each path."""
    mapping = system.call("POST", f"/tenants/{HARBOUR}/csv-mappings", MAPPING | {"mappingType": "Client"})
    schedule = system.call("POST", f"/tenants/{HARBOUR}/clients/export/schedules", SCHEDULE)
    codes = {"csv-mappings": mapping.json["code"], "clients/export/schedules": schedule.json["code"]}
    key, _ = a_key(HARBOUR)
    assert store.add(key)
    codes["keys"] = key.id
    return codes | {"": system.start_export({}, HARBOUR).json["code"]}


def foreign_code(codes: dict[str, str], form: RouteForm) -> str:
    return next(code for beginning, code in codes.items() if form.route.path.startswith(beginning))


def similar_code(code: str) -> str:
    """Return a code that differs in its last character only, and which nothing has."""
    return code[:-1] + ("1" if code[-1] == "0" else "0")


def valid_body(form: RouteForm) -> Any:
    if not form.route.body:
        return None
    if "/keys" in form.template:
        return {}
    return SCHEDULE if "/schedules" in form.template else MAPPING


def test_another_tenants_resource_gives_the_same_response_as_an_unknown_one(
    system: System, foreign_codes: dict[str, str]
) -> None:
    def check(form: RouteForm) -> None:
        theirs = foreign_code(foreign_codes, form)
        unused = similar_code(theirs)
        foreign, unknown = (form.call(system, NORTHWIND_KEY, valid_body(form), code=code) for code in (theirs, unused))
        assert foreign.status == 404
        status, headers, content = visible_part(unknown)
        assert visible_part(foreign) == (status, headers, content.replace(unused.encode(), theirs.encode()))

    assert_each(route_forms(taking_code=True), check)


def test_another_tenants_resource_takes_as_long_to_refuse_as_an_unknown_one(
    system: System, foreign_codes: dict[str, str]
) -> None:
    def check(form: RouteForm) -> None:
        theirs = foreign_code(foreign_codes, form)

        def seconds(code: str) -> float:
            began = time.perf_counter()
            assert form.call(system, NORTHWIND_KEY, valid_body(form), code=code).status == 404
            return time.perf_counter() - began

        assert any(takes_as_long(lambda: seconds(theirs), lambda: seconds(similar_code(theirs))) for _ in range(ROUNDS))

    assert_each(route_forms(naming_tenant=True, taking_code=True), check)


def takes_as_long(first: Callable[[], float], second: Callable[[], float]) -> bool:
    """Compare the times of two kinds of requests that are sent in turn.

    The caller repeats this: a real difference appears every time, but the noise of a busy machine does not.
    """
    times = [(first(), second()) for _ in range(TIMED_REQUESTS)]
    foreign, unknown = median(each for each, _ in times), median(each for _, each in times)
    return abs(foreign - unknown) < max(0.5 * unknown, 0.010)


def test_the_last_use_is_recorded_for_accepted_keys_only(system: System, store: TableKeyStore, keys: Keys) -> None:
    key, text = a_key(NORTHWIND)
    store.add(key)
    form, began = FORMS[0], datetime.now(UTC)
    for shown in (with_other_secret(text), keys.revoked, text):
        form.probe(system, shown)
    used = wait_until(lambda: last_use(store, text), 60)
    assert used is not None
    assert began <= used <= datetime.now(UTC)
    assert last_use(store, keys.revoked) is None


def last_use(store: TableKeyStore, text: str) -> datetime | None:
    parsed = parse_key(text)
    assert parsed is not None
    key = store.get(parsed.id)
    assert key is not None
    return key.last_used


def scope_by_contract(route: Route) -> Scope:
    """Return the scope that the contract requires: read or write, for the kind of resource in the path.

    An estimate and a preview only need to read, because they change nothing.
    """
    if route.path.startswith(("audit", "keys")):
        return Scope.AUDIT_READ if route.path == "audit" else Scope.KEYS_ADMIN
    if route.method == "GET" or route.path.endswith(("/estimate", "/preview")):
        return Scope.EXPORTS_READ
    if route.path.startswith("csv-mappings"):
        return Scope.MAPPINGS_WRITE
    return Scope.SCHEDULES_WRITE if "/schedules" in route.path else Scope.EXPORTS_WRITE


def test_every_route_requires_the_scope_of_the_contract() -> None:
    assert {form.route.name: form.scope for form in FORMS} == {
        form.route.name: scope_by_contract(form.route) for form in FORMS
    }


def test_the_walk_covers_the_routes_of_the_contract() -> None:
    walked = {f"{form.route.method} {form.template}" for form in FORMS}
    for prefix in ("", "/tenants/{tenant}"):
        assert {f"POST {prefix}{EXPORT}", f"GET {prefix}{EXPORT}/{{code}}"} <= walked
    assert {route.path for route in ROUTES if route.scope is None} <= {
        "health",
        "health/live",
        "me",
        "openapi.json",
        "docs",
        "",
    }
