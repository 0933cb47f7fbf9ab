"""When storage checks what it receives by MD5, and what a download link allows."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.storage.blob import BlobClient

from exports.adapters.storage.file_content import needs_checksum
from exports.adapters.storage.files import BlobFileStore
from shared.storage import StorageAccount

KEY = base64.b64encode(b"key of a test").decode()


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("https://account.blob.core.windows.net/exports/a.csv", False),
        ("http://127.0.0.1:10000/devstoreaccount1/exports/a.csv", False),
        ("http://localhost:10000/devstoreaccount1/exports/a.csv", False),
        ("http://account.blob.core.windows.net/exports/a.csv", True),
        ("http://azurite:10000/devstoreaccount1/exports/a.csv", True),
    ],
)
def test_blocks_are_checked_by_md5_where_the_connection_does_not_protect_them(url: str, checked: bool) -> None:
    assert needs_checksum(url) is checked


@pytest.mark.parametrize(
    ("endpoint", "checked"), [("https://account.blob.core.windows.net", False), ("http://azurite:10000/account", True)]
)
def test_a_whole_file_is_checked_by_md5_where_a_block_would_be(
    endpoint: str, checked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bool] = []
    monkeypatch.setattr(BlobClient, "upload_blob", lambda *_, **options: sent.append(options["validate_content"]))

    a_store(f"AccountName=account;AccountKey={KEY};BlobEndpoint={endpoint}").publish("a/b/clients.csv", [b"a"])

    assert sent == [checked]


def a_store(setting: str) -> BlobFileStore:
    """A store that sends no request, because links are made in this process."""
    account = StorageAccount(setting)
    store = BlobFileStore(account)
    store._container = account.blobs.get_container_client("exports")
    return store


def permissions_of(link: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


@pytest.mark.parametrize(
    ("endpoint", "protocols"),
    [("https://account.blob.core.windows.net", "https"), ("http://127.0.0.1:10000/account", "https,http")],
)
def test_a_link_reads_one_blob_until_its_expiry_and_only_by_https_outside_emulators(
    endpoint: str, protocols: str
) -> None:
    store = a_store(f"AccountName=account;AccountKey={KEY};BlobEndpoint={endpoint}")

    allowed = permissions_of(store.link("tenant/code/clients.csv", datetime(2026, 1, 31, 12, tzinfo=UTC)))

    assert allowed.keys() == {"se", "sp", "spr", "sv", "sr", "sig"}
    assert (allowed["sp"], allowed["sr"], allowed["spr"]) == ("r", "b", protocols)
    assert allowed["se"] == "2026-01-31T12:00:00Z"
