"""The run at work in this folder, and what it started: written down for the next one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from devhost.local.console import step
from devhost.local.errors import DevError
from devhost.local.guard import end_groups, identity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def claim_run(record: Path) -> None:
    """End what a killed run left behind, and make this the run of this folder.

    Raises:
        DevError: A run is at work here; two would write to the same files.
    """
    earlier = json.loads(record.read_text()) if record.exists() else {}
    owner = earlier.get("owner", {})
    if owner and owner["identity"] == identity(owner["pid"]):
        message = f"Another `dev.py run` is at work in this folder (process {owner['pid']}). Stop it first: Ctrl-C."
        raise DevError(message)
    leftovers = [left["pid"] for left in earlier.get("started", []) if left["identity"] == identity(left["pid"])]
    if leftovers:
        with step(f"Ending {len(leftovers)} process(es) left behind by a run that was killed"):
            end_groups(leftovers)
    record_run(record, [])


def record_run(record: Path, started: Sequence[int]) -> None:
    def entry(pid: int) -> dict[str, Any]:
        return {"pid": pid, "identity": identity(pid)}

    record.parent.mkdir(parents=True, exist_ok=True)
    unfinished = record.with_suffix(".new")
    unfinished.write_text(
        json.dumps({"owner": entry(os.getpid()), "started": [entry(pid) for pid in started]}, indent=2)
    )
    unfinished.replace(record)
