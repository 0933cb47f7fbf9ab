"""`python -m exports verify`: checks whether a copy of a file is the file that its manifest describes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from exports.commands.command_line import (
    CommandError,
    add_code_option,
    add_storage_option,
    add_tenant_option,
    open_account,
    storage_setting,
)
from exports.file.manifest import KeyOrder, ManifestDto
from exports.file.verification.file_bytes import FileBytes
from exports.file.verification.verify import Verdict, verify
from exports.jobs.job import JobRef
from exports.jobs.states import JobStatus
from exports.ports.files import FileStore
from exports.ports.jobs import JobStore
from shared.progress import ProgressBar
from shared.text import printable

PROVED, WRONG, UNCHECKED, UNPROVED = 0, 1, 2, 3
"""The exit codes: proved; the copy is wrong; the check could not be done; or every byte is as it was written, but the
manifest does not prove that every client was written once."""

OpenStores = Callable[[str], tuple[JobStore, FileStore]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Check a file against its manifest. Give FILE and MANIFEST, both as downloaded. Or give --tenant and --code of "
        "the job: then the manifest is read from storage, and the file too unless FILE is given. "
        "Exit code: 0 proved, 1 wrong, 2 not checked, 3 intact, but the manifest does not prove the order of its pages."
    )
    parser.set_defaults(error_code=UNCHECKED)
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the file as downloaded")
    parser.add_argument(
        "manifest", nargs="?", type=Path, metavar="MANIFEST", help="the response of GET …/{code}/manifest, saved"
    )
    add_tenant_option(parser, "tenant of the job", required=False)
    add_code_option(parser, "code of the job")
    add_storage_option(parser)


def run(arguments: argparse.Namespace, open_stores: OpenStores | None = None) -> int:
    """Check the file, print the result, and return the exit code."""
    try:
        return _verify(arguments, open_stores or open_storage)
    except OSError as error:
        message = f"{error.filename or 'The file'} cannot be read: {error.strerror or type(error).__name__}."
        raise CommandError(message) from error


def open_storage(storage: str) -> tuple[JobStore, FileStore]:
    """Open the jobs and files of a storage account. Does not connect yet."""
    from exports.adapters.storage.files import BlobFileStore
    from exports.adapters.storage.jobs import TableJobStore

    account = open_account(storage)
    return TableJobStore(account), BlobFileStore(account)


def _verify(arguments: argparse.Namespace, open_stores: OpenStores) -> int:
    if arguments.tenant is None and arguments.code is None:
        return _verify_files(arguments)
    if arguments.tenant is None or arguments.code is None or arguments.manifest is not None:
        raise CommandError("Give --tenant and --code, and at most a FILE; or give a FILE and its MANIFEST.")
    jobs, files = open_stores(storage_setting(arguments))
    manifest = _stored_manifest(jobs, files, arguments.tenant, arguments.code)
    if arguments.file is not None:
        with _local(arguments.file) as file:
            return _check(file, manifest, str(arguments.file))
    return _check(_StoredFile(files, manifest), manifest, manifest.file_name)


def _verify_files(arguments: argparse.Namespace) -> int:
    if arguments.file is None or arguments.manifest is None:
        raise CommandError("Give a FILE and its MANIFEST, or give --tenant and --code.")
    manifest = _read_manifest(arguments.manifest.read_bytes(), str(arguments.manifest))
    with _local(arguments.file) as file:
        return _check(file, manifest, str(arguments.file))


def _read_manifest(document: bytes, name: str) -> ManifestDto:
    try:
        return ManifestDto.model_validate_json(document)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "as a whole"
        message = (
            f"{name} is not a manifest ({where}: {fault['msg']}). "
            "Download the manifest with GET …/clients/export/csv/CODE/manifest."
        )
        raise CommandError(message) from None


def _stored_manifest(jobs: JobStore, files: FileStore, tenant: str, code: str) -> ManifestDto:
    from azure.core.exceptions import ResourceNotFoundError

    job = jobs.get(tenant, code)
    if job is None or job.status is not JobStatus.COMPLETED:
        state = "There is no such job" if job is None else f"The job is {job.status}"
        message = f"{state}: only a Completed job has a manifest ({tenant}, {code})."
        raise CommandError(message)
    try:
        document = files.load_manifest(job.ref)
    except ResourceNotFoundError:
        raise CommandError("The manifest is no longer kept; give the manifest that was downloaded.") from None
    return _read_manifest(document, "The stored manifest")


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
    """The published file of a job, read in pieces."""

    def __init__(self, files: FileStore, manifest: ManifestDto) -> None:
        job = JobRef(tenant=manifest.tenant, code=manifest.code, attempt=manifest.attempt or 1)
        self._files, self._path = files, job.file_path(manifest.file_name)
        size_bytes = files.size_bytes(self._path)
        if size_bytes is None:
            raise CommandError("The file is no longer in storage, only its manifest; give a FILE.")
        self.size_bytes = size_bytes

    def read(self, start: int, stop: int) -> bytes:
        return self._files.read_range(self._path, start, min(stop, self.size_bytes))


def _check(file: FileBytes, manifest: ManifestDto, name: str) -> int:
    with ProgressBar(sys.stderr, "bytes") as progress:
        verdict = verify(file, manifest, progress.show)
    sys.stdout.write("".join(f"{printable(line)}\n" for line in _report(verdict, manifest, name)))
    if verdict.proved:
        return PROVED
    return UNPROVED if verdict.is_intact else WRONG


def _report(verdict: Verdict, manifest: ManifestDto, name: str) -> Iterator[str]:
    if verdict.proved:
        yield f"{name}: proved, every byte is as the export {manifest.code} wrote it."
    elif verdict.is_intact:
        yield f"{name}: intact, every byte is as the export {manifest.code} wrote it. The manifest proves no more."
    else:
        yield f"{name}: WRONG, differs from the file that the export {manifest.code} wrote."
        yield from (f"  {fault}" for fault in verdict.faults)
    yield f"  pages       {verdict.pages:,} of {len(manifest.pages):,}"
    yield f"  clients     {verdict.rows:,} of {manifest.rows:,}"
    yield f"  bytes       {verdict.bytes:,} of {manifest.bytes:,}"
    if manifest.cut_cells:
        yield f"  cut         {manifest.cut_cells:,} of the texts, too long for a cell: the file has only the beginning"
    if manifest.removed_characters:
        yield f"  left out    {manifest.removed_characters:,} of the characters of clients, which no cell can hold"
    yield from (f"  column      {column.csv_header}: {column.reason}" for column in manifest.incomplete_columns or ())
    if verdict.is_intact:
        yield f"  CRC-32      {verdict.crc32}{'' if manifest.crc32 else ' (the manifest has none to compare)'}"
        yield f"  codes       {_codes(verdict)}"
        yield f"  key ranges  {_key_ranges(verdict, manifest)}"


def _codes(verdict: Verdict) -> str:
    if verdict.codes is None:
        return "not compared: no column of the file shows the field Code"
    guarded = f"; {verdict.guarded_codes:,} more have an apostrophe and were not compared" * bool(verdict.guarded_codes)
    if not verdict.alike_codes:
        return f"{verdict.codes:,} different ones, no client is in the file twice{guarded}"
    alike = f"{verdict.alike_codes:,} more cannot be compared: without what was cut or left out, they equal others"
    return f"{verdict.codes:,} different ones; {alike}{guarded}"


def _key_ranges(verdict: Verdict, manifest: ManifestDto) -> str:
    if not verdict.order_is_checked:
        return (
            "tile by their names, but the version that wrote the file did not ask the database how it orders codes: "
            "a client could be missing between two pages, or be in both. Export again to have that checked"
        )
    if manifest.key_order is KeyOrder.ONE_PAGE:
        return "none to check: one page holds all clients"
    confirmed = ", as the database itself orders the codes of all pages" if manifest.key_order is not None else ""
    return f"tile{confirmed}: no client can be missing between two pages, or be in both"
