"""Plans and files in Blob Storage: one private container, `{tenant}/{code}/…`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobSasPermissions,
    ContainerClient,
    ContentSettings,
    StorageErrorCode,
    UserDelegationKey,
    generate_blob_sas,
)

from exports.errors import FileChangedError, StorageUnavailableError
from exports.jobs.job import JobRef
from exports.ports.files import FileState
from shared.storage import StorageAccount, translate_failures

_UNAVAILABLE = "Blob Storage did not answer."
_CONTENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".gz": "application/gzip",
}
"""By extension. A compressed file has no Content-Encoding: clients would unpack it behind the back of its name."""
_OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_DELEGATION_LIFE = timedelta(days=7)
_DELEGATION_RENEWAL = timedelta(hours=1)


class _Pieces:
    """Bytes that are sent piece by piece, never in memory as a whole; `requests` asks for their length, and begins
    again at the first when they are sent again."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


class BlobFileStore:
    """Implements `exports.ports.files.FileStore`."""

    def __init__(self, account: StorageAccount, container: str = "exports") -> None:
        self._account = account
        self._name = container
        self._delegation: tuple[UserDelegationKey, datetime] | None = None

    @cached_property
    def _container(self) -> ContainerClient:
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            try:
                return self._account.blobs.create_container(self._name)
            except ResourceExistsError:
                return self._account.blobs.get_container_client(self._name)

    def check(self) -> None:
        """Ask for the container, so that a missing right or a wrong setting shows."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            self._container.get_container_properties()

    def save_plan(self, job: JobRef, document: bytes) -> bytes:
        """See `FileStore.save_plan`. The upload is conditional: of two writers one wins, and both return its plan."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            try:
                self._blob(job.plan_path).upload_blob(document, overwrite=False)
            except ResourceExistsError:
                return self.load_plan(job)
        return document

    def load_plan(self, job: JobRef) -> bytes:
        """See `FileStore.load_plan`."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            return self._blob(job.plan_path).download_blob().readall()

    def save_manifest(self, job: JobRef, document: bytes) -> None:
        """See `FileStore.save_manifest`."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            self._blob(job.manifest_path).upload_blob(document, overwrite=True)

    def load_manifest(self, job: JobRef) -> bytes:
        """See `FileStore.load_manifest`."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            return self._blob(job.manifest_path).download_blob().readall()

    def stage(self, path: str, block: str, data: bytes | list[bytes] | BinaryIO, length: int | None = None) -> None:
        """See `FileStore.stage`. Where the way is neither TLS nor within this machine, the service checks an MD5."""
        blob = self._blob(path)
        checked = _may_be_garbled(blob.url)
        pieces = [data] if isinstance(data, bytes) else data
        body = _body(pieces, whole=checked) if isinstance(pieces, list) else pieces
        size = sum(map(len, pieces)) if isinstance(pieces, list) else length
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            blob.stage_block(block, body, length=size, validate_content=checked)

    def staged(self, path: str) -> dict[str, int]:
        """See `FileStore.staged`."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            try:
                _, uncommitted = self._blob(path).get_block_list("uncommitted")
            except ResourceNotFoundError:
                return {}
        return {block.id: block.size for block in uncommitted}

    def get_state(self, path: str) -> FileState:
        """See `FileStore.get_state`. The list of blocks bears the version of its blob. Where there are
        none, nothing is published or an empty file: of that the version is read first, so that it is not the version
        of what is published after it."""
        blob = self._blob(path)
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            try:
                found = _blocks(blob)
                if found.published or (version := _version(blob)) is None:
                    return found
                again = _blocks(blob)
            except ResourceNotFoundError:
                return FileState()
        return again if again.published else replace(again, version=version)

    def commit(
        self,
        path: str,
        blocks: Sequence[str],
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> str:
        """See `FileStore.commit`. The facts are the metadata of the blob."""
        name = path.rpartition("/")[2]
        kind = _CONTENT_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")
        settings = ContentSettings(content_type=kind, content_disposition=_disposition(name))
        with translate_failures(StorageUnavailableError, _UNAVAILABLE), _unchanged():
            committed = self._blob(path).commit_block_list(
                [BlobBlock(block) for block in blocks],
                content_settings=settings,
                metadata=dict(metadata or {}),
                **_condition(if_match),
            )
        return str(committed["etag"])

    def size_bytes(self, path: str) -> int | None:
        """See `FileStore.size_bytes`."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            try:
                return int(self._blob(path).get_blob_properties().size)
            except ResourceNotFoundError:
                return None

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        """See `FileStore.read_range`."""
        if start >= stop:
            return b""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            return self._blob(path).download_blob(start, stop - start).readall()

    def discard(self, path: str, version: str | None) -> None:
        """See `FileStore.discard`. Blocks cannot be deleted by themselves: publishing nothing drops them."""
        blob = self._blob(path)
        with translate_failures(StorageUnavailableError, _UNAVAILABLE), _unchanged():
            if version is None and self.get_state(path) != FileState():
                version = str(blob.commit_block_list([], **_condition(None))["etag"])
            if version is not None:
                with suppress(ResourceNotFoundError):
                    blob.delete_blob(**_condition(version))
            for manifest in self._manifests_beside(path):
                with suppress(ResourceNotFoundError):
                    self._blob(manifest).delete_blob()

    def purge(self, job: JobRef) -> None:
        """See `FileStore.purge`."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            for found in list(self._container.list_blobs(job.directory, include=["uncommittedblobs"])):
                blob = self._blob(found.name)
                if not blob.exists():  # blocks are staged, and nothing is published
                    blob.commit_block_list([])
                with suppress(ResourceNotFoundError):
                    blob.delete_blob()

    def sweep(self, cursor: str, limit: int) -> tuple[list[JobRef], str]:
        """See `FileStore.sweep`. The place is the marker of the service's listing."""
        with translate_failures(StorageUnavailableError, _UNAVAILABLE):
            listing = self._container.list_blobs(include=["uncommittedblobs"], results_per_page=limit)
            pages = listing.by_page(cursor or None)
            jobs = dict.fromkeys(JobRef.of_blob(blob.name) for blob in next(pages, ()))
        following = str(getattr(pages, "continuation_token", None) or "")
        return [job for job in jobs if job is not None], following

    def link(self, path: str, expires: datetime) -> str:
        """See `FileStore.link`: a service SAS signed by the account key, or a user-delegation SAS (at most 7 days)."""
        blob = self._blob(path)
        token = generate_blob_sas(
            account_name=str(blob.account_name),
            container_name=blob.container_name,
            blob_name=blob.blob_name,
            account_key=None if self._account.uses_identity else blob.credential.account_key,
            user_delegation_key=self._delegation_key() if self._account.uses_identity else None,
            permission=BlobSasPermissions(read=True),
            expiry=expires,
            protocol="https" if blob.url.startswith("https:") else "https,http",
        )
        return f"{blob.url}?{token}"

    def _manifests_beside(self, path: str) -> list[str]:
        job = JobRef.of_blob(path)
        return list(self._container.list_blob_names(name_starts_with=job.manifest_prefix)) if job else []

    def _blob(self, path: str) -> BlobClient:
        return self._container.get_blob_client(path)

    def _delegation_key(self) -> UserDelegationKey:
        """Keep one key for its seven days, less an hour: asking for one takes a round trip."""
        now = datetime.now(UTC)
        if self._delegation is None or self._delegation[1] - now < _DELEGATION_LIFE - _DELEGATION_RENEWAL:
            with translate_failures(StorageUnavailableError, _UNAVAILABLE):
                key = self._account.blobs.get_user_delegation_key(now, now + _DELEGATION_LIFE)
            self._delegation = (key, now + _DELEGATION_LIFE)
        return self._delegation[0]


def _blocks(blob: BlobClient) -> FileState:
    """List the blocks, with the version if any is published. The emulator names one even if none is."""
    versions: list[str] = []

    def note(answer: Any) -> None:
        versions.append(answer.http_response.headers.get("ETag", ""))

    published, staged = blob.get_block_list("all", raw_response_hook=note)
    return FileState(
        versions[-1] if published else None,
        tuple((block.id, block.size) for block in published),
        {block.id: block.size for block in staged},
    )


def _version(blob: BlobClient) -> str | None:
    try:
        return str(blob.get_blob_properties().etag)
    except ResourceNotFoundError:  # also where blocks are staged and nothing is published
        return None


def _body(pieces: list[bytes], *, whole: bool) -> bytes | _Pieces:
    """An MD5 is made of bytes in one piece only."""
    return b"".join(pieces) if whole else _Pieces(pieces)


def _condition(version: str | None) -> dict[str, Any]:
    """Headers under which a write takes effect only on this version of a blob; None: only where there is none."""
    if version is None:
        return {"match_condition": MatchConditions.IfMissing}
    return {"etag": version, "match_condition": MatchConditions.IfNotModified}


@contextmanager
def _unchanged() -> Iterator[None]:
    try:
        yield
    except (ResourceModifiedError, ResourceExistsError) as error:
        raise FileChangedError("The file was changed by another attempt meanwhile.") from error
    except HttpResponseError as error:
        if getattr(error, "error_code", None) == StorageErrorCode.INVALID_BLOCK_LIST:
            raise FileChangedError("A block of the file is gone.") from error
        raise


def _may_be_garbled(url: str) -> bool:
    """Say whether nothing guards what travels to an address. An MD5 would cost an eighth of a whole export."""
    address = urlsplit(url)
    return address.scheme != "https" and address.hostname not in _OWN_HOSTS


def _disposition(name: str) -> str:
    """Tell browsers the name to save under; what a quoted string cannot hold travels encoded (RFC 6266, section 5)."""
    plain = re.sub(r'[^ -~]|["\\]', "_", name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{encoded}'
