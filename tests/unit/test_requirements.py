"""The locked requirements name exact files, wherever they come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_locked_with_its_hashes_and_without_a_registry(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    packages = re.findall(r"^[\w.\[\]-]+==.*", text, re.MULTILINE)
    assert len(packages) > 20
    hashed = re.findall(r"^[\w.\[\]-]+==.* \\\n    --hash=sha256:[0-9a-f]{64}\b", text, re.MULTILINE)
    assert len(hashed) == len(packages)
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links", text) == []
