"""Verifies that the file of a job is complete and publishes it, before `commit_file` ends the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exports.errors import FileChangedError, FileMismatchError, PermanentError
from exports.file.frame import Frame, in_file_order
from exports.file.manifest import ManifestChanges, ManifestDto, make_manifest
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.cost import Cost, cost_of, total
from exports.jobs.job import Job
from exports.ports.files import FileState
from exports.services import Services
from exports.steps.fencing import change_running, find_running
from exports.steps.finalize.find_changes import find_changes
from exports.steps.finalize.frames import frames_of, in_one, stage_frames
from exports.steps.finalize.prove_clients import ClientsProof, prove_clients
from exports.steps.pages.plan_cache import load_plan
from exports.steps.pages.same_source import require_not_replaced
from exports.workflow.commands import CommitFile
from exports.workflow.outcomes import PagesLost, Stopped
from shared.metering import current_meter

_NO_FILE = FileState()


def publish_file(services: Services, command: CommitFile) -> Job | PagesLost | Stopped:
    """Publish the file in one atomic operation, if all the evidence agrees, and store its manifest.

    Five sources must agree: the counts of the orchestration, the ledger of pages, the blocks that storage holds, the
    plan, whose key ranges must tile the key space, and the database, which must sort the codes of the pages as the
    plan does (`prove_clients`).

    Normally no file is published yet and every block is staged, so the first try commits without reading the state of
    the file. Storage refuses this commit, and changes nothing, if a file exists or a block is missing. Only then does
    the step read the state.

    Safe to run twice, and by an attempt that a later one has replaced. A file that consists of exactly the blocks of
    the ledger is not committed again (unless it is empty), whichever attempt published it. Otherwise the state of the
    file is read before the job, and the commit names that version. So a step that is delayed in between cannot
    overwrite the file of a later attempt.

    Args:
        command: The pages, rows and bytes that the orchestration counted.

    Returns:
        The job as it was read before its file was published, with the size of the file and the columns that the view
        lacks. `Stopped`, and nothing was published, if the attempt no longer runs. `PagesLost`, and nothing was
        published, if records or blocks are missing, for example because a late commit of an earlier attempt dropped
        blocks. The records of those pages are removed, so that the pages are read again.

    Raises:
        FileMismatchError, KeyOrderError, RowCountError: The evidence does not agree; nothing was published.
        TooManyRemovedError, SourceMismatchError: `find_changes` cannot list the clients to remove.
        SourceReplacedError: The source has other data than the pages, so it cannot prove them.
        StorageUnavailableError, SourceUnavailableError, FileChangedError: Can be tried again.
    """
    job = find_running(services, command.job)
    if job is None:
        return Stopped()
    return publish_pages(services, command, job, list(services.pages.records(command.job)))


def publish_pages(
    services: Services, command: CommitFile, job: Job, records: Sequence[PageRecord]
) -> Job | PagesLost | Stopped:
    """Do what `publish_file` does, for a caller that has read the running job and the records just before."""
    plan = _prove_plan(services, command)
    if len(records) >= command.pages:
        try:
            return _prove_and_publish(services, command, job, plan, records)
        except (FileChangedError, FileMismatchError):
            pass  # an earlier try or attempt has published the file, or blocks or records are missing or wrong
    return _check_and_publish(services, command, job.file_path, plan)


def publish_bytes(
    services: Services, command: CommitFile, job: Job, plan: PagePlan, record: PageRecord, data: list[bytes]
) -> Job:
    """Publish a file of one page at once, without staging its block, and store its manifest.

    The plan and the record need not be stored: they are those of the caller, who has just read the page.

    Returns:
        The job, with the size of the file and the columns that the view lacks.

    Raises:
        FileChangedError: A file, or a manifest of this attempt, exists already.
        PermanentError, TransientError: As `publish_file`.
    """
    manifest, frames = _prove(services, command, job, plan, [record])
    services.files.publish(job.file_path, in_one(data, frames), _metadata_of(manifest))
    _save_manifest(services, command, manifest, replace=False)
    return replace(job, file_bytes=manifest.bytes, absent_columns=plan.lacking)


def publish_records(
    services: Services, command: CommitFile, job: Job, plan: PagePlan, records: Sequence[PageRecord]
) -> Job | Stopped:
    """Do what `publish_file` does, for a caller that has written every page itself and stored neither plan nor records.

    A file that is published already is of an earlier attempt, and is replaced.

    Raises:
        As `publish_file`.
    """
    try:
        return _prove_and_publish(services, command, job, plan, records)
    except FileChangedError:
        file = services.files.get_state(job.file_path)
    running = find_running(services, command.job)
    return Stopped() if running is None else _prove_and_publish(services, command, running, plan, records, file)


def _check_and_publish(services: Services, command: CommitFile, path: str, plan: PagePlan) -> Job | PagesLost | Stopped:
    """Check the state of the file, then publish. Never overwrites the file of a later attempt.

    The state is read before the job: if a later attempt publishes after that, the version has moved on.
    """
    file = services.files.get_state(path)
    records = list(services.pages.records(command.job))
    lost = _lost_pages(command, file, records)
    if lost:
        return _forget_pages(services, command, records, lost)
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
    file: FileState = _NO_FILE,
) -> Job:
    manifest, frames = _prove(services, command, job, plan, records)
    _publish(services, job, file, manifest, records, frames)
    _save_manifest(services, command, manifest)
    return replace(job, file_bytes=manifest.bytes, absent_columns=plan.lacking)


def _prove(
    services: Services, command: CommitFile, job: Job, plan: PagePlan, records: Sequence[PageRecord]
) -> tuple[ManifestDto, Sequence[Frame]]:
    """Compare the evidence. Return the manifest of the file, and its frames, which are not staged yet."""
    _prove_sums(command, records)
    frames = frames_of(job, plan, records)
    manifest = _prove_tiling(job, plan, records, frames)
    proof, changes = _ask_source(services, job, plan, records)
    return manifest.model_copy(update={**proof, "changes": changes}), frames


def _ask_source(
    services: Services, job: Job, plan: PagePlan, records: Sequence[PageRecord]
) -> tuple[ClientsProof, ManifestChanges | None]:
    """Let the source prove the clients and name those to remove, and make sure that it still has the planned data.

    A source that is replaced meanwhile can look like any other fault, so it is looked for after each of them. A source
    that was asked nothing may have been replaced: the file is of one page, which was read from the planned data.
    """
    try:
        proof, changes = prove_clients(services, job, plan, records), find_changes(services, job)
    except PermanentError:
        require_not_replaced(services, plan.source_generation)
        raise
    if plan.pages > 1 or proof["recounted_rows"] is not None or changes is not None:
        require_not_replaced(services, plan.source_generation)
    return proof, changes


def _save_manifest(services: Services, command: CommitFile, manifest: ManifestDto, *, replace: bool = True) -> None:
    proof = manifest.model_copy(update={"cost": _cost_until_now(command)})
    services.files.save_manifest(command.job, proof.model_dump_json(by_alias=True).encode(), replace=replace)


def _prove_plan(services: Services, command: CommitFile) -> PagePlan:
    plan = load_plan(services, command.job)
    if plan.pages != command.pages:
        raise FileMismatchError("The pages of the file are not those that were planned.")
    return plan


def _lost_pages(command: CommitFile, file: FileState, records: Sequence[PageRecord]) -> list[int]:
    """List the pages that have no record, or whose block is missing from storage or has another size."""
    blocks = file.blocks
    held = {record.page for record in records if not record.block or blocks.get(record.block) == record.bytes}
    return [page for page in range(command.pages) if page not in held]


def _forget_pages(
    services: Services, command: CommitFile, records: Sequence[PageRecord], lost: list[int]
) -> PagesLost | Stopped:
    """Remove the records of lost pages, so that the pages are read again.

    First all pages are settled in the job's row, so that the progress that users see does not fall.
    """
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


def _prove_tiling(job: Job, plan: PagePlan, records: Sequence[PageRecord], frames: Sequence[Frame]) -> ManifestDto:
    manifest = make_manifest(job, plan, records, frames=frames)
    if not manifest.tiles:
        raise FileMismatchError("The pages of the file do not cover every client exactly once.")
    return manifest


def _cost_until_now(command: CommitFile) -> Cost | None:
    """Add up the cost of the earlier steps and of this one so far; None if an older version did not count it."""
    meter = current_meter()
    return total(command.cost, cost_of(meter)) if command.cost and meter else command.cost


def _metadata_of(manifest: ManifestDto) -> dict[str, str]:
    """Make the metadata of the blob, which stays with the file wherever it is copied."""
    metadata = {"job": manifest.code, "rows": str(manifest.rows), "crc32": manifest.crc32}
    return {name: value for name, value in metadata.items() if value is not None}


def _publish(
    services: Services,
    job: Job,
    file: FileState,
    manifest: ManifestDto,
    records: Sequence[PageRecord],
    frames: Sequence[Frame],
) -> None:
    """Stage the frames, commit them with the blocks of the records, and check the result.

    Does nothing if the file has exactly these blocks already. A file without blocks is always replaced: the store shows
    no blocks of a file that was published at once either, so its content is not known.

    Raises:
        FileMismatchError: The published file did not have the committed blocks, and was removed.
        FileChangedError: Another version is published, or a block is missing. Nothing was changed.
    """
    blocks = tuple((each.block, each.bytes) for each in in_file_order(records, frames) if each.block)
    if blocks and file.published == blocks:
        return
    stage_frames(services, job, frames)
    version = services.files.commit(
        job.file_path, [block for block, _ in blocks], _metadata_of(manifest), if_match=file.version
    )
    found = services.files.get_state(job.file_path)
    if found.version == version and found.published != blocks:
        services.files.discard(job.file_path, version)
        raise FileMismatchError("The published file did not consist of its blocks and was removed.")
