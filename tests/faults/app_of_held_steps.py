"""The real function app, in which one step can be held exactly before its effect.

The folder HELD_STEPS says which: a file `start`, `page` or `commit` holds the first step that comes to that effect, and
is renamed to `….held`. A held start ends its process, as kill -9 does; the others go on when the file is removed.
The patience with a source that throttles is cut, below which no job counts as stalled.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import exports.settings
from exports.adapters.storage.files import BlobFileStore
from exports.steps import orchestrations
from shared.retry_policy import RetryPolicy
from tests.faults.real_app import load_real_app

_FOLDER = Path(os.environ["HELD_STEPS"])


def _is_to_be_held(what: str) -> Path | None:
    """Claim the file; of several steps at once one gets it."""
    held = _FOLDER / f"{what}.held"
    try:
        (_FOLDER / what).rename(held)
    except FileNotFoundError:
        return None
    return held


def _holding(what: str, effect: Callable[..., Any]) -> Callable[..., Any]:
    def act(*args: Any, **named: Any) -> Any:
        held = _is_to_be_held(what)
        while held is not None and held.exists():
            time.sleep(0.02)
        try:
            return effect(*args, **named)
        finally:
            if held is not None:
                (_FOLDER / f"{what}.over").touch()

    return act


def _dying(effect: Callable[..., Any]) -> Callable[..., Any]:
    async def act(*args: Any, **named: Any) -> Any:
        if _is_to_be_held("start") is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return await effect(*args, **named)

    return act


BlobFileStore.stage = _holding("page", BlobFileStore.stage)  # type: ignore[method-assign]
BlobFileStore.commit = _holding("commit", BlobFileStore.commit)  # type: ignore[method-assign]
orchestrations.start_orchestration = _dying(orchestrations.start_orchestration)
exports.settings.RetryPolicy = partial(RetryPolicy, patience_seconds=0.5)  # type: ignore[attr-defined, assignment]
app = load_real_app()
