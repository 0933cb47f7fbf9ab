"""What every `FileStore` promises."""

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
from devhost.local.ports import free_port
from exports.adapters.storage.files import BlobFileStore
from exports.errors import FileChangedError, StorageUnavailableError
from exports.jobs.job import JobRef
from exports.ports.files import FileState, FileStore
from shared.storage import StorageAccount
from tests.contract.file_stores import ONE, PATH, THREE, TWO, Harness, publish, soon
from tests.support.builders import a_job

# --- plans ---


def test_a_saved_plan_is_loaded(files: FileStore) -> None:
    job = a_job().ref
    assert files.save_plan(job, b"{}") == b"{}"
    assert files.load_plan(job) == b"{}"


def test_of_two_plans_of_a_job_the_first_stays(files: FileStore) -> None:
    job = a_job().ref
    files.save_plan(job, b"first")
    assert files.save_plan(job, b"second") == b"first"
    assert files.load_plan(job) == b"first"


def test_attempts_of_a_job_share_the_plan(files: FileStore) -> None:
    job = a_job().ref
    files.save_plan(job, b"first")
    assert files.load_plan(job.model_copy(update={"attempt": 2})) == b"first"


def test_of_many_planners_at_once_all_get_the_plan_that_stays(files: FileStore) -> None:
    job = a_job().ref
    plans = [str(number).encode() for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        returned = set(pool.map(lambda plan: files.save_plan(job, plan), plans))
    assert returned == {files.load_plan(job)}


def test_a_plan_of_several_megabytes_comes_back_whole(files: FileStore) -> None:
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


def test_a_block_may_come_from_a_file(harness: Harness) -> None:
    data = b"0123456789" * 1_000_000
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        harness.files.stage(PATH, ONE, file, len(data))
    harness.files.commit(PATH, [ONE])
    assert harness.download(harness.files.link(PATH, soon())) == data


def test_a_block_may_come_in_pieces(harness: Harness) -> None:
    pieces = [b"one,", b"", b"two," * 100_000]
    harness.files.stage(PATH, ONE, pieces)
    assert harness.files.staged(PATH) == {ONE: 400_004}
    harness.files.commit(PATH, [ONE])
    assert harness.download(harness.files.link(PATH, soon())) == b"".join(pieces)


def test_a_block_in_pieces_is_sent_again_from_its_beginning(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = BlobFileStore(account)
    files.check()
    send, sent = HTTPAdapter.send, []

    def lose_the_first_answer(adapter: HTTPAdapter, request: PreparedRequest, **options: Any) -> Response:
        answer = send(adapter, request, **options)
        sent.append(answer)
        if len(sent) == 1:
            answer.close()
            raise requests.ConnectionError("The answer was lost.")
        return answer

    monkeypatch.setattr(HTTPAdapter, "send", lose_the_first_answer)
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


def test_a_file_is_the_blocks_in_the_order_committed(harness: Harness) -> None:
    for block, data in ((ONE, b"one,"), (TWO, b"two,"), (THREE, b"three,")):
        harness.files.stage(PATH, block, data)
    harness.files.commit(PATH, [THREE, ONE, TWO])
    assert harness.download(harness.files.link(PATH, soon())) == b"three,one,two,"


def test_a_block_that_is_not_listed_is_not_in_the_file(harness: Harness) -> None:
    harness.files.stage(PATH, ONE, b"one,")
    harness.files.stage(PATH, TWO, b"two,")
    harness.files.commit(PATH, [TWO])
    assert harness.download(harness.files.link(PATH, soon())) == b"two,"


def test_a_commit_forgets_the_blocks_that_were_not_listed(files: FileStore) -> None:
    files.stage(PATH, ONE, b"one,")
    files.stage(PATH, TWO, b"two,")
    files.commit(PATH, [ONE])
    assert files.staged(PATH) == {}


def test_committing_a_block_that_was_never_staged_is_refused_and_publishes_nothing(files: FileStore) -> None:
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
def test_any_stretch_of_a_file_can_be_read(files: FileStore, start: int, stop: int) -> None:
    files.stage(PATH, ONE, b"01234")
    files.stage(PATH, TWO, b"56789")
    files.commit(PATH, [ONE, TWO])
    assert files.read_range(PATH, start, stop) == b"0123456789"[start:stop]


def test_of_a_file_that_is_not_there_nothing_can_be_read(files: FileStore) -> None:
    with pytest.raises(ResourceNotFoundError):
        files.read_range(PATH, 0, 1)


def test_facts_go_with_the_file(harness: Harness) -> None:
    harness.files.stage(PATH, ONE, b"abc")
    harness.files.commit(PATH, [ONE], {"rows": "1", "crc32": "352441c2"})
    assert harness.metadata(PATH) == {"rows": "1", "crc32": "352441c2"}


def test_a_file_published_again_has_the_facts_given_last(harness: Harness) -> None:
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


# --- looking, and committing over what was seen ---


def test_of_a_file_that_never_was_nothing_is_seen(files: FileStore) -> None:
    assert files.get_state(PATH) == FileState()


def test_of_a_staged_file_the_blocks_are_seen_and_no_version(files: FileStore) -> None:
    files.stage(PATH, ONE, b"one,")
    assert files.get_state(PATH) == FileState(None, (), {ONE: 4})


def test_of_a_published_file_its_blocks_are_seen_in_order_and_those_staged_since(files: FileStore) -> None:
    for block, data in ((ONE, b"one,"), (TWO, b"two,,")):
        files.stage(PATH, block, data)
    version = files.commit(PATH, [TWO, ONE])
    files.stage(PATH, THREE, b"three,")
    assert files.get_state(PATH) == FileState(version, ((TWO, 5), (ONE, 4)), {THREE: 6})
    assert files.get_state(PATH).blocks == {ONE: 4, TWO: 5, THREE: 6}


def test_staging_is_no_new_version_and_publishing_is_one(files: FileStore) -> None:
    publish(files, b"abc")
    first = files.get_state(PATH).version
    files.stage(PATH, TWO, b"two,")
    assert files.get_state(PATH).version == first
    assert files.commit(PATH, [ONE, TWO], if_match=first) != first


def test_a_file_is_not_published_where_one_is_that_was_not_seen(harness: Harness) -> None:
    publish(harness.files, b"abc")
    harness.files.stage(PATH, TWO, b"two,")
    with pytest.raises(FileChangedError):
        harness.files.commit(PATH, [TWO])
    assert harness.download(harness.files.link(PATH, soon())) == b"abc"
    assert harness.files.get_state(PATH).staged == {TWO: 4}


@pytest.mark.parametrize("change", ["published", "removed"])
def test_a_file_is_not_published_over_a_version_that_is_gone(files: FileStore, change: str) -> None:
    publish(files, b"abc")
    seen = files.get_state(PATH).version
    files.stage(PATH, TWO, b"two,")
    if change == "removed":
        files.discard(PATH, seen)
        files.stage(PATH, ONE, b"abc")
    else:
        files.commit(PATH, [TWO], if_match=seen)
        files.stage(PATH, ONE, b"abc")
    before = files.get_state(PATH)
    with pytest.raises(FileChangedError):
        files.commit(PATH, [ONE], if_match=seen)
    assert files.get_state(PATH) == before


def test_of_many_that_publish_at_once_one_does(files: FileStore) -> None:
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


def test_checking_an_answering_store_passes(files: FileStore) -> None:
    files.check()


@pytest.mark.parametrize(
    "use",
    [
        lambda files, job: files.check(),
        lambda files, job: files.save_plan(job, b"{}"),
        lambda files, job: files.load_plan(job),
        lambda files, job: files.stage(PATH, ONE, b"abc"),
        lambda files, job: files.staged(PATH),
        lambda files, job: files.commit(PATH, [ONE]),
        lambda files, job: files.size_bytes(PATH),
        lambda files, job: files.get_state(PATH),
        lambda files, job: files.read_range(PATH, 0, 1),
    ],
    ids=["check", "save_plan", "load_plan", "stage", "staged", "commit", "size_bytes", "look", "read_range"],
)
def test_a_store_that_does_not_answer_can_be_tried_again(
    unreachable: StorageAccount, use: Callable[[FileStore, JobRef], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(BlobFileStore(unreachable), a_job().ref)


def test_a_store_that_does_not_answer_says_so_soon() -> None:
    port = free_port()
    files = BlobFileStore(StorageAccount(connection_string(port, port, port)))
    begun = time.monotonic()
    with pytest.raises(StorageUnavailableError):
        files.check()
    assert time.monotonic() - begun < 20
