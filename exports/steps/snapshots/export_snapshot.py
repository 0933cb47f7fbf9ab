"""Step: read all clients of a job in one snapshot of the client database, publish the file and end the job."""

from __future__ import annotations

from dataclasses import replace

from exports.errors import StorageUnavailableError
from exports.jobs.cost import Cost
from exports.jobs.job import Job
from exports.jobs.snapshot import TakenSnapshot
from exports.ports.clients import ClientSnapshot
from exports.services import Services
from exports.steps.fencing import change_running, find_running
from exports.steps.finalize.commit_file import commit_records, finalize_if_completed
from exports.steps.pages.plan_pages import draw_plan
from exports.steps.snapshots.snapshot_pages import JobStoppedError, SnapshotWatch, write_pages
from exports.workflow.commands import CommitFile, ExportSnapshot
from exports.workflow.outcomes import Done, SnapshotLost, Stopped


def export_snapshot(services: Services, command: ExportSnapshot) -> Done | SnapshotLost | Stopped:
    """Take a snapshot of the clients, and do all the work of a job in it.

    The step plans the pages, stages them and proves them as the steps of other jobs do, but reads everything in the
    snapshot. It keeps plan and records in memory: a snapshot ends with the process that holds it, so no other run could
    use them. Pages of two snapshots never mix, because a file is committed from the records of one run alone.

    Each attempt of a job reads one snapshot. The job's row says that the attempt has begun to read, before anything is
    staged. A run that finds this reads nothing: the run before it was interrupted, failed, or still reads. Then a new
    attempt begins, and the fence of attempts keeps the earlier run from publishing or ending the job.

    Returns:
        Done, with `ended`, if the job is completed. `SnapshotLost`: see above. `Stopped`, if the attempt no longer
        runs.

    Raises:
        SourceThrottledError: Too many snapshots are held, or the source has no room; can be tried again later.
        TransientError: Can be tried again, and then begins again in a new snapshot.
        SnapshotTimeError: The time for a snapshot is over. Cannot be tried again.
        PermanentError: Cannot be tried again.
    """
    job = find_running(services, command.job)
    if job is None:
        return finalize_if_completed(services, command.job) or Stopped()
    if job.own_snapshot:
        return SnapshotLost(retries=job.retries)
    with services.snapshots.place_for(job.tenant), services.clients.open_snapshot() as snapshot:
        began = _begin(services, job, snapshot)
        if not isinstance(began, Job):
            return began
        try:
            return _export(replace(services, clients=snapshot.clients), command, began, snapshot.readers)
        except JobStoppedError:
            return Stopped()


def _begin(services: Services, job: Job, snapshot: ClientSnapshot) -> Job | SnapshotLost | Stopped:
    """Record that this attempt reads the snapshot, unless another run of it has recorded its own."""
    taken = TakenSnapshot(moment=snapshot.moment, token=snapshot.token, attempt=job.attempt)
    has_begun = False

    def begin(job: Job) -> Job:
        nonlocal has_begun
        has_begun = job.own_snapshot is not None
        return job if has_begun else job.begin_snapshot(services.now(), taken)

    begun = change_running(services, job.ref, begin, job)
    if begun is None:
        return Stopped()
    return SnapshotLost(retries=begun.retries) if has_begun else begun


def _export(services: Services, command: ExportSnapshot, job: Job, readers: int) -> Done | Stopped:
    """Do the work. `services` reads clients in the snapshot only."""
    watch = SnapshotWatch(services, job)
    plan = draw_plan(services, job, command.target_bytes, check=watch.check)
    watch.planned(plan)
    records = write_pages(services, watch, plan, readers)
    commit = CommitFile(
        job=command.job,
        pages=plan.pages,
        rows=sum(record.rows for record in records),
        bytes=sum(record.bytes for record in records),
        cost=Cost(),
    )
    done = commit_records(services, commit, watch.check(), plan, records)
    if isinstance(done, Done) and not done.ended:
        if find_running(services, command.job) is not None:
            raise StorageUnavailableError("The end of the export could not be stored.")
        return finalize_if_completed(services, command.job) or Stopped()
    return done if isinstance(done, Done) else Stopped()
