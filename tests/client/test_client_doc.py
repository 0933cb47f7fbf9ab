"""Every command and example of the documents about the client runs, against a running service."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from client_export import ClientFilter, ExportClient, ExportRequest
from client_export.cli.exits import Exit

import dev_commands
from devhost.local.environment import in_venv
from devhost.local.paths import ROOT
from devhost.local.running import record_service
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System

CLIENT_DOC, CLIENT_README, README = ROOT / "docs" / "client.md", ROOT / "client" / "README.md", ROOT / "README.md"
EXAMPLE_URL = "https://exports.example.com"
INSTALL = "pip install ./client"
"""What the fixture `program` runs, with a Python of its own."""
DEV_CLI = "python3 dev.py cli "
SET = "export CLIENT_EXPORT_"


def text_of(document: Path) -> str:
    """Return the text of a document; of the README, the section about the client."""
    text = document.read_text(encoding="utf-8")
    return text.partition("## The Python client\n")[2].partition("\n## ")[0] if document == README else text


def commands_of(document: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", text_of(document), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [line[2:] for line in lines]


def environment(program: Path, system: System, folder: Path) -> dict[str, str]:
    """Return the variables with which the commands of the documents find the service, an export and a key."""
    settings = {"URL": system.url, "KEY": NORTHWIND_KEY, "CONFIG": str(folder / "profiles.json")}
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    with ExportClient(system.url, key=NORTHWIND_KEY) as client:
        export = ExportRequest(["Code", ("Client", "Name")], filter=ClientFilter(statuses=["Active"]))
        codes = {
            "CODE": client.wait(client.start(export).code).code,
            "KEY_CODE": client.create_key("Of the documents").key.code,
        }
    named = {f"CLIENT_EXPORT_{name}": value for name, value in settings.items()}
    return {**os.environ, "PATH": path, **named, **codes}


@pytest.mark.parametrize(
    "document",
    [pytest.param(CLIENT_DOC, marks=pytest.mark.thorough), CLIENT_README, README],
    ids=["docs", "package", "README"],
)
def test_every_command_of_the_documents_runs(program: Path, system: System, tmp_path: Path, document: Path) -> None:
    commands = commands_of(document)
    assert commands[0].startswith(INSTALL)
    own = [command.replace(EXAMPLE_URL, system.url) for command in commands[1:] if not command.startswith(DEV_CLI)]
    assert own
    variables = environment(program, system, tmp_path)
    settings = [command for command in own if command.startswith(SET)]
    if settings:  # the document itself says where the service is
        variables |= {"SERVICE": system.url, "KEY": NORTHWIND_KEY, "CLIENT_EXPORT_URL": "", "CLIENT_EXPORT_KEY": ""}
    for command in own[len(settings) :]:
        assert command.startswith("client-export ")
        done = subprocess.run(
            "; ".join([*settings, command]),
            shell=True,
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert (tmp_path / "clients.csv").exists()


def test_every_command_of_the_document_for_the_local_system_runs(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [command for command in commands_of(CLIENT_DOC) if command.startswith(DEV_CLI)]
    assert commands
    monkeypatch.setattr(dev_commands, "LOCAL", tmp_path)
    monkeypatch.chdir(tmp_path)
    record_service(tmp_path / "service.json", system.url, NORTHWIND_KEY, NORTHWIND, system.settings)
    for command in commands:
        assert dev_commands.main(["cli", *shlex.split(command.removeprefix(DEV_CLI))]) == 0, command
    assert (tmp_path / "active.csv").exists()


def python_examples(document: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text_of(document), re.MULTILINE | re.DOTALL)


def run_python(python: Path, example: str, system: System, folder: Path, **variables: str) -> str:
    """Run an example that knows `url` and `key`, or has stand-ins for them; return what it prints."""
    example = example.replace(EXAMPLE_URL, system.url).replace('"…"', json.dumps(NORTHWIND_KEY))
    example = f"url, key = {system.url!r}, {NORTHWIND_KEY!r}\n{example}"
    done = subprocess.run(
        [python, "-c", example],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("document", "number"), [(CLIENT_DOC, 0), (CLIENT_DOC, 1), (CLIENT_README, 0)], ids=["docs", "asyncio", "package"]
)
def test_the_python_example_of_the_documents_exports(
    program: Path, system: System, tmp_path: Path, document: Path, number: int
) -> None:
    run_python(program.with_name("python"), python_examples(document)[number], system, tmp_path)
    assert (tmp_path / "clients.csv").stat().st_size > 0


def test_the_example_of_data_frames_gives_both_kinds_with_the_same_rows(system: System, tmp_path: Path) -> None:
    """It runs where the tests run, which have both libraries; `test_extras.py` installs each extra as users do."""
    *_, example = python_examples(CLIENT_DOC)
    printed = run_python(in_venv("python"), example, system, tmp_path, PYTHONPATH=str(ROOT / "client" / "src"))
    pandas, polars = re.fullmatch(r"(\(\d+, 2\)) (\(\d+, 2\))\n", printed).groups()  # type: ignore[union-attr]
    assert pandas == polars != "(0, 2)"


def test_the_documents_have_an_example_of_each_client() -> None:
    examples = python_examples(CLIENT_DOC)
    assert len(examples) == 3, "each one must be run by a test above"
    for name in ("ExportClient(", "AsyncExportClient(", "to_pandas(", "to_polars("):
        assert any(name in example for example in examples), name
    assert len(python_examples(CLIENT_README)) == 1


def test_the_document_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \|", text_of(CLIENT_DOC), re.MULTILINE)
    assert [int(code) for code in listed] == [int(code) for code in Exit]


def test_the_document_lists_every_command(program: Path) -> None:
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    offered = set(re.findall(r"^  ([a-z-]+)  ", shown.partition("Commands:")[2], re.MULTILINE))
    table = text_of(CLIENT_DOC).partition("| Command | |")[2].partition("\n\n")[0]
    assert offered
    cells = " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    assert offered == set(re.findall(r"`([\w-]+)`", cells))
