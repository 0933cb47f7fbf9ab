"""Port: the store of files and plans."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from exports.jobs.job import JobRef


@dataclass(frozen=True, slots=True)
class FileState:
    """The state of a file in the store.

    Attributes:
        version: The version of the published file; every publication and every removal changes it. None: no file is
            published.
        published: Ids and sizes in bytes of the blocks of the published file, in order.
        staged: Sizes in bytes of the blocks that are staged and not part of the published file, by id.
    """

    version: str | None = None
    published: tuple[tuple[str, int], ...] = ()
    staged: Mapping[str, int] = field(default_factory=dict)

    @property
    def blocks(self) -> dict[str, int]:
        """Return the sizes of all blocks that a commit may name, by id."""
        return {**dict(self.published), **self.staged}


class FileStore(Protocol):
    """Stores the plan, the file and the manifests of a job.

    Every method raises `StorageUnavailableError` when a retry can help.

    A caller that changes the published file first reads its version and passes that version along. The store refuses
    the change if the version has moved on. So a delayed step of an older attempt cannot undo the work of a newer one.
    """

    def save_plan(self, job: JobRef, document: bytes) -> bytes:
        """Store a job's plan and return it. If the job has a plan, return that one and change nothing."""

    def load_plan(self, job: JobRef) -> bytes:
        """Read a job's plan."""

    def find_plan(self, job: JobRef) -> bytes | None:
        """Read a job's plan; return None if it has none."""

    def renew_plan(self, job: JobRef) -> None:
        """Let a job's plan count as changed now, so that storage does not delete it as old. A job may have none."""

    def stage(self, path: str, block: str, data: bytes | list[bytes] | BinaryIO, length: int | None = None) -> None:
        """Stage a block of a file. Nothing becomes readable. Staging the same block again does no harm.

        Args:
            data: The bytes, in one piece or in several, or a binary file, which is read from its current position.
            length: Length of the data in bytes; required for a binary file.
        """

    def staged(self, path: str) -> dict[str, int]:
        """Return the sizes in bytes of the blocks that are staged and not committed, by block id."""

    def get_state(self, path: str) -> FileState:
        """Return the state of a file: its version, its blocks, and the staged blocks."""

    def commit(
        self,
        path: str,
        blocks: Sequence[str],
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> str:
        """Publish the file as exactly these blocks, in one atomic operation.

        Args:
            blocks: Ids of staged blocks, or of blocks of the published file. Other staged blocks are dropped.
            metadata: Stored with the file.
            if_match: The version that the new file replaces; None: no file may be published yet.

        Returns:
            The version of the published file.

        Raises:
            FileChangedError: Another version is published, or none, or a block no longer exists. Nothing was changed.
        """

    def publish(self, path: str, data: list[bytes], metadata: Mapping[str, str] | None = None) -> None:
        """Publish the file as exactly these bytes, in one atomic operation. No file may be published yet.

        The store checks the bytes as those of a block. The file has no blocks, and staged blocks may be dropped.

        Args:
            data: The bytes in pieces: no more than fit into memory twice.
            metadata: Stored with the file.

        Raises:
            FileChangedError: A file is published already, perhaps by this request, whose answer was lost and which was
                repeated. Or blocks are staged, and the store does not drop them. Nothing was changed.
        """

    def size_bytes(self, path: str) -> int | None:
        """Return the size of the published file; None if no file is published."""

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        """Read the bytes `[start, stop)` of the published file. The range must lie within the file."""

    def save_manifest(self, job: JobRef, document: bytes, *, replace: bool = True) -> None:
        """Store the manifest of the file that this attempt published. Replaces an earlier manifest of the attempt.

        Raises:
            FileChangedError: `replace` is False and the attempt has a manifest. Nothing was changed.
        """

    def load_manifest(self, job: JobRef) -> bytes:
        """Read the manifest of the file that this attempt published."""

    def discard(self, path: str, version: str | None) -> None:
        """Remove the published file of this version, all manifests of the job, and every staged block.

        Args:
            version: The version of the published file; None: no file may be published.

        Raises:
            FileChangedError: Another version is published. Nothing was removed.
        """

    def purge(self, job: JobRef) -> None:
        """Remove all blobs of a job, including its plan and its staged blocks."""

    def sweep(self, cursor: str, limit: int) -> tuple[builtins.list[JobRef], str]:
        """List jobs that own blobs, looking at no more than `limit` blobs after a cursor.

        Returns:
            The jobs, and the cursor of the next call; it is empty after the last blob.
        """

    def check(self) -> None:
        """Send a harmless request, to show that the store answers."""

    def link(self, path: str, expires: datetime) -> str:
        """Make a URL that can be used to read this one file until `expires`."""
