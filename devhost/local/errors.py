"""The error that every command ends with."""

from __future__ import annotations


class DevError(Exception):
    """Something a person can put right; the message says what and how, and is printed without a traceback."""
