"""Links are generated for each response and stored nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.storage import StorageAccount
from tests.support.system import HARBOUR, System

SMALL = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}


@pytest.fixture
def signature(system: System) -> str:
    """The signature in the link of a job that has just completed."""
    job = system.start_export(SMALL, HARBOUR, prefer="wait=60").json
    assert system.call("GET", f"/tenants/{HARBOUR}/clients/export/csv/{job['code']}").json["downloadUrl"]
    signed: str = job["downloadUrl"].partition("sig=")[2].partition("&")[0]
    assert signed
    return signed


def test_no_table_blob_or_state_of_the_host_contains_a_link(system: System, signature: str) -> None:
    account = StorageAccount(system.storage)
    stored = [
        repr(dict(row))
        for table in account.tables.list_tables()
        for row in account.tables.get_table_client(table.name).query_entities("")
    ]
    container = account.blobs.get_container_client("exports")
    stored += [f"{blob.name} {blob.metadata}" for blob in container.list_blobs(include=["metadata"])]
    stored += [
        container.download_blob(blob.name).readall().decode()
        for blob in container.list_blobs()
        if blob.name.endswith(".json")
    ]
    account.tables.close()

    assert len(stored) > 10
    assert not [text for text in stored if "sig=" in text or signature in text]
    assert not [state for state in states(system) if b"sig=" in state or signature.encode() in state]


def states(system: System) -> list[bytes]:
    """Return the files in which the host stores orchestrations."""
    files = list(Path(system.directory).glob("devhost.sqlite*"))
    assert files
    return [file.read_bytes() for file in files]


def test_the_link_of_every_response_ends_at_the_expiry_date(system: System) -> None:
    job = system.start_export(SMALL, HARBOUR, prefer="wait=60").json

    expiry = job["expiryDate"].partition(".")[0].replace(":", "%3A")
    assert f"se={expiry}" in job["downloadUrl"]
    assert "sp=r&" in job["downloadUrl"]
    assert "sr=b" in job["downloadUrl"]
