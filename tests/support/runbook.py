"""Reads the parts of `docs/runbook.md` that tests check: the sections of alerts, queries and commands."""

from __future__ import annotations

import re
from pathlib import Path

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
NEEDS_AZURE = "# needs Azure"


def alert_sections() -> dict[str, str]:
    """Return the text of the section of each alert, by the name of the alert."""
    (alerts,) = re.findall(r"^## Alerts\n(.*?)^## ", RUNBOOK, re.MULTILINE | re.DOTALL)
    name, *parts = re.split(r"^### (.+)\n", alerts, flags=re.MULTILINE)
    del name
    return dict(zip(parts[::2], parts[1::2], strict=True))


def queries_in(text: str) -> list[str]:
    """Return the Kusto queries of a text."""
    return _blocks(text, "kusto")


def commands_in(text: str) -> list[str]:
    """Return the commands of a text that run without Azure, each on one line."""
    blocks = [block for block in _blocks(text, "sh") if not block.startswith(NEEDS_AZURE)]
    return [line for block in blocks for line in joined_lines(block)]


def joined_lines(block: str) -> list[str]:
    """Return the lines of a block, with those that end in a backslash joined to the next one."""
    return block.replace("\\\n", " ").splitlines()


def azure_blocks(text: str) -> list[str]:
    """Return the blocks of commands that need Azure."""
    return [block for block in _blocks(text, "sh") if block.startswith(NEEDS_AZURE)]


def _blocks(text: str, language: str) -> list[str]:
    """Return the contents of code blocks without the indentation that they have inside a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]
