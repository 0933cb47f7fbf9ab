"""Only keys with the scope for sensitive fields get these fields."""

from __future__ import annotations

from typing import Any

import pytest

from exports.request.fields import TargetField
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.e2e.test_bad_input import assert_problem
from tests.support.builders import NOON
from tests.support.each_case import assert_each
from tests.support.expected import client_records, records
from tests.support.keys import key_of_text
from tests.support.system import EXPORT, HARBOUR, KEY, System, download

PLAIN_KEY = f"cx_plainharbour_{'p' * 43}"
SENSITIVE = {
    *("NiNumber", "ContactDateOfBirth", "CompaniesHouseAuthenticationCode"),
    *("PersonalCode", "ContactNationality", "ContactMaritalStatus"),
}
NAME = {"csvHeader": "Client", "targetField": "Name"}
NI = {"csvHeader": "NI", "targetField": "NiNumber"}


@pytest.fixture(scope="module")
def plain_key(system: System) -> str:
    """A key that may export, but may neither see sensitive fields nor change mappings."""
    account = StorageAccount(system.settings["EXPORT_STORAGE"])
    scopes = ("exports:read", "exports:write")
    TableKeyStore(account).add(key_of_text(PLAIN_KEY, name="plain", tenants=(HARBOUR,), scopes=scopes, created=NOON))
    account.tables.close()
    return PLAIN_KEY


def exported_with(system: System, key: str, body: Any) -> list[tuple[str, ...]]:
    response = system.call("POST", EXPORT, body, key=key, prefer="wait=60")
    assert response.status == 201, response
    return records(download(response.json))


def test_without_the_scope_a_full_export_leaves_sensitive_fields_out(
    system: System, plain_key: str, database_url: str
) -> None:
    exported = exported_with(system, plain_key, {})

    kept = [index for index, field in enumerate(TargetField) if field.value not in SENSITIVE]
    assert exported[0] == tuple(field.value for field in TargetField if field.value not in SENSITIVE)
    assert exported[1:] == [tuple(row[index] for index in kept) for row in client_records(database_url, HARBOUR)]


def test_the_manifest_lists_the_fields_that_were_left_out(system: System, plain_key: str) -> None:
    for key, omitted in ((plain_key, SENSITIVE), (KEY, set())):
        path = f"/tenants/{HARBOUR}{EXPORT}"
        location = system.call("POST", path, {}, key=key, prefer="wait=60").headers["location"]
        request = system.call("GET", f"{location}/manifest", key=key).json["request"]
        assert set(request["omittedFields"]) == omitted
        assert omitted.isdisjoint(column["targetField"] for column in request["columns"])


def test_without_the_scope_a_sensitive_field_cannot_be_requested(system: System, plain_key: str) -> None:
    def check(field: str) -> None:
        body = {"columnMappings": [NAME, {"csvHeader": "X", "targetField": field}]}
        problem = assert_problem(system.call("POST", EXPORT, body, key=plain_key), 403, "sensitive-fields")
        assert field in problem["detail"]
        assert "fields:sensitive" in problem["detail"]
        assert [fault["pointer"] for fault in problem["errors"]] == ["/columnMappings/1/targetField"]

    assert_each({field: field for field in sorted(SENSITIVE)}, check)


def test_without_the_scope_a_mapping_with_sensitive_fields_cannot_be_used(system: System, plain_key: str) -> None:
    mapping = {"name": "Private", "columnMappings": [NAME, NI], "mappingType": "Client"}
    code = system.call("POST", f"/tenants/{HARBOUR}/csv-mappings", mapping).json["code"]
    for used, named in ((code, ("NiNumber",)), ("individual-clients", ("NiNumber", "ContactDateOfBirth"))):
        response = system.call("POST", EXPORT, {"mappingCode": used}, key=plain_key)
        problem = assert_problem(response, 403, "sensitive-fields")
        assert {fault["pointer"] for fault in problem["errors"]} == {"/mappingCode"}
        assert all(field in problem["detail"] for field in named)


def test_without_the_scope_the_preset_for_companies_can_be_used(system: System, plain_key: str) -> None:
    assert len(exported_with(system, plain_key, {"mappingCode": "limited-company-clients"})) == 1_501


def test_without_the_scope_a_file_with_sensitive_fields_cannot_be_downloaded(system: System, plain_key: str) -> None:
    location = system.start_export({"columnMappings": [NAME, NI]}, HARBOUR, prefer="wait=60").headers["location"]

    assert system.call("GET", location, key=KEY).json["downloadUrl"]
    assert system.call("GET", location, key=plain_key).json["downloadUrl"] is None
    problem = assert_problem(system.call("GET", f"{location}/download", key=plain_key), 403, "sensitive-fields")
    assert "NiNumber" in problem["detail"]
    assert system.call("GET", f"{location}/manifest", key=plain_key).status == 200


def test_a_repeated_request_without_the_scope_gets_no_link(system: System, plain_key: str) -> None:
    path = f"/tenants/{HARBOUR}{EXPORT}"
    first, second = (
        system.call("POST", path, {}, key=key, prefer="wait=60", idempotency_key="shared").json
        for key in (KEY, plain_key)
    )

    assert (first["code"], first["downloadUrl"] is None) == (second["code"], False)
    assert second["downloadUrl"] is None


def test_with_the_scope_a_sensitive_field_is_exported(system: System, database_url: str) -> None:
    index = [field.value for field in TargetField].index("NiNumber")
    exported = records(system.export({"columnMappings": [NI]}, HARBOUR))
    assert exported[1:] == [(row[index],) for row in client_records(database_url, HARBOUR)]
    assert any(cell for (cell,) in exported[1:])


def test_a_search_finds_no_client_by_a_sensitive_field(system: System, database_url: str) -> None:
    index = [field.value for field in TargetField].index("NiNumber")
    number = next(row[index] for row in client_records(database_url, HARBOUR) if row[index])
    exported = records(system.export({"columnMappings": [NAME], "filter": {"search": number}}, HARBOUR))
    assert exported == [("Client",)]


def test_mappings_can_be_read_with_the_export_scope_and_changed_with_their_own(system: System, plain_key: str) -> None:
    body = {"name": "Mine", "columnMappings": [NAME], "mappingType": "Client"}
    assert system.call("GET", "/csv-mappings", key=plain_key).status == 200
    assert system.call("GET", "/csv-mappings/individual-clients", key=plain_key).status == 200
    for method, path in (("POST", ""), ("PUT", "/x"), ("DELETE", "/x"), ("DELETE", "/individual-clients")):
        sent = body if method in ("POST", "PUT") else None
        problem = assert_problem(system.call(method, f"/csv-mappings{path}", sent, key=plain_key), 403, "forbidden")
        assert "mappings:write" in problem["detail"]
