"""Logging of the host and its workers: one line for each event, on stderr."""

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
# At INFO, these libraries log a line or more for every request.
_NOISY = ("azure.core", "azure.identity", "aiohttp.access", "asyncio", "urllib3")


def configure_logging(*, quiet: bool) -> None:
    """Send log records to stderr: from level INFO, or from WARNING if `quiet`."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING if quiet else logging.INFO, format=_FORMAT)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
