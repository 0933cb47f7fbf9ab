"""The real function app, for runs in which everything goes wrong: steps run twice, clocks jump, pauses are short.

What is changed is listed here, and nothing else is: the pauses between tries and the patience with storage are cut, so
that a run lasts seconds; the clock of the steps follows the control file; activities are delivered as it says.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import exports.settings
import exports.wiring
import shared.storage
from exports.services import Services
from exports.triggers import activities as export_activities
from shared.retry_policy import RetryPolicy
from tests.chaos.control import ControlReader
from tests.chaos.planted import plant
from tests.chaos.schedule import Doubling
from tests.faults.real_app import load_real_app

STORAGE_PATIENCE_SECONDS = 2
_told = ControlReader.of_environment()
_run_once = export_activities.run_step
_build_services = exports.wiring.build_services


def _run_as_told(provide: Any, step: Callable[..., Any], command: Any, payload: Any) -> Any:
    once = partial(_run_once, provide, step, command, payload)
    match _told().doubling:
        case Doubling.TWICE:
            once()
            return once()
        case Doubling.TWICE_AT_ONCE:
            return _first_of([_aside(once), _aside(once)])
    return once()


def _first_of(runs: list[Future[Any]]) -> Any:
    """The outcome of the first; the other runs on, though the orchestration takes its next step."""
    done, _ = wait(runs, return_when=FIRST_COMPLETED)
    return done.pop().result()


def _aside(work: Callable[[], Any]) -> Future[Any]:
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
    return datetime.now(UTC) + timedelta(seconds=_told().clock_seconds)


export_activities.run_step = _run_as_told
exports.wiring.build_services = _build_shifted_services
exports.settings.RetryPolicy = partial(  # type: ignore[attr-defined, assignment]
    RetryPolicy, first_pause_seconds=0.2, longest_pause_seconds=2.0
)
shared.storage._BLOB_OPTIONS["read_timeout"] = STORAGE_PATIENCE_SECONDS
shared.storage._TABLE_OPTIONS["read_timeout"] = STORAGE_PATIENCE_SECONDS
plant(_told().planted)
app = load_real_app()
