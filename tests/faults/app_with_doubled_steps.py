"""The real function app, but every activity runs twice, as it does when the host loses the result of an activity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exports.triggers import activities as export_activities
from tests.faults.real_app import load_real_app

_run_once = export_activities.run_step
_start_once = export_activities.run_starting_step


def _run_twice(provide: Any, step: Callable[..., Any], command: Any, payload: Any) -> Any:
    _run_once(provide, step, command, payload)
    return _run_once(provide, step, command, payload)


async def _start_twice(provide: Any, client: Any, step: Callable[..., Any], command: Any, payload: Any) -> Any:
    await _start_once(provide, client, step, command, payload)
    return await _start_once(provide, client, step, command, payload)


export_activities.run_step = _run_twice
export_activities.run_starting_step = _start_twice
app = load_real_app()
