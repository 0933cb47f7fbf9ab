"""Turn plain records into the rows of a worksheet (ECMA-376, part 1, 18.3.1), hundreds of them at a time.

A **plain record** holds the cells of one row, in UTF-8. Before each cell stands a separator that says its kind. The
separators are characters that XML cannot hold, so text that a cell can show has none of them. That leaves a few
replacements over many records at once, at the speed of C.

A row is `<row><c t="str"><v>text</v></c>…</row>`. Neither rows nor cells say where they are (`r` is optional,
18.3.1.73), so a page does not need to know the number of its first row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from exports.file.known import Known
from exports.file.xlsx.cells import DATE_STYLE, ESCAPED

TEXT = "\x1f"
"""Before text; nothing follows it in a cell without text."""

TRUE, FALSE, DAY, OTHER = "\x01", "\x02", "\x03", "\x04"
"""Before cells of other kinds. Excel's number of a day follows `DAY`. `OTHER` is `TEXT` in a column of another kind."""

_TEXT, _ROW, _OTHER = TEXT.encode(), b"\x1e", OTHER.encode()
_REFUSED = bytes(byte for byte in range(32) if chr(byte) not in "\t\n\r")
_TO_TEXT = bytes.maketrans(_REFUSED, _TEXT * len(_REFUSED))
_REFUSED_WIDE = ((b"\xed", re.compile(rb"\xed[\xa0-\xbf]")), (b"\xef", re.compile(rb"\xef\xbf[\xbe\xbf]")))
"""By their first byte: halves of surrogate pairs, and U+FFFE and U+FFFF."""

