"""Block ids: computed from the page and from what it holds.

Repeating a page with the same content stages the same block again; a late repeat that read other content stages
another block, which is never in the committed list. All ids of a blob must have the same length (Put Block, Azure
Storage REST API: at most 64 bytes before base 64).
"""

from __future__ import annotations

import hashlib

_DIGEST_CHARS = 40


def block_id(page: int, sha256: str) -> str:
    """Name the block of a page, counted from 0, by the hex SHA-256 of its bytes: 46 ASCII characters."""
    return f"{page:06d}{sha256[:_DIGEST_CHARS]}"


def digest(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()
