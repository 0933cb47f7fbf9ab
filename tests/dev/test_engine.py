"""`dev.py` finds, unpacks and requires the program with the real Durable extension."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType

import pytest

from devhost.local import checks, engine_program
from devhost.local.errors import DevError
from devhost.local.paths import ROOT
from tests.support import csharp


def archive_of(directory: Path, name: str) -> Path:
    """Make an archive that contains one executable with this name."""
    program = directory / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    archive = directory / f"{name}.tar.xz"
    with tarfile.open(archive, "w:xz") as content:
        content.add(program, f"./{name}")
    return archive


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_program, "LOCAL", tmp_path / "local")
    monkeypatch.delenv(engine_program.SETTING, raising=False)


def test_the_setting_wins_over_the_archive_beside_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, named = archive_of(tmp_path, "durable-engine"), tmp_path / "named"
    named.touch()
    monkeypatch.setattr(engine_program, "BESIDE_THE_CHECKOUT", beside)
    assert engine_program.find() == beside
    monkeypatch.setenv(engine_program.SETTING, str(named))
    assert engine_program.find() == named


def test_a_setting_that_names_no_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engine_program.SETTING, "/nowhere/durable-engine")
    with pytest.raises(DevError, match="DURABLE_ENGINE names /nowhere/durable-engine, which is not a file"):
        engine_program.find()


def test_an_archive_is_unpacked_once_even_by_several_processes(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, "durable-engine")
    with ThreadPoolExecutor(4) as pool:
        programs = set(pool.map(engine_program.executable, [archive] * 4))
    assert len(programs) == 1
    (program,) = programs
    assert program.stat().st_mode & 0o100
    assert [path.name for path in (tmp_path / "local" / "engine").iterdir()] == [program.parent.name]


def test_an_archive_without_the_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DevError, match="does not contain the program durable-engine"):
        engine_program.executable(archive_of(tmp_path, "other"))


@pytest.mark.parametrize(("ci", "ok"), [("true", False), ("", True)])
def test_without_the_program_a_run_says_where_to_get_it_and_fails_under_ci_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str, ok: bool
) -> None:
    monkeypatch.setattr(engine_program, "BESIDE_THE_CHECKOUT", tmp_path / "missing")
    monkeypatch.setenv("CI", ci)
    assert checks.run_default_on_engine(thorough=bool(ci)).ok is ok
    assert "Build it with the .NET 10 SDK" in capsys.readouterr().out


ON_ENGINE = ["tests/chaos/test_chaos.py", "tests/faults", "tests/e2e"]


@pytest.mark.parametrize(
    ("ci", "thorough", "on_engine"),
    [("true", True, ON_ENGINE), ("", True, ON_ENGINE), ("", False, [*checks.ON_ENGINE_BY_DEFAULT, "not thorough"])],
)
def test_a_run_has_some_of_e2e_on_the_program_and_a_thorough_one_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, thorough: bool, on_engine: list[str]
) -> None:
    named, runs = tmp_path / "durable-engine", list[tuple[str, list[str]]]()
    named.touch()

    def run(arguments: list[str], title: str) -> tuple[checks.Check, checks.Summary]:
        runs.append((os.environ[engine_program.USED], list(arguments)))
        return checks.Check("pytest", 1.0, ok=True), checks.Summary("", "1 skipped in 1 s")

    monkeypatch.setattr(checks, "run_pytest", run)
    monkeypatch.setattr(checks, "packaged_systems", nullcontext)
    monkeypatch.setenv(engine_program.SETTING, str(named))
    monkeypatch.setenv("CI", ci)
    check = checks.run_default_on_engine(thorough)
    ((program, arguments),) = runs
    assert program == str(named)
    assert [argument for argument in arguments if not argument.startswith("-")] == on_engine
    assert check.ok is not bool(ci), "under CI a skipped test is a failure"
    assert engine_program.engine_of_systems() is None


def test_ci_leaves_out_no_test_and_runs_all_of_them_on_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, on_engine = list[list[str]](), list[bool]()

    def run(arguments: list[str]) -> tuple[checks.Check, checks.Summary]:
        runs.append(arguments)
        return checks.Check("pytest", 0.0, ok=True), checks.Summary("", "1 passed in 1s")

    def repeat(thorough: bool) -> checks.Check:
        on_engine.append(thorough)
        return checks.Check("on engine", 0.0, ok=True)

    monkeypatch.setattr(checks, "STATIC_CHECKS", {})
    monkeypatch.setattr(checks, "run_pytest", run)
    monkeypatch.setattr(checks, "run_default_on_engine", repeat)
    monkeypatch.setenv("CI", "true")
    assert checks.run_checks(fast=False, thorough=False, pytest_args=())
    assert (runs, on_engine) == ([[*checks.IN_PARALLEL]], [True])


@pytest.mark.parametrize("has_program", [True, False])
@pytest.mark.parametrize(
    ("fast", "thorough", "marks"),
    [
        (False, False, "not thorough"),
        (True, False, "not slow and not thorough"),
        (False, True, ""),
    ],
)
def test_a_run_leaves_out_only_what_a_thorough_one_or_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool, thorough: bool, marks: str, has_program: bool
) -> None:
    monkeypatch.setattr(engine_program, "BESIDE_THE_CHECKOUT", tmp_path / "missing")
    monkeypatch.setattr(engine_program, "built", lambda: tmp_path / "missing")
    if has_program:
        (tmp_path / "durable-engine").touch()
        monkeypatch.setenv(engine_program.SETTING, str(tmp_path / "durable-engine"))
    arguments = checks.chosen_tests(fast, thorough, ())
    assert (arguments[arguments.index("-m") + 1] if "-m" in arguments else "") == marks
    ignored = [argument.removeprefix("--ignore=") for argument in arguments if argument.startswith("--ignore=")]
    assert ignored == (list(checks.ON_ENGINE_BY_DEFAULT) if has_program and not fast and not thorough else [])
    assert [name for name in ignored if not Path(name).is_file()] == []


def test_tests_that_are_named_run_although_they_are_thorough() -> None:
    assert checks.chosen_tests(fast=False, thorough=False, pytest_args=["tests/e2e"]) == ["tests/e2e"]


def test_without_the_dotnet_sdk_a_build_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DevError) as refused:
        engine_program.build()
    expected = "Install the .NET 10 SDK (https://dotnet.microsoft.com/download): `dotnet` is not on PATH."
    assert str(refused.value) == expected


def run_ci(
    folder: Path, environment: Mapping[str, str] = MappingProxyType({}), /, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the script of CI where everything is installed, with stand-ins for programs in a folder."""
    programs = {
        "python3": 'echo "python3 $* with CI=$CI"',
        # As on a machine with many libraries, the list goes on long after the two names that are looked for.
        "ldconfig": "echo libltdl.so.7; echo libgssapi_krb5.so.2; seq 100000",
        "apt-get": "echo apt-get was called; exit 1",
        **dict.fromkeys(("my_print_defaults", "mariadbd"), "exit 0"),
        **more,
    }
    folder.mkdir(exist_ok=True)
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    usual = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "LIBREOFFICE": "x",
        "CHROMIUM": "x",
        "DURABLE_ENGINE": "x",
    }
    variables = usual | dict(environment)
    return subprocess.run([ROOT / ".ci" / "run"], capture_output=True, text=True, env=variables, check=False)


