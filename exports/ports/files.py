"""Port: the store of files and plans."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

from exports.jobs.job import JobRef

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class FileState:
    """What there is of a file.

    Attributes:
        version: Names what is published: it changes with whatever publishes or removes the file. None: nothing is.
        published: Ids and sizes in bytes of the blocks it consists of, in order.
        staged: Sizes of the blocks that are staged and not part of it, by id.
    """

    version: str | None = None
    published: tuple[tuple[str, int], ...] = ()
    staged: Mapping[str, int] = field(default_factory=dict)

    @property
    def blocks(self) -> dict[str, int]:
        """Sizes of all blocks that a commit may name, by id."""
        return {**dict(self.published), **self.staged}


class FileStore(Protocol):
    """Keeps a job's plan and file. Every method raises `StorageUnavailableError` when trying again can help.

    Whoever changes what is published looks first, and names the version seen: so nobody who was held up in between,
    such as a step of an attempt that another one has taken over from, undoes what was done meanwhile.
    """

    def save_plan(self, job: JobRef, document: bytes) -> bytes:
        """Store a job's plan and return it; if there is one, return that and change nothing."""

    def load_plan(self, job: JobRef) -> bytes:
        """Read a job's plan."""

    def stage(self, path: str, block: str, data: bytes | list[bytes] | BinaryIO, length: int | None = None) -> None:
        """Stage a block of a file. Staging the same block again does no harm; nothing becomes readable.

        Args:
            data: The bytes, in one piece or in several, or a file.
            length: Of the data in bytes; must be given of a file, which is read from where it is.
        """

    def staged(self, path: str) -> dict[str, int]:
        """Sizes in bytes of the blocks staged and not yet committed, by block id."""

    def get_state(self, path: str) -> FileState:
        """See what there is of a file."""

    def commit(
        self,
        path: str,
        blocks: Sequence[str],
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> str:
        """Publish the file as exactly these blocks, staged or published before, in one atomic act; its version.

        Args:
            facts: Go with the file.
            over: The version whose place it takes; None: nothing may be published yet.

        Raises:
            FileChangedError: Something else is published, or nothing more, or a block is gone; nothing was changed.
        """

    def size_bytes(self, path: str) -> int | None:
        """Size of the published file; None if there is none."""

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        """Read the bytes `[start, stop)` of the published file, within its size."""

    def save_manifest(self, job: JobRef, document: bytes) -> None:
        """Store the proof of what this attempt published, in place of one that may be there."""

    def load_manifest(self, job: JobRef) -> bytes:
        """Read the proof of what this attempt published."""

    def discard(self, path: str, version: str | None) -> None:
        """Remove the published file of this version, the proofs and every block that is staged, if there are any.

        Raises:
            FileChangedError: Another version is published; nothing was removed.
        """

    def purge(self, job: JobRef) -> None:
        """Remove everything there is of a job, plan and staged blocks too."""

    def sweep(self, cursor: str, limit: int) -> tuple[builtins.list[JobRef], str]:
        """List jobs of which there is anything, going on at a place, over at most `limit` blobs; and the next place."""

    def check(self) -> None:
        """Ask for something harmless, to see that the store answers."""

    def link(self, path: str, expires: datetime) -> str:
        """Mint a URL that reads this one file until `expires`."""
