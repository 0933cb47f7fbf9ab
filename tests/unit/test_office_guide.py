"""`docs/office-guide.md` names what is written on the page, in the words of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "office-guide.md").read_text(encoding="utf-8")
TEXTS = ROOT / "exports" / "triggers" / "http" / "ui" / "texts" / "en.json"


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    else:
        yield value


def test_every_word_that_the_guide_says_is_on_the_page_is_on_the_page() -> None:
    marked = [" ".join(text.split()) for text in re.findall(r"\*\*(.+?)\*\*", GUIDE, re.DOTALL)]
    bold = [text for text in marked if text != "bold"]
    shown = set(texts_in(json.loads(TEXTS.read_text(encoding="utf-8"))))
    assert len(bold) > 15
    assert [text for text in bold if text not in shown] == []
