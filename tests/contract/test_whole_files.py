"""The contract of `FileStore.publish`, which publishes a small file in one request; on the fake and on the real one."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from exports.adapters.storage.files import BlobFileStore
from exports.errors import FileChangedError
from exports.ports.files import FileState, FileStore
from shared.storage import StorageAccount
from tests.contract.file_stores import ONE, PATH, Harness, empty_container, publish, soon
from tests.support.builders import a_job


def test_a_file_published_at_once_has_the_bytes_of_its_pieces(harness: Harness) -> None:
    harness.files.publish(PATH, [b"one,", b"", b"two," * 100_000], {"rows": "2"})
    assert harness.download(harness.files.link(PATH, soon())) == b"one," + b"two," * 100_000
    assert harness.metadata(PATH) == {"rows": "2"}


def test_a_file_without_bytes_can_be_published_at_once(harness: Harness) -> None:
    harness.files.publish(PATH, [])
    assert harness.files.size_bytes(PATH) == 0
    assert harness.files.get_state(PATH).version is not None


def test_a_file_published_at_once_has_a_version_and_no_blocks(files: FileStore) -> None:
    files.publish(PATH, [b"abc"])
    state = files.get_state(PATH)
    assert (state.version is None, state.published, state.staged) == (False, (), {})


def test_publishing_at_once_does_not_replace_a_published_file(harness: Harness) -> None:
    publish(harness.files, b"abc")
    with pytest.raises(FileChangedError):
        harness.files.publish(PATH, [b"other"])
    assert harness.download(harness.files.link(PATH, soon())) == b"abc"


def test_publishing_at_once_twice_is_refused(harness: Harness) -> None:
    harness.files.publish(PATH, [b"abc"])
    with pytest.raises(FileChangedError):
        harness.files.publish(PATH, [b"abc"])
    assert harness.download(harness.files.link(PATH, soon())) == b"abc"


def test_beside_staged_blocks_a_file_is_published_at_once_or_nothing_changes(harness: Harness) -> None:
    """The emulator refuses it, because it takes the staged blocks for a blob."""
    harness.files.stage(PATH, ONE, b"staged")
    try:
        harness.files.publish(PATH, [b"abc"])
    except FileChangedError:
        assert harness.files.staged(PATH) == {ONE: 6}
        assert harness.download(harness.files.link(PATH, soon())) is None
    else:
        assert harness.download(harness.files.link(PATH, soon())) == b"abc"


def test_staged_blocks_replace_a_file_that_was_published_at_once(harness: Harness) -> None:
    harness.files.publish(PATH, [b"abc"], {"rows": "1"})
    harness.files.stage(PATH, ONE, b"staged")
    state = harness.files.get_state(PATH)
    assert (state.published, state.staged) == ((), {ONE: 6})
    with pytest.raises(FileChangedError):
        harness.files.commit(PATH, [ONE])
    version = harness.files.commit(PATH, [ONE], {"rows": "2"}, if_match=state.version)
    assert harness.files.get_state(PATH).version == version
    assert harness.download(harness.files.link(PATH, soon())) == b"staged"
    assert harness.metadata(PATH) == {"rows": "2"}


def test_committing_no_blocks_empties_a_file_that_was_published_at_once(harness: Harness) -> None:
    harness.files.publish(PATH, [b"abc"], {"rows": "1"})
    version = harness.files.commit(PATH, [], {"rows": "0"}, if_match=harness.files.get_state(PATH).version)
    assert harness.files.get_state(PATH) == FileState(version)
    assert harness.files.size_bytes(PATH) == 0
    assert harness.download(harness.files.link(PATH, soon())) == b""
    assert harness.metadata(PATH) == {"rows": "0"}


def test_of_many_files_published_at_once_one_is_kept(files: FileStore) -> None:
    def wins(number: int) -> bool:
        try:
            files.publish(PATH, [b"file %d" % number])
        except FileChangedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, is_winner in enumerate(pool.map(wins, range(8))) if is_winner]
    assert len(won) == 1
    assert files.read_range(PATH, 0, 6) == b"file %d" % won[0]


def test_a_file_published_at_once_can_be_discarded(files: FileStore) -> None:
    files.publish(PATH, [b"abc"])
    files.discard(PATH, files.get_state(PATH).version)
    assert files.size_bytes(PATH) is None


def test_storage_keeps_the_md5_of_a_file_published_at_once(account: StorageAccount) -> None:
    """The service computes it from the bytes that it received, and refuses bytes with another one."""
    files = empty_container(account)
    path = f"{uuid4().hex}/code/clients.csv"
    files.publish(path, [b"one,", b"two"])
    found = _content_md5(files, account, path)
    assert found == b64encode(hashlib.md5(b"one,two", usedforsecurity=False).digest())


def _content_md5(files: BlobFileStore, account: StorageAccount, path: str) -> bytes:
    properties = account.blobs.get_blob_client(files._name, path).get_blob_properties()
    return b64encode(bytes(properties.content_settings.content_md5 or b""))


def test_a_manifest_that_is_not_to_be_replaced_is_kept(files: FileStore) -> None:
    job = a_job().ref
    files.save_manifest(job, b"first", replace=False)
    with pytest.raises(FileChangedError):
        files.save_manifest(job, b"second", replace=False)
    assert files.load_manifest(job) == b"first"
    files.save_manifest(job, b"third")
    assert files.load_manifest(job) == b"third"
