"""The real function app, but it records how long sending holds activity slots, and receivers rest for a minute at most.

The file SEND_LOG gets a line `seconds` for each call of the activity `send_webhook`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exports.notifications import sending_room
from exports.triggers import activities as export_activities
from exports.workflow.commands import SendWebhook
from tests.faults.real_app import load_real_app

_run = export_activities.run_step
_LOG = Path(os.environ["SEND_LOG"])


def _run_timed(provide: Any, step: Callable[..., Any], command: Any, payload: Any) -> Any:
    began = time.monotonic()
    try:
        return _run(provide, step, command, payload)
    finally:
        if command is SendWebhook:
            with _LOG.open("a") as log:
                log.write(f"{time.monotonic() - began:.3f}\n")


export_activities.run_step = _run_timed
sending_room.LONGEST_REST_SECONDS = 60.0
app = load_real_app()
