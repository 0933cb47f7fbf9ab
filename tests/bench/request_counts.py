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
    """Return the requests since the emulator started, by sender, service and method: `app blob PUT` …"""
    with urlopen(f"http://127.0.0.1:{storage.ports[0]}/__counts", timeout=10) as answer:
        return Counter(json.load(answer))


def of_app(counts: Counter[str]) -> int:
    """Return how many of the requests the app has sent, and not the Durable extension."""
    return sum(number for name, number in counts.items() if name.startswith("app "))
