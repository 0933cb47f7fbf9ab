"""The real extension reads the settings of host.json that devhost's own engine reads, however they are written."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from devhost.durable.program import _readable_by_program
from devhost.json_files import parse_json
from tests.devhost.conftest import StartHost
from tests.devhost.harness import API, APPS


@pytest.mark.thorough
def test_names_in_host_json_ignore_case_on_the_real_engine(
    start_host: StartHost, extension: dict[str, Any], tmp_path: Path
) -> None:
    root = shutil.copytree(APPS / "durable", tmp_path / "app")
    settings = '{"Version": "2.0", "Extensions": {"DurableTask": {"HubName": "InCapitals"}}}'
    (root / "host.json").write_text(settings, encoding="utf-8")
    for engine in ({}, extension):
        host = start_host(root, workers=1, **engine)
        answer = host.post(f"{API}/orchestrators/chain", "1")
        assert "taskHub=InCapitals" in answer.headers["Location"]
        host.stop()


def test_the_program_gets_host_json_without_comments(tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text('\ufeff{\n// a comment\n"Extensions": {"durableTask": {"hubName": "Hub",}}, /* more */ }', "utf-8")
    assert parse_json(_readable_by_program(file)) == {"extensions": {"durableTask": {"hubName": "Hub"}}}
