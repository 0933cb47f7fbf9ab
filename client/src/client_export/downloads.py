"""Writes a downloaded file to disk: under a temporary name until it is proved, and from where an earlier try ended."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from filelock import FileLock, Timeout

from client_export.errors import FileMismatchError
from client_export.verification import CHUNK_BYTES, Manifest, Progress, Verification, Verifier, verify_file

_NAME_BYTES = 200
"""File systems allow names of 255 bytes, and the name of an unfinished file has more than that of the file."""
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
"""What file systems answer that have no locks, such as some that are mounted over a network."""


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded file, which is proved."""

    path: Path
    verification: Verification


@dataclass(frozen=True, slots=True)
class Target:
    """Where the file goes.

    Attributes:
        code: The code of the export.
        is_chosen: Whether the caller has named the file, so that an existing one is replaced. In a folder the file gets
            the name that the export gave it, which whoever started the export may have chosen.
    """

    path: Path
    code: str
    is_chosen: bool

    @classmethod
    def of(cls, path: Path, manifest: Manifest) -> Self:
        """Return the target in a folder, or the file itself.

        Raises:
            OSError: There is no such folder, or something else than a file would be replaced, such as a device.
        """
        is_chosen = not path.is_dir()
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "This folder does not exist", str(path.parent))
        if is_chosen and path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "This is not a file, and only a file can be replaced", str(path))
        return cls(path if is_chosen else path / manifest.file_name, manifest.code, is_chosen)

    def existing(self, manifest: Manifest, progress: Progress) -> Download | None:
        """Return the file of the export if it is there already under a name that the caller has not chosen.

        Raises:
            FileExistsError: Another file has this name.
        """
        if self.is_chosen or not os.path.lexists(self.path):
            return None
        try:
            return Download(self.path, verify_file(self.path, manifest, progress))
        except (FileMismatchError, OSError):
            raise self._taken() from None

    def give(self, unnamed: Path) -> None:
        """Give a file its name, in one step.

        Raises:
            FileExistsError: Another file has got this name meanwhile.
        """
        if self.is_chosen:
            unnamed.replace(self.path)
            return
        try:
            _name_if_free(unnamed, self.path)
        except FileExistsError:
            raise self._taken() from None
        finally:
            unnamed.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other program write the file meanwhile: each proves only the bytes that it has written itself.

        A lock ends with the program that holds it. So the lock file of a program that was killed locks nothing, and
        the next download removes it.

        Raises:
            BlockingIOError: Another download writes this file now.
        """
        path = self.unfinished("lock")
        lock = FileLock(path, blocking=False, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire()
        except Timeout:
            message = "Another program is downloading this file now"
            raise BlockingIOError(errno.EAGAIN, message, str(self.path)) from None
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
        try:
            yield
        finally:
            if sys.platform != "win32":  # where the release removes it
                path.unlink(missing_ok=True)
            lock.release()

    def unfinished(self, kind: str) -> Path:
        """Return the path of a file beside this one, which nobody needs when this one is finished.

        The name holds the code of the export, so another export never continues it.
        """
        name = self.path.name.encode(errors="ignore")[:_NAME_BYTES].decode(errors="ignore")
        return self.path.with_name(f".{name}.{self.code}.{kind}")

    def _taken(self) -> FileExistsError:
        message = f"This file exists, and is not that of the export {self.code}"
        return FileExistsError(errno.EEXIST, message, str(self.path))


def _name_if_free(unnamed: Path, path: Path) -> None:
    """Give a file a name, or raise FileExistsError. A link never replaces a file; not every file system has links."""
    try:
        os.link(unnamed, path)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        unnamed.replace(path)


def _open_or_create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


class PartFile:
    """The file while it is incomplete, and locked."""

    def __init__(self, target: Target, manifest: Manifest, progress: Progress) -> None:
        self.target = target
        self.path = target.unfinished("part")
        self.verifier = Verifier(manifest)
        self._manifest, self._progress = manifest, progress
        self._stream: BinaryIO | None = None
        self.status = 0

    @classmethod
    @contextmanager
    def open(cls, target: Target, manifest: Manifest, progress: Progress) -> Iterator[Self]:
        """Open the file, and prove what an earlier try has left of it; drop what cannot be proved.

        Raises:
            OSError: With the name of the file, if it cannot be written.
        """
        part = cls(target, manifest, progress)
        try:
            with open(part.path, "r+b", opener=_open_or_create) as stream:
                part._stream = stream
                part._prove_earlier()
                yield part
        except OSError as error:
            if error.filename is None and error.errno is not None:  # such as that of a disk that is full
                raise OSError(error.errno, error.strerror, str(part.path)) from None
            raise

    @property
    def size_bytes(self) -> int:
        """How many bytes the file has so far, all of them checked as far as possible."""
        return self.verifier.bytes

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take the status of a link. A whole file begins anew, even if only the rest was asked for."""
        self.status = status
        if status == 200 and self.size_bytes:
            self._restart(0)
        return status in (200, 206)

    def add(self, piece: bytes) -> None:
        """Check the next bytes, and write them."""
        self.verifier.add(piece)
        self._opened.write(piece)
        self._progress(self.size_bytes, self._manifest.bytes)

    def keep_proved(self) -> None:
        """Drop the bytes of the page that is not proved, because a next try may get other bytes."""
        self._restart(self.verifier.proved_bytes)

    def publish(self) -> Verification:
        """Prove the whole, and give the file its name, in one step.

        Raises:
            FileMismatchError: The file is not the one that the manifest describes.
            FileExistsError: Another file has got the name meanwhile, and the caller has not chosen this name.
        """
        found = self.verifier.finish()
        self._opened.flush()
        os.fsync(self._opened.fileno())
        if sys.platform == "win32":
            self._opened.close()  # Windows renames no open file
        self.target.give(self.path)
        return found

    @property
    def _opened(self) -> BinaryIO:
        assert self._stream is not None  # noqa: S101 - `open` sets it
        return self._stream

    def _restart(self, keep_bytes: int) -> None:
        stream = self._opened
        stream.seek(keep_bytes)
        stream.truncate()
        self.verifier = Verifier(self._manifest)
        stream.seek(0)
        self._read_to_end(stream)

    def _prove_earlier(self) -> None:
        stream = self._opened
        try:
            self._read_to_end(stream)
        except FileMismatchError:
            self._restart(self.verifier.proved_bytes)

    def _read_to_end(self, stream: BinaryIO) -> None:
        while piece := stream.read(CHUNK_BYTES):
            self.verifier.add(piece)
