"""The real function app, in which a test can hold a step exactly before its effect.

A file `start`, `page` or `commit` in the folder HELD_STEPS holds the first step that reaches this effect. The step
renames the file to `….held`. A held start then kills its process; the others continue when the test deletes the file.
Tries of a throttled source end early and a dead host costs nothing, because until then no job counts as stalled.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import exports.settings
from exports.adapters.storage.files import BlobFileStore
from exports.steps import orchestrations
from shared.retry_policy import RetryPolicy
from tests.faults.real_app import load_real_app

_FOLDER = Path(os.environ["HELD_STEPS"])


def _claim_hold(effect: str) -> Path | None:
    """Claim the file of an effect and return its new path; None if there is none, or another step was faster."""
    held = _FOLDER / f"{effect}.held"
    try:
        (_FOLDER / effect).rename(held)
    except FileNotFoundError:
        return None
    return held


def _holding(name: str, effect: Callable[..., Any]) -> Callable[..., Any]:
    def act(*args: Any, **named: Any) -> Any:
        held = _claim_hold(name)
        while held is not None and held.exists():
            time.sleep(0.02)
        try:
            return effect(*args, **named)
        finally:
            if held is not None:
                (_FOLDER / f"{name}.over").touch()

    return act


def _dying(effect: Callable[..., Any]) -> Callable[..., Any]:
    async def act(*args: Any, **named: Any) -> Any:
        if _claim_hold("start") is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return await effect(*args, **named)

    return act


BlobFileStore.stage = _holding("page", BlobFileStore.stage)  # type: ignore[method-assign]
BlobFileStore.commit = _holding("commit", BlobFileStore.commit)  # type: ignore[method-assign]
orchestrations.start_orchestration = _dying(orchestrations.start_orchestration)
exports.settings.DEAD_HOST_TIME = timedelta()  # type: ignore[attr-defined]
exports.settings.RetryPolicy = partial(RetryPolicy, patience_seconds=0.5)  # type: ignore[attr-defined, assignment]
app = load_real_app()
