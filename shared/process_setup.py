"""Prepares the process of a worker, when the function app is imported."""

from __future__ import annotations

import ctypes
import logging
import sys

from shared.invocations import name_invocations_of_records

_M_ARENA_MAX = -8
"""The parameter's number in `malloc.h` of glibc."""

_SDK_LOGGER = "azure"


def prepare_process() -> None:
    """Give all threads one heap, keep the requests of the Azure SDKs out of the log, and what threads log in it."""
    _share_one_heap()
    name_invocations_of_records()
    logging.getLogger(_SDK_LOGGER).setLevel(logging.WARNING)


def _share_one_heap() -> None:
    """Set what `MALLOC_ARENA_MAX=1` would set, which a process reads only when it starts.

    A specialized worker has started before it receives the app's settings. Other C libraries have no `mallopt` that
    knows this parameter; there the call is left out.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_M_ARENA_MAX, 1)
