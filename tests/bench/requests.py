"""How many requests the storage emulator was sent: what Azure would bill."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

from devhost.local.azurite import Azurite

COUNTING = Path(__file__).with_name("count_requests.js")
"""Give this to `start_azurite` as `preload`."""


def requests_so_far(storage: Azurite) -> Counter[str]:
    """Requests since the emulator started, by service and method: `blob PUT`, `table GET` …"""
    with urlopen(f"http://127.0.0.1:{storage.ports[0]}/__counts", timeout=10) as answer:
        return Counter(json.load(answer))
