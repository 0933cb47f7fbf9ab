"""The Python versions that the project supports, and its answer to all others."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from devhost.local.environment import REQUIREMENTS, python_of
from devhost.local.paths import ROOT
from devhost.local.python_version import NEWEST_PYTHON, OLDEST_PYTHON, problem_of, runs

SUPPORTED = [f"3.{minor}" for minor in range(OLDEST_PYTHON[1], NEWEST_PYTHON[1] + 1)]


def pins(file: Path, python: str) -> dict[str, str]:
    """Return the packages that a requirements file installs on Linux with a Python version: name to version."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    lines = [line.removesuffix(" \\") for line in file.read_text().splitlines() if line and line[0] not in " #"]
    wanted = [Requirement(line) for line in lines]
    chosen = [one for one in wanted if one.marker is None or one.marker.evaluate(environment)]
    assert len({one.name for one in chosen}) == len(chosen), "two versions of one package"
    return {one.name: str(one.specifier).removeprefix("==") for one in chosen}


@pytest.mark.parametrize("python", SUPPORTED)
def test_every_supported_python_gets_the_azure_functions_package_made_for_it(python: str) -> None:
    for file in REQUIREMENTS:
        major = pins(file, python)["azure-functions"].split(".")[0]
        assert major == ("1" if python in ("3.11", "3.12") else "2")


@pytest.mark.parametrize("python", SUPPORTED)
@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.stem)
def test_every_supported_python_gets_all_required_packages(file: Path, python: str) -> None:
    lines = file.with_suffix(".in").read_text().splitlines()
    wanted = {Requirement(line).name for line in lines if line and line[0] not in "-#"}
    assert wanted <= pins(file, python).keys()


@pytest.mark.parametrize(
    ("version", "implementation"),
    [((2, 7, 18), "CPython"), ((3, 10, 13), "CPython"), ((3, 15, 0), "CPython"), ((3, 11, 9), "PyPy")],
)
def test_an_unsupported_python_is_refused_in_one_line(version: tuple[int, ...], implementation: str) -> None:
    found = f"{implementation} {'.'.join(map(str, version))}"
    expected = f"client-export needs CPython 3.11 to 3.14; this is {found}. "
    assert problem_of(version, implementation, ["python3.12"]) == expected + "Use: python3.12 dev.py"
    assert problem_of(version, implementation, []) == expected + "Install one of them from python.org."


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 0), (3, 14, 2)])
def test_a_supported_python_is_not_refused(version: tuple[int, ...]) -> None:
    assert problem_of(version, "CPython", []) is None


@pytest.mark.parametrize("file", ["dev.py", "devhost/__init__.py", "devhost/local/__init__.py"])
def test_old_python_versions_can_read_the_files_that_refuse_them(file: str) -> None:
    ast.parse((ROOT / file).read_text(), feature_version=(3, 4))


def old_pythons() -> list[Path]:
    """Return the unsupported interpreters that this machine has: on PATH, or installed by pyenv."""
    names = ["python2.7", *(f"python3.{minor}" for minor in range(6, OLDEST_PYTHON[1]))]
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += (Path.home() / ".pyenv" / "versions").glob("*/bin")
    return [folder / name for folder in folders for name in names if runs(str(folder / name))]


AS_OLD_PYTHON = """
import platform, runpy, subprocess, sys
sys.version_info = (3, 10, 13, "final", 0)
runpy.run_path("dev.py", run_name="__main__")
"""


def test_dev_py_tells_an_old_python_in_one_line_which_one_to_use() -> None:
    pretended: list[str | Path] = [sys.executable, "-B", "-c", AS_OLD_PYTHON]
    # Python 2 would write compiled modules beside the sources
    installed: list[list[str | Path]] = [[program, "-B", ROOT / "dev.py", "run"] for program in old_pythons()]
    for program in (pretended, *installed):
        answer = subprocess.run(program, capture_output=True, text=True, check=False, cwd=ROOT)
        assert (answer.returncode, answer.stdout) == (1, ""), program
        assert answer.stderr.startswith("client-export needs CPython 3.11 to 3.14; this is CPython "), program
        assert answer.stderr.count("\n") == 1, program


def test_an_environment_of_another_python_is_recognized(tmp_path: Path) -> None:
    assert python_of(tmp_path) is None
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.13.0\n")
    assert python_of(tmp_path) == "3.13"
