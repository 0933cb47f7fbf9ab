"""The contract of `FileStore` for manifests and for discarding files, tested on the fake and on the real adapter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from azure.core.exceptions import ResourceNotFoundError

from exports.adapters.storage.files import BlobFileStore
from exports.errors import FileChangedError, StorageUnavailableError
from exports.file.block_ids import block_id, digest
from exports.jobs.job import JobRef
from exports.ports.files import FileStore
from shared.storage import StorageAccount
from tests.support.builders import a_job

JOB = a_job(tenant="tenant", file_name="clients.csv")
PATH = JOB.file_path
ONE, TWO = (block_id(page, digest(b"")) for page in (1, 2))


def _stage(files: FileStore) -> None:
    files.stage(PATH, ONE, b"one,")
    files.stage(PATH, TWO, b"two,")


def _publish(files: FileStore) -> None:
    _stage(files)
    files.commit(PATH, [ONE, TWO])


def _publish_and_stage_more(files: FileStore) -> None:
    _publish(files)
    files.stage(PATH, ONE, b"late,")


def _nothing(files: FileStore) -> None:
    files.check()


def _discard(files: FileStore) -> None:
    files.discard(PATH, files.get_state(PATH).version)


every_state_of_a_file = pytest.mark.parametrize(
    "leave", [_nothing, _stage, _publish, _publish_and_stage_more], ids=["nothing", "staged", "published", "both"]
)


# --- discarding ---


@every_state_of_a_file
def test_a_discarded_file_leaves_neither_bytes_nor_blocks(files: FileStore, leave: Callable[[FileStore], None]) -> None:
    leave(files)
    _discard(files)
    assert (files.size_bytes(PATH), files.staged(PATH)) == (None, {})


@every_state_of_a_file
def test_discarding_twice_does_no_harm(files: FileStore, leave: Callable[[FileStore], None]) -> None:
    leave(files)
    _discard(files)
    _discard(files)
    assert (files.size_bytes(PATH), files.staged(PATH)) == (None, {})


@every_state_of_a_file
def test_storage_lists_no_blob_of_a_discarded_file_not_even_an_uncommitted_one(
    blob_files: BlobFileStore, account: StorageAccount, leave: Callable[[FileStore], None]
) -> None:
    leave(blob_files)
    _discard(blob_files)
    container = account.blobs.get_container_client(blob_files._name)
    assert [blob.name for blob in container.list_blobs(include=["uncommittedblobs"])] == []


def test_a_discarded_file_can_be_written_again(files: FileStore) -> None:
    _publish_and_stage_more(files)
    _discard(files)
    files.stage(PATH, TWO, b"again")
    files.commit(PATH, [TWO])
    assert files.size_bytes(PATH) == 5


@pytest.mark.parametrize("was_published", [False, True])
def test_a_file_published_after_its_state_was_read_is_not_discarded(files: FileStore, was_published: bool) -> None:
    _stage(files)
    version = files.commit(PATH, [TWO]) if was_published else None
    files.stage(PATH, ONE, b"one,")
    files.commit(PATH, [ONE, TWO] if was_published else [ONE], if_match=version)
    files.save_manifest(JOB.ref, b"{}")
    with pytest.raises(FileChangedError):
        files.discard(PATH, version)
    assert files.get_state(PATH).published
    assert files.load_manifest(JOB.ref) == b"{}"


def test_discarding_a_file_leaves_other_files_alone(files: FileStore) -> None:
    other = a_job(tenant="tenant").file_path
    files.stage(other, ONE, b"one,")
    files.commit(other, [ONE])
    files.stage(other, TWO, b"more")
    _publish(files)
    _discard(files)
    assert (files.size_bytes(other), files.staged(other)) == (4, {TWO: 4})


def test_discarding_a_file_removes_all_manifests_and_keeps_the_plan(
    blob_files: BlobFileStore, account: StorageAccount
) -> None:
    _publish(blob_files)
    blob_files.save_manifest(JOB.ref, b"{}")
    blob_files.save_manifest(JOB.ref.model_copy(update={"attempt": 2}), b"{}")
    blob_files.save_plan(JOB.ref, b"{}")
    _discard(blob_files)
    container = account.blobs.get_container_client(blob_files._name)
    assert [blob.name for blob in container.list_blobs()] == [JOB.ref.plan_path]


# --- manifests ---


def test_a_saved_manifest_is_loaded(files: FileStore) -> None:
    files.save_manifest(JOB.ref, b'{"rows": 1}')
    assert files.load_manifest(JOB.ref) == b'{"rows": 1}'


def test_a_manifest_that_is_saved_again_replaces_the_previous_one(files: FileStore) -> None:
    files.save_manifest(JOB.ref, b"longer than the second")
    files.save_manifest(JOB.ref, b"second")
    assert files.load_manifest(JOB.ref) == b"second"


def test_every_attempt_of_a_job_has_its_own_manifest(files: FileStore) -> None:
    later = JOB.ref.model_copy(update={"attempt": 2})
    files.save_manifest(later, b"later")
    files.save_manifest(JOB.ref, b"delayed")
    assert files.load_manifest(later) == b"later"


def test_every_job_of_every_tenant_has_its_own_manifest(files: FileStore) -> None:
    refs = [JOB.ref, a_job(tenant="tenant").ref, JOB.ref.model_copy(update={"tenant": "other"})]
    for number, ref in enumerate(refs):
        files.save_manifest(ref, str(number).encode())
    assert [files.load_manifest(ref) for ref in refs] == [b"0", b"1", b"2"]


def test_a_manifest_of_50_000_pages_is_read_back_completely(files: FileStore) -> None:
    document = bytes(range(256)) * 40_000
    files.save_manifest(JOB.ref, document)
    assert files.load_manifest(JOB.ref) == document


def test_a_missing_manifest_is_not_found(files: FileStore) -> None:
    with pytest.raises(ResourceNotFoundError):
        files.load_manifest(JOB.ref)


@pytest.mark.parametrize(
    "use",
    [
        lambda files, job: files.discard(PATH, None),
        lambda files, job: files.save_manifest(job, b"{}"),
        lambda files, job: files.load_manifest(job),
    ],
    ids=["discard", "save_manifest", "load_manifest"],
)
def test_an_unreachable_store_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[FileStore, JobRef], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(BlobFileStore(unreachable), JOB.ref)
