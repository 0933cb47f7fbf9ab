"""The real function app, but every page takes PAGE_SECONDS longer, and the file PAGE_LOG records finished work.

The file has a line `code page` for each written page and a line `code end` for each ended job, in order of time. Pages
are still much faster than real ones. So the count of active jobs is cached for a proportionally shorter time than the
usual two seconds.
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
        _log(f"{code} {payload['order']['page']}")
    if command is RecordOutcome or result.get("ended"):
        _log(f"{code} end")
    return result


def _log(line: str) -> None:
    """Append a line. One write to a file opened for appending is atomic, even if several processes write."""
    with _LOG.open("a") as log:
        log.write(f"{line}\n")


export_activities.run_step = _run_slowly
(table_watch.TableWatchIndex.__init__.__kwdefaults__ or {})["fresh_seconds"] = _SECONDS
app = load_real_app()
