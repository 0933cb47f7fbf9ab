"""What every `FileStore` promises of links."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest

from exports.adapters.storage.files import BlobFileStore
from tests.contract.file_stores import PATH, Harness, download, publish, soon


def test_a_link_reads_exactly_the_bytes_of_the_file(harness: Harness) -> None:
    data = bytes(range(256)) * 1000
    publish(harness.files, data)
    assert harness.download(harness.files.link(PATH, soon())) == data


@pytest.mark.parametrize("name", ["Kunden – Ä & 50 % #1.csv", "a+b c.csv"])
def test_a_link_reads_a_file_whatever_its_name(harness: Harness, name: str) -> None:
    path = f"tenant/code/{name}"
    publish(harness.files, b"abc", path)
    assert harness.download(harness.files.link(path, soon())) == b"abc"


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
def test_a_link_does_not_write(blob_files: BlobFileStore, method: str) -> None:
    publish(blob_files, b"abc")
    link = blob_files.link(PATH, soon())
    assert download(link, method, b"changed" if method == "PUT" else None) is None
    assert download(link) == b"abc"


def test_without_its_signature_a_link_reads_nothing(blob_files: BlobFileStore) -> None:
    publish(blob_files, b"abc")
    assert download(blob_files.link(PATH, soon()).partition("?")[0]) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("clients.csv", 'attachment; filename="clients.csv"'),
        ("a b.csv", 'attachment; filename="a b.csv"'),
        ("Ä.csv", "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%84.csv"),
        ('"a".csv', "attachment; filename=\"_a_.csv\"; filename*=UTF-8''%22a%22.csv"),
    ],
)
def test_a_browser_is_told_to_save_the_file_under_its_name(blob_files: BlobFileStore, name: str, told: str) -> None:
    publish(blob_files, b"abc", f"tenant/code/{name}")
    with urlopen(blob_files.link(f"tenant/code/{name}", soon()), timeout=10) as response:
        assert response.headers["Content-Disposition"] == told


def test_a_browser_is_told_that_it_reads_csv_in_utf_8(blob_files: BlobFileStore) -> None:
    publish(blob_files, b"abc")
    with urlopen(blob_files.link(PATH, soon()), timeout=10) as response:
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("clients.tsv", "text/tab-separated-values; charset=utf-8"),
        ("clients.csv.gz", "application/gzip"),
        ("Clients.CSV", "text/csv; charset=utf-8"),
    ],
)
def test_a_file_is_typed_by_its_name_and_never_as_encoded(blob_files: BlobFileStore, name: str, kind: str) -> None:
    publish(blob_files, b"abc", f"tenant/code/{name}")
    with urlopen(blob_files.link(f"tenant/code/{name}", soon()), timeout=10) as response:
        assert response.headers["Content-Type"] == kind
        assert response.headers["Content-Encoding"] is None


@pytest.mark.parametrize("name", ["Kunden für März.csv", "日本語 👩‍👩‍👧.csv", "50 % #1 & 'more' [x]+y;z=1.csv"])
def test_a_file_of_any_name_is_read_through_its_link(harness: Harness, name: str) -> None:
    path = f"tenant/code/{name}"
    publish(harness.files, b"abc", path)
    assert harness.download(harness.files.link(path, soon())) == b"abc"
    assert harness.files.size_bytes(path) == 3
