"""The commands in `docs/proof.md` for a check by hand work, as far as this machine has the tools."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest

from devhost.local.paths import ROOT
from tests.support.proofs import a_proved_file

_BY_HAND = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8").partition("## By hand")[2]
_COMMANDS = re.findall(r"^\$ (.+?)(?: {2,}#.*)?$", _BY_HAND, re.MULTILINE)
FILE, MANIFEST = a_proved_file()


def _run(command: str, directory: Path) -> str:
    (directory / "clients.csv").write_bytes(FILE)
    run = subprocess.run(["sh", "-c", command], cwd=directory, capture_output=True, text=True, check=True)
    return run.stdout


def _whole() -> list[str]:
    return [command for command in _COMMANDS if command.endswith("clients.csv")]


@pytest.mark.parametrize(
    "command", [each for each in _whole() if shutil.which(each.split()[0])], ids=lambda command: command.split()[0]
)
def test_each_tool_prints_the_crc_of_the_manifest(command: str, tmp_path: Path) -> None:
    command = command.replace("python3", sys.executable)
    assert MANIFEST.crc32 is not None
    assert MANIFEST.crc32 in _run(command, tmp_path).lower()


def test_the_document_shows_each_of_the_four_tools() -> None:
    assert {command.split()[0] for command in _whole()} == {"crc32", "rhash", "7z", "python3"}


def test_the_command_for_one_page_prints_its_sha256(tmp_path: Path) -> None:
    (command,) = (command for command in _COMMANDS if command.startswith("tail"))
    starts = list(accumulate((page.bytes for page in MANIFEST.pages), initial=0))
    for page, start in zip(MANIFEST.pages, starts, strict=False):
        cut = command.replace("6291341", str(start + 1)).replace("6290977", str(page.bytes))
        assert _run(cut, tmp_path).split()[0] == page.sha256
