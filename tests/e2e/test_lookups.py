"""What the service tells before an export: who the caller is, the first rows of the file, the values of filters."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from exports.request.scopes import ALL_SCOPES
from shared.api_keys import new_key_text
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.builders import NOON
from tests.support.keys import a_key, with_other_secret
from tests.support.system import EXPORT, HARBOUR, KEY, NO_CLIENTS, NORTHWIND, NORTHWIND_KEY, System, download

PREVIEW = f"{EXPORT}/preview"
COLUMNS = [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Client", "targetField": "Name"}]


@pytest.fixture(scope="module")
def store(system: System) -> Iterator[TableKeyStore]:
    account = StorageAccount(system.storage)
    yield TableKeyStore(account)
    account.tables.close()


def added(store: TableKeyStore, *tenants: str, **changes: Any) -> str:
    key, shown = a_key(*tenants, **changes)
    assert store.add(key)
    return shown


def test_a_caller_learns_who_it_is_without_naming_a_tenant(system: System) -> None:
    me = system.call("GET", "/me", key=KEY).json
    assert me["name"] == "test"
    assert [each["code"] for each in me["tenants"]] == sorted([NORTHWIND, HARBOUR, NO_CLIENTS])
    assert {each["name"] for each in me["tenants"]} == {None}
    assert me["scopes"] == sorted(ALL_SCOPES)
    assert me["limits"]["activeJobs"] == int(system.settings["EXPORT_MAX_ACTIVE_JOBS"])
    assert not me["anyTenant"]
    assert system.call("GET", "/me", key=NORTHWIND_KEY).json["tenants"] == [
        {"code": NORTHWIND, "name": None, "scopes": sorted(ALL_SCOPES)}
    ]


def test_a_caller_without_any_scope_learns_that(system: System, store: TableKeyStore) -> None:
    me = system.call("GET", "/me", key=added(store, NORTHWIND, name="Nothing", scopes=()))
    assert (me.status, me.json["name"], me.json["scopes"]) == (200, "Nothing", [])


def test_the_caller_is_told_to_nobody_without_a_valid_key(system: System, store: TableKeyStore) -> None:
    without = system.call("GET", "/me", key=None)
    assert (without.status, without.json["code"]) == (401, "invalid-api-key")
    expired = added(store, NORTHWIND, expires=datetime.now(UTC) - timedelta(seconds=1))
    revoked = added(store, NORTHWIND, revoked=NOON)
    for key in ("wrong", with_other_secret(NORTHWIND_KEY), str(new_key_text()), expired, revoked):
        refused = system.call("GET", "/me", key=key)
        assert {**refused.json, "requestId": ""} == {**without.json, "requestId": ""}


def test_the_caller_has_no_form_with_a_tenant_and_takes_no_parameter(system: System) -> None:
    assert system.call("GET", f"/tenants/{NORTHWIND}/me").status == 404
    assert system.call("GET", "/me?tenant=northwind").json["code"] == "invalid-query"
    assert system.call("POST", "/me", {}).status == 405


@pytest.mark.parametrize(
    "changes", [{}, {"format": {"preset": "excelEu"}}, {"filter": {"statuses": ["Prospect"]}, "includeHeaders": False}]
)
def test_a_preview_is_the_beginning_of_the_file(system: System, changes: dict[str, Any]) -> None:
    body = {"columnMappings": COLUMNS, **changes}
    shown = system.call("POST", f"/tenants/{NORTHWIND}{PREVIEW}?count=full", body).json
    job = system.start_export(body).json
    file = download(job).decode("utf-8-sig")
    assert shown["totalItems"] == job["totalItems"]
    assert file.startswith(shown["text"])
    delimiter = ";" if "format" in changes else ","
    records = list(csv.reader(io.StringIO(file, newline=""), delimiter=delimiter))
    assert shown["rows"] == records[body.get("includeHeaders", True) :][:10]
    assert shown["columns"] == COLUMNS


def test_a_preview_counts_as_long_as_the_request_says(system: System) -> None:
    for count in ("quick", "full"):
        shown = system.call("POST", f"/tenants/{NORTHWIND}{PREVIEW}?count={count}", {})
        assert shown.status == 200
        total, minimum = shown.json["totalItems"], shown.json["minimumItems"]
        assert total is None or minimum is None
        assert (total or minimum or 0) >= len(shown.json["rows"])
    assert total == 4_500 or minimum  # a busy machine may have found none in the time of a quick one
    for query in ("count=some", "count=", "counts=full"):
        refused = system.call("POST", f"/tenants/{NORTHWIND}{PREVIEW}?{query}", {})
        assert (refused.status, refused.json["code"]) == (400, "invalid-query")


def test_a_preview_refuses_what_an_export_refuses(system: System) -> None:
    for body in (
        {"columnMappings": [{"csvHeader": "Client", "targetField": "Nmae"}]},
        {"mappingCode": "0" * 20},
        {"columnMappings": [COLUMNS[0], COLUMNS[0]]},
        {"format": {"preset": "xlsx", "quoting": "all"}},
        {"surprise": 1},
    ):
        export = system.start_export(body)
        preview = system.call("POST", f"/tenants/{NORTHWIND}{PREVIEW}", body)
        assert export.status == 400
        assert preview.json["errors"] == export.json["errors"]


def test_a_preview_shows_sensitive_fields_only_to_those_who_may_read_them(system: System, store: TableKeyStore) -> None:
    reader = added(store, NORTHWIND, scopes=("exports:read",))
    named = {"columnMappings": [{"csvHeader": "NI", "targetField": "NiNumber"}]}
    refused = system.call("POST", PREVIEW, named, key=reader)
    assert (refused.status, refused.json["code"]) == (403, "sensitive-fields")
    shown = system.call("POST", PREVIEW, {}, key=reader).json
    assert "NiNumber" in shown["omittedFields"]
    assert "NiNumber" not in {column["targetField"] for column in shown["columns"]}
    assert system.call("POST", PREVIEW, named, key=NORTHWIND_KEY).status == 200
    assert system.call("POST", PREVIEW, {}, key=NORTHWIND_KEY).json["omittedFields"] == []


def test_the_values_of_filters_are_those_in_the_database(system: System, database_url: str) -> None:
    found = system.call("GET", f"/tenants/{NORTHWIND}/clients/export/filters").json
    engine = create_engine(database_url)
    with engine.connect() as connection:
        for name in ("manager", "partner", "associate", "team"):
            statement = text(f"SELECT DISTINCT {name}_code, {name} FROM clients WHERE tenant = :tenant")
            rows = connection.execute(statement, {"tenant": NORTHWIND}).all()
            assert {(each["code"], each["name"]) for each in found[f"{name}s"]} == {
                (code, shown) for code, shown in rows if code is not None
            }
    engine.dispose()
    assert found["services"]
    assert not found["truncated"]
    body = {"filter": {"serviceCodes": [found["services"][0]["code"]], "managerCodes": [found["managers"][0]["code"]]}}
    assert system.call("POST", f"/tenants/{NORTHWIND}{PREVIEW}?count=full", body).json["totalItems"] > 0


def test_a_tenant_without_clients_has_an_empty_preview_and_no_values(system: System) -> None:
    shown = system.call("POST", f"/tenants/{NO_CLIENTS}{PREVIEW}", {"columnMappings": COLUMNS}).json
    assert (shown["totalItems"], shown["rows"], shown["text"]) == (0, [], "Code,Client\r\n")
    found = system.call("GET", f"/tenants/{NO_CLIENTS}/clients/export/filters").json
    assert {name for name, values in found.items() if values} == set()


def test_many_previews_at_the_same_time_are_answered_or_told_to_wait(system: System) -> None:
    require_answers_or_refusals(system, PREVIEW)


def test_many_estimates_at_the_same_time_are_answered_or_told_to_wait(system: System) -> None:
    require_answers_or_refusals(system, f"{EXPORT}/estimate")


def require_answers_or_refusals(system: System, path: str) -> None:
    with ThreadPoolExecutor(24) as pool:
        asked = [
            pool.submit(system.call, "POST", f"/tenants/{NORTHWIND}{path}", {"columnMappings": COLUMNS})
            for _ in range(24)
        ]
    found = [each.result() for each in asked]
    assert {each.status for each in found} <= {200, 503}
    assert any(each.status == 200 for each in found)
    assert all("retry-after" in each.headers for each in found if each.status == 503)
