"""dev.py: what it writes, says and counts."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import dev
from devhost.local.azurite import Azurite
from devhost.local.checks import totals_line
from devhost.local.console import ProgressBar, progress_line
from devhost.local.environment import digest, is_current
from devhost.local.errors import DevError
from devhost.local.health import Answer, health_report
from devhost.local.paths import ROOT
from devhost.local.processes import run_quietly
from devhost.local.settings import create_settings, read_settings, save_value, values_of
from exports.commands.demo import export as demo
from exports.commands.demo import local_data
from exports.commands.demo.export import RowCounter, first_lines
from exports.commands.demo.local_data import choose_tenant, make_key
from exports.commands.demo.web import DemoError
from exports.request.scopes import ALL_SCOPES
from shared.key_ring import KeyRing
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore

if TYPE_CHECKING:
    pass


def write_sample(folder: Path) -> Path:
    sample = folder / "sample.json"
    sample.write_text(json.dumps({"IsEncrypted": False, "Values": {"FUNCTIONS_WORKER_RUNTIME": "python"}}))
    return sample


# --- settings and keys


def test_new_settings_are_those_of_the_sample_readable_by_their_owner_alone(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    assert create_settings(settings, write_sample(tmp_path))
    assert json.loads(settings.read_text())["Values"] == {"FUNCTIONS_WORKER_RUNTIME": "python"}
    assert settings.stat().st_mode & 0o077 == 0


def test_a_kept_key_changes_nothing_else_and_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Values": {"DEV_API_KEY": "old", "MINE": "1"}, "Host": {"CORS": "*"}}))
    save_value(settings, "DEV_API_KEY", "new")
    assert json.loads(settings.read_text()) == {"Values": {"DEV_API_KEY": "new", "MINE": "1"}, "Host": {"CORS": "*"}}
    assert settings.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [settings]


def test_settings_that_exist_are_never_touched(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("mine")
    assert not create_settings(settings, write_sample(tmp_path))
    assert settings.read_text() == "mine"


def test_a_broken_settings_file_is_named_in_plain_words(tmp_path: Path) -> None:
    settings = tmp_path / "local.settings.json"
    settings.write_text("{")
    with pytest.raises(DevError, match=r"local\.settings\.json is not a settings file"):
        read_settings(settings, write_sample(tmp_path))


def test_a_setting_comes_from_the_environment_else_the_settings_else_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, sample = tmp_path / "settings.json", tmp_path / "sample.json"
    settings.write_text(json.dumps({"Values": {"ONE": "settings", "TWO": "settings"}}))
    sample.write_text(json.dumps({"Values": {"ONE": "sample", "TWO": "sample", "THREE": "sample"}}))
    monkeypatch.setenv("ONE", "environment")
    assert read_settings(settings, sample) == {"ONE": "environment", "TWO": "settings", "THREE": "sample"}


@pytest.fixture
def keys_of_service(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Keys and what they open, of a service and a storage that are not there."""
    keys: dict[str, list[str]] = {}

    def make(_python: Path, _root: Path, _storage: str, tenants: list[str]) -> str:
        key = f"key{len(keys)}"
        keys[key] = tenants
        return key

    monkeypatch.setattr(local_data, "make_key", make)
    monkeypatch.setattr(demo, "key_opens", lambda _, key, tenant: tenant in keys.get(key, []))
    return keys


def test_a_key_is_made_once_and_again_when_it_no_longer_opens(
    tmp_path: Path, keys_of_service: dict[str, list[str]]
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"Values": {}}')

    def key_for(tenant: str) -> str:
        return dev.usable_key("http://service", "storage", values_of(settings).get("DEV_API_KEY"), tenant, settings)

    assert [key_for("northwind"), key_for("northwind"), key_for("harbour")] == ["key0"] * 3
    assert [key_for("acme"), key_for("northwind")] == ["key1"] * 2
    keys_of_service.clear()
    assert [key_for("northwind"), key_for("northwind")] == ["key0"] * 2
    assert keys_of_service == {"key0": ["northwind", "harbour"]}


def test_a_key_made_for_a_run_opens_its_tenants_with_every_scope(azurite: Azurite) -> None:
    text = make_key(Path(sys.executable), ROOT, azurite.connection_string, ["northwind", "acme"])
    account = StorageAccount(azurite.connection_string)
    found = KeyRing(TableKeyStore(account), run_in_background=lambda _: None).find(text)
    account.tables.close()
    assert found is not None
    assert (found.tenants, found.scopes) == (("northwind", "acme"), ALL_SCOPES)


def test_a_tenant_that_cannot_be_one_is_named(azurite: Azurite) -> None:
    with pytest.raises(DemoError, match="'a/b' cannot be a tenant"):
        make_key(Path(sys.executable), ROOT, azurite.connection_string, ["a/b"])


