"""`python -m exports verify`: is a copy of a file what its manifest says?"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from exports.commands.progress import ProgressBar
from exports.commands.storage import CommandError, add_storage, open_account, refuse, storage_of
from exports.errors import StorageUnavailableError
from exports.file.manifest import ManifestDto
from exports.file.verify import Verdict, verify
from exports.file.verify_page import FileBytes
from exports.jobs.job import JobRef
from exports.jobs.states import JobStatus
from exports.ports.files import FileStore
from exports.ports.jobs import JobStore

PROVED, WRONG, UNCHECKED = 0, 1, 2
"""The exit codes: every byte is as written, a page is not, or it could not be looked at."""

OpenStores = Callable[[str], tuple[JobStore, FileStore]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Hold a file against its manifest: FILE MANIFEST, both as downloaded, or --tenant and --code of the job, which "
        "fetches the manifest from storage, and the file too unless FILE is given. "
        "Exit code: 0 proved, 1 wrong, 2 not checked."
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the file as it was downloaded")
    parser.add_argument("manifest", nargs="?", type=Path, metavar="MANIFEST", help="the answer of …/{code}/manifest")
    parser.add_argument("--tenant", metavar="TENANT", help="whose job")
    parser.add_argument("--code", metavar="CODE", help="the code of the job")
    add_storage(parser)


def run(arguments: argparse.Namespace, open_stores: OpenStores | None = None) -> int:
    """Check, print what came of it, and return the exit code."""
    from azure.core.exceptions import AzureError

    try:
        return _verify(arguments, open_stores or open_stores_of)
    except (CommandError, StorageUnavailableError) as error:
        return _unchecked(str(error))
    except AzureError as error:
        return _unchecked(f"Storage refused ({getattr(error, 'error_code', None) or type(error).__name__}).")
    except OSError as error:
        return _unchecked(f"{error.filename or 'The file'} cannot be read: {error.strerror or type(error).__name__}.")


def open_stores_of(storage: str) -> tuple[JobStore, FileStore]:
    """Open the jobs and files of a storage account; connects to nothing yet."""
    from exports.adapters.storage.files import BlobFileStore
    from exports.adapters.storage.jobs import TableJobStore

    account = open_account(storage)
    return TableJobStore(account), BlobFileStore(account)


def _verify(asked: argparse.Namespace, open_stores: OpenStores) -> int:
    if asked.tenant is None and asked.code is None:
        return _verify_files(asked)
    if asked.tenant is None or asked.code is None or asked.manifest is not None:
        raise CommandError("Give --tenant and --code, and at most a FILE; or a FILE and its MANIFEST.")
    jobs, files = open_stores(storage_of(asked))
    manifest = _stored_manifest(jobs, files, asked.tenant, asked.code)
    if asked.file is not None:
        with _local(asked.file) as file:
            return _judge(file, manifest, str(asked.file))
    return _judge(_StoredFile(files, manifest), manifest, manifest.file_name)


def _verify_files(asked: argparse.Namespace) -> int:
    if asked.file is None or asked.manifest is None:
        raise CommandError("What is to be verified? Give a FILE and its MANIFEST, or --tenant and --code.")
    manifest = _read_manifest(asked.manifest.read_bytes(), str(asked.manifest))
    with _local(asked.file) as file:
        return _judge(file, manifest, str(asked.file))


def _read_manifest(document: bytes, name: str) -> ManifestDto:
    try:
        return ManifestDto.model_validate_json(document)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "as a whole"
        message = (
            f"{name} is not a manifest ({where}: {fault['msg']}); GET …/clients/export/csv/CODE/manifest gives it."
        )
        raise CommandError(message) from None


def _stored_manifest(jobs: JobStore, files: FileStore, tenant: str, code: str) -> ManifestDto:
    from azure.core.exceptions import ResourceNotFoundError

    job = jobs.get(tenant, code)
    if job is None or job.status is not JobStatus.COMPLETED:
        state = "There is no such job" if job is None else f"The job is {job.status}"
        message = f"{state}: only a Completed one has a manifest ({tenant}, {code})."
        raise CommandError(message)
    try:
        document = files.load_manifest(job.ref)
    except ResourceNotFoundError:
        raise CommandError("The manifest is no longer kept; give the one that was downloaded.") from None
    return _read_manifest(document, "What is stored")


class _LocalFile:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size_bytes = os.fstat(stream.fileno()).st_size

    def read(self, start: int, stop: int) -> bytes:
        self._stream.seek(start)
        return self._stream.read(stop - start)


@contextmanager
def _local(path: Path) -> Iterator[_LocalFile]:
    with path.open("rb") as stream:
        yield _LocalFile(stream)


class _StoredFile:
    """The published file of a job, read piece by piece."""

    def __init__(self, files: FileStore, manifest: ManifestDto) -> None:
        job = JobRef(tenant=manifest.tenant, code=manifest.code, attempt=manifest.attempt or 1)
        self._files, self._path = files, job.file_path(manifest.file_name)
        size_bytes = files.size_bytes(self._path)
        if size_bytes is None:
            raise CommandError("The file is no longer in storage, only its manifest; give a FILE.")
        self.size_bytes = size_bytes

    def read(self, start: int, stop: int) -> bytes:
        return self._files.read_range(self._path, start, min(stop, self.size_bytes))


def _judge(file: FileBytes, manifest: ManifestDto, name: str) -> int:
    verdict = verify(file, manifest, ProgressBar(sys.stderr, "bytes").show)
    sys.stdout.write("".join(f"{line}\n" for line in _report(verdict, manifest, name)))
    return PROVED if verdict.proved else WRONG


def _report(verdict: Verdict, manifest: ManifestDto, name: str) -> Iterator[str]:
    if verdict.proved:
        yield f"{name}: proved, every byte is as the export {manifest.code} wrote it."
    else:
        yield f"{name}: WRONG, this is not what the export {manifest.code} wrote."
        yield from (f"  {fault}" for fault in verdict.faults)
    yield f"  pages       {verdict.pages:,} of {len(manifest.pages):,}"
    yield f"  clients     {verdict.rows:,} of {manifest.rows:,}"
    yield f"  bytes       {verdict.bytes:,} of {manifest.bytes:,}"
    if verdict.proved:
        yield f"  CRC-32      {verdict.crc32}{'' if manifest.crc32 else ' (the manifest has none to compare)'}"
        yield "  key ranges  tile: no client can be missing between two pages, or be in both"


def _unchecked(message: str) -> int:
    return refuse(message, UNCHECKED)
