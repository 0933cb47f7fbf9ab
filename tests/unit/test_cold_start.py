"""What a new instance has to load before it can do anything."""

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
    """What importing the app has loaded, in a process of its own."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded: dict[str, object] = json.loads(run.stdout)
    return loaded


@pytest.mark.parametrize("module", HEAVY)
def test_importing_the_app_loads_nothing_heavy(imported: dict[str, object], module: str) -> None:
    loaded = imported["modules"]
    assert isinstance(loaded, list)
    assert [name for name in loaded if name == module or name.startswith(f"{module}.")] == []


def test_importing_the_app_takes_a_second(imported: dict[str, object]) -> None:
    """Of processor time, on a machine that may be busy: three times what is measured on an idle one."""
    assert isinstance(imported["seconds"], float)
    assert imported["seconds"] < 2.5
