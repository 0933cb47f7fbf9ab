"""The real function app, but its worker dies once after it has stored a job and before it starts the orchestration.

It then creates the file that the setting DIED names.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from exports.steps import orchestrations
from tests.faults.real_app import load_real_app

_start = orchestrations.start_orchestration


async def _die_once(*args: Any) -> None:
    try:
        Path(os.environ["DIED"]).touch(exist_ok=False)
    except FileExistsError:
        await _start(*args)
    else:
        os._exit(9)


orchestrations.start_orchestration = _die_once  # type: ignore[assignment]
app = load_real_app()
