"""The error of readers that check files."""

from __future__ import annotations


class UnreadablePageError(Exception):
    """The bytes of a page are not of the expected form. The message says why."""
