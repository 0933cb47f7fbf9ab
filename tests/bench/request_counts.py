"""Counts the requests to the storage emulator, because Azure bills by request."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

from devhost.local.azurite import Azurite

COUNTER = Path(__file__).with_name("count_requests.js")
"""A Node script for the `preload` argument of `start_storage`."""


def requests_so_far(storage: Azurite) -> Counter[str]:
    """Return the requests since the emulator started, by service and method: `blob PUT`, `table GET` …"""
    with urlopen(f"http://127.0.0.1:{storage.ports[0]}/__counts", timeout=10) as answer:
        return Counter(json.load(answer))
