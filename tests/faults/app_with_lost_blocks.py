"""The real function app, but a job loses all its staged blocks before its first commit, as a late discard causes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exports.steps.finalize.cleanup import discard_file_of
from exports.triggers import activities as export_activities
from exports.workflow.commands import CommitFile
from tests.faults.real_app import load_real_app

_run = export_activities.run_step


def _run_after_a_loss(provide: Any, step: Callable[..., Any], command: Any, payload: Any) -> Any:
    if command is CommitFile:
        services, ref = provide(), CommitFile.model_validate(payload["order"]).job
        job = services.jobs.get(ref.tenant, ref.code)
        records = list(services.pages.records(ref))
        if job.settled_pages < len(records):  # false after the first commit, which settles all pages it finds lost
            discard_file_of(services, job)
    return _run(provide, step, command, payload)


export_activities.run_step = _run_after_a_loss
app = load_real_app()
