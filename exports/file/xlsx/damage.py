"""Recognize the usual accidents that change a copy of a workbook, by its beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ZIP = b"PK\3\4"
_ZIP_END = b"PK\5\6"


def workbook_damage_hints(head: bytes) -> Iterator[str]:
    """Yield a sentence for each likely cause of the damage. `head`: the beginning of the copy."""
    if not head:
        yield "The file is empty."
    elif re.match(rb"(\xef\xbb\xbf)?\s*<(\?xml|!doctype|html|error)", head, re.IGNORECASE):
        yield "The file is an error page, not a workbook: the link had probably expired. Download it with a fresh link."
    elif not head.startswith(_ZIP):
        yield "The file is not a workbook. Keep the file as it was downloaded."
    else:
        yield (
            "A spreadsheet that saves a workbook rewrites all of it, even if nothing was changed; keep the file as "
            "it was downloaded."
        )


def is_whole_workbook(end: bytes) -> bool:
    """Say whether a complete workbook may end with these bytes."""
    return end.startswith(_ZIP_END)
