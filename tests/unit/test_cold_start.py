"""A new instance loads little before it can serve its first request."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    *("sqlalchemy", "psycopg", "pymysql", "azure.storage.blob", "azure.data.tables", "azure.identity", "azure.core"),
    *("cryptography", "requests", "opentelemetry.sdk", "pandas", "polars", "pyarrow", "numpy", "exports.adapters"),
)
PROGRAM = """
import json, sys, time
import function_app
print(json.dumps({"seconds": time.process_time(), "modules": list(sys.modules)}))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, object]:
    """Import the app in a new process; return its processor seconds and the modules it loaded."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded: dict[str, object] = json.loads(run.stdout)
    return loaded


def test_importing_the_app_loads_no_heavy_module(imported: dict[str, object]) -> None:
    loaded = imported["modules"]
    assert isinstance(loaded, list)
    assert [module for module in HEAVY if any(f"{name}.".startswith(f"{module}.") for name in loaded)] == []


def test_importing_the_app_takes_less_than_2_5_seconds(imported: dict[str, object]) -> None:
    """Processor time; the bound is three times the value of an idle machine, because this one may be busy."""
    assert isinstance(imported["seconds"], float)
    assert imported["seconds"] < 2.5
