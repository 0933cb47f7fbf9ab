"""Links that are signed as in production, without the account's key, open a file in a storage that checks them.

The storage is Azurite over HTTPS. It knows the fields that a link of this version of the SDK signs.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from exports.adapters.storage.files import BlobFileStore
from tests.support.identity_storage import IdentityAccount, identity_storage

PATH = "tenant/code/clients.csv"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    with identity_storage(tmp_path_factory.mktemp("identity")) as started:
        yield started


@pytest.fixture
def store(storage: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> BlobFileStore:
    """A store with one published file."""
    port, certificate = storage
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    store = BlobFileStore(IdentityAccount(port))
    if store.size_bytes(PATH) is None:
        store.stage(PATH, "MDAwMA==", b"Code\r\nC1\r\n")
        store.commit(PATH, ["MDAwMA=="])
    return store


def _open(link: str, certificate: Path) -> tuple[int, bytes]:
    try:
        with urlopen(link, context=ssl.create_default_context(cafile=certificate)) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, b""


def test_a_link_by_identity_opens_its_file(store: BlobFileStore, storage: tuple[int, Path]) -> None:
    link = store.link(PATH, datetime.now(UTC) + timedelta(minutes=15))
    assert "skoid=" in link
    assert "spr=https&" in link
    assert _open(link, storage[1]) == (200, b"Code\r\nC1\r\n")


def test_a_link_by_identity_opens_nothing_else_and_nothing_after_its_expiry(
    store: BlobFileStore, storage: tuple[int, Path]
) -> None:
    link = store.link(PATH, datetime.now(UTC) + timedelta(minutes=15))
    assert _open(link.replace("clients.csv", "manifest-1.json"), storage[1])[0] == 403
    assert _open(link.replace("sp=r&", "sp=rw&"), storage[1])[0] == 403
    assert _open(link.replace("spr=https&", ""), storage[1])[0] == 403
    assert _open(store.link(PATH, datetime.now(UTC) - timedelta(seconds=2)), storage[1])[0] == 403