_END, _ROW_END, _ROW_START = b"</v></c>", b"</row>", b"<row>"
_TEXT_START, _NO_CELL = b'<c t="str"><v>', b"<c/>"
_STARTS = {
    TRUE.encode(): b'<c t="b"><v>1',
    FALSE.encode(): b'<c t="b"><v>0',
    DAY.encode(): b'<c s="%d"><v>' % DATE_STYLE,
    _TEXT: _TEXT_START,
}
_NO_FIRST_TEXT = frozenset({b"", _OTHER, *_STARTS})
_INLINE = (b'<c t="inlineStr"><is><t xml:space="preserve">', b"</t></is></c>")
_REFERENCES = ((b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;"), (b"\r", b"&#13;"))
_WITHOUT_TEXT = re.compile(rb"\x1f[\x01-\x03\x1e\x1f]+")
"""A cell without text, and the separators after it."""

_MOST_KNOWN = 50_000

_RARE_BLANKS = (b"\t", b"\n", b"\r")
_WIDE_BLANKS = (
    (b"\xc2", re.compile(rb"\xc2[\x85\xa0]")),
    (b"\xe1", re.compile(rb"\xe1(?:\x9a\x80|\xa0\x8e)")),
    (b"\xe2", re.compile(rb"\xe2(?:\x80[\x80-\x8b\xa8\xa9\xaf]|\x81\x9f)")),
    (b"\xe3", re.compile(rb"\xe3\x80\x80")),
)
"""By their first byte: the blanks outside of ASCII, and those that only LibreOffice takes for blanks."""

_REMOVED_BY_LIBREOFFICE = ("\u180e".encode(), "\u200b".encode())
_ESCAPED = re.compile(ESCAPED.pattern.encode())


class RefusedCharacterError(Exception):
    """A record has a character that XML cannot hold."""


def sheet_rows(records: Sequence[bytes], columns: int, *, starts_with_text: bool) -> bytes:
    """Make a row of each record.

    Args:
        records: Plain records, at least one. Those that start with text lack the separator before it.
        columns: How many cells each record has.
        starts_with_text: Whether the first cell of a record is text.

    Raises:
        RefusedCharacterError: A record has a character that XML cannot hold.
    """
    data = b"".join((_ROW, _ROW.join(records), _ROW))
    flat = data.translate(_TO_TEXT)
    if _holds_refused(flat, len(records) * (columns + 1 - starts_with_text) + 1):
        raise RefusedCharacterError
    markup = _Markup(starts_with_text)
    inline = sorted({flat.rfind(_TEXT, 0, position + 1) for position in _untrusted(flat)})
    rows = b"".join(_with_inline_strings(data, flat, inline, markup)) if inline else markup.of(data)
    rows = rows[len(_END + _ROW_END) : len(rows) - len(markup.row_start)]
    if not starts_with_text:
        rows = rows.replace(_ROW_START + _END, _ROW_START)
    if not starts_with_text or not _NO_FIRST_TEXT.isdisjoint([record[:1] for record in records]):
        rows = rows.replace(_TEXT_START + _END, _NO_CELL)  # nothing stands before the first cell of a row
    return rows


def is_plain(record: bytes, columns: int, *, starts_with_text: bool) -> bool:
    """Say whether `sheet_rows` takes a record."""
    return not _holds_refused(record.translate(_TO_TEXT), columns - starts_with_text)


def _holds_refused(flat: bytes, separators: int) -> bool:
    return flat.count(_TEXT) != separators or any(_found(flat, _REFUSED_WIDE))


def _found(flat: bytes, wanted: Sequence[tuple[bytes, re.Pattern[bytes]]]) -> Iterator[re.Match[bytes]]:
    """Find patterns by their first bytes, most of which are rare."""
    if flat.isascii():
        return iter(())
    return chain.from_iterable(pattern.finditer(flat) for first, pattern in wanted if first in flat)


def _untrusted(flat: bytes) -> Iterator[int]:
    """Find cells that begin or end with a blank, or hold something else that only an inline string keeps.

    LibreOffice undoes escapes in inline strings only, and takes more characters than Unicode does for blanks.

    Args:
        flat: Records with `TEXT` before and after each cell.

    Yields:
        A position in each such cell, or of the separator before it.
    """
    yield from _positions(flat, _TEXT + b" ")
    yield from _positions(flat, b" " + _TEXT)
    for blank in _RARE_BLANKS:
        yield from (found for found in _positions(flat, blank) if _TEXT[0] in (flat[found - 1], flat[found + 1]))
    yield from (found.start() for found in _ESCAPED.finditer(flat))
    for found in _found(flat, _WIDE_BLANKS):
        around = flat[found.start() - 1], flat[found.end()]
        if _TEXT[0] in around or found[0] in _REMOVED_BY_LIBREOFFICE:
            yield found.start()


def _positions(flat: bytes, wanted: bytes) -> Iterator[int]:
    position = flat.find(wanted)
    while position >= 0:
        yield position
        position = flat.find(wanted, position + 1)


def _with_inline_strings(data: bytes, flat: bytes, inline: Sequence[int], markup: _Markup) -> Iterator[bytes]:
    """Yield markup.

    Args:
        inline: The positions of the separators before text that gets into inline strings.
    """
    start, skipped = 0, 0
    for separator in inline:
        before = markup.of(data[start : separator + 1])
        start = flat.index(_TEXT, separator + 1)
        text = _in_xml(_ESCAPED.sub(b"_x005F_", data[separator + 1 : start]))
        yield before[skipped : len(before) - len(_TEXT_START)]
        yield text.join(_INLINE)
        skipped = len(_END)
    yield markup.of(data[start:])[skipped:]


class _Markup:
    """Puts markup in the place of separators.

    Attributes:
        row_start: The markup before the first cell of a row, or before its text.
    """

    def __init__(self, starts_with_text: bool) -> None:
        self.row_start = _ROW_START + _TEXT_START if starts_with_text else _ROW_START
        self._starts = {_ROW: _ROW_END + self.row_start, **_STARTS}
        self._ends = {_ROW: _ROW_END + _ROW_START + (_NO_CELL if starts_with_text else b""), _TEXT: _NO_CELL}
        self._known = Known(self._markup_without_text, most=_MOST_KNOWN)

    def of(self, data: bytes) -> bytes:
        """Return the markup of records, from one separator up to another."""
        data = _in_xml(data).replace(_OTHER, _TEXT)
        known = self._known
        data = _WITHOUT_TEXT.sub(lambda found: known[found[0]], data)
        for separator, start in self._starts.items():
            data = data.replace(separator, _END + start)
        return data

    def _markup_without_text(self, separators: bytes) -> bytes:
        """Return the markup of separators without text between them."""
        *others, last = (separators[index : index + 1] for index in range(len(separators)))
        return _END + b"".join(self._ends.get(other) or _STARTS[other] + _END for other in others) + self._starts[last]


def _in_xml(data: bytes) -> bytes:
    """Escape what has a meaning in XML. A bare carriage return would become a line feed."""
    for letter, reference in _REFERENCES:
        data = data.replace(letter, reference)
    return data
