"""The first section of `/docs`, `getting_started.md`, works as it stands: a key, an export, its file, the client."""

from __future__ import annotations

import csv
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devhost.local.paths import ROOT
from exports.triggers.http.api_docs.getting_started import ANCHOR, EXAMPLE_KEY, EXAMPLE_URL
from tests.client.test_client_doc import INSTALL
from tests.support.system import System

_EXAMPLE = re.compile(r'<pre [^>]*data-language="(\w+)"><code>(.*?)</code></pre>', re.DOTALL)


@pytest.fixture(scope="module")
def examples(system: System) -> list[tuple[str, str]]:
    """The examples as a reader of the running service sees them: language and lines."""
    page = system.call("GET", "/docs", key=None).body.decode()
    section = page.partition(f'<h2 id="{ANCHOR}">')[2].partition("<h2")[0]
    return [(language, html.unescape(code)) for language, code in _EXAMPLE.findall(section)]


def environment(program: Path, system: System) -> dict[str, str]:
    """Return the variables of an operator; the first Python has the service, the one after it the client."""
    folders = [str(Path(sys.executable).parent), str(program.parent), os.environ["PATH"]]
    known = {"PATH": os.pathsep.join(folders), "PYTHONPATH": str(ROOT), "EXPORT_STORAGE": system.storage}
    return {name: value for name, value in os.environ.items() if not name.startswith("CLIENT_EXPORT_")} | known


def run(command: list[str], folder: Path, variables: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_of_getting_started_runs_in_its_order(
    examples: list[tuple[str, str]], program: Path, system: System, tmp_path: Path
) -> None:
    make_key, *others = [code for language, code in examples if language == "sh"]
    (python,) = (code for language, code in examples if language == "python")
    variables = environment(program, system) | {"CLIENT_EXPORT_CONFIG": str(tmp_path / "profiles.json")}

    key = run(["sh", "-c", make_key], tmp_path, variables).strip()
    script = "".join(others).replace(EXAMPLE_URL, system.url).replace(EXAMPLE_KEY, key)
    assert INSTALL in script
    script = script.replace(INSTALL, ":")  # the fixture `program` has installed it
    run(["sh", "-euc", script], tmp_path, variables)
    variables |= {"CLIENT_EXPORT_URL": system.url, "CLIENT_EXPORT_KEY": key}
    run([str(program.with_name("python")), "-c", python], tmp_path, variables | {"PYTHONPATH": ""})

    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    with (tmp_path / "clients.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["Client", "VAT"]
    assert len(rows) == manifest["rows"] > 0
    for other in ("proven.csv", "from-python.csv"):
        assert (tmp_path / other).read_bytes() == (tmp_path / "clients.csv").read_bytes()
