"""File stores under test, and helpers that use a download link as its reader does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

from exports.adapters.storage.files import BlobFileStore
from exports.ports.files import FileStore
from shared.storage import StorageAccount
from tests.support.fake_files import MemoryFileStore

PATH = "tenant/code/clients.csv"
ONE, TWO, THREE = "000001", "000002", "000003"


@dataclass(frozen=True)
class Harness:
    """A file store with two views of it from outside.

    Attributes:
        download: Reads a link as a user does who has only the URL; returns None when the link is refused.
        metadata: Returns the metadata of a file.
    """

    files: FileStore
    download: Callable[[str], bytes | None]
    metadata: Callable[[str], dict[str, str]]


def memory_harness() -> Harness:
    """Return a harness of the fake that the tests of the steps use."""
    fake = MemoryFileStore(lambda: datetime.now(UTC))
    return Harness(fake, fake.open_link, fake.metadata)


def blob_harness(files: BlobFileStore, account: StorageAccount) -> Harness:
    """Return a harness of a store in the emulator."""

    def metadata(path: str) -> dict[str, str]:
        return dict(account.blobs.get_blob_client(files._name, path).get_blob_properties().metadata)

    return Harness(files, download, metadata)


def empty_container(account: StorageAccount) -> BlobFileStore:
    """Return a store in a container of its own."""
    return BlobFileStore(account, container=f"files-{uuid4().hex}")


def download(url: str, method: str = "GET", data: bytes | None = None) -> bytes | None:
    """Send a request to a link and return the body of the response; None when the request is refused."""
    request = Request(url, data, {"x-ms-blob-type": "BlockBlob"} if data else {}, method=method)
    try:
        with urlopen(request, timeout=60) as response:
            body: bytes = response.read()
            return body
    except HTTPError as error:
        with error:
            if error.code not in {401, 403, 404}:
                raise
            return None


def soon(seconds: float = 60) -> datetime:
    """Return the moment at which a link expires."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def publish(files: FileStore, data: bytes, path: str = PATH) -> None:
    """Publish a file of one block."""
    files.stage(path, ONE, data)
    files.commit(path, [ONE])
