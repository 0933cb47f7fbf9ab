"""Prove the file of a job complete, then publish it: what `commit_file` does before it ends the job."""

from __future__ import annotations

from collections.abc import Sequence

from exports.errors import FileChangedError, FileMismatchError
from exports.file.manifest import ManifestDto, make_manifest
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.cost import Cost, cost_of, total
from exports.jobs.job import Job
from exports.ports.files import FileState
from exports.services import Services
from exports.steps.fencing import change_running, find_running
from exports.steps.finalize.prove_clients import prove_clients
from exports.steps.pages.plan_cache import load_plan
from exports.workflow.commands import CommitFile
from exports.workflow.outcomes import PagesLost, Stopped
from shared.metering import current_meter

_NOTHING = FileState()


def publish_file(services: Services, command: CommitFile) -> Job | PagesLost | Stopped:
    """Publish the file in one atomic act, if everything that is known about it agrees, and store the proof.

    Four witnesses must agree: what the orchestration counted, the ledger of pages, the blocks that storage holds, and
    the plan, whose key ranges must tile the key space.

    As a rule nothing is published yet and every block is staged. Storage itself sees to both when it is told to
    publish: it refuses, and nothing is changed, if there is a file or a block is missing. Only then is it asked what
    there is.

    Safe to run twice, and by an attempt that another one has taken over from: a file that consists of exactly the
    blocks of the ledger is not committed again, whoever has published it; and what is published must still be what was
    seen before the job was, so one that was held up in between publishes nothing over what came after.

    Args:
        command: Pages, rows and bytes the orchestration counted.

    Returns:
        The job, as it was seen before its file was published; `Stopped`, nothing published; or `PagesLost`, nothing
        published, if records or blocks are gone: such as blocks dropped by a commit of an earlier attempt that came
        late. Those pages are forgotten, to be read again.

    Raises:
        FileMismatchError: They do not agree; nothing was published.
        StorageUnavailableError, FileChangedError: Can be tried again.
    """
    job = find_running(services, command.job)
    if job is None:
        return Stopped()
    plan = _prove_plan(services, command)
    records = list(services.pages.records(command.job))
    if len(records) >= command.pages:
        try:
            return _prove_and_publish(services, command, job, plan, records)
        except (FileChangedError, FileMismatchError):
            pass  # an earlier try, or attempt, has published; or blocks or records are not as they should be
    return _look_and_publish(services, command, job.file_path, plan)


def _look_and_publish(services: Services, command: CommitFile, path: str, plan: PagePlan) -> Job | PagesLost | Stopped:
    """Publish over what there is. It is looked at before the job is: so what came after this attempt stays."""
    file = services.files.get_state(path)
    records = list(services.pages.records(command.job))
    lost = _lost_pages(command, file, records)
    if lost:
        return _forget(services, command, records, lost)
    job = find_running(services, command.job)
    if job is None:
        return Stopped()
    return _prove_and_publish(services, command, job, plan, records, file)


def _prove_and_publish(
    services: Services,
    command: CommitFile,
    job: Job,
    plan: PagePlan,
    records: Sequence[PageRecord],
    file: FileState = _NOTHING,
) -> Job:
    _prove_sums(command, records)
    manifest = _prove_tiling(job, plan, records)
    manifest = manifest.model_copy(update=prove_clients(services, job, plan, records))
    _publish(services, job, file, manifest, records)
    proof = manifest.model_copy(update={"cost": _cost_until_now(command)})
    services.files.save_manifest(command.job, proof.model_dump_json(by_alias=True).encode())
    return job


def _prove_plan(services: Services, command: CommitFile) -> PagePlan:
    plan = load_plan(services, command.job)
    if plan.pages != command.pages:
        raise FileMismatchError("The pages of the file are not those that were planned.")
    return plan


def _lost_pages(command: CommitFile, file: FileState, records: Sequence[PageRecord]) -> list[int]:
    """Pages without a record, or whose block storage no longer holds."""
    blocks = file.blocks
    held = {record.page for record in records if not record.block or blocks.get(record.block) == record.bytes}
    return [page for page in range(command.pages) if page not in held]


def _forget(
    services: Services, command: CommitFile, records: Sequence[PageRecord], lost: list[int]
) -> PagesLost | Stopped:
    """Forget lost pages, so that they are read again. Sums them up first: progress must not fall."""
    if change_running(services, command.job, lambda job: job.settle(command.pages, command.rows)) is None:
        return Stopped()
    for page in lost:
        services.pages.forget(command.job, page)
    before = [record for record in records if record.page < lost[0]]
    return PagesLost(
        next_page=lost[0], rows=sum(record.rows for record in before), bytes=sum(record.bytes for record in before)
    )


def _prove_sums(command: CommitFile, records: Sequence[PageRecord]) -> None:
    if len(records) != command.pages:
        raise FileMismatchError("There are records of pages that the file does not have.")
    if (
        sum(record.rows for record in records) != command.rows
        or sum(record.bytes for record in records) != command.bytes
    ):
        raise FileMismatchError("The pages of the file do not add up to the clients that were counted.")


def _prove_tiling(job: Job, plan: PagePlan, records: Sequence[PageRecord]) -> ManifestDto:
    manifest = make_manifest(job, plan, records)
    if not manifest.tiles:
        raise FileMismatchError("The pages of the file do not cover every client exactly once.")
    return manifest


def _cost_until_now(command: CommitFile) -> Cost | None:
    """What the steps before have asked for, and this one up to now; None if an older version has not counted."""
    meter = current_meter()
    return total(command.cost, cost_of(meter)) if command.cost and meter else command.cost


def _facts(manifest: ManifestDto) -> dict[str, str]:
    """What the file itself tells about itself, wherever it is copied to with its metadata."""
    metadata = {"job": manifest.code, "rows": str(manifest.rows), "crc32": manifest.crc32}
    return {name: fact for name, fact in metadata.items() if fact is not None}


def _publish(
    services: Services, job: Job, file: FileState, manifest: ManifestDto, records: Sequence[PageRecord]
) -> None:
    """Commit, unless the file is exactly this already; then see that it is.

    Raises:
        FileChangedError: What is published is not what was seen, or a block is gone; nothing was changed.
    """
    blocks = tuple((record.block, record.bytes) for record in records if record.block)
    if file.version is not None and file.published == blocks:
        return
    version = services.files.commit(
        job.file_path, [block for block, _ in blocks], _facts(manifest), if_match=file.version
    )
    found = services.files.get_state(job.file_path)
    if found.version == version and found.published != blocks:
        services.files.discard(job.file_path, version)
        raise FileMismatchError("The published file did not consist of its blocks and was removed.")
