"""Generated requests never break the service, and every answer is one that /openapi.json describes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devhost.local.paths import ROOT
from tests.support.conformance import document
from tests.support.system import NORTHWIND_KEY, System, running_system, sample_database

FEW_CASES = 60
"""Few enough for a run of all tests. `python3 dev.py fuzz --cases N` sets another number through the environment."""


@pytest.fixture(scope="module")
def small_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Start a system with 60 clients, so that exports are fast, and with quotas that are never reached."""
    directory = tmp_path_factory.mktemp("fuzz")
    with running_system(
        directory,
        sample_database(directory, clients=60),
        {
            "EXPORT_WAIT_SECONDS": "0.05",
            "EXPORT_MAX_ACTIVE_JOBS": "100000",
            "EXPORT_MAX_JOBS_PER_DAY": "1000000",
        },
    ) as running:
        yield running


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_generated_request_gets_an_answer_outside_the_document(small_system: System, tmp_path: Path) -> None:
    cases = int(os.environ.get("FUZZ_CASES", FEW_CASES))

    report = fuzz(small_system.url, cases, tmp_path)

    assert report["failures"] == []
    assert report["errors"] == []
    assert report["test_cases"]["generated"] >= cases
    all_but_the_document_itself = len(list(operations())) - 1
    assert report["operations"]["tested"] == all_but_the_document_itself


def fuzz(url: str, cases: int, directory: Path) -> Any:
    """Run schemathesis and return its report. Its output is printed, so that it is shown with a failure."""
    report = directory / "report.json"
    command: list[str | Path] = [
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", Path(__file__).with_name("schemathesis.toml"), "run", f"{url}/openapi.json"),
        *("--header", f"x-api-key: {NORTHWIND_KEY}", "--max-examples", str(max(1, cases // len(list(operations()))))),
        *(
            "--seed",
            os.environ.get("FUZZ_SEED", "1"),
            "--workers",
            "1",
            "--no-color",
            "--no-shrink",
            "--report",
            "json",
            "--report-json-path",
            report,
        ),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.fuzz.checks"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    sys.stdout.writelines(f"{line[:2_000]}\n" for line in done.stdout[-200_000:].splitlines())
    assert report.exists(), done.stderr
    return json.loads(report.read_text(encoding="utf-8"))


def operations() -> Iterator[str]:
    """Yield the names of the operations in the document."""
    for item in document()["paths"].values():
        yield from (operation["operationId"] for method, operation in item.items() if method != "parameters")
