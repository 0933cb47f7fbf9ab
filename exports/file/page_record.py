"""The ledger's record of a staged page."""

from __future__ import annotations

from dataclasses import dataclass

from exports.errors import SourceMismatchError

MAX_CODE_CHARS = 8_000
"""The longest code that a record holds. A property of Table Storage holds 32 Ki characters, and a row 1 MiB."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """The content of a staged page. The proof of a file sums these records up.

    Attributes:
        page: Counted from 0.
        sha256: Hex digest of the staged bytes.
        block: Id of the block; empty if the page has no bytes, because blocks cannot be empty.
        crc32: CRC-32 of the staged bytes (`exports.file.crc32`); None in records of older versions.
        attempt: The attempt of the job that wrote the page; None in records of older versions.
        first_code, last_code: The codes of the first and the last client of the page. None if the page has no clients,
            and in records of older versions; those left out codes longer than `MAX_CODE_CHARS`.
        removed_characters: How many characters of its clients were left out because the format cannot hold them; None
            if none, or in older versions.
        content_crc32, content_bytes: CRC-32 and length of the page before compression; None unless frames need them.
        cut_cells: How many cells were cut because they are too long for the format; None if none.
    """

    page: int
    rows: int
    bytes: int
    sha256: str
    block: str
    crc32: int | None = None
    attempt: int | None = None
    first_code: str | None = None
    last_code: str | None = None
    removed_characters: int | None = None
    content_crc32: int | None = None
    content_bytes: int | None = None
    cut_cells: int | None = None


@dataclass(frozen=True, slots=True)
class PageBlock:
    """The part of a `PageRecord` that says which clients a resume would keep. Its attributes are those of the whole."""

    page: int
    rows: int
    bytes: int
    block: str


def require_short(*codes: str | None) -> None:
    """Refuse codes at the ends of pages that a record cannot hold, because their order would not be proved.

    Raises:
        SourceMismatchError: Names the column, and the beginning of the code in `private`.
    """
    for code in codes:
        if code is not None and len(code) > MAX_CODE_CHARS:
            message = (
                f"The column code of the view clients holds a code of more than {MAX_CODE_CHARS:,} characters, so the "
                "order of the clients cannot be proved. Give the view a shorter code for each client."
            )
            private = f"One client has a code of {len(code):,} characters that begins with {code[:40]}."
            raise SourceMismatchError(message, private, column="code")
