"""The real function app, but with the faults in pages that the file BAD_PAGES describes.

`{"throttle": n}`: the source throttles the first n tries of pages. `{"poison": [tenant, page]}`: this page kills the
worker that writes it, as the kernel does when memory runs out. Every try of a page is recorded in a file next to
BAD_PAGES.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from exports.errors import SourceThrottledError
from exports.services import Services
from exports.steps.pages import write_page as step
from exports.steps.small_jobs import plan_or_export as small_jobs
from exports.workflow.commands import WritePage
from tests.faults.real_app import load_real_app

_write, _render = step.write_page, step.render_page


def _write_with_faults(services: Services, command: WritePage) -> Any:
    _meet_faults(command)
    return _write(services, command)


def _render_with_faults(services: Services, command: WritePage, *rest: Any) -> Any:
    _meet_faults(command)
    return _render(services, command, *rest)


def _meet_faults(command: WritePage) -> None:
    faults = json.loads(Path(os.environ["BAD_PAGES"]).read_text())
    tries = _record_try(command)
    if tries <= faults.get("throttle", 0):
        raise SourceThrottledError("The client database has no room now: too many connections or requests at once.")
    if [command.job.tenant, command.page] == faults.get("poison"):
        os.kill(os.getpid(), signal.SIGKILL)


def _record_try(command: WritePage) -> int:
    """Record a try of a page; return the number of tries so far."""
    with Path(f"{os.environ['BAD_PAGES']}.tries").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps({"at": time.time(), "tenant": command.job.tenant, "page": command.page}) + "\n")
        file.flush()
        file.seek(0)
        return len(file.readlines())


step.write_page = _write_with_faults
small_jobs.render_page = _render_with_faults  # type: ignore[assignment,attr-defined]
app = load_real_app()
