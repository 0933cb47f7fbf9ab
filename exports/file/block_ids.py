"""Name blocks by their page and their content.

A page that is written again with the same content stages the same block again. If a late repeat has read other content,
it stages another block, which never gets into the committed list. All ids of a blob must have the same length (Put
Block, Azure Storage REST API: at most 64 bytes before base 64).
"""

from __future__ import annotations

import hashlib

_DIGEST_CHARS = 40


def block_id(page: int, sha256: str) -> str:
    """Return the id of a page's block: 46 ASCII characters.

    Args:
        page: Counted from 0.
        sha256: Hex digest of the block's bytes.
    """
    return f"{page:06d}{sha256[:_DIGEST_CHARS]}"


def frame_block_id(before_page: int, sha256: str) -> str:
    """Return the id of a frame's block: as long as that of a page, and different from all of them.

    Args:
        before_page: The page that follows the frame; at most the number of pages of a file, which has 50,000 blocks.
        sha256: Hex digest of the block's bytes.
    """
    return f"f{before_page:05d}{sha256[:_DIGEST_CHARS]}"


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes in hex."""
    return hashlib.sha256(data).hexdigest()
