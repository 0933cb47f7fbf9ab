"""Administrators make, list, rotate and revoke keys over HTTP, and nobody gains rights by it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exports.request.scopes import ALL_SCOPES
from shared.api_keys import parse_key
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.e2e.test_audit import audit_of_today
from tests.e2e.test_bad_input import assert_problem
from tests.support.http_client import Response
from tests.support.keys import a_key
from tests.support.system import HARBOUR, KEY, NO_CLIENTS, NORTHWIND, NORTHWIND_KEY, System

OF_HARBOUR, OF_NORTHWIND = f"/tenants/{HARBOUR}/keys", f"/tenants/{NORTHWIND}/keys"


@pytest.fixture(scope="module")
def store(system: System) -> Iterator[TableKeyStore]:
    account = StorageAccount(system.storage)
    yield TableKeyStore(account)
    account.tables.close()


def added(store: TableKeyStore, *tenants: str, **changes: Any) -> tuple[str, str]:
    """Store a key; return its code and its text."""
    key, text = a_key(*tenants, **changes)
    assert store.add(key)
    return key.id, text


def make(system: System, path: str = OF_HARBOUR, key: str = KEY, **body: Any) -> Any:
    response = system.call("POST", path, {"name": "Import", **body}, key=key)
    assert response.status == 201, response
    return response.json


def listed(system: System, path: str = OF_HARBOUR, key: str = KEY) -> dict[str, Any]:
    """Return the keys of a list by code, read in parts."""
    found: dict[str, Any] = {}
    token = ""
    while True:
        part = system.call("GET", f"{path}?limit=100{token}", key=key).json
        found |= {each["code"]: each for each in part["data"]}
        if not part["hasMore"]:
            return found
        token = f"&continuationToken={part['continuationToken']}"


def me(system: System, key: str) -> Response:
    return system.call("GET", "/me", key=key)


def test_a_key_made_over_http_opens_its_tenant_with_its_scopes_at_once(system: System) -> None:
    made = make(system, scopes=["exports:read", "audit:read"], validDays=30)
    caller = me(system, made["key"]).json
    assert [each["code"] for each in caller["tenants"]] == [HARBOUR]
    assert (caller["name"], caller["scopes"]) == ("Import", ["audit:read", "exports:read"])
    lifetime = datetime.fromisoformat(made["expiryDate"]) - datetime.fromisoformat(made["createdDate"])
    assert lifetime == timedelta(days=30)
    assert make(system, validDays=30.0)["expiryDate"]
    assert system.call("GET", f"/tenants/{NORTHWIND}/audit", key=made["key"]).status == 403


def test_the_text_of_a_key_is_shown_once_and_its_hash_never(system: System, store: TableKeyStore) -> None:
    made = make(system)
    text, stored = parse_key(made["key"]), store.get(made["code"])
    assert text is not None
    assert stored is not None
    assert text.secret not in stored.model_dump_json()
    shown = listed(system)[made["code"]]
    assert shown == {name: value for name, value in made.items() if name != "key"}
    kept = str(shown) + str(audit_of_today(system, HARBOUR)) + system.log
    assert text.secret not in kept
    assert stored.hash not in kept


def test_an_answer_with_a_key_is_kept_by_no_cache(system: System) -> None:
    response = system.call("POST", OF_HARBOUR, {"name": "Import"})
    assert response.headers["cache-control"] == "no-store"


def test_nobody_makes_a_key_for_a_tenant_or_with_a_scope_that_it_lacks(system: System, store: TableKeyStore) -> None:
    others = tuple(scope for scope in ALL_SCOPES if scope != "fields:sensitive")
    admins = (added(store, NORTHWIND, HARBOUR, scopes=others)[1], added(store, NORTHWIND, scopes=others)[1])
    before = {key.id for key in store.list()}
    for admin in admins:
        refused = system.call("POST", OF_NORTHWIND, {"name": "x", "scopes": [*others, "fields:sensitive"]}, key=admin)
        assert "fields:sensitive" in assert_problem(refused, 403, "forbidden")["detail"]
        for path in (f"/tenants/{NO_CLIENTS}/keys", "/tenants/nowhere/keys"):
            assert_problem(system.call("POST", path, {"name": "x"}, key=admin), 403, "forbidden")
    for body in ({"name": "x", "tenants": [NO_CLIENTS]}, {"name": "x", "tenant": NO_CLIENTS}):
        assert_problem(system.call("POST", OF_NORTHWIND, body, key=admins[1]), 400, "invalid-request")
    assert {key.id for key in store.list()} == before


def test_nobody_gains_a_scope_by_rotating_a_stronger_key(system: System, store: TableKeyStore) -> None:
    strong, _ = added(store, NORTHWIND)
    _, admin = added(store, NORTHWIND, scopes=("exports:read", "keys:admin"))
    response = system.call("POST", f"{OF_NORTHWIND}/{strong}/rotate", {}, key=admin)
    assert "fields:sensitive" in assert_problem(response, 403, "forbidden")["detail"]


def test_an_administrator_changes_no_key_that_opens_another_tenant(system: System, store: TableKeyStore) -> None:
    shared, text = added(store, NORTHWIND, HARBOUR, name="Shared")
    for method, path, body in (("DELETE", shared, None), ("POST", f"{shared}/rotate", {})):
        response = system.call(method, f"{OF_NORTHWIND}/{path}", body, key=NORTHWIND_KEY)
        assert HARBOUR not in assert_problem(response, 403, "forbidden")["detail"]
    assert me(system, text).status == 200
    shown = listed(system, OF_NORTHWIND, NORTHWIND_KEY)[shared]
    assert (shown["tenants"], shown["otherTenants"]) == ([NORTHWIND], True)
    assert system.call("DELETE", f"{OF_NORTHWIND}/{shared}", key=KEY).status == 200


def test_a_revoked_key_is_refused_by_a_process_that_has_not_seen_it_before(system: System) -> None:
    made = make(system)
    revoked = system.call("DELETE", f"{OF_HARBOUR}/{made['code']}")
    assert (revoked.status, revoked.json["state"]) == (200, "Revoked")
    assert system.call("DELETE", f"{OF_HARBOUR}/{made['code']}").json == revoked.json
    assert me(system, made["key"]).status == 401  # no process has looked this key up before
    assert listed(system)[made["code"]]["state"] == "Revoked"
    response = system.call("POST", f"{OF_HARBOUR}/{made['code']}/rotate", {})
    assert_problem(response, 409, "key-not-active")


def test_a_rotation_leaves_the_old_key_valid_for_the_hours_that_were_asked_for(system: System) -> None:
    old = make(system, scopes=["exports:read"])
    response = system.call("POST", f"{OF_HARBOUR}/{old['code']}/rotate", {"overlapHours": 2})
    assert response.status == 201
    new, replaced = response.json, response.json["replaced"]
    assert (new["scopes"], new["tenants"], new["name"]) == (old["scopes"], old["tenants"], old["name"])
    left = datetime.fromisoformat(replaced["expiryDate"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=50) < left < timedelta(hours=2, minutes=1)
    assert [me(system, each["key"]).status for each in (old, new)] == [200, 200]


def test_a_rotation_whose_answer_was_lost_is_repeated_with_its_idempotency_key(system: System) -> None:
    old = make(system, scopes=["exports:read"], validDays=30)
    path, once = f"{OF_HARBOUR}/{old['code']}/rotate", {"Idempotency-Key": f"rotate {old['code']}"}
    answers = [system.call("POST", path, {}, **once) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 201]
    lost, also_lost, last = (answer.json for answer in answers)
    assert last["replaced"]["expiryDate"] == lost["replaced"]["expiryDate"]
    assert [me(system, each["key"]).status for each in (lost, also_lost, last, old)] == [401, 401, 200, 200]
    lifetime = datetime.fromisoformat(last["expiryDate"]) - datetime.fromisoformat(last["createdDate"])
    assert lifetime == timedelta(days=30)
    assert_problem(system.call("POST", path, {"overlapHours": 2}, **once), 422, "idempotency-key-reused")
    refused = assert_problem(system.call("POST", path, {}), 409, "key-rotated")
    assert last["code"] in refused["detail"]
    assert_problem(system.call("POST", path, {}, **{"Idempotency-Key": "x" * 256}), 400, "invalid-header")


def test_two_requests_at_once_never_revoke_both_last_administrators(system: System, store: TableKeyStore) -> None:
    for number in range(15):
        keys = f"/tenants/pair{number}/keys"
        (one, text_of_one), (two, text_of_two) = added(store, f"pair{number}"), added(store, f"pair{number}")
        with ThreadPoolExecutor(2) as pool:
            pool.submit(system.call, "DELETE", f"{keys}/{one}", key=text_of_two)
            pool.submit(system.call, "DELETE", f"{keys}/{two}", key=text_of_one)
        valid = [key.id for key in store.list() if key.id in (one, two) and key.revoked is None]
        assert len(valid) == 1


def test_a_caller_revokes_its_own_key_only_with_a_confirmation(system: System, store: TableKeyStore) -> None:
    code, text = added(store, HARBOUR)
    path = f"{OF_HARBOUR}/{code}"
    detail = assert_problem(system.call("DELETE", path, key=text), 409, "not-confirmed")["detail"]
    assert f"?confirm={code}" in detail
    assert_problem(system.call("DELETE", f"{path}?confirm={'a' * 12}", key=text), 400, "invalid-query")
    assert store.get(code).revoked is None  # type: ignore[union-attr]
    assert system.call("DELETE", f"{path}?confirm={code}", key=text).json["state"] == "Revoked"


def test_the_last_administrator_of_a_tenant_is_revoked_only_with_a_confirmation(
    system: System, store: TableKeyStore
) -> None:
    account, tenant = "lonely", "/tenants/lonely/keys"
    (last, text), (reader, _) = added(store, account), added(store, account, scopes=("exports:read",))
    assert system.call("DELETE", f"{tenant}/{reader}", key=text).status == 200
    other = make(system, tenant, text, scopes=list(ALL_SCOPES))
    assert system.call("DELETE", f"{tenant}/{other['code']}", key=text).status == 200
    again = make(system, tenant, text, scopes=list(ALL_SCOPES))
    assert system.call("DELETE", f"{tenant}/{last}", key=again["key"]).status == 200
    detail = assert_problem(system.call("DELETE", f"{tenant}/{again['code']}", key=again["key"]), 409, "not-confirmed")
    assert "No other key may administer the keys of lonely." in detail["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "x\ny"}, "/name"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "scopes": ["everything"]}, "/scopes/0"),
        ({"name": "x", "validDays": 0}, "/validDays"),
        ({"name": "x", "validDays": 3651}, "/validDays"),
        ({"name": "x", "validDays": "30"}, "/validDays"),
        ({"name": "x", "validDays": 1.5}, "/validDays"),
        ({"name": "x", "hash": "x"}, "/hash"),
    ],
)
def test_a_wrong_request_for_a_key_names_its_fault(system: System, body: Any, pointer: str) -> None:
    problem = assert_problem(system.call("POST", OF_HARBOUR, body), 400, "invalid-request")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


def test_every_change_of_a_key_is_in_the_audit_log_with_its_actor(system: System) -> None:
    made = make(system, scopes=["exports:read"])
    new = system.call("POST", f"{OF_HARBOUR}/{made['code']}/rotate", {}).json
    system.call("DELETE", f"{OF_HARBOUR}/{made['code']}")
    entries = [entry for entry in audit_of_today(system, HARBOUR) if entry["code"] == made["code"]]
    assert [(entry["action"], entry.get("newCode")) for entry in entries] == [
        ("KeyCreated", None),
        ("KeyRotated", new["code"]),
        ("KeyRevoked", None),
    ]
    actor = parse_key(KEY)
    assert actor is not None
    assert {entry["actor"] for entry in entries} == {actor.id}
    assert {tuple(entry["scopes"]) for entry in entries} == {("exports:read",)}
