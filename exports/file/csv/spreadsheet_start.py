"""Keep Excel from taking a CSV file for a SYLK file.

Excel opens a file whose first two characters are the capital letters `ID` as SYLK, and says that it is damaged
(Microsoft Knowledge Base 323626, "SYLK: File format is not valid"). A quote before them prevents that.
"""

from __future__ import annotations

import re

_SYLK = b"ID"


def protect_start(data: bytes, delimiter: bytes) -> bytes:
    """Quote the first cell if a file without byte order mark that begins with `data` would be taken for SYLK.

    Args:
        data: Begins with a whole record.
    """
    if not data.startswith(_SYLK):
        return data
    end = re.compile(b"[%b\r\n]" % re.escape(delimiter)).search(data)  # a cell that begins with a letter has no quotes
    length = end.start() if end else len(data)
    return b'"%b"%b' % (data[:length], data[length:])
