"""The contract of `FileStore`, tested on the fake and on the real adapter."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from devhost.local.azurite import connection_string
from exports.adapters.storage.files import BlobFileStore
from exports.errors import FileChangedError, StorageUnavailableError
from exports.jobs.job import JobRef
from exports.ports.files import FileState, FileStore
from shared.storage import StorageAccount
from tests.contract.file_stores import ONE, PATH, THREE, TWO, Harness, publish, soon
from tests.support.builders import a_job
from tests.support.closed_port import closed_port
from tests.support.waiting import wait_until

# --- plans ---


def test_a_saved_plan_is_loaded(files: FileStore) -> None:
    job = a_job().ref
    assert files.save_plan(job, b"{}") == b"{}"
    assert files.load_plan(job) == b"{}"


def test_a_job_without_a_plan_has_none_to_find(files: FileStore) -> None:
    job = a_job().ref
    assert files.find_plan(job) is None
    files.save_plan(job, b"{}")
    assert files.find_plan(job) == b"{}"


def test_the_first_plan_of_a_job_is_kept(files: FileStore) -> None:
    job = a_job().ref
    files.save_plan(job, b"first")
    assert files.save_plan(job, b"second") == b"first"
    assert files.load_plan(job) == b"first"


def test_attempts_of_a_job_share_the_plan(files: FileStore) -> None:
    job = a_job().ref
    files.save_plan(job, b"first")
    assert files.load_plan(job.model_copy(update={"attempt": 2})) == b"first"


def test_concurrent_planners_all_get_the_plan_that_is_kept(files: FileStore) -> None:
    job = a_job().ref
    plans = [str(number).encode() for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        returned = set(pool.map(lambda plan: files.save_plan(job, plan), plans))
    assert returned == {files.load_plan(job)}


def test_a_renewed_plan_is_unchanged_and_a_missing_one_stays_missing(files: FileStore) -> None:
    job = a_job().ref
    files.renew_plan(job)
    assert files.find_plan(job) is None
    files.save_plan(job, b"{}")
    files.renew_plan(job)
    assert files.load_plan(job) == b"{}"


def test_a_renewed_plan_counts_as_changed_now(blob_files: BlobFileStore, account: StorageAccount) -> None:
    job = a_job().ref
    blob_files.save_plan(job, b"{}")
    plan = account.blobs.get_blob_client(blob_files._name, job.plan_path)
    saved = plan.get_blob_properties().last_modified

    def is_newer() -> bool:
        blob_files.renew_plan(job)
        return bool(plan.get_blob_properties().last_modified > saved)

    wait_until(is_newer, 30)


def test_a_plan_of_several_megabytes_is_read_back_completely(files: FileStore) -> None:
    job = a_job().ref
    plan = bytes(range(256)) * 20_000
    files.save_plan(job, plan)
    assert files.load_plan(job) == plan


# --- staging ---


def test_nothing_is_staged_at_first(files: FileStore) -> None:
    assert files.staged(PATH) == {}


def test_staged_blocks_are_listed_with_their_sizes(files: FileStore) -> None:
    files.stage(PATH, ONE, b"abc")
    files.stage(PATH, TWO, b"12345")
    assert files.staged(PATH) == {ONE: 3, TWO: 5}


def test_staging_a_block_again_replaces_it(files: FileStore) -> None:
    files.stage(PATH, ONE, b"old")
    files.stage(PATH, ONE, b"newer")
    files.commit(PATH, [ONE])
    assert files.size_bytes(PATH) == 5


def test_a_block_can_be_staged_from_a_file(harness: Harness) -> None:
    data = b"0123456789" * 1_000_000
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        harness.files.stage(PATH, ONE, file, len(data))
    harness.files.commit(PATH, [ONE])
    assert harness.download(harness.files.link(PATH, soon())) == data


def test_a_block_can_be_staged_in_pieces(harness: Harness) -> None:
    pieces = [b"one,", b"", b"two," * 100_000]
    harness.files.stage(PATH, ONE, pieces)
    assert harness.files.staged(PATH) == {ONE: 400_004}
    harness.files.commit(PATH, [ONE])
    assert harness.download(harness.files.link(PATH, soon())) == b"".join(pieces)


def test_a_repeated_request_sends_a_block_in_pieces_from_its_start(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = BlobFileStore(account)
    files.check()
    send, sent = HTTPAdapter.send, []

    def lose_the_first_response(adapter: HTTPAdapter, request: PreparedRequest, **options: Any) -> Response:
        response = send(adapter, request, **options)
        sent.append(response)
        if len(sent) == 1:
            response.close()
            raise requests.ConnectionError("The response was lost.")
        return response

    monkeypatch.setattr(HTTPAdapter, "send", lose_the_first_response)
    path = f"{uuid4().hex}/code/clients.csv"
    files.stage(path, ONE, [b"one,", b"two"])

    assert len(sent) == 2
    assert files.staged(path) == {ONE: 7}


def test_block_ids_of_one_file_must_have_one_length(files: FileStore) -> None:
    files.stage(PATH, ONE, b"abc")
    with pytest.raises(HttpResponseError):
        files.stage(PATH, f"{ONE}0", b"abc")


def test_nothing_is_readable_before_the_commit(harness: Harness) -> None:
    harness.files.stage(PATH, ONE, b"abc")
    assert harness.files.size_bytes(PATH) is None
    assert harness.download(harness.files.link(PATH, soon())) is None


# --- committing ---


def test_a_file_consists_of_the_committed_blocks_in_their_order(harness: Harness) -> None:
    for block, data in ((ONE, b"one,"), (TWO, b"two,"), (THREE, b"three,")):
        harness.files.stage(PATH, block, data)
    harness.files.commit(PATH, [THREE, ONE, TWO])
    assert harness.download(harness.files.link(PATH, soon())) == b"three,one,two,"


def test_a_block_that_is_not_listed_is_not_in_the_file(harness: Harness) -> None:
    harness.files.stage(PATH, ONE, b"one,")
    harness.files.stage(PATH, TWO, b"two,")
    harness.files.commit(PATH, [TWO])
    assert harness.download(harness.files.link(PATH, soon())) == b"two,"


def test_a_commit_drops_the_blocks_that_it_does_not_list(files: FileStore) -> None:
    files.stage(PATH, ONE, b"one,")
    files.stage(PATH, TWO, b"two,")
    files.commit(PATH, [ONE])
    assert files.staged(PATH) == {}


def test_a_commit_of_a_block_that_was_never_staged_is_refused(files: FileStore) -> None:
    files.stage(PATH, ONE, b"abc")
    with pytest.raises(FileChangedError, match="gone"):
        files.commit(PATH, [ONE, TWO])
    assert files.size_bytes(PATH) is None


def test_a_refused_commit_leaves_the_staged_blocks_alone(files: FileStore) -> None:
    files.stage(PATH, ONE, b"abc")
    with pytest.raises(FileChangedError, match="gone"):
        files.commit(PATH, [TWO])
    assert files.staged(PATH) == {ONE: 3}


def test_committing_the_same_list_again_changes_nothing(harness: Harness) -> None:
    publish(harness.files, b"abc")
    harness.files.commit(PATH, [ONE], if_match=harness.files.get_state(PATH).version)
    assert harness.download(harness.files.link(PATH, soon())) == b"abc"


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (0, 1), (3, 7), (9, 10), (4, 4), (10, 10)])
def test_any_range_of_a_file_can_be_read(files: FileStore, start: int, stop: int) -> None:
    files.stage(PATH, ONE, b"01234")
    files.stage(PATH, TWO, b"56789")
    files.commit(PATH, [ONE, TWO])
    assert files.read_range(PATH, start, stop) == b"0123456789"[start:stop]


def test_a_missing_file_cannot_be_read(files: FileStore) -> None:
    with pytest.raises(ResourceNotFoundError):
        files.read_range(PATH, 0, 1)


def test_metadata_is_stored_with_the_file(harness: Harness) -> None:
    harness.files.stage(PATH, ONE, b"abc")
    harness.files.commit(PATH, [ONE], {"rows": "1", "crc32": "352441c2"})
    assert harness.metadata(PATH) == {"rows": "1", "crc32": "352441c2"}


def test_a_republished_file_has_the_latest_metadata(harness: Harness) -> None:
    harness.files.stage(PATH, ONE, b"abc")
    first = harness.files.commit(PATH, [ONE], {"rows": "1", "job": "a"})
    second = harness.files.commit(PATH, [ONE], {"rows": "2"}, if_match=first)
    assert harness.metadata(PATH) == {"rows": "2"}
    harness.files.commit(PATH, [ONE], if_match=second)
    assert harness.metadata(PATH) == {}


def test_committing_no_blocks_publishes_an_empty_file(harness: Harness) -> None:
    harness.files.commit(PATH, [])
    assert harness.files.size_bytes(PATH) == 0
    assert harness.download(harness.files.link(PATH, soon())) == b""


def test_staging_after_the_commit_leaves_the_published_file_alone(harness: Harness) -> None:
    publish(harness.files, b"abc")
    harness.files.stage(PATH, TWO, b"late")
    assert harness.download(harness.files.link(PATH, soon())) == b"abc"


def test_a_commit_may_name_published_and_staged_blocks(harness: Harness) -> None:
    publish(harness.files, b"one,")
    harness.files.stage(PATH, TWO, b"two,")
    harness.files.commit(PATH, [TWO, ONE], if_match=harness.files.get_state(PATH).version)
    assert harness.download(harness.files.link(PATH, soon())) == b"two,one,"


# --- states, and commits that name a version ---


def test_a_file_that_never_existed_has_an_empty_state(files: FileStore) -> None:
    assert files.get_state(PATH) == FileState()


def test_a_staged_file_has_blocks_and_no_version(files: FileStore) -> None:
    files.stage(PATH, ONE, b"one,")
    assert files.get_state(PATH) == FileState(None, (), {ONE: 4})


def test_a_published_file_has_its_blocks_in_order_and_those_staged_since(files: FileStore) -> None:
    for block, data in ((ONE, b"one,"), (TWO, b"two,,")):
        files.stage(PATH, block, data)
    version = files.commit(PATH, [TWO, ONE])
    files.stage(PATH, THREE, b"three,")
    assert files.get_state(PATH) == FileState(version, ((TWO, 5), (ONE, 4)), {THREE: 6})
    assert files.get_state(PATH).blocks == {ONE: 4, TWO: 5, THREE: 6}


def test_publishing_makes_a_new_version_and_staging_does_not(files: FileStore) -> None:
    publish(files, b"abc")
    first = files.get_state(PATH).version
    files.stage(PATH, TWO, b"two,")
    assert files.get_state(PATH).version == first
    assert files.commit(PATH, [ONE, TWO], if_match=first) != first


def test_a_commit_without_a_version_does_not_replace_a_published_file(harness: Harness) -> None:
    publish(harness.files, b"abc")
    harness.files.stage(PATH, TWO, b"two,")
    with pytest.raises(FileChangedError):
        harness.files.commit(PATH, [TWO])
    assert harness.download(harness.files.link(PATH, soon())) == b"abc"
    assert harness.files.get_state(PATH).staged == {TWO: 4}


@pytest.mark.parametrize("change", ["published", "removed"])
def test_a_commit_does_not_replace_another_version_than_it_names(files: FileStore, change: str) -> None:
    publish(files, b"abc")
    version = files.get_state(PATH).version
    files.stage(PATH, TWO, b"two,")
    if change == "removed":
        files.discard(PATH, version)
        files.stage(PATH, ONE, b"abc")
    else:
        files.commit(PATH, [TWO], if_match=version)
        files.stage(PATH, ONE, b"abc")
    before = files.get_state(PATH)
    with pytest.raises(FileChangedError):
        files.commit(PATH, [ONE], if_match=version)
    assert files.get_state(PATH) == before


def test_of_many_concurrent_commits_one_succeeds(files: FileStore) -> None:
    blocks = [f"00000{number}" for number in range(8)]
    for block in blocks:
        files.stage(PATH, block, block.encode())

    def commit(block: str) -> bool:
        try:
            files.commit(PATH, [block])
        except FileChangedError:  # the first commit drops the blocks of the others
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(commit, blocks))
    assert outcomes.count(True) == 1
    assert files.get_state(PATH).published == ((blocks[outcomes.index(True)], 6),)


# --- the store itself ---


def test_the_check_of_a_reachable_store_passes(files: FileStore) -> None:
    files.check()


@pytest.mark.parametrize(
    "use",
    [
        lambda files, job: files.check(),
        lambda files, job: files.save_plan(job, b"{}"),
        lambda files, job: files.load_plan(job),
        lambda files, job: files.find_plan(job),
        lambda files, job: files.renew_plan(job),
        lambda files, job: files.stage(PATH, ONE, b"abc"),
        lambda files, job: files.staged(PATH),
        lambda files, job: files.commit(PATH, [ONE]),
        lambda files, job: files.size_bytes(PATH),
        lambda files, job: files.get_state(PATH),
        lambda files, job: files.read_range(PATH, 0, 1),
    ],
    ids=[
        "check",
        "save_plan",
        "load_plan",
        "find_plan",
        "renew_plan",
        "stage",
        "staged",
        "commit",
        "size_bytes",
        "get_state",
        "read_range",
    ],
)
def test_an_unreachable_store_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[FileStore, JobRef], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(BlobFileStore(unreachable), a_job().ref)


def test_an_unreachable_store_fails_soon() -> None:
    with closed_port() as port:
        files = BlobFileStore(StorageAccount(connection_string(port, port, port)))
        begun = time.monotonic()
        with pytest.raises(StorageUnavailableError):
            files.check()
    assert time.monotonic() - begun < 20
