"""Saved mappings over HTTP: create, read, change and delete them, also with conditions, and use them in exports."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.test_bad_input import assert_problem
from tests.support.expected import client_records, records
from tests.support.http_client import Response
from tests.support.named_resources import Collection
from tests.support.system import HARBOUR, NORTHWIND, NORTHWIND_KEY, System, download

MAPPINGS = "/csv-mappings"
NAME = {"csvHeader": "Client", "targetField": "Name"}
CODE = {"csvHeader": "Ref", "targetField": "Code"}
BODY = {"name": "Names", "columnMappings": [NAME], "mappingType": "Client"}
COLLECTION = Collection(MAPPINGS, BODY)
of, create = COLLECTION.of, COLLECTION.create
PROPERTIES = {
    *("code", "name", "columnMappings", "matchField", "isPreset", "mappingType", "createdDate", "updatedDate"),
}
MAPPING_PRESETS = ["individual-clients", "limited-company-clients"]


@pytest.mark.parametrize("base", [MAPPINGS, of(NORTHWIND)], ids=["short", "by tenant"])
def test_a_mapping_can_be_created_read_changed_and_deleted(system: System, base: str) -> None:
    created = system.call("POST", base, BODY, key=NORTHWIND_KEY)
    location = created.headers["location"]
    assert (created.status, location) == (201, f"{system.url}{base}/{created.json['code']}")
    assert created.json.keys() == PROPERTIES
    assert (created.json["matchField"], created.json["isPreset"]) == ("Code", False)

    found = system.call("GET", location, key=NORTHWIND_KEY)
    assert (found.status, found.json, found.headers["etag"]) == (200, created.json, created.headers["etag"])

    update = {"name": " Renamed ", "columnMappings": [CODE, NAME], "matchField": "CompanyNumber"}
    changed = system.call("PUT", location, update, key=NORTHWIND_KEY)
    assert (changed.status, changed.json["name"], changed.json["columnMappings"]) == (200, "Renamed", [CODE, NAME])
    assert changed.json["createdDate"] == created.json["createdDate"] < changed.json["updatedDate"]
    assert changed.headers["etag"] != created.headers["etag"]

    deleted = system.call("DELETE", location, key=NORTHWIND_KEY)
    assert (deleted.status, deleted.body) == (204, b"")
    for method, body in (("GET", None), ("PUT", update), ("DELETE", None)):
        assert_problem(system.call(method, location, body, key=NORTHWIND_KEY), 404, "mapping-not-found")


def test_a_list_has_presets_first_and_continues_by_token(system: System) -> None:
    for name in ("zebra", "Aardvark"):
        create(system, name=name)

    whole = system.call("GET", of(HARBOUR) + "?limit=100").json
    seen: list[Any] = []
    token: str | None = ""
    while token is not None:
        continuation = f"&continuationToken={token}" if token else ""
        listing = system.call("GET", f"{of(HARBOUR)}?limit=1{continuation}")
        assert listing.json.keys() == {"data", "limit", "hasMore", "continuationToken"}
        assert (listing.json["limit"], listing.json["hasMore"]) == (1, listing.json["continuationToken"] is not None)
        seen += listing.json["data"]
        token = listing.json["continuationToken"]

    assert seen == whole["data"]
    assert [item["code"] for item in seen[:2]] == MAPPING_PRESETS
    names = [item["name"] for item in seen[2:]]
    assert names == sorted(names, key=str.casefold)
    assert {"zebra", "Aardvark"} <= set(names)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=", "continuationToken=x", "continuationToken="]
)
def test_a_list_refuses_a_wrong_limit_or_token(system: System, query: str) -> None:
    assert_problem(system.call("GET", f"{of(HARBOUR)}?{query}"), 400, "invalid-query")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/name", "/columnMappings", "/mappingType"}),
        (BODY | {"name": " ", "columnMappings": []}, {"/name", "/columnMappings"}),
        (BODY | {"matchField": "Utr", "mappingType": "client", "code": "x"}, {"/matchField", "/mappingType", "/code"}),
        (BODY | {"columnMappings": [NAME, NAME]}, {"/columnMappings/1/csvHeader", "/columnMappings/1/targetField"}),
        (BODY | {"columnMappings": [NAME | {"targetField": "Nmae"}]}, {"/columnMappings/0/targetField"}),
    ],
)
def test_every_fault_of_a_mapping_has_a_pointer(system: System, body: dict[str, Any], pointers: set[str]) -> None:
    problem = assert_problem(system.call("POST", of(HARBOUR), body), 400, "invalid-request")
    assert {fault["pointer"] for fault in problem["errors"]} == pointers


@pytest.mark.parametrize("code", MAPPING_PRESETS)
def test_every_tenant_has_the_presets_and_cannot_change_them(system: System, code: str) -> None:
    for tenant in (NORTHWIND, HARBOUR):
        shown = system.call("GET", f"{of(tenant)}/{code}").json
        assert shown.keys() == PROPERTIES
        assert (shown["code"], shown["isPreset"]) == (code, True)
    update = {"name": "Mine", "columnMappings": [NAME]}
    for method, body in (("PUT", update), ("DELETE", None)):
        assert_problem(system.call(method, f"{of(HARBOUR)}/{code}", body), 409, "preset-read-only")
    assert system.call("GET", f"{of(HARBOUR)}/{code}").json == shown


# --- conditions ---


def test_if_none_match_gives_304_until_the_mapping_changes(system: System) -> None:
    created = create(system)
    location, etag = created.headers["location"], created.headers["etag"]

    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        unchanged = system.call("GET", location, if_none_match=header)
        assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", etag)

    system.call("PUT", location, {"name": "New", "columnMappings": [NAME]})
    assert system.call("GET", location, if_none_match=etag).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_if_match_refuses_a_change_of_a_newer_version(system: System, method: str) -> None:
    created = create(system)
    location, etag = created.headers["location"], created.headers["etag"]
    body = {"name": "New", "columnMappings": [NAME]} if method == "PUT" else None

    for header in ('"other"', f"W/{etag}"):
        assert_problem(system.call(method, location, body, if_match=header), 412, "precondition-failed")
    assert system.call("GET", location).json == created.json
    assert system.call(method, location, body, if_match=etag).status in (200, 204)


def test_if_match_with_a_star_or_no_if_match_accepts_any_version(system: System) -> None:
    location = create(system).headers["location"]
    update = {"name": "New", "columnMappings": [NAME]}
    assert system.call("PUT", location, update, if_match="*").status == 200
    assert system.call("PUT", location, update).status == 200
    assert system.call("DELETE", location, if_match="*").status == 204


def test_of_two_updates_of_the_same_version_one_is_refused(system: System) -> None:
    for _ in range(5):
        created = create(system)
        location, etag = created.headers["location"], created.headers["etag"]

        def update(name: str, location: str = location, etag: str = etag) -> Response:
            return system.call("PUT", location, {"name": name, "columnMappings": [NAME]}, if_match=etag)

        with ThreadPoolExecutor(2) as pool:
            responses = list(pool.map(update, ("one", "one")))
        assert sorted(response.status for response in responses) == [200, 412]
        (winner,) = (response for response in responses if response.status == 200)
        assert system.call("GET", location).json == winner.json


def test_all_unconditional_updates_succeed_and_the_last_one_remains(system: System) -> None:
    location = create(system).headers["location"]
    bodies = [{"name": f"name {n}", "columnMappings": [NAME | {"csvHeader": f"header {n}"}]} for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda body: system.call("PUT", location, body), bodies))
    assert {response.status for response in responses} == {200}
    assert system.call("GET", location).json == max(
        (response.json for response in responses), key=lambda one: one["updatedDate"]
    )


# --- tenants ---


def test_a_mapping_of_another_tenant_is_the_same_404_as_an_unknown_one(system: System) -> None:
    theirs = create(system, HARBOUR).json["code"]
    update = {"name": "Stolen", "columnMappings": [NAME]}

    for method, body in (("GET", None), ("PUT", update), ("DELETE", None)):
        responses = [
            system.call(method, f"{of(NORTHWIND)}/{code}", body, key=NORTHWIND_KEY, x_request_id="same")
            for code in (theirs, "f" * 20)
        ]
        first, second = (assert_problem(response, 404, "mapping-not-found") for response in responses)
        assert {**first, "instance": ""} == {**second, "instance": ""}
        assert responses[0].headers.keys() == responses[1].headers.keys()
    listed = system.call("GET", f"{MAPPINGS}?limit=100", key=NORTHWIND_KEY).json["data"]
    assert theirs not in {item["code"] for item in listed}
    assert system.call("GET", f"{of(HARBOUR)}/{theirs}").json["name"] == "Names"


# --- use ---


def test_an_export_by_mapping_has_the_columns_of_the_mapping(system: System, database_url: str) -> None:
    code = create(system, columnMappings=[CODE, NAME]).json["code"]
    exported = records(system.export({"mappingCode": code}, HARBOUR))
    assert exported == [("Ref", "Client"), *((row[1], row[0]) for row in client_records(database_url, HARBOUR))]


@pytest.mark.parametrize("code", MAPPING_PRESETS)
def test_an_export_by_preset_has_the_columns_that_the_preset_shows(system: System, code: str) -> None:
    shown = system.call("GET", f"{of(HARBOUR)}/{code}").json
    exported = records(system.export({"mappingCode": code}, HARBOUR))
    assert exported[0] == tuple(column["csvHeader"] for column in shown["columnMappings"])
    assert len(exported) == 1_501


def test_a_job_keeps_the_columns_that_its_mapping_had_at_the_start(system: System) -> None:
    created = create(system)
    location = created.headers["location"]
    job = system.start_async({"mappingCode": created.json["code"]}, HARBOUR)
    system.call("PUT", location, {"name": "Changed", "columnMappings": [CODE]})
    other = system.start_async({"mappingCode": created.json["code"]}, HARBOUR)
    system.call("DELETE", location)

    assert records(download(system.wait(job)))[0] == ("Client",)
    assert records(download(system.wait(other)))[0] == ("Ref",)


def test_an_unknown_and_another_tenants_mapping_give_the_same_fault(system: System) -> None:
    theirs = create(system, HARBOUR).json["code"]
    problems = [
        assert_problem(
            system.start_export({"mappingCode": code}, NORTHWIND, x_request_id="same"), 400, "invalid-request"
        )
        for code in (theirs, "f" * 20, "no-such-mapping")
    ]
    assert problems[0]["errors"] == [
        {"pointer": "/mappingCode", "detail": "There is no mapping with this code.", "code": "unknown-mapping"}
    ]
    assert problems[0] == problems[1] == problems[2]