@pytest.mark.parametrize(
    ("asked", "own_database", "chosen"), [(None, False, "northwind"), ("harbour", False, "harbour"), ("a", True, "a")]
)
def test_the_tenant_is_the_one_asked_for_or_the_first_of_the_sample(
    asked: str | None, own_database: bool, chosen: str
) -> None:
    assert choose_tenant(asked, own_database) == chosen


def test_an_own_database_needs_a_tenant() -> None:
    with pytest.raises(DemoError, match="--tenant"):
        choose_tenant(None, own_database=True)


# --- what is shown


@pytest.mark.parametrize(
    ("done", "total", "begins"),
    [
        (0, None, "[░░░░] "),
        (0, 8, "[░░░░]   0 %"),
        (3, 8, "[█░░░]  37 %"),
        (8, 8, "[████] 100 %"),
        (0, 0, "[████] 100 %"),
    ],
)
def test_the_bar_fills_with_the_share_done(done: int, total: int | None, begins: str) -> None:
    assert progress_line(done, total, seconds=1, bar_width=4).startswith(begins)


def test_the_bar_tells_rows_and_rows_a_second() -> None:
    assert progress_line(5_000, 20_000, seconds=2).endswith("5,000 of 20,000 rows  2,500 rows/s")


def test_a_terminal_sees_one_line_that_updates_itself() -> None:
    output = io.StringIO()
    bar = ProgressBar(output, terminal=True)
    for done in (1, 2, 3):
        bar.show(done, 3)
    bar.close()
    assert output.getvalue().count("\n") == 1
    assert output.getvalue().count("\r") == 3


def test_a_log_file_sees_at_most_five_lines() -> None:
    output = io.StringIO()
    bar = ProgressBar(output, terminal=False)
    for done in range(1001):
        bar.show(done, 1000)
    assert [line.split("]")[1][:6] for line in output.getvalue().splitlines()] == [
        "   0 %", "  25 %", "  50 %", "  75 %", " 100 %",
    ]  # fmt: skip


def test_the_health_report_names_only_what_is_unhealthy() -> None:
    healthy = {"name": "tables", "status": "Healthy", "detail": None}
    unhealthy = {"name": "clients", "status": "Unhealthy", "detail": "no view"}
    body = {"status": "Unhealthy", "dependencies": [healthy, unhealthy]}
    assert health_report(Answer(503, json.dumps(body).encode())) == "    clients: no view"


def test_a_health_answer_of_another_form_is_shown_as_it_is() -> None:
    assert health_report(Answer(503, b"down")) == "    503 down"


@pytest.mark.parametrize("piece_bytes", [1, 3, 1000])
def test_line_breaks_inside_quotes_are_not_counted_as_rows(piece_bytes: int) -> None:
    content = b'a,b\r\n"x\r\ny","say ""hi""\n"\r\nlast,1\r\n'
    counter = RowCounter()
    for start in range(0, len(content), piece_bytes):
        counter.feed(content[start : start + piece_bytes])
    assert counter.rows == 3


def test_first_lines_fit_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text('Name,Note\r\n"A\r\nB","' + "x" * 300 + '"\r\nC,D\r\nE,F\r\n', newline="")
    header, first, second = first_lines(file, count=3, width=20)
    assert (header, second) == ("Name,Note", "C,D")
    assert first == "A B," + "x" * 15 + "…"


def test_pytest_totals_are_found_among_colours_and_rulers() -> None:
    output = (
        "...F\n=== short test summary info ===\nFAILED a.py\n\x1b[31m\x1b[1m1 failed\x1b[0m, 3 passed in 0.10s\x1b[0m\n"
    )
    assert totals_line(output) == "1 failed, 3 passed in 0.10s"


# --- set-up


def test_a_stamp_is_current_only_for_exactly_these_files(tmp_path: Path) -> None:
    source, stamp = tmp_path / "requirements.txt", tmp_path / "stamp"
    source.write_text("a==1")
    assert not is_current(stamp, [source])
    stamp.write_text(digest([source]))
    assert is_current(stamp, [source])
    source.write_text("a==2")
    assert not is_current(stamp, [source])


def test_a_failing_step_shows_its_command_and_what_it_said() -> None:
    with pytest.raises(DevError, match=r"(?s)No luck\..*Tried: .*exit.*ended with code 3.*told you"):
        run_quietly([sys.executable, "-c", "print('told you'); exit(3)"], "No luck.")


@pytest.mark.parametrize("command", [["run", "--clients", "0"], ["run", "--colour"], ["unknown"], []])
def test_wrong_arguments_are_refused_before_anything_starts(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        dev.main(command)
    assert "usage" in capsys.readouterr().err


def test_unknown_arguments_of_test_go_to_pytest_in_their_order() -> None:
    options, rest = dev.make_parser().parse_known_args(["test", "-k", "name", "--fast", "tests/dev", "-x"])
    assert options.fast
    assert rest == ["-k", "name", "tests/dev", "-x"]
