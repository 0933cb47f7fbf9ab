"""What may have happened to a copy: the usual accidents, told by how the copy begins."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from exports.file.manifest import ManifestDto
from exports.file.verify_page import NOT_UTF8, FileBytes
from exports.request.formats import Compression, CsvFormat, LineEnding

_LOOKED_AT_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"
_QUOTED = re.compile(rb'"[^"]*"')
_SAVE_AS = "Editors and spreadsheets do that when they save; keep the file as it was downloaded."


def hints(file: FileBytes, manifest: ManifestDto, trouble: str | None) -> Iterator[str]:
    """Name what looks like the cause, if one is known, a sentence each.

    Args:
        trouble: Why what stands where the first wrong page should be cannot be read as CSV; None if it can.
    """
    head, form = file.read(0, _LOOKED_AT_BYTES), manifest.request.format
    if not head:
        yield "The file is empty."
        return
    other = _another_kind_of_file(head, form)
    if other:
        yield other
    elif form.compression is Compression.NONE:
        yield from _reencoded(head, form, trouble)


def stops_midway(file: FileBytes, manifest: ManifestDto) -> bool:
    """Whether the copy ends where no file of this format can."""
    last = file.read(max(file.size_bytes - 1, 0), file.size_bytes)
    return manifest.request.format.compression is Compression.GZIP or last != b"\n"


def _another_kind_of_file(head: bytes, form: CsvFormat) -> str | None:
    zipped = form.compression is Compression.GZIP
    if zipped and not head.startswith(_GZIP):
        return "The file was unpacked: verify the .gz as it was downloaded (some browsers unpack it behind its name)."
    if not zipped and head.startswith(_GZIP):
        return "The file was compressed since: unpack it first."
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return f"The text is UTF-16 now, not UTF-8. {_SAVE_AS}"
    if re.match(rb"(\xef\xbb\xbf)?\s*<(\?xml|!doctype|html|error)", head, re.IGNORECASE):
        return "The file is an error page, not CSV: the link had expired, perhaps. Download it with a fresh link."
    return None


def _reencoded(head: bytes, form: CsvFormat, trouble: str | None) -> Iterator[str]:
    marked = head.startswith(codecs.BOM_UTF8)
    if marked != form.byte_order_mark:
        yield f"The byte order mark was {'added' if marked else 'removed'}. {_SAVE_AS}"
    ending = _line_ending(head)
    if ending not in (None, form.line_ending):
        now, before = (each.value.upper() for each in (ending, form.line_ending) if each)
        yield f"Lines end with {now} now, not with {before}. {_SAVE_AS}"
    if trouble == NOT_UTF8:
        yield f"There the text is not UTF-8 any more. {_SAVE_AS}"


def _line_ending(head: bytes) -> LineEnding | None:
    """How the first line ends that ends outside of quotes."""
    found = re.search(rb"\r?\n", _QUOTED.sub(b"", head))
    if found is None:
        return None
    return LineEnding.CRLF if len(found[0]) > 1 else LineEnding.LF
