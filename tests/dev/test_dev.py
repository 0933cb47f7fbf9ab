"""dev.py: its settings and keys, its output and its command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import dev_commands
from devhost.local.azurite import Azurite
from devhost.local.checks import summarize
from devhost.local.environment import digest, is_current
from devhost.local.errors import DevError
from devhost.local.health import health_report
from devhost.local.paths import ROOT
from devhost.local.processes import run_quietly
from devhost.local.settings import create_settings, read_settings, save_value, values_of
from exports.commands.demo import export as demo
from exports.commands.demo import local_data
from exports.commands.demo.answers import DemoError
from exports.commands.demo.export import RowCounter, first_lines
from exports.commands.demo.local_data import choose_tenant, make_key
from exports.request.scopes import ALL_SCOPES
from shared.key_ring import KeyRing
from shared.local_http import Answer
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore


def write_sample(folder: Path) -> Path:
    sample = folder / "sample.json"
    sample.write_text(json.dumps({"IsEncrypted": False, "Values": {"FUNCTIONS_WORKER_RUNTIME": "python"}}))
    return sample


# --- settings and keys


def test_new_settings_are_a_copy_of_the_sample_that_only_the_owner_can_read(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    assert create_settings(settings, write_sample(tmp_path))
    assert json.loads(settings.read_text())["Values"] == {"FUNCTIONS_WORKER_RUNTIME": "python"}
    assert settings.stat().st_mode & 0o077 == 0


def test_saving_a_key_keeps_other_settings_and_only_the_owner_can_read_it(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Values": {"DEV_API_KEY": "old", "MINE": "1"}, "Host": {"CORS": "*"}}))
    save_value(settings, "DEV_API_KEY", "new")
    assert json.loads(settings.read_text()) == {"Values": {"DEV_API_KEY": "new", "MINE": "1"}, "Host": {"CORS": "*"}}
    assert settings.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [settings]


def test_existing_settings_are_never_changed(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("mine")
    assert not create_settings(settings, write_sample(tmp_path))
    assert settings.read_text() == "mine"


def test_the_message_about_a_broken_settings_file_names_the_file(tmp_path: Path) -> None:
    settings = tmp_path / "local.settings.json"
    settings.write_text("{")
    with pytest.raises(DevError, match=r"local\.settings\.json is not a settings file"):
        read_settings(settings, write_sample(tmp_path))


def test_settings_come_from_the_environment_then_the_file_then_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, sample = tmp_path / "settings.json", tmp_path / "sample.json"
    settings.write_text(json.dumps({"Values": {"ONE": "settings", "TWO": "settings"}}))
    sample.write_text(json.dumps({"Values": {"ONE": "sample", "TWO": "sample", "THREE": "sample"}}))
    monkeypatch.setenv("ONE", "environment")
    assert read_settings(settings, sample) == {"ONE": "environment", "TWO": "settings", "THREE": "sample"}


@pytest.fixture
def service_keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A service without storage: its keys, and the tenants that each key gives access to."""
    keys: dict[str, list[str]] = {}

    def make(_python: Path, _root: Path, _storage: str, tenants: list[str]) -> str:
        key = f"key{len(keys)}"
        keys[key] = tenants
        return key

    monkeypatch.setattr(local_data, "make_key", make)
    monkeypatch.setattr(demo, "key_opens", lambda _, key, tenant: tenant in keys.get(key, []))
    return keys


def test_a_key_is_made_once_and_replaced_when_it_no_longer_works(
    tmp_path: Path, service_keys: dict[str, list[str]]
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"Values": {}}')

    def key_for(tenant: str) -> str:
        return dev_commands.usable_key(
            "http://service", "storage", values_of(settings).get("DEV_API_KEY"), tenant, settings
        )

    assert [key_for("northwind"), key_for("northwind"), key_for("harbour")] == ["key0"] * 3
    assert [key_for("acme"), key_for("northwind")] == ["key1"] * 2
    service_keys.clear()
    assert [key_for("northwind"), key_for("northwind")] == ["key0"] * 2
    assert service_keys == {"key0": ["northwind", "harbour"]}


def test_the_key_for_a_run_has_every_scope_for_its_tenants(azurite: Azurite) -> None:
    text = make_key(Path(sys.executable), ROOT, azurite.connection_string, ["northwind", "acme"])
    account = StorageAccount(azurite.connection_string)
    found = KeyRing(TableKeyStore(account), run_in_background=lambda _: None).find(text)
    account.tables.close()
    assert found is not None
    assert (found.tenants, found.scopes) == (("northwind", "acme"), ALL_SCOPES)


