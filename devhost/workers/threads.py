"""How many threads a worker has, counted as the real worker counts them."""

import logging
import os

_log = logging.getLogger("devhost.workers")

_SETTING, _CORES = "PYTHON_THREADPOOL_THREAD_COUNT", "DEVHOST_CORES"


def function_threads() -> int:
    """Return the number of threads for sync functions and orchestrators together.

    The real worker ignores a count that is not a whole number of at least 1, with a warning.
    """
    text = os.environ.get(_SETTING, "")
    if not text:
        return default_threads()
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    _log.warning("%s is not a whole number of at least 1, so it is ignored", _SETTING)
    return default_threads()


def default_threads() -> int:
    """Return the size of Python's thread pools on this machine, or on one with DEVHOST_CORES cores."""
    cores = int(os.environ.get(_CORES) or os.cpu_count() or 1)
    return min(32, cores + 4)
