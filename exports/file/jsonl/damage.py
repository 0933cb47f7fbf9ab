"""Recognize the usual accidents that change a copy of a JSON Lines file, by the beginning of the copy."""

from __future__ import annotations

from collections.abc import Iterator

from exports.file.text_damage import text_damage_hints
from exports.request.formats import CsvFormat

_OTHER_STARTS = (b"[", b"{\n", b"{\r", b"{ ", b"{}")
"""How a document begins that is one array, or whose objects take several lines."""


def jsonl_damage_hints(head: bytes, form: CsvFormat, problem: str | None) -> Iterator[str]:
    """Yield a sentence for each likely cause of the damage; see `text_damage_hints`."""
    yield from text_damage_hints(head, form, problem)
    if head.lstrip().startswith(_OTHER_STARTS):
        yield "The lines were rewritten, in an array or with spaces. Keep the file as it was downloaded."
