"""Through the service, on every database: codes of every type over many pages, filters on columns of every type."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.sources.service import Service, columns
from tests.support.system import download

CLIENTS = 1_100
UUID = "6ecd8c99-4036-403d-bf84-cf8400f67836"
MIXED = "substr('aBcDeF', 1 + mod(g, 6), 1)"

KEYS = {
    "postgresql": {
        "citext": f"{MIXED} || lpad(g::text, 6, '0')",
        "int": "g - 500",
        "uuid": "md5(g::text)::uuid",
        "numeric(12, 2)": "g - 500.25",
    },
    "mysql": {
        "varchar(20) COLLATE utf8mb4_general_ci": f"concat({MIXED}, lpad(g, 6, '0'))",
        "int": "g - 500",
        "uuid": "uuid()",
        "decimal(12, 2)": "g - 500.25",
    },
    "sqlite": {"TEXT COLLATE NOCASE": "substr('aBcDeF', 1 + g % 6, 1) || printf('%06d', g)", "INTEGER": "g - 500"},
}

STATUS = {
    "postgresql": "st",
    "mysql": "enum('Active', 'Inactive', 'Prospect', 'LostProspect')",
    "sqlite": "text",
}
FOUND: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({}, ["A1", "A2"]),
    ({"statuses": ["Active"]}, ["A1"]),
    ({"managerCodes": ["1"]}, ["A1"]),
    ({"managerCodes": ["x", "2"]}, ["A2"]),
    ({"teamCodes": [UUID, "no uuid"]}, ["A1"]),
    ({"search": "123"}, ["A1"]),
    ({"statuses": ["Active", "Prospect"], "managerCodes": ["1", "2"], "teamCodes": [UUID]}, ["A1"]),
)
FOREIGN: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"search": "Łódź"}, []),
    ({"search": "😀"}, []),
    ({"search": "C\0"}, []),
    ({"managerCodes": ["Ł1", "\0", "M1\0"]}, []),
    ({"serviceCodes": ["Ł"]}, []),
    ({"teamCodes": ["Ł", "T1"]}, ["A1"]),
)


def _codes(data: bytes) -> list[str]:
    return [row[0] for row in csv.reader(io.StringIO(data.decode(), newline=""))][1:]


def _require_found(service: Service, wanted: dict[str, Any], codes: list[str]) -> None:
    body = columns("Code") | {"filter": wanted}
    assert (wanted, _codes(service.file(body))) == (wanted, codes)
    estimate = service.estimate(body)
    assert (wanted, estimate.status, estimate.json["rows"]) == (wanted, 200, len(codes))


@pytest.mark.parametrize(
    ("service", "declared"),
    [(dialect, declared) for dialect in KEYS for declared in KEYS[dialect]],
    indirect=["service"],
)
def test_codes_of_every_type_are_exported_once_over_many_pages(service: Service, tmp_path: Path, declared: str) -> None:
    if declared == "citext":
        service.run("CREATE EXTENSION IF NOT EXISTS citext")
    service.keep_many(f"code {declared} PRIMARY KEY, name varchar(30)", KEYS[service.dialect][declared], CLIENTS)
    service.view(name="name")

    job = service.job(columns("Code", "Name"))

    assert (job["status"], job["totalItems"], job["processedItems"]) == ("Completed", CLIENTS, CLIENTS)
    assert len(set(_codes(download(job)))) == len(_codes(download(job))) == CLIENTS
    manifest = service.manifest(job)
    assert (manifest["keyOrder"], manifest["rows"]) == ("RankedBySource", CLIENTS)
    assert service.verify(job, tmp_path) == 0
    assert len(manifest["pages"]) > 1
    assert service.estimate(columns("Code")).json["rows"] == CLIENTS


def test_filters_find_clients_by_columns_of_every_type(service: Service) -> None:
    if service.dialect == "postgresql":
        service.run("DROP VIEW IF EXISTS clients", "DROP TABLE IF EXISTS kept", "DROP TYPE IF EXISTS st")
        service.run("CREATE TYPE st AS ENUM ('Active', 'Inactive', 'Prospect', 'LostProspect')")
    uuid = "text" if service.dialect == "sqlite" else "uuid"
    service.keep(
        f"code varchar(20) PRIMARY KEY, st {STATUS[service.dialect]}, mgr int, team {uuid}, cn bigint",
        f"'A1', 'Active', 1, '{UUID}', 123",
        "'A2', 'Inactive', 2, NULL, 999",
    )
    searched = dict.fromkeys(("email", "internal_reference", "trading_as", "contact_name"), "code")
    service.view(status="st", manager_code="mgr", team_code="team", company_number="cn", **searched)

    for wanted, codes in FOUND:
        _require_found(service, wanted, codes)


def test_filter_text_that_the_database_cannot_hold_finds_nobody(service: Service) -> None:
    latin1 = " CHARACTER SET latin1" if service.dialect == "mysql" else ""
    service.keep(f"code varchar(20){latin1}, t varchar(20){latin1}", "'A1', 'T1'", "'A2', 'Café'")
    searched = ("email", "internal_reference", "trading_as", "contact_name", "company_number", "service_codes")
    service.view(manager_code="t", team_code="t", **dict.fromkeys(searched, "t"))

    for wanted, codes in FOREIGN:
        _require_found(service, wanted, codes)
    assert _codes(service.file(columns("TradingAs"))) == ["T1", "Café"]
