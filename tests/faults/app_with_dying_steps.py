"""The real function app, in which a test can kill the worker, or its host too, right before or after an effect.

A file in the folder DYING_STEPS names an effect, and its content the victim: `worker` or `host`. The first step that
reaches the effect removes the file and kills the victim.

The setting EXPORT_WAY says how small exports are published: `at-once`, however slow the machine is, or `step-by-step`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exports.adapters.storage.files import BlobFileStore
from exports.adapters.storage.jobs import TableJobStore
from exports.adapters.storage.pages import TablePageLedger
from exports.adapters.storage.watch import TableWatchIndex
from exports.errors import FileChangedError
from exports.steps.small_jobs import plan_or_export as small_jobs
from tests.faults.real_app import load_real_app

_FOLDER = Path(os.environ["DYING_STEPS"])
EFFECTS: tuple[tuple[type, str], ...] = (
    (BlobFileStore, "publish"),
    (BlobFileStore, "save_plan"),
    (BlobFileStore, "stage"),
    (TablePageLedger, "record"),
    (BlobFileStore, "commit"),
    (BlobFileStore, "save_manifest"),
    (TableWatchIndex, "add_due"),
    (TableWatchIndex, "unwatch"),
)


def _die_if_wanted(moment: str) -> None:
    order = _FOLDER / moment
    try:
        victim = order.read_text(encoding="utf-8")
        order.unlink()
    except FileNotFoundError:
        return
    if victim == "host":
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(name: str, effect: Callable[..., Any]) -> Callable[..., Any]:
    def act(*args: Any, **named: Any) -> Any:
        _die_if_wanted(f"before-{name}")
        result = effect(*args, **named)
        _die_if_wanted(f"after-{name}")
        return result

    return act


def _dying_at_the_end(change: Callable[..., Any]) -> Callable[..., Any]:
    """Die before or after the write that completes the job."""

    def act(store: Any, tenant: str, code: str, alter: Callable[..., Any], *rest: Any) -> Any:
        found = store.get(tenant, code)
        ends = found is not None and not found.status.is_terminal and alter(found).status.is_terminal
        return (_dying("complete", change) if ends else change)(store, tenant, code, alter, *rest)

    return act


def _refuse(*_: Any, **__: Any) -> None:
    raise FileChangedError("Storage refuses the request.")


if os.environ.get("EXPORT_WAY") == "step-by-step":
    BlobFileStore.publish = _refuse  # type: ignore[method-assign]
if os.environ.get("EXPORT_WAY") == "at-once":
    small_jobs._CHECK_INTERVAL_SECONDS = 3600.0
for owner, method in EFFECTS:
    setattr(owner, method, _dying(method, getattr(owner, method)))
TableJobStore.change = _dying_at_the_end(TableJobStore.change)  # type: ignore[method-assign]
app = load_real_app()
