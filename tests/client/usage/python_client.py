"""Uses the client that `openapi-python-client` generates: start, poll, download, and two errors.

Run with the address of the service, an API key and a tenant. Prints what it got as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from urllib.request import urlopen

from client_export_client import AuthenticatedClient
from client_export_client.api.exports import get_export_of_tenant, get_manifest_of_tenant, start_export_of_tenant
from client_export_client.models import (
    ColumnMappingInput,
    CsvExportJobDto,
    CsvExportRequestDto,
    Delimiter,
    FormatDto,
    JobStatus,
    ManifestDto,
    Problem,
    TargetField,
)


def main(url: str, key: str, tenant: str) -> None:
    client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="x-api-key")
    columns = [
        ColumnMappingInput(csv_header="Client code", target_field=TargetField.CODE),
        ColumnMappingInput(csv_header="Status", target_field=TargetField.STATUS),
    ]
    request = CsvExportRequestDto(column_mappings=columns, format_=FormatDto(delimiter=Delimiter.SEMICOLON))
    job = expect_job(start_export_of_tenant.sync(tenant, client=client, body=request, prefer="respond-async"))
    while job.status in (JobStatus.QUEUED, JobStatus.INPROGRESS):
        time.sleep(0.1)
        job = expect_job(get_export_of_tenant.sync(tenant, job.code, client=client))
    assert job.download_url, job
    with urlopen(job.download_url) as file:
        header = file.readline().decode().rstrip()
        rows = sum(1 for _ in file)
    manifest = get_manifest_of_tenant.sync(tenant, job.code, client=client)
    assert isinstance(manifest, ManifestDto), manifest
    missing = expect_problem(get_export_of_tenant.sync(tenant, "0" * 26, client=client))
    refused = expect_problem(
        start_export_of_tenant.sync(tenant, client=client, body=CsvExportRequestDto(mapping_code="no-such-mapping"))
    )
    pointers = [fault.pointer for fault in refused.errors or []]
    found = {"header": header, "rows": rows, "manifest": manifest.rows, "problems": [missing.code, refused.code]}
    print(json.dumps({**found, "total": job.total_items, "pointers": pointers}))  # noqa: T201 - the result


def expect_job(answer: CsvExportJobDto | Problem | None) -> CsvExportJobDto:
    assert isinstance(answer, CsvExportJobDto), answer
    return answer


def expect_problem(answer: CsvExportJobDto | Problem | None) -> Problem:
    assert isinstance(answer, Problem), answer
    return answer


if __name__ == "__main__":
    main(*sys.argv[1:])
