"""Microsoft's own T-SQL parser as a judge of statements for Azure SQL.

The program reads files and prints each error as `FILE:LINE:COLUMN: message`; its exit code is 1 if there is one. It
judges syntax. It knows no types, collations or plans.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_BESIDE_THE_CHECKOUT = Path(__file__).parents[2].parent / "shared" / "tsql" / "tsql-parser"
_MISSING = (
    "Microsoft's T-SQL parser is not there. Name it in TSQL_PARSER, or put it at ../shared/tsql/tsql-parser beside the "
    "checkout: a program around the NuGet package Microsoft.SqlServer.TransactSql.ScriptDom that reads files."
)


def find_parser() -> Path:
    """Find the program. Under CI a missing program fails the test; elsewhere the test is skipped."""
    program = Path(os.environ.get("TSQL_PARSER") or _BESIDE_THE_CHECKOUT)
    if not program.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(_MISSING)
    return program


def parse(folder: Path, scripts: Mapping[str, str]) -> str:
    """Let the parser read scripts; return its messages, which are empty if it accepts all of them.

    Args:
        folder: Where to write the scripts.
        scripts: The text of each script by its name.
    """
    files = []
    for name, text in scripts.items():
        file = folder / f"{name}.sql"
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    done = subprocess.run([find_parser(), *files], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")
