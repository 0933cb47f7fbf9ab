"""Step: prove the file complete, then publish it."""

from __future__ import annotations

from exports.errors import FileMismatchError
from exports.jobs import Job
from exports.manifest import ManifestDto, make_manifest
from exports.page_plan import PagePlan
from exports.payloads import CommitFile, Done, Stopped
from exports.ports import PageRecord
from exports.services import Services
from exports.steps.running import find_running


def commit_file(services: Services, order: CommitFile) -> Done | Stopped:
    """Publish the file in one atomic act, if everything that is known about it agrees, and store the proof.

    Four witnesses must agree: what the orchestration counted, the ledger of pages, the blocks that storage holds, and
    the plan, whose key ranges must tile the key space. Safe to run twice: a file that is already there with the right
    size and the same facts is not committed again.

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
    manifest = _prove_tiling(services, job, order, records)
    if not _is_published(services, job, manifest):
        _prove_blocks(services, job, records)
        blocks = [record.block for record in records if record.block]
        services.files.commit(job.file_path, blocks, _facts(manifest))
        _prove_file(services, job, order)
    services.files.save_manifest(order.job, manifest.model_dump_json(by_alias=True).encode())
    return Done()


def _prove_ledger(order: CommitFile, records: list[PageRecord]) -> None:
    pages = [record.page for record in records]
    if pages != list(range(order.pages)):
        raise FileMismatchError("Some pages of the file have no record.")
    if sum(record.rows for record in records) != order.rows or sum(record.bytes for record in records) != order.bytes:
        raise FileMismatchError("The pages of the file do not add up to the clients that were counted.")


def _prove_tiling(services: Services, job: Job, order: CommitFile, records: list[PageRecord]) -> ManifestDto:
    plan = PagePlan.model_validate_json(services.files.load_plan(order.job))
    if plan.pages == order.pages:
        manifest = make_manifest(job, plan, records)
        if manifest.tiles:
            return manifest
    raise FileMismatchError("The pages of the file do not cover every client exactly once.")


def _is_published(services: Services, job: Job, manifest: ManifestDto) -> bool:
    """The size alone may be that of a file of an earlier attempt, of whose pages some were read again since."""
    if services.files.size_bytes(job.file_path) != manifest.bytes:
        return False
    return services.files.facts(job.file_path) == _facts(manifest)


def _facts(manifest: ManifestDto) -> dict[str, str]:
    """What the file itself tells about itself, wherever it is copied to with its metadata."""
    facts = {"job": manifest.code, "rows": str(manifest.rows), "crc32": manifest.crc32}
    return {name: fact for name, fact in facts.items() if fact is not None}


def _prove_blocks(services: Services, job: Job, records: list[PageRecord]) -> None:
    staged = services.files.staged(job.file_path)
    if any(staged.get(record.block) != record.bytes for record in records if record.block):
        raise FileMismatchError("Storage no longer holds every block of the file.")


def _prove_file(services: Services, job: Job, order: CommitFile) -> None:
    if services.files.size_bytes(job.file_path) != order.bytes:
        services.files.delete(job.file_path)
        raise FileMismatchError("The published file did not have the size of its blocks and was removed.")