def test_the_script_of_ci_runs_all_tests_with_ci_set(tmp_path: Path) -> None:
    """So a test that is skipped, and a real Durable extension that is not used, are failures."""
    done = run_ci(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "python3 dev.py test with CI=true\n", "")


MONO = dict.fromkeys(("java", "mcs", "mono"), "exit 0")


def install_libraries(folder: Path, *missing: str) -> None:
    """Lay the libraries of Mono beside the folder of its programs, without some."""
    libraries = folder / "lib" / "mono" / "4.5"
    libraries.mkdir(parents=True)
    for name in {*csharp._LIBRARIES} - {*missing}:
        (libraries / f"{name}.dll").touch()


def test_the_script_of_ci_installs_nothing_if_every_library_for_csharp_is_there(tmp_path: Path) -> None:
    install_libraries(tmp_path)
    assert run_ci(tmp_path / "bin", **MONO).stdout == "python3 dev.py test with CI=true\n"


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("*", ["chromium-headless-shell"]),
        ("chromium", ["chromium-headless-shell", "chromium"]),
        ("none", ["chromium-headless-shell", "chromium"]),
    ],
)
def test_ci_installs_the_headless_shell_of_chromium_or_else_the_browser(
    tmp_path: Path, known: str, asked: list[str]
) -> None:
    install_libraries(tmp_path)
    folder, record = tmp_path / "bin", tmp_path / "asked"
    folder.mkdir()
    for name in ("bash", "sh", "dirname", "readlink", "seq"):
        (folder / name).symlink_to(shutil.which(name) or name)
    install = f'for last; do :; done; echo "$last" >> {record}; case "$last" in {known}) ;; *) exit 1 ;; esac'
    stand_ins = {
        "apt-get": f'[ "$1" = update ] || {{ {install}; }}',
        "id": "echo 0",
        "curl": "exit 0",
        "unzip": "exit 0",
    }
    done = run_ci(folder, {"CHROMIUM": "", "PATH": str(folder)}, **stand_ins, **MONO)
    assert (done.returncode, done.stderr) == (0, "")
    assert record.read_text().split() == asked
    assert ("apt could not install Chromium" in done.stdout) is (known == "none")


@pytest.mark.parametrize("library", csharp._LIBRARIES)
def test_without_a_library_for_csharp_ci_installs_it_and_others_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    install_libraries(tmp_path, library)
    assert run_ci(tmp_path / "bin", **MONO).stdout.startswith("apt-get was called\n")

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for ci, ended in (("", pytest.skip.Exception), ("true", pytest.fail.Exception)):
        monkeypatch.setenv("CI", ci)
        with pytest.raises(ended, match=f"^{library}.dll not found"):
            csharp.require_mono()
