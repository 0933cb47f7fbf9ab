"""Two runs of the step that read different clients give one file, however their effects alternate."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest

from exports.file.manifest import ManifestDto
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.workflow.commands import PlanOrExport
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import some_clients, stored, two_columns
from tests.support.whole_jobs import TARGET_BYTES, a_watched_job, export_whole

_SECONDS = 10
EFFECTS = (
    ("files", "save_plan"),
    ("files", "publish"),
    ("files", "stage"),
    ("pages", "record"),
    ("files", "commit"),
    ("files", "get_state"),
    ("files", "save_manifest"),
    ("watch", "add_due"),
    ("watch", "unwatch"),
)
FIRST_RUN = 6
"""The effects of a run that nobody disturbs: begin, publish, manifest, complete, due action, end of the watch."""

LATER_RUN = 14
"""At least as many effects as a later run and the steps after it have."""


class _Pauses:
    """Lets the first run pause before one of its effects until the later run comes to one of its own effects."""

    def __init__(self, pause_first: int, resume_first: int) -> None:
        self._pause_first, self._resume_first = pause_first, resume_first
        self._done = {"first": 0, "later": 0}
        self.first_pauses, self.first_may_go_on, self.first_has_ended = (threading.Event() for _ in range(3))

    def before_effect(self) -> None:
        name = threading.current_thread().name
        number = self._done[name]
        self._done[name] += 1
        if name == "first" and number == self._pause_first:
            self.first_pauses.set()
            assert self.first_may_go_on.wait(_SECONDS)
        if name == "later" and number == self._resume_first:
            self.let_first_end()

    def let_first_end(self) -> None:
        self.first_may_go_on.set()
        assert self.first_has_ended.wait(_SECONDS)


def _watch_effects(services: MemoryServices, pauses: _Pauses) -> None:
    def watched(effect: Any) -> Any:
        def act(*arguments: Any, **named: Any) -> Any:
            pauses.before_effect()
            return effect(*arguments, **named)

        return act

    services.jobs.before_write = pauses.before_effect
    for port, method in EFFECTS:
        target = getattr(services, port)
        setattr(target, method, watched(getattr(target, method)))


@contextmanager
def _running(name: str, act: Any) -> Iterator[None]:
    """Run a function in a thread of this name, and raise its error at the end."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name=name)
    thread.start()
    yield
    thread.join(_SECONDS)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def _assert_agree(services: MemoryServices, job: Job) -> None:
    """The file, its manifest and the job's row are of the same clients."""
    now = stored(services, job)
    file = services.files.read(job.file_path)
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(now.ref))
    assert now.status is JobStatus.COMPLETED
    assert file is not None
    assert (now.total_items, now.file_bytes) == (file.count(b"Client"), len(file))
    assert (manifest.rows, manifest.bytes) == (now.total_items, now.file_bytes)
    assert services.watch.watched(10) == []


@pytest.mark.parametrize("clients_later", [6, 0])
@pytest.mark.parametrize(("pause_first", "resume_first"), [*product(range(FIRST_RUN), range(LATER_RUN))])
def test_a_late_run_that_read_other_clients_leaves_file_and_manifest_and_job_alike(
    pause_first: int, resume_first: int, clients_later: int
) -> None:
    services = a_services(some_clients(5))
    job = a_watched_job(services, spec=two_columns(include_headers=False))
    pauses = _Pauses(pause_first, resume_first)
    _watch_effects(services, pauses)

    def first() -> None:
        plan_or_export(services, PlanOrExport(job=job.ref, target_bytes=TARGET_BYTES))
        pauses.first_has_ended.set()

    def later() -> None:
        export_whole(services, job)
        pauses.let_first_end()

    with _running("first", first):
        assert pauses.first_pauses.wait(_SECONDS)
        services.clients.clients = some_clients(clients_later)
        with _running("later", later):
            pass
    _assert_agree(services, job)
