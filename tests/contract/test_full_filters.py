"""Every list of a filter at its maximum, through a whole job, on each database that a test can run.

For Azure SQL see `test_tsql_statements`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from exports.jobs.states import JobStatus
from exports.request.fields import ClientStatus, ClientType
from exports.request.filters import ClientFilter
from tests.contract.client_stores import TENANT, SqlStore, client
from tests.support.fakes import a_services
from tests.support.steps import stored, two_columns
from tests.support.whole_jobs import a_watched_job, export_whole

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)
_LONGEST = 100


def full_list(kind: str) -> tuple[str, ...]:
    """Return 1,000 codes of 100 characters each. No two lists share a code."""
    return tuple(f"{kind}-{UUID(int=number * 7919)}-Größe-".ljust(_LONGEST, "x") for number in range(1_000))


EVERYTHING = ClientFilter(
    manager_codes=full_list("manager"),
    partner_codes=full_list("partner"),
    associate_codes=full_list("associate"),
    team_codes=full_list("team"),
    service_codes=full_list("service"),
    statuses=tuple(ClientStatus),
    types=tuple(ClientType),
    search="Größe",
    updated_since=MOMENT,
)
_MATCHING: dict[str, Any] = {
    "name": "Eine Größe",
    "manager_code": EVERYTHING.manager_codes[0],
    "partner_code": EVERYTHING.partner_codes[-1],
    "associate_code": EVERYTHING.associate_codes[500],
    "team_code": EVERYTHING.team_codes[999],
    "service_codes": f"A; {EVERYTHING.service_codes[998]};B",
    "status": "Active",
    "type": "SoleTrader",
    "updated_at": MOMENT,
}
_OTHERS = {"manager_code", "partner_code", "associate_code", "team_code", "service_codes", "name"}


_SERVERS = [pytest.param(name, marks=pytest.mark.thorough) for name in ("postgres_store", "mariadb_store")]


@pytest.fixture(params=["sqlite_store", *_SERVERS])
def store(request: pytest.FixtureRequest) -> SqlStore:
    opened: SqlStore = request.getfixturevalue(request.param)
    opened.put(
        *(client(f"M{number}", **_MATCHING) for number in range(3)),
        *(client(f"N-{name}", **{**_MATCHING, name: "other"}) for name in sorted(_OTHERS)),
    )
    return opened


def test_a_job_with_all_lists_at_their_maximum_exports_the_right_clients(store: SqlStore) -> None:
    services = replace(a_services(), clients=store.source)  # type: ignore[arg-type]
    job = a_watched_job(services, tenant=TENANT, spec=two_columns(filter=EVERYTHING))
    export_whole(services, job)
    assert stored(services, job).status is JobStatus.COMPLETED
    content = (services.files.read(job.file_path) or b"").decode("utf-8-sig")
    assert [line.partition(",")[0] for line in content.splitlines()] == ["Code", "M0", "M1", "M2"]
