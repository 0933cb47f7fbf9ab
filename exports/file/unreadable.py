"""The error of readers that check files."""

from __future__ import annotations

NOT_UTF8 = "the text is not UTF-8"
"""The message if bytes that should be text are not in UTF-8."""


class UnreadablePageError(Exception):
    """The bytes of a page are not of the expected form. The message says why."""
