"""The texts of the ui: one JSON file for each language, with a section for each view and each enumeration of the API.

The HTML names a text as `{{section.name}}`, the scripts as `t("section.name")`. A text may hold `{values}`; a text that
depends on a count is an object with a form for each plural category of its language (`one`, `other`, …).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from exports.request.faults import FAULT_KINDS

DEFAULT_LANGUAGE = "en"
_FOLDER = Path(__file__).parent / "texts"
_IN_HTML = re.compile(r"\{\{(\w+)\.([\w-]+)\}\}")
_VALUE = re.compile(r"\{(\w+)\}")
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})[\w-]*\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language.

    Attributes:
        language: Its tag, such as `de`: the name of its file.
        sections: Each text by its section and name. A text with plural forms is a mapping.
    """

    language: str
    sections: Mapping[str, Mapping[str, str | Mapping[str, str]]]

    def get(self, section: str, name: str) -> str:
        """Return a text that has no plural forms.

        Raises:
            KeyError: There is no such text.
        """
        text = self.sections[section][name]
        if not isinstance(text, str):
            message = f"{section}.{name} has plural forms"
            raise KeyError(message)
        return text

    def fill(self, html: str, values: Mapping[str, str]) -> str:
        """Replace each `{{section.name}}` in HTML by its text, and `{values}` within it. The text is escaped.

        `$` is escaped too, so that the result can be the text of a `string.Template`.
        """
        return _IN_HTML.sub(lambda found: self._escaped(found[1], found[2], values), html)

    def _escaped(self, section: str, name: str, values: Mapping[str, str]) -> str:
        text = _VALUE.sub(lambda found: values[found[1]], self.get(section, name))
        return escape(text).replace("$", "&#36;")


@cache
def languages() -> Mapping[str, Texts]:
    """Return the texts of every language, the default language first."""
    tags = sorted((file.stem for file in _FOLDER.glob("*.json")), key=lambda tag: (tag != DEFAULT_LANGUAGE, tag))
    return {tag: Texts(tag, _sections(tag)) for tag in tags}


def _sections(tag: str) -> dict[str, dict[str, str | dict[str, str]]]:
    """Read the texts of a language.

    The API says in the default language what is wrong with a request. So a kind of fault needs a text there only if
    that sentence is not one for an office.
    """
    sections: dict[str, dict[str, Any]] = json.loads((_FOLDER / f"{tag}.json").read_text(encoding="utf-8"))
    if tag == DEFAULT_LANGUAGE:
        sections["faultCodes"] = {kind.code: kind.sentence for kind in FAULT_KINDS} | sections["faultCodes"]
    return sections


def choose_language(wanted: str | None, accepted: str | None) -> str:
    """Return the language in which to show the ui.

    Args:
        wanted: The language that the address names, if it does.
        accepted: The header `Accept-Language` (RFC 9110, section 12.5.4). Ranges that are not valid are ignored.
    """
    if wanted in languages():
        return str(wanted)
    ranges = (_RANGE.fullmatch(part) for part in (accepted or "").split(","))
    weights = [(float(found[2] or 1), found[1].lower()) for found in ranges if found]
    known = [(weight, tag) for weight, tag in weights if weight > 0 and tag in languages()]
    return max(known, key=lambda each: each[0], default=(0.0, DEFAULT_LANGUAGE))[1]
