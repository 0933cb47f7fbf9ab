"""The store of files and plans in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import BinaryIO

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from exports.errors import FileChangedError
from exports.jobs.job import JobRef
from exports.ports.files import FileState
from tests.support.clock import Clock
from tests.support.hooks import Hook, do_nothing


@dataclass
class _Blob:
    uncommitted: dict[str, bytes] = field(default_factory=dict)
    committed: list[tuple[str, bytes]] | None = None
    whole: bytes | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    version: str | None = None


class MemoryFileStore:
    """Implements `FileStore` with the rules of block blobs.

    A commit is atomic and drops the uncommitted blocks that it does not name; all block ids of a blob have one length.
    A link is a `memory:` URL; `open_link` follows it.
    """

    def __init__(self, clock: Callable[[], datetime] = Clock()) -> None:  # noqa: B008 - read only
        self.before_stage: Hook = do_nothing
        self.before_commit: Hook = do_nothing
        self.before_discard: Hook = do_nothing
        self.commits = 0
        self.plan_loads = 0
        self.renewed_plans: list[str] = []
        self._versions = itertools.count(1)
        self._clock = clock
        self._documents: dict[str, bytes] = {}
        self._blobs: dict[str, _Blob] = {}
        self._lock = Lock()

    def save_plan(self, job: JobRef, document: bytes) -> bytes:
        with self._lock:
            return self._documents.setdefault(job.plan_path, document)

    def load_plan(self, job: JobRef) -> bytes:
        self.plan_loads += 1
        return self._documents[job.plan_path]

    def find_plan(self, job: JobRef) -> bytes | None:
        return self._documents.get(job.plan_path)

    def renew_plan(self, job: JobRef) -> None:
        self.renewed_plans.append(job.code)

    def save_manifest(self, job: JobRef, document: bytes, *, replace: bool = True) -> None:
        with self._lock:
            if not replace and job.manifest_path in self._documents:
                raise FileChangedError("There is a manifest.")
            self._documents[job.manifest_path] = document

    def load_manifest(self, job: JobRef) -> bytes:
        try:
            return self._documents[job.manifest_path]
        except KeyError:
            raise ResourceNotFoundError("BlobNotFound") from None

    def discard(self, path: str, version: str | None) -> None:
        self.before_discard()
        with self._lock:
            self._require(path, version)
            self._blobs.pop(path, None)
            job = JobRef.of_blob(path)
            assert job is not None
            self._forget_documents(job.manifest_prefix)

    def purge(self, job: JobRef) -> None:
        self._forget_documents(job.directory)
        self._blobs = {path: blob for path, blob in self._blobs.items() if not path.startswith(job.directory)}

    def _forget_documents(self, prefix: str) -> None:
        self._documents = {path: kept for path, kept in self._documents.items() if not path.startswith(prefix)}

    def sweep(self, cursor: str, limit: int) -> tuple[list[JobRef], str]:
        rest = sorted(path for path in (*self._blobs, *self._documents) if path > cursor)
        jobs = dict.fromkeys(map(JobRef.of_blob, rest[:limit]))
        return [job for job in jobs if job is not None], rest[limit - 1] if len(rest) > limit else ""

    def stage(self, path: str, block: str, data: bytes | list[bytes] | BinaryIO, length: int | None = None) -> None:
        self.before_stage()
        if isinstance(data, list):
            data = b"".join(data)
        data = data if isinstance(data, bytes) else data.read(length or -1)
        with self._lock:
            blob = self._blobs.setdefault(path, _Blob())
            known = [*blob.uncommitted, *(name for name, _ in blob.committed or ())]
            if not data or len(block) > 64 or any(len(name) != len(block) for name in known):
                raise HttpResponseError("InvalidBlobOrBlock")
            blob.uncommitted[block] = data

    def staged(self, path: str) -> dict[str, int]:
        blob = self._blobs.get(path, _Blob())
        return {block: len(data) for block, data in blob.uncommitted.items()}

    def get_state(self, path: str) -> FileState:
        blob = self._blobs.get(path, _Blob())
        published = tuple((block, len(data)) for block, data in blob.committed or ())
        return FileState(blob.version, published, self.staged(path))

    def commit(
        self,
        path: str,
        blocks: Sequence[str],
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> str:
        self.before_commit()
        with self._lock:
            self._require(path, if_match)
            blob = self._blobs.setdefault(path, _Blob())
            known = {**dict(blob.committed or ()), **blob.uncommitted}
            if not known.keys() >= set(blocks):
                raise FileChangedError("A block of the file is gone.")
            committed = [(block, known[block]) for block in blocks]
            version = str(next(self._versions))
            self._blobs[path] = _Blob(committed=committed, version=version, metadata=dict(metadata or {}))
            self.commits += 1
            return version

    def publish(self, path: str, data: list[bytes], metadata: Mapping[str, str] | None = None) -> None:
        self.before_commit()
        with self._lock:
            self._require(path, None)
            version = str(next(self._versions))
            self._blobs[path] = _Blob(whole=b"".join(data), version=version, metadata=dict(metadata or {}))
            self.commits += 1

    def _require(self, path: str, version: str | None) -> None:
        if self._blobs.get(path, _Blob()).version != version:
            raise FileChangedError("The file was changed by another attempt meanwhile.")

    def size_bytes(self, path: str) -> int | None:
        data = self.read(path)
        return None if data is None else len(data)

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        data = self.read(path)
        if data is None:
            raise ResourceNotFoundError("BlobNotFound")
        return data[start:stop]

    def metadata(self, path: str) -> dict[str, str]:
        """Return the metadata that was published with the file."""
        return dict(self._blobs.get(path, _Blob()).metadata)

    def check(self) -> None:
        pass

    def link(self, path: str, expires: datetime) -> str:
        return f"memory:{path}?expires={expires.isoformat()}"

    def open_link(self, url: str) -> bytes | None:
        """Follow a link; return None when it is refused."""
        path, _, expires = url.removeprefix("memory:").partition("?expires=")
        return self.read(path) if self._clock() < datetime.fromisoformat(expires) else None

    def read(self, path: str) -> bytes | None:
        """Return the published file as a reader sees it; None if nothing is published."""
        blob = self._blobs.get(path)
        if blob is None or blob.committed is None:
            return blob.whole if blob else None
        return b"".join(data for _, data in blob.committed)

    def lose_block(self, path: str, block: str) -> None:
        """Drop a staged block, as storage does after seven days."""
        del self._blobs[path].uncommitted[block]
