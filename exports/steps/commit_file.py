"""Step: prove the file complete, then publish it."""

from __future__ import annotations

from exports.errors import FileMismatchError
from exports.jobs import Job
from exports.manifest import make_manifest
from exports.page_plan import PagePlan
from exports.payloads import CommitFile, Done, Stopped
from exports.ports import PageRecord
from exports.services import Services
from exports.steps.running import find_running


def commit_file(services: Services, order: CommitFile) -> Done | Stopped:
    """Publish the file in one atomic act, if everything that is known about it agrees, and store the proof.

    Three witnesses must agree: what the orchestration counted, the ledger of pages, and the blocks that storage
    holds. Safe to run twice: a file that is already there with the right size is not committed again.

    Args:
        order: Pages, rows and bytes the orchestration counted.

    Raises:
        FileMismatchError: They do not agree; nothing was published.
        StorageUnavailableError: Can be tried again.
    """
    job = find_running(services, order.job)
    if job is None:
        return Stopped()
    records = list(services.pages.records(order.job))
    _prove_ledger(order, records)
    if services.files.size_bytes(job.file_path) != order.bytes:
        _prove_blocks(services, job, records)
        services.files.commit(job.file_path, [record.block for record in records if record.block])
        _prove_file(services, job, order)
    plan = PagePlan.model_validate_json(services.files.load_plan(order.job))
    manifest = make_manifest(job, plan, records)
    services.files.save_manifest(order.job, manifest.model_dump_json(by_alias=True).encode())
    return Done()


def _prove_ledger(order: CommitFile, records: list[PageRecord]) -> None:
    pages = [record.page for record in records]
    if pages != list(range(order.pages)):
        raise FileMismatchError("Some pages of the file have no record.")
    if sum(record.rows for record in records) != order.rows or sum(record.bytes for record in records) != order.bytes:
        raise FileMismatchError("The pages of the file do not add up to the clients that were counted.")


def _prove_blocks(services: Services, job: Job, records: list[PageRecord]) -> None:
    staged = services.files.staged(job.file_path)
    if any(staged.get(record.block) != record.bytes for record in records if record.block):
        raise FileMismatchError("Storage no longer holds every block of the file.")


def _prove_file(services: Services, job: Job, order: CommitFile) -> None:
    if services.files.size_bytes(job.file_path) != order.bytes:
        services.files.delete(job.file_path)
        raise FileMismatchError("The published file did not have the size of its blocks and was removed.")
