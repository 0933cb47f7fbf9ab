"""Writes to a database while a test reads it."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class BackgroundWriter(ABC):
    """Writes on a thread while the context is open, at a given speed. At its end it raises what made a write fail."""

    def __init__(self, changes_per_second: int) -> None:
        self._changes_per_second = changes_per_second
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self.close()
        if self._failure:
            raise self._failure

    def close(self) -> None:  # noqa: B027 - a writer may have opened nothing
        """Free what the writer has opened. Called once the last write has ended."""

    @abstractmethod
    def write(self) -> int:
        """Commit one transaction. Return the number of all changes that are committed by then."""

    def _run(self) -> None:
        try:
            began = time.monotonic()
            while not self._stopping.is_set():
                ahead = self.write() / self._changes_per_second - (time.monotonic() - began)
                if ahead > 0:
                    time.sleep(ahead)
        except BaseException as error:
            self._failure = error
