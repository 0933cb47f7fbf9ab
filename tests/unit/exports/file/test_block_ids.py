"""A block id depends on the page and its content, and on nothing else."""

from __future__ import annotations

import hashlib

from exports.file.block_ids import block_id, digest

ONE, OTHER = digest(b"one"), digest(b"other")


def test_all_ids_have_a_length_that_azure_storage_accepts() -> None:
    lengths = {len(block_id(page, sha256).encode()) for page in (0, 7, 49_999) for sha256 in (ONE, OTHER)}
    assert lengths == {46}


def test_the_same_page_with_the_same_content_has_the_same_id() -> None:
    assert block_id(3, ONE) == block_id(3, ONE)


def test_different_content_gives_a_different_id() -> None:
    assert block_id(3, ONE) != block_id(3, OTHER)


def test_a_different_page_gives_a_different_id() -> None:
    assert block_id(3, ONE) != block_id(4, ONE)


def test_ids_sort_as_their_pages_do() -> None:
    pages = [0, 9, 10, 99, 100, 49_999]
    assert sorted(block_id(page, ONE) for page in pages) == [block_id(page, ONE) for page in pages]


def test_a_digest_is_the_hex_sha_256() -> None:
    assert digest(b"one") == hashlib.sha256(b"one").hexdigest()
