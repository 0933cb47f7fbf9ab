"""Records the active `dev.py run` of this folder and the programs it has started, so that the next run can clean up."""

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
    """End the programs that a killed run left behind, and record this process as the active run.

    Raises:
        DevError: Another run is active. Two runs would write to the same files.
    """
    if (active := active_run(record)) is not None:
        message = f"Another `dev.py run` is active in this folder (process {active}). Stop it first with Ctrl-C."
        raise DevError(message)
    earlier = json.loads(record.read_text()) if record.exists() else {}
    leftovers = [left["pid"] for left in earlier.get("started", []) if left["identity"] == identity(left["pid"])]
    if leftovers:
        with step(f"Ending {len(leftovers)} process(es) that a killed run left behind"):
            end_groups(leftovers)
    record_run(record, [])


def active_run(record: Path) -> int | None:
    """Return the process id of the active `dev.py run`, which may still be starting; None if there is none."""
    owner = json.loads(record.read_text()).get("owner") if record.exists() else None
    return int(owner["pid"]) if owner and owner["identity"] == identity(owner["pid"]) else None


def record_run(record: Path, started: Sequence[int]) -> None:
    """Write this process and the process ids of the programs that it started to the record."""

    def entry(pid: int) -> dict[str, Any]:
        return {"pid": pid, "identity": identity(pid)}

    record.parent.mkdir(parents=True, exist_ok=True)
    unfinished = record.with_suffix(".new")
    unfinished.write_text(
        json.dumps({"owner": entry(os.getpid()), "started": [entry(pid) for pid in started]}, indent=2)
    )
    unfinished.replace(record)
