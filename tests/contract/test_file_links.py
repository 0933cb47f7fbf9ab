"""The contract of `FileStore` for download links, tested on the fake and on the real adapter."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.message import Message
from urllib.request import urlopen

import pytest

from exports.adapters.storage.files import BlobFileStore
from tests.contract.file_stores import PATH, Harness, download, publish, soon


def test_a_link_reads_exactly_the_bytes_of_the_file(harness: Harness) -> None:
    data = bytes(range(256)) * 1000
    publish(harness.files, data)
    assert harness.download(harness.files.link(PATH, soon())) == data


def test_a_link_is_refused_after_its_expiry(harness: Harness) -> None:
    publish(harness.files, b"abc")
    expires = soon(1).replace(microsecond=0) + timedelta(seconds=1)
    link = harness.files.link(PATH, expires)
    assert harness.download(link) == b"abc"
    time.sleep(max(0.0, (expires - datetime.now(UTC)).total_seconds()) + 0.05)
    assert harness.download(link) is None


def test_a_link_reads_no_other_file(blob_files: BlobFileStore) -> None:
    publish(blob_files, b"abc")
    publish(blob_files, b"secret", "tenant/other/clients.csv")
    link = blob_files.link(PATH, soon())
    assert download(link.replace("/code/", "/other/")) is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_link_cannot_write_or_delete(blob_files: BlobFileStore, method: str) -> None:
    publish(blob_files, b"abc")
    link = blob_files.link(PATH, soon())
    assert download(link, method, b"changed" if method == "PUT" else None) is None
    assert download(link) == b"abc"


def test_a_link_without_its_signature_reads_nothing(blob_files: BlobFileStore) -> None:
    publish(blob_files, b"abc")
    assert download(blob_files.link(PATH, soon()).partition("?")[0]) is None


def _headers(files: BlobFileStore, name: str) -> Message:
    """Publish a file of this name and return the headers with which its link is served."""
    path = f"tenant/code/{name}"
    publish(files, b"abc", path)
    with urlopen(files.link(path, soon()), timeout=10) as response:
        headers: Message = response.headers
        return headers


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("clients.csv", 'attachment; filename="clients.csv"'),
        ("a b.csv", 'attachment; filename="a b.csv"'),
        ("Ä.csv", "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%84.csv"),
        ("50 %.csv", 'attachment; filename="50 %.csv"'),
        ("a%20b.csv", "attachment; filename=\"a_20b.csv\"; filename*=UTF-8''a%2520b.csv"),
        ('"a".csv', "attachment; filename=\"_a_.csv\"; filename*=UTF-8''%22a%22.csv"),
    ],
)
def test_browsers_save_the_file_under_its_name(blob_files: BlobFileStore, name: str, header: str) -> None:
    assert _headers(blob_files, name)["Content-Disposition"] == header


def test_the_content_type_says_csv_in_utf_8(blob_files: BlobFileStore) -> None:
    assert _headers(blob_files, "clients.csv")["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("clients.tsv", "text/tab-separated-values; charset=utf-8"),
        ("clients.csv.gz", "application/gzip"),
        ("Clients.CSV", "text/csv; charset=utf-8"),
    ],
)
def test_the_content_type_follows_the_name_and_there_is_no_content_encoding(
    blob_files: BlobFileStore, name: str, kind: str
) -> None:
    headers = _headers(blob_files, name)
    assert (headers["Content-Type"], headers["Content-Encoding"]) == (kind, None)


@pytest.mark.parametrize(
    "name",
    ["Kunden – Ä & 50 % #1.csv", "a+b c.csv", "日本語 👩‍👩‍👧.csv", "50 % #1 & 'more' [x]+y;z=1.csv"],
)
def test_a_link_reads_a_file_with_any_name(harness: Harness, name: str) -> None:
    path = f"tenant/code/{name}"
    publish(harness.files, b"abc", path)
    assert harness.download(harness.files.link(path, soon())) == b"abc"
    assert harness.files.size_bytes(path) == 3
