"""Notices that somebody presses Enter, while the program waits for something else as well."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable


def enter_key(source: TextIO | None = None) -> Callable[[], bool]:
    """Return a function that says whether Enter was pressed since it last said so.

    A program in the background of a terminal reads nothing: the terminal would stop it. After the end of the input
    nothing is ever pressed.

    Args:
        source: What is read, line by line; None: standard input.
    """
    text = source or sys.stdin
    pressed = threading.Event()

    def read() -> None:
        for _ in text:
            pressed.set()

    if text is not None and not text.closed and not _is_in_background(text):
        threading.Thread(target=read, name="enter-key", daemon=True).start()

    def was_pressed() -> bool:
        found = pressed.is_set()
        pressed.clear()
        return found

    return was_pressed


def _is_in_background(text: TextIO) -> bool:
    if not text.isatty() or not hasattr(os, "tcgetpgrp"):
        return False
    try:
        return os.tcgetpgrp(text.fileno()) != os.getpgrp()
    except OSError:
        return True
