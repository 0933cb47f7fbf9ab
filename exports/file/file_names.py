"""Make file names that are safe for every file system, for HTTP headers and for blobs."""

from __future__ import annotations

import re
import unicodedata

from exports.request.formats import FileKind

MAX_CHARS = 150
MAX_BYTES = 240
"""File systems allow 255 bytes (ext4, APFS). The rest leaves room for a browser that adds ` (1)`."""

_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_EXTENSIONS = (".gz", ".csv", ".tsv", *(f".{kind.value}" for kind in FileKind))
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # without them, letters of some scripts, and emoji, fall apart
_EDGES = f". {_JOINERS}"
"""A name neither begins nor ends with these. A joiner there joins nothing, and would hide a dot or the whole name."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\ *(?:\.|\Z)", re.IGNORECASE)


def clean_file_name(wanted: str, extension: str) -> str:
    """Return a safe name that is as close as possible to the wanted one; empty if no safe character is left.

    Path separators, characters that Windows forbids, and control and invisible characters become `_`. Leading and
    trailing dots, spaces and joiners are removed. Names of Windows devices get a leading `_`. The extension is appended
    unless the name has it, and replaces any other extension of our formats. `.csv` is also accepted for tab-separated
    files, because many people use it for any table.

    Args:
        extension: The extension for the format, such as `.csv`, `.tsv.gz` or `.xlsx`.
    """
    text = "".join(_safe(letter) for letter in unicodedata.normalize("NFC", wanted))
    text = _FORBIDDEN.sub("_", text).strip(_EDGES)
    stem, ending = _split(text, extension)
    if not stem:
        return ""
    if _RESERVED.match(stem + "."):
        stem = "_" + stem
    return _cut(stem, ending) + ending


def _safe(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Zs":
        return " "
    return "_" if category in _INVISIBLE and letter not in _JOINERS else letter


def _split(text: str, extension: str) -> tuple[str, str]:
    """Return the name without the extensions of our formats, and the extension that it must get."""
    stem = text
    while stem.lower().endswith(_EXTENSIONS):
        for each in _EXTENSIONS:
            stem = _without(stem, each)
    is_called_csv = extension.startswith(".tsv") and ".csv" in text[len(stem) :].lower()
    return stem, (".csv" + extension[4:] if is_called_csv else extension)


def _without(text: str, ending: str) -> str:
    return text[: -len(ending)].rstrip(_EDGES) if text.lower().endswith(ending) else text


def _cut(stem: str, ending: str) -> str:
    """Shorten the name to the limits of characters and bytes, without splitting a character."""
    short = stem[: MAX_CHARS - len(ending)].encode()[: MAX_BYTES - len(ending)]
    return short.decode(errors="ignore").rstrip(_EDGES)
