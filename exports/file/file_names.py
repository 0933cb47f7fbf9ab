"""Names of files, safe for every file system, for headers and for blobs."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 150
MAX_BYTES = 240
"""File systems end at 255 bytes (ext4, APFS); a browser may add ` (1)`."""

_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # letters of some scripts, and emoji, fall apart without them
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\ *(?:\.|\Z)", re.IGNORECASE)


def clean_file_name(wanted: str, extension: str) -> str:
    """Make a name of what the caller wants; empty if nothing of it can stay.

    Path separators, what Windows forbids, control and invisible characters become `_`; leading and trailing dots and
    spaces go; names of Windows devices get a leading `_`. The extension is appended unless it is there. `.csv` will do
    for tabs too, for many mean any table by it; `.tsv` and `.gz` are replaced where they would not be true.

    Args:
        extension: What the format calls for: `.csv`, `.tsv`, `.csv.gz` or `.tsv.gz`.
    """
    text = "".join(_safe(letter) for letter in unicodedata.normalize("NFC", wanted))
    text = _FORBIDDEN.sub("_", text).strip(". ")
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
    """Separate a name from its extension, and give the extension it is to have."""
    stem, compressed = _without(text, ".gz"), extension[4:]
    if stem.lower().endswith(".csv"):
        return _without(stem, ".csv"), ".csv" + compressed
    if stem.lower().endswith(".tsv"):
        return _without(stem, ".tsv"), extension
    return (stem if compressed else text), extension


def _without(text: str, ending: str) -> str:
    return text[: -len(ending)].rstrip(". ") if text.lower().endswith(ending) else text


def _cut(stem: str, ending: str) -> str:
    """Shorten to what characters and bytes allow, never within a character."""
    short = stem[: MAX_CHARS - len(ending)].encode()[: MAX_BYTES - len(ending)]
    return short.decode(errors="ignore").rstrip(". ")
