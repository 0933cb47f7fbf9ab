"""Prints the progress of a command, one line for each step."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def step(label: str) -> Iterator[None]:
    """Print one line for the block: the label, then the seconds that the block took."""
    started = time.monotonic()
    print(f"  {label} … ", end="", flush=True)
    try:
        yield
    except BaseException as error:
        print("stopped" if isinstance(error, KeyboardInterrupt) else "failed", flush=True)
        raise
    print(f"{time.monotonic() - started:.1f} s", flush=True)
