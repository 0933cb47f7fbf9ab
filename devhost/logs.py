"""Logging of the host and its workers: one line for each event, on stderr."""

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
# At INFO, these libraries log a line or more for every request of the host.
_NOISY = ("aiohttp.access", "asyncio")


def configure_host_logging(*, quiet: bool) -> None:
    """Send the log records of the host to stderr: from level INFO, or from WARNING if `quiet`."""
    logging.basicConfig(stream=sys.stderr, level=level_of(quiet=quiet), format=_FORMAT)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def configure_worker_logging(shown: logging.Filter) -> None:
    """Send those log records of a worker to stderr that a filter lets pass.

    As in the real worker, the root logger has the level INFO, and no logger is silenced.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=_FORMAT)
    for handler in logging.getLogger().handlers:
        handler.addFilter(shown)


def level_of(*, quiet: bool) -> int:
    """Return the lowest level that is shown."""
    return logging.WARNING if quiet else logging.INFO
