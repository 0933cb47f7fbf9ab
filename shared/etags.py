"""Entity tags, and the conditions of requests that name them (RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2)."""

from __future__ import annotations

import hashlib
import re

from shared.models import Model

_TAG = re.compile(r'(?P<weak>W/)?(?P<opaque>"[\x21\x23-\x7e\x80-\xff]*")')


def etag_of(body: Model) -> str:
    """Make a strong entity tag. Two bodies have the same tag only if their bytes are the same."""
    return f'"{hashlib.sha256(body.model_dump_json(by_alias=True).encode()).hexdigest()[:32]}"'


def may_change(if_match: str | None, etag: str) -> bool:
    """Return whether the header `If-Match` allows a change of the resource with this tag.

    It does if it is absent, is `*`, or names the tag and names it as a strong one.
    """
    if if_match is None or if_match.strip() == "*":
        return True
    return any(not tag["weak"] and tag["opaque"] == etag for tag in _TAG.finditer(if_match))


def is_current(if_none_match: str | None, etag: str) -> bool:
    """Return whether the header `If-None-Match` is `*` or names this tag, by weak comparison: its copy is current."""
    if if_none_match is None or if_none_match.strip() == "*":
        return if_none_match is not None
    return any(tag["opaque"] == etag.removeprefix("W/") for tag in _TAG.finditer(if_none_match))
