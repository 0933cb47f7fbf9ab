"""Plans, files and manifests in Blob Storage: one private container, `{tenant}/{code}/…`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO

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
    StorageErrorCode,
    generate_blob_sas,
)

from exports.adapters.storage.delegation_keys import DelegationKeys
from exports.adapters.storage.file_content import content_settings, needs_checksum, request_body
from exports.errors import FileChangedError, StorageUnavailableError
from exports.jobs.job import JobRef
from exports.ports.files import FileState
from shared.storage import StorageAccount, translate_failures


class BlobFileStore:
    """Implements `exports.ports.files.FileStore`."""

    def __init__(self, account: StorageAccount, container: str = "exports") -> None:
        self._account = account
        self._name = container
        self._delegation_keys = DelegationKeys(account)

    @cached_property
    def _container(self) -> ContainerClient:
        with _translate_failures():
            try:
                return self._account.blobs.create_container(self._name)
            except ResourceExistsError:
                return self._account.blobs.get_container_client(self._name)

    def check(self) -> None:
        """Request the container's properties, so that a missing permission or a wrong setting shows."""
        with _translate_failures():
            self._container.get_container_properties()

    def save_plan(self, job: JobRef, document: bytes) -> bytes:
        """See `FileStore.save_plan`. The upload is conditional: of two writers one succeeds; both return its plan."""
        with _translate_failures():
            try:
                self._blob(job.plan_path).upload_blob(document, overwrite=False)
            except ResourceExistsError:
                return self.load_plan(job)
        return document

    def load_plan(self, job: JobRef) -> bytes:
        """See `FileStore.load_plan`."""
        with _translate_failures():
            return self._blob(job.plan_path).download_blob().readall()

    def find_plan(self, job: JobRef) -> bytes | None:
        """See `FileStore.find_plan`."""
        try:
            return self.load_plan(job)
        except ResourceNotFoundError:
            return None

    def renew_plan(self, job: JobRef) -> None:
        """See `FileStore.renew_plan`. A write of the metadata changes the moment that the lifecycle rule looks at."""
        with _translate_failures(), suppress(ResourceNotFoundError):
            self._blob(job.plan_path).set_blob_metadata()

    def save_manifest(self, job: JobRef, document: bytes, *, replace: bool = True) -> None:
        """See `FileStore.save_manifest`."""
        with _translate_failures(), _refused_as_changed():
            self._blob(job.manifest_path).upload_blob(document, overwrite=replace)

    def load_manifest(self, job: JobRef) -> bytes:
        """See `FileStore.load_manifest`."""
        with _translate_failures():
            return self._blob(job.manifest_path).download_blob().readall()

    def stage(self, path: str, block: str, data: bytes | list[bytes] | BinaryIO, length: int | None = None) -> None:
        """See `FileStore.stage`. On a connection without TLS to another machine, the service checks an MD5."""
        blob = self._blob(path)
        has_checksum = needs_checksum(blob.url)
        pieces = [data] if isinstance(data, bytes) else data
        body = request_body(pieces, has_checksum=has_checksum) if isinstance(pieces, list) else pieces
        size = sum(map(len, pieces)) if isinstance(pieces, list) else length
        with _translate_failures():
            blob.stage_block(block, body, length=size, validate_content=has_checksum)

    def staged(self, path: str) -> dict[str, int]:
        """See `FileStore.staged`."""
        with _translate_failures():
            try:
                _, uncommitted = self._blob(path).get_block_list("uncommitted")
            except ResourceNotFoundError:
                return {}
        return {block.id: block.size for block in uncommitted}

    def get_state(self, path: str) -> FileState:
        """See `FileStore.get_state`. The response with the list of blocks also holds the version.

        If the list of published blocks is empty, either nothing is published or an empty file. Then the version is
        read, and after it the list again: so the version is not newer than the list.
        """
        blob = self._blob(path)
        with _translate_failures():
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
        """See `FileStore.commit`. The metadata is that of the blob."""
        with _translate_failures(), _refused_as_changed():
            committed = self._blob(path).commit_block_list(
                [BlobBlock(block) for block in blocks],
                content_settings=content_settings(path),
                metadata=dict(metadata or {}),
                **_condition(if_match),
            )
        return str(committed["etag"])

    def publish(self, path: str, data: list[bytes], metadata: Mapping[str, str] | None = None) -> None:
        """See `FileStore.publish`. One Put Blob: the SDK sends as much as `max_single_put_size` in one request.

        The service checks an MD5 where it would check that of a block.
        """
        blob = self._blob(path)
        with _translate_failures(), _refused_as_changed():
            blob.upload_blob(
                b"".join(data),
                overwrite=False,
                validate_content=needs_checksum(blob.url),
                content_settings=content_settings(path),
                metadata=dict(metadata or {}),
            )

    def size_bytes(self, path: str) -> int | None:
        """See `FileStore.size_bytes`."""
        with _translate_failures():
            try:
                return int(self._blob(path).get_blob_properties().size)
            except ResourceNotFoundError:
                return None

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        """See `FileStore.read_range`."""
        if start >= stop:
            return b""
        with _translate_failures():
            return self._blob(path).download_blob(start, stop - start).readall()

    def discard(self, path: str, version: str | None) -> None:
        """See `FileStore.discard`. Staged blocks cannot be deleted alone: committing an empty list drops them."""
        blob = self._blob(path)
        with _translate_failures(), _refused_as_changed():
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
        with _translate_failures():
            for found in list(self._container.list_blobs(job.directory, include=["uncommittedblobs"])):
                blob = self._blob(found.name)
                if not blob.exists():  # blocks are staged, and no file is published
                    blob.commit_block_list([])
                with suppress(ResourceNotFoundError):
                    blob.delete_blob()

    def sweep(self, cursor: str, limit: int) -> tuple[list[JobRef], str]:
        """See `FileStore.sweep`. The cursor is the marker of the service's listing."""
        with _translate_failures():
            listing = self._container.list_blobs(include=["uncommittedblobs"], results_per_page=limit)
            parts = listing.by_page(cursor or None)
            jobs = dict.fromkeys(JobRef.of_blob(blob.name) for blob in next(parts, ()))
        following = str(getattr(parts, "continuation_token", None) or "")
        return [job for job in jobs if job is not None], following

    def link(self, path: str, expires: datetime) -> str:
        """See `FileStore.link`. A service SAS signed by the account key, or by a user delegation key."""
        blob = self._blob(path)
        token = generate_blob_sas(
            account_name=self._account.name,
            container_name=blob.container_name,
            blob_name=blob.blob_name,
            account_key=None if self._account.uses_identity else blob.credential.account_key,
            user_delegation_key=self._delegation_keys.key_until(expires) if self._account.uses_identity else None,
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


def _translate_failures() -> AbstractContextManager[None]:
    """Raise transient failures and refusals as `StorageUnavailableError`; let other errors through."""
    return translate_failures(StorageUnavailableError, "Blob Storage")


def _blocks(blob: BlobClient) -> FileState:
    """List the blocks, with the version if any is published. The emulator sends a version even if none is."""
    versions: list[str] = []

    def note_version(response: Any) -> None:
        versions.append(response.http_response.headers.get("ETag", ""))

    published, staged = blob.get_block_list("all", raw_response_hook=note_version)
    return FileState(
        versions[-1] if published else None,
        tuple((block.id, block.size) for block in published),
        {block.id: block.size for block in staged},
    )


def _version(blob: BlobClient) -> str | None:
    try:
        return str(blob.get_blob_properties().etag)
    except ResourceNotFoundError:  # also if blocks are staged and no file is published
        return None


def _condition(version: str | None) -> dict[str, Any]:
    """Return the options that limit a write to this version of a blob; None: the blob must not exist."""
    if version is None:
        return {"match_condition": MatchConditions.IfMissing}
    return {"etag": version, "match_condition": MatchConditions.IfNotModified}


@contextmanager
def _refused_as_changed() -> Iterator[None]:
    """Raise a refused condition or a missing block as `FileChangedError`."""
    try:
        yield
    except (ResourceModifiedError, ResourceExistsError) as error:
        raise FileChangedError("The file was changed by another attempt meanwhile.") from error
    except HttpResponseError as error:
        if getattr(error, "error_code", None) == StorageErrorCode.INVALID_BLOCK_LIST:
            raise FileChangedError("A block of the file is gone.") from error
        raise
