"""Recognize the usual accidents that change a copy of a text file, by the beginning of the copy."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from exports.file.unreadable import NOT_UTF8
from exports.request.formats import Compression, CsvFormat, LineEnding

HEAD_BYTES = 256 * 1024
"""How much of the beginning is examined."""

_GZIP = b"\x1f\x8b"
_QUOTED = re.compile(rb'"[^"]*"')
"""A quoted cell of CSV, which may hold line breaks."""

_SAVE_AS = "Editors and spreadsheets do that when they save; keep the file as it was downloaded."


def text_damage_hints(head: bytes, form: CsvFormat, problem: str | None) -> Iterator[str]:
    """Yield a sentence for each likely cause of the damage.

    Args:
        head: The first `HEAD_BYTES` of the copy.
        form: The format in which the file was written.
        problem: Why the bytes in place of the first wrong page cannot be read; None if they can be read.
    """
    if not head:
        yield "The file is empty."
        return
    other = another_kind_of_file(head, form)
    if other:
        yield other
    elif form.compression is Compression.NONE:
        yield from _reencoded(head, form, problem)


def another_kind_of_file(head: bytes, form: CsvFormat) -> str | None:
    """Say what became of a copy that is no longer a text file of this format; None if it may be one."""
    zipped = form.compression is Compression.GZIP
    if zipped and not head.startswith(_GZIP):
        return (
            "The file was decompressed: verify the .gz file as downloaded (some browsers unpack it but keep the name)."
        )
    if not zipped and head.startswith(_GZIP):
        return "The file was compressed after the download: decompress it first."
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return f"The text is now UTF-16, not UTF-8. {_SAVE_AS}"
    if re.match(rb"(\xef\xbb\xbf)?\s*<(\?xml|!doctype|html|error)", head, re.IGNORECASE):
        return "The file is an error page: the link had probably expired. Download it with a fresh link."
    return None


def _reencoded(head: bytes, form: CsvFormat, problem: str | None) -> Iterator[str]:
    marked = head.startswith(codecs.BOM_UTF8)
    if marked != form.byte_order_mark:
        yield f"The byte order mark was {'added' if marked else 'removed'}. {_SAVE_AS}"
    ending = _line_ending(_QUOTED.sub(b"", head) if form.kind is None else head)
    if ending not in (None, form.line_ending):
        now, before = (each.value.upper() for each in (ending, form.line_ending) if each)
        yield f"Lines now end with {now}, not with {before}. {_SAVE_AS}"
    if problem == NOT_UTF8:
        yield f"The text of that page is no longer UTF-8. {_SAVE_AS}"


def _line_ending(head: bytes) -> LineEnding | None:
    """Return the ending of the first line; None if there is none."""
    found = re.search(rb"\r?\n", head)
    if found is None:
        return None
    return LineEnding.CRLF if len(found[0]) > 1 else LineEnding.LF
