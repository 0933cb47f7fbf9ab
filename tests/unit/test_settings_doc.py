"""`docs/settings.md` lists every app setting once, with its default, and no setting that does not exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from exports.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
SERVICE, _, HOST = PAGE.partition("## The host and the C library\n")
_ROW = re.compile(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \| (.+?) \| .+ \|$", re.MULTILINE)


def defaults_of(tables: str) -> list[tuple[str, str]]:
    """Return each setting of the tables with its default. A row may name several settings."""
    return [(name, default) for names, default in _ROW.findall(tables) for name in re.findall(r"[A-Z_]+", names)]


def shown(field: FieldInfo) -> str:
    """Return the default of a setting as the document writes it."""
    if field.is_required():
        return "required"
    value: Any = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if value in ("", (), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{' '.join(map(str, value))}`"
    return f"`{value}`"


def test_the_document_lists_every_setting_once_with_its_default() -> None:
    settings = [(str(field.alias), shown(field)) for field in Settings.model_fields.values()]
    assert sorted(defaults_of(SERVICE)) == sorted(settings)


def test_the_document_mentions_no_setting_that_does_not_exist() -> None:
    existing = {str(field.alias) for field in Settings.model_fields.values()}
    assert set(re.findall(r"\b(?:EXPORT|CLIENTS)_[A-Z_]+", PAGE)) - existing == set()


def test_the_document_states_the_longest_time_for_which_a_file_is_kept() -> None:
    (limit,) = [rule.le for rule in Settings.model_fields["keep_hours"].metadata if hasattr(rule, "le")]
    (row,) = re.findall(r"^\| `EXPORT_KEEP_HOURS` \|.+$", SERVICE, re.MULTILINE)
    assert f"more than 0, at most {limit}," in row


def test_the_settings_of_the_host_have_the_values_of_sample_and_infra() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    infra = (ROOT / "infra" / "modules" / "app.bicep").read_text(encoding="utf-8")
    fixed = dict(re.findall(r"^  ([A-Z_]+): '(\d+)'$", infra, re.MULTILINE))
    assert len(fixed) == 4
    places = {name: "in the sample and in `infra/`" if name in sample else "in `infra/`" for name in fixed}
    assert dict(defaults_of(HOST)) == {name: f"`{value}` {places[name]}" for name, value in fixed.items()}
    assert {name: value for name, value in sample.items() if name in fixed}.items() <= fixed.items()
