"""Logging of host and workers: one line an event, on stderr."""

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
# chatty libraries; what they say at INFO is one line or more for every request
_NOISY = ("azure.core", "azure.identity", "aiohttp.access", "asyncio", "urllib3")


def configure_logging(*, quiet: bool) -> None:
    """Send records to stderr: from INFO, or from WARNING if `quiet`."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING if quiet else logging.INFO, format=_FORMAT)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
