"""Make file names that are safe for every file system, for HTTP headers and for blobs."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 150
MAX_BYTES = 240
"""File systems allow 255 bytes (ext4, APFS). The rest leaves room for a browser that adds ` (1)`."""

_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_WORKBOOK = ".xlsx"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # without them, letters of some scripts, and emoji, fall apart
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\ *(?:\.|\Z)", re.IGNORECASE)


def clean_file_name(wanted: str, extension: str) -> str:
    """Return a safe name that is as close as possible to the wanted one; empty if no safe character is left.

    Path separators, characters that Windows forbids, and control and invisible characters become `_`. Leading and
    trailing dots and spaces are removed. Names of Windows devices get a leading `_`. The extension is appended unless
    the name has it. `.csv` is also accepted for tab-separated files, because many people use it for any table. `.tsv`
    and `.gz` are replaced if they do not fit the format. The name of a workbook loses any of these extensions.

    Args:
        extension: The extension for the format: `.csv`, `.tsv`, `.csv.gz`, `.tsv.gz` or `.xlsx`.
    """
    text = "".join(_safe(letter) for letter in unicodedata.normalize("NFC", wanted))
    text = _FORBIDDEN.sub("_", text).strip(". ")
    stem, ending = _split_workbook(text) if extension == _WORKBOOK else _split(text, extension)
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


def _split_workbook(text: str) -> tuple[str, str]:
    for ending in (_WORKBOOK, ".gz", ".csv", ".tsv"):
        text = _without(text, ending)
    return text, _WORKBOOK


def _split(text: str, extension: str) -> tuple[str, str]:
    """Return the name without its extension, and the extension that it must get."""
    stem, compressed = _without(text, ".gz"), extension[4:]
    if stem.lower().endswith(".csv"):
        return _without(stem, ".csv"), ".csv" + compressed
    if stem.lower().endswith(".tsv"):
        return _without(stem, ".tsv"), extension
    return (stem if compressed else text), extension


def _without(text: str, ending: str) -> str:
    return text[: -len(ending)].rstrip(". ") if text.lower().endswith(ending) else text


def _cut(stem: str, ending: str) -> str:
    """Shorten the name to the limits of characters and bytes, without splitting a character."""
    short = stem[: MAX_CHARS - len(ending)].encode()[: MAX_BYTES - len(ending)]
    return short.decode(errors="ignore").rstrip(". ")