def test_an_invalid_tenant_is_named_in_the_error(azurite: Azurite) -> None:
    with pytest.raises(DemoError, match="'a/b' is not a valid tenant"):
        make_key(Path(sys.executable), ROOT, azurite.connection_string, ["a/b"])


@pytest.mark.parametrize(
    ("requested", "own_database", "chosen"),
    [(None, False, "northwind"), ("harbour", False, "harbour"), ("a", True, "a")],
)
def test_the_tenant_is_the_given_one_or_the_first_of_the_sample(
    requested: str | None, own_database: bool, chosen: str
) -> None:
    assert choose_tenant(requested, own_database) == chosen


def test_a_database_of_the_users_own_needs_a_tenant() -> None:
    with pytest.raises(DemoError, match="--tenant"):
        choose_tenant(None, own_database=True)


def test_the_help_of_run_says_that_an_own_database_needs_a_tenant() -> None:
    command = [sys.executable, str(ROOT / "dev.py"), "run", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "required with --database" in " ".join(shown.split())


# --- output


def test_the_health_report_names_only_unhealthy_dependencies() -> None:
    healthy = {"name": "tables", "status": "Healthy", "detail": None}
    unhealthy = {"name": "clients", "status": "Unhealthy", "detail": "no view"}
    body = {"status": "Unhealthy", "dependencies": [healthy, unhealthy]}
    assert health_report(Answer(503, {}, json.dumps(body).encode())) == "    clients: no view"


def test_an_unexpected_health_response_is_shown_unchanged() -> None:
    assert health_report(Answer(503, {}, b"down")) == "    503 down"


@pytest.mark.parametrize("piece_bytes", [1, 3, 1000])
def test_line_breaks_inside_quotes_do_not_count_as_rows(piece_bytes: int) -> None:
    content = b'a,b\r\n"x\r\ny","say ""hi""\n"\r\nlast,1\r\n'
    counter = RowCounter()
    for start in range(0, len(content), piece_bytes):
        counter.feed(content[start : start + piece_bytes])
    assert counter.rows == 3


def test_the_first_lines_are_cut_to_the_width_of_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text('Name,Note\r\n"A\r\nB","' + "x" * 300 + '"\r\nC,D\r\nE,F\r\n', newline="")
    header, first, second = first_lines(file, count=3, width=20)
    assert (header, second) == ("Name,Note", "C,D")
    assert first == "A B," + "x" * 15 + "…"


def test_counts_are_found_in_pytest_output_despite_colours_and_rulers() -> None:
    output = (
        "...F\n=== short test summary info ===\nFAILED a.py\n2 test functions, 4 cases: 3 passed, 1 failed\n"
        "\x1b[31m\x1b[1m1 failed\x1b[0m, 3 passed in 0.10s\x1b[0m\n"
    )
    assert str(summarize(output)) == "2 test functions, 4 cases: 3 passed, 1 failed\n1 failed, 3 passed in 0.10s"


def test_without_counts_the_summary_is_the_last_line_of_pytest() -> None:
    assert str(summarize("ERROR: file not found\n\n")) == "ERROR: file not found"


# --- set-up


def test_dev_py_runs_with_the_standard_library_only() -> None:
    no_packages = [sys.executable, "-S", str(ROOT / "dev.py"), "--help"]
    done = subprocess.run(no_packages, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stamp_is_current_only_for_unchanged_files(tmp_path: Path) -> None:
    source, stamp = tmp_path / "requirements.txt", tmp_path / "stamp"
    source.write_text("a==1")
    assert not is_current(stamp, [source])
    stamp.write_text(digest([source]))
    assert is_current(stamp, [source])
    source.write_text("a==2")
    assert not is_current(stamp, [source])


def test_a_failing_program_is_shown_with_its_command_and_output() -> None:
    with pytest.raises(DevError, match=r"(?s)No luck\..*Tried: .*exit.*ended with code 3.*here is why"):
        run_quietly([sys.executable, "-c", "print('here is why'); exit(3)"], "No luck.")


@pytest.mark.parametrize("command", [["run", "--clients", "0"], ["run", "--colour"], ["unknown"], []])
def test_wrong_arguments_are_refused_before_anything_starts(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        dev_commands.main(command)
    assert "usage" in capsys.readouterr().err


def test_other_arguments_of_the_test_command_go_to_pytest_in_their_order() -> None:
    options, rest = dev_commands.PARSER.parse_known_args(["test", "-k", "name", "--fast", "tests/dev", "-x"])
    assert options.fast
    assert rest == ["-k", "name", "tests/dev", "-x"]
