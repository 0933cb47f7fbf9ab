"""Renders the first section of the documentation: from no key to a proven file, in commands that a test runs."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from exports.triggers.http.api_docs.render_schemas import inline, render_example

ANCHOR, TITLE = "getting-started", "Getting started"
EXAMPLE_URL, EXAMPLE_KEY = "https://exports.example.com", "cx_…"
TEXT = Path(__file__).with_suffix(".md")
_STEP = re.compile(r"^## ([^\n]+)\n\n(.+?)\n\n```(\w+)\n(.+?)^```$", re.MULTILINE | re.DOTALL)


def render_getting_started(server: str) -> str:
    """Render the section.

    Args:
        server: The address at which callers reach the service; `/` if it is not known.
    """
    text = TEXT.read_text(encoding="utf-8")
    if server != "/":
        text = text.replace(EXAMPLE_URL, server)
    return f'<h2 id="{ANCHOR}">{TITLE}</h2>{"".join(_step(*found.groups()) for found in _STEP.finditer(text))}'


def _step(title: str, text: str, language: str, code: str) -> str:
    return f"<h3>{escape(title)}</h3><p>{inline(' '.join(text.split()))}</p>{render_example(title, code, language)}"
