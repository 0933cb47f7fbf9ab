"""The real function app, in which every page takes PAGE_SECONDS more; the file PAGE_LOG tells what was written.

Pages are still much quicker than real ones, so the count of active jobs is kept for as much less than two seconds.

A line a page, `code page`, and a line a job that has ended, `code end`, in the order in which they happened.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exports.adapters.storage import watch as table_watch
from exports.triggers import activities as export_activities
from exports.workflow.commands import RecordOutcome, WritePage
from tests.faults.real_app import load_real_app

_run = export_activities.run_step
_LOG, _SECONDS = Path(os.environ["PAGE_LOG"]), float(os.environ["PAGE_SECONDS"])


def _run_slowly(provide: Any, step: Callable[..., Any], command: Any, payload: Any) -> Any:
    if command is WritePage:
        time.sleep(_SECONDS)
    result = _run(provide, step, command, payload)
    code = payload["order"]["job"]["code"]
    if command is WritePage:
        _note(f"{code} {payload['order']['page']}")
    if command is RecordOutcome or result.get("ended"):
        _note(f"{code} end")
    return result


def _note(line: str) -> None:
    """One write to a file opened for appending is whole, whichever processes write."""
    with _LOG.open("a") as log:
        log.write(f"{line}\n")


export_activities.run_step = _run_slowly
(table_watch.TableWatchIndex.__init__.__kwdefaults__ or {})["fresh_seconds"] = _SECONDS
app = load_real_app()
