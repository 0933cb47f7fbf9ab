"""Finds the code in the documents, and the commands: the lines of their `console` and `sh` blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDS_AZURE = "# needs Azure"
"""The first line of a block whose commands need Azure. A reader sees it too."""
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^\$ ", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s{2,})# .*$")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        document: The path of the document in the repository.
        language: In a block of commands: `console` if each has a prompt, and its output may follow; otherwise `sh`.
    """

    document: str
    language: str
    text: str

    @property
    def needs_azure(self) -> bool:
        return self.text.startswith(NEEDS_AZURE)

    @property
    def commands(self) -> list[str]:
        """The commands, each on one line, without the comment at its end."""
        text = self.text.replace("\\\n", " ")
        lines = text.splitlines()
        if self.language == "console":
            lines = [_up_to_closed_quote(part) for part in _PROMPT.split(text)[1:]]
        return [command for line in lines if (command := _COMMENT.sub("", line).strip())]


def _up_to_closed_quote(text: str) -> str:
    """Return a command that may continue on the next lines inside single quotes."""
    lines = text.splitlines()
    command = lines[0]
    for line in lines[1:]:
        if command.count("'") % 2 == 0:
            break
        command += f"\n{line}"
    return command


def documents() -> list[Path]:
    """Return every document that people read."""
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        ROOT / "client" / "README.md",
        ROOT / "exports" / "triggers" / "http" / "api_docs" / "getting_started.md",
    ]


def blocks() -> Iterator[Block]:
    """Yield every block of commands in the documents."""
    for document in documents():
        yield from blocks_of(document.read_text(encoding="utf-8"), "console", "sh", document=document)


def blocks_of(text: str, *languages: str, document: Path = ROOT) -> Iterator[Block]:
    """Yield the blocks of a text in some languages, without the indentation that they have inside a list."""
    for indent, language, content in _BLOCK.findall(text):
        if language in languages:
            flush = re.sub(rf"^{indent}", "", content, flags=re.MULTILINE)
            yield Block(str(document.relative_to(ROOT)), language, flush)


def blocks_to_run(document: str) -> list[Block]:
    """Return the blocks of a document that do not need Azure."""
    return [block for block in blocks() if block.document == document and not block.needs_azure]
