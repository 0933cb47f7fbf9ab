"""The real function app with these changes for chaos runs, and no others.

- The pauses between tries, the patience with a throttled source and the read timeouts of storage are shorter, so that a
  run takes seconds, and a job counts as stalled after some of them.
- The clock of the steps is shifted as the control file says.
- Each activity runs once, twice, or twice at the same time, as the control file says.
- A bug may be planted.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import exports.settings
import exports.wiring
import shared.storage
from devhost.local.engine_program import USED
from exports.services import Services
from exports.triggers import activities as export_activities
from shared.retry_policy import RetryPolicy
from tests.chaos.control import ControlReader
from tests.chaos.planted import plant
from tests.chaos.schedule import Delivery
from tests.faults.real_app import load_real_app

STORAGE_TIMEOUT_SECONDS = 2
_control = ControlReader.of_environment()
_run_once = export_activities.run_step
_build_services = exports.wiring.build_services


def _run_as_controlled(provide: Any, step: Callable[..., Any], command: Any, payload: Any) -> Any:
    once = partial(_run_once, provide, step, command, payload)
    match _control().delivery:
        case Delivery.TWICE:
            once()
            return once()
        case Delivery.TWICE_AT_ONCE:
            return _first_result([_in_background(once), _in_background(once)])
    return once()


def _first_result(runs: list[Future[Any]]) -> Any:
    """Return the result of the run that ends first. The other one continues during the orchestration's next step."""
    done, _ = wait(runs, return_when=FIRST_COMPLETED)
    return done.pop().result()


def _in_background(work: Callable[[], Any]) -> Future[Any]:
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _build_shifted_services(settings: Any) -> Services:
    return dataclasses.replace(_build_services(settings), now=_now)


def _now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=_control().clock_seconds)


export_activities.run_step = _run_as_controlled
exports.wiring.build_services = _build_shifted_services
exports.settings.RetryPolicy = partial(  # type: ignore[attr-defined, assignment]
    RetryPolicy, first_pause_seconds=0.2, longest_pause_seconds=2.0, patience_seconds=1.0
)
if not os.environ.get(USED):  # on devhost's own engine, a dead host delays nothing
    exports.settings.DEAD_HOST_TIME = timedelta()  # type: ignore[attr-defined]
shared.storage._BLOB_OPTIONS["read_timeout"] = STORAGE_TIMEOUT_SECONDS
shared.storage._TABLE_OPTIONS["read_timeout"] = STORAGE_TIMEOUT_SECONDS
plant(_control().planted)
app = load_real_app()
