"""The error that ends a command."""

from __future__ import annotations


class DevError(Exception):
    """A problem that the user can solve. The message explains how, and dev.py prints it without a traceback."""
