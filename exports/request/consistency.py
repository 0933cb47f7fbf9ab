"""What a file guarantees if clients change while the export reads them."""

from __future__ import annotations

from enum import StrEnum


class Consistency(StrEnum):
    """How the moments of the pages of a file relate.

    `pages`: each page is read at a moment of its own. `snapshot`: all pages are read as they were at one moment.
    """

    PAGES = "pages"
    SNAPSHOT = "snapshot"


_IN_WORDS = {
    Consistency.PAGES: (
        "Every client that existed from the start to the end of the export is in the file exactly once, as it was at "
        "one moment of the export: no row mixes two versions of a client. A client that was added, removed or changed "
        "during the export may be in the file as it was before or after. Pages are key ranges that tile the key "
        "space, and each is read at a moment of its own."
    ),
    Consistency.SNAPSHOT: (
        "The file shows the clients as the database held them at one moment: every client that existed at that moment "
        "is in the file exactly once, and no change that was committed later is in it. Pages are key ranges that tile "
        "the key space, and all of them are read in the same snapshot of the database."
    ),
}


def in_words(consistency: Consistency | None) -> str:
    """Return the guarantee in words for a reader of the file. None means `pages`."""
    return _IN_WORDS[consistency or Consistency.PAGES]
