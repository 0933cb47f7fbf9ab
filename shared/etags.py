"""Entity tags, and the condition on them under which something may be changed (RFC 9110, sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

import hashlib
import re

from shared.models import Model

_TAG = re.compile(r'(?P<weak>W/)?(?P<opaque>"[\x21\x23-\x7e\x80-\xff]*")')


def etag_of(body: Model) -> str:
    """Make a strong entity tag: two bodies have the same one only if they are the same to the byte."""
    return f'"{hashlib.sha256(body.model_dump_json(by_alias=True).encode()).hexdigest()[:32]}"'


def may_change(if_match: str | None, etag: str) -> bool:
    """Say whether `If-Match` allows to change what has this tag: it is absent, `*`, or names the tag, strongly."""
    if if_match is None or if_match.strip() == "*":
        return True
    return any(not tag["weak"] and tag["opaque"] == etag for tag in _TAG.finditer(if_match))
