"""Finds free ports on this machine, also when another program takes one that was free."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, TypeVar

from devhost.local.errors import DevError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_TRIES = 5


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just released counts as free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that is free now. Another program may take it before the caller does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_a_free_port(start: Callable[[int], T]) -> T:
    """Start a program on a free port. If another program takes that port first, start it on another one.

    Args:
        start: Starts the program on a port. If it does not start, ends it and raises a `DevError`.

    Raises:
        DevError: The program did not start, although it could have had the port.
    """
    for _ in range(_TRIES - 1):
        port = free_port()
        try:
            return start(port)
        except DevError:
            if is_free(port):
                raise
    return start(free_port())


def require_free(port: int) -> None:
    if not is_free(port):
        message = f"Port {port} is in use by another program. Stop that program, or use another port: --port {port + 1}"
        raise DevError(message)
