"""Promises about all commands and methods of the client that need no service."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import typer.main
from client_export import AsyncExportClient, ConflictError, ExportClient, JobStatus, Schedule
from client_export import errors as client_errors
from client_export.cli import exits, show
from client_export.cli.main import app
from client_export.cli.options import read_filter
from client_export.cli.profiles import Profile
from rich.console import Console
from typer.testing import CliRunner


def all_of(command: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """Yield a command with its name; a group before each of its commands."""
    yield " ".join(names), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from all_of(inner, *names, name)


GROUPS_AND_COMMANDS = dict(all_of(typer.main.get_command(app)))
COMMANDS = {name: each for name, each in GROUPS_AND_COMMANDS.items() if not hasattr(each, "commands")}


def methods(kind: type) -> dict[str, Callable[..., Any]]:
    return {name: value for name, value in vars(kind).items() if callable(value) and not name.startswith("_")}


def test_every_command_can_print_json_and_says_what_it_does() -> None:
    assert {"start", "keys rotate", "schedules runs"} <= set(COMMANDS)
    for name, command in COMMANDS.items():
        assert "--json" in {option for parameter in command.params for option in parameter.opts}, name
        assert command.help, name


def test_no_option_of_any_command_takes_a_secret() -> None:
    """Everybody on a machine can read the options of running programs. So `--token` takes the path of a file."""
    named_like_a_secret = set()
    for name, command in GROUPS_AND_COMMANDS.items():
        for option in (each for each in command.params if not getattr(each, "is_flag", False)):
            for text in (*option.opts, *option.secondary_opts):
                if re.search("key|token|secret|password|credential", text):
                    named_like_a_secret.add((name, text, option.metavar))
    assert named_like_a_secret == {("", "--token", "FILE"), ("start", "--idempotency-key", None)}


def options_of(command: str) -> dict[str, tuple[Any, ...]]:
    found = (parameter for parameter in COMMANDS[command].params if parameter.opts[0].startswith("-"))
    return {each.name: (each.opts, each.secondary_opts, each.help, each.default) for each in found}


NOT_OF_THE_FILE = {"webhook", "email", "idempotency_key", "wait", "output", "manifest", "timeout"}
"""What a start can do beyond its file: who is told of its end, and what the command waits for."""


@pytest.mark.parametrize("command", ["preview", "estimate"])
def test_every_option_of_a_start_that_changes_the_file_is_one_of(command: str) -> None:
    start = options_of("start")
    assert {"since", "snapshot", "long_cells", "gzip", "headers", "body"} <= set(start)
    of_the_file = {name: option for name, option in start.items() if name not in NOT_OF_THE_FILE}
    assert options_of(command) == of_the_file
    assert set(start) - set(of_the_file) == NOT_OF_THE_FILE


@pytest.mark.parametrize("name", ["search", "updated-since", "updated-until"])
def test_a_condition_with_one_value_is_refused_if_it_is_given_twice(name: str) -> None:
    done = CliRunner().invoke(app, ["start", "--where", f"{name}=a", "--where", f"{name}=b", "--json"])
    assert done.exit_code == 2
    assert f"{name} is given twice" in json.loads(done.stderr)["error"]["message"]


def test_values_of_one_condition_are_alternatives_however_they_are_given() -> None:
    together, apart = read_filter(["status=Active,Inactive"]), read_filter(["status=Active", "status=Inactive"])
    assert together == apart
    assert together.statuses == ["Active", "Inactive"]


@pytest.mark.parametrize("wrong", [["preview", "--nope"], ["start", "--where", "colour=red"], ["status"]])
def test_wrong_options_are_told_as_json_if_the_command_prints_json(wrong: list[str]) -> None:
    told = CliRunner().invoke(app, wrong)
    as_json = CliRunner().invoke(app, [*wrong, "--json"])

    assert told.exit_code == as_json.exit_code == 2
    assert as_json.stdout == ""
    error = json.loads(as_json.stderr)["error"]
    assert error == {"message": error["message"], "exitCode": 2}
    assert told.stderr.endswith(f"Error: {error['message']}\n")


def test_a_problem_of_the_service_is_one_line_of_json_with_all_that_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = {"pointer": "/format/fileName", "detail": "Too long.", "code": "too-long", "values": {"most": "200"}}
    problem = {"status": 400, "code": "invalid-request", "title": "Invalid", "detail": "Correct it.", "errors": [fault]}
    answer = httpx.Response(400, json=problem | {"type": "about:blank", "requestId": "r1"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    opened = ExportClient("https://exports.example", key="k", tenant="t", http=http)
    monkeypatch.setattr(Profile, "open", lambda profile: opened)
    known = {"CLIENT_EXPORT_URL": "https://exports.example", "CLIENT_EXPORT_KEY": "k"}

    told = CliRunner().invoke(app, ["start"], env=known)
    as_json = CliRunner().invoke(app, ["start", "--json"], env=known)

    assert told.exit_code == as_json.exit_code == 3
    assert (as_json.stdout, as_json.stderr.count("\n")) == ("", 1)
    error = json.loads(as_json.stderr)["error"]
    assert error.pop("message").startswith("Invalid: Correct it.")
    assert error == problem | {"exitCode": 3, "requestId": "r1"}


def test_both_clients_have_the_same_methods_in_the_same_words() -> None:
    """Both texts stand in the code, because editors show what they find there and run nothing."""
    one, other = methods(ExportClient), methods(AsyncExportClient)
    assert set(one) == set(other)
    for name, method in one.items():
        assert inspect.signature(method).parameters == inspect.signature(other[name]).parameters, name
        assert inspect.getdoc(method), name
        assert inspect.getdoc(method) == inspect.getdoc(other[name]), name
    (_, about), (_, other_about) = (
        (inspect.getdoc(each) or "").split("\n", 1) for each in (ExportClient, AsyncExportClient)
    )
    assert about == other_about


@pytest.mark.parametrize(
    "command", [["status", "7ybqttn9kg0pf1x6vfw644k23d"], ["verify", "no-file", "--manifest", "no"]]
)
def test_an_error_of_this_machine_is_json_too(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = dict.fromkeys(("URL", "KEY", "TOKEN", "PROFILE"), "") | {"CONFIG": str(tmp_path / "profiles.json")}
    known = {f"CLIENT_EXPORT_{name}": value for name, value in variables.items()}

    told = CliRunner().invoke(app, command, env=known)
    as_json = CliRunner().invoke(app, [*command, "--json"], env=known)

    assert told.exit_code == as_json.exit_code == 1
    assert json.loads(as_json.stderr) == {"error": {"message": told.stderr.strip(), "exitCode": 1}}


def test_every_error_of_the_client_has_an_exit_code_of_its_kind() -> None:
    kinds = [kind for kind in vars(client_errors).values() if inspect.isclass(kind)]
    bases = (client_errors.ClientExportError, client_errors.ExportEndedError)
    own = [kind for kind in kinds if issubclass(kind, client_errors.ClientExportError) and kind not in bases]
    assert len(own) > 10
    known = tuple(kind for kind, _ in exits._CODES)
    assert [kind.__name__ for kind in own if not issubclass(kind, known)] == []


def test_a_terminal_gets_a_bar_and_a_pipe_or_a_dumb_terminal_a_line_for_each_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs: list[Any] = [
        SimpleNamespace(code="c", status=JobStatus.QUEUED, processed_items=0, total_items=None),
        SimpleNamespace(code="c", status=JobStatus.IN_PROGRESS, processed_items=500, total_items=4_500),
        SimpleNamespace(code="c", status=JobStatus.IN_PROGRESS, processed_items=1_500, total_items=4_500),
    ]
    shown = {}
    for kind, is_terminal in (("xterm", True), ("xterm", False), ("dumb", True)):
        monkeypatch.setenv("TERM", kind)
        out = StringIO()
        console = Console(file=out, force_terminal=is_terminal, width=100, highlight=False)
        monkeypatch.setattr(show, "messages", lambda console=console: console)
        with show.watching(quiet=False) as watch:
            for job in jobs:
                watch(job)
            with show.downloading(quiet=False) as progress:
                progress(1, 2)
        shown[kind, is_terminal] = out.getvalue()
    assert "1,500/4,500 clients" in shown.pop(("xterm", True))
    assert [text.splitlines() for text in shown.values()] == [["c Queued", "c InProgress"]] * 2


STORED: dict[str, Any] = {
    "name": "Nightly",
    "cron": "0 6 * * *",
    "timeZone": "Europe/London",
    "overlap": "queue",
    "incremental": True,
    "enabled": True,
    "request": {
        "columnMappings": [{"csvHeader": "Name", "targetField": "Name"}],
        "notify": {"webhookUrl": "https://a/***"},
    },
}


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The schedules that a service with one stored schedule is asked to save, with the method of the request."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            sent.append((request.method, json.loads(request.content)))
        return httpx.Response(200, json=STORED | {"code": "c"})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    opened = ExportClient("https://exports.example", key="k", tenant="t", http=http)
    monkeypatch.setattr(Profile, "open", lambda profile: opened)
    return sent


NAMED = ("--name", "Nightly", "--cron", "0 6 * * *")


def save_schedule(*options: str, given: Any = None, code: int = 0) -> str:
    known = {"CLIENT_EXPORT_URL": "https://exports.example", "CLIENT_EXPORT_KEY": "k"}
    done = CliRunner().invoke(app, ["schedules", "save", *options], env=known, input=json.dumps(given))
    assert done.exit_code == code, done.output
    return done.stderr


def test_a_changed_schedule_keeps_what_is_not_given(saved: list[tuple[str, dict[str, Any]]]) -> None:
    save_schedule("--code", "c", "--no-enabled")
    save_schedule("--code", "c", "--no-incremental", "--time-zone", "UTC", "--request", "-", given={"since": None})
    save_schedule("--code", "c", "--name", "Weekly")
    assert saved.pop() == ("PUT", STORED | {"name": "Weekly"})
    assert saved == [
        ("PUT", STORED | {"enabled": False}),
        ("PUT", STORED | {"incremental": False, "timeZone": "UTC", "request": {"since": None}}),
    ]


def test_a_new_schedule_has_the_defaults_that_the_help_names(saved: list[tuple[str, dict[str, Any]]]) -> None:
    save_schedule("--incremental", *NAMED)
    defaults = {"timeZone": "UTC", "overlap": "skip", "incremental": True, "enabled": True, "request": {}}
    assert saved == [("POST", {"name": "Nightly", "cron": "0 6 * * *", **defaults})]


def test_a_request_that_is_null_is_left_to_the_service_to_refuse(saved: list[tuple[str, dict[str, Any]]]) -> None:
    save_schedule(*NAMED, "--request", "-", given=None)
    save_schedule("--code", "c", "--request", "-", given=None)
    assert [content["request"] for _, content in saved] == [None, None]


def test_a_new_schedule_without_a_name_or_times_is_refused_before_any_request(
    saved: list[tuple[str, dict[str, Any]]],
) -> None:
    for options in ((), NAMED[:2], NAMED[2:]):
        assert "needs --name and --cron" in " ".join(save_schedule(*options, code=2).split())
    assert saved == []


class Shared:
    """A service with one schedule, which somebody else changes after it was read, as often as `changes` says."""

    def __init__(self, changes: int) -> None:
        self.stored, self.version, self.changes = dict(STORED), 0, changes

    def answer(self, request: httpx.Request) -> httpx.Response:
        current = {"etag": f'"{self.version}"'}
        shown = httpx.Response(200, json=self.stored | {"code": "c"}, headers=current)
        if request.method == "GET":
            if self.changes:
                self.changes -= 1
                self._store({"cron": f"{self.changes} 1 * * *"})
            return shown
        if request.headers["if-match"] != current["etag"]:
            return httpx.Response(
                412, json={"code": "precondition-failed", "title": "It has changed", "detail": "Read."}
            )
        self._store(json.loads(request.content))
        return httpx.Response(200, json=self.stored | {"code": "c"})

    def _store(self, changes: dict[str, Any]) -> None:
        self.stored |= changes
        self.version += 1

    def change(self) -> Schedule:
        http = httpx.Client(transport=httpx.MockTransport(self.answer))
        client = ExportClient("https://exports.example", key="k", tenant="t", http=http)
        return client.change_schedule("c", {"enabled": False})


def test_a_changed_schedule_keeps_what_somebody_else_changes_at_the_same_time() -> None:
    shared = Shared(2)
    assert shared.change().raw == shared.stored | {"code": "c"}
    assert shared.stored == STORED | {"enabled": False, "cron": "0 1 * * *"}


def test_a_schedule_that_never_stays_as_it_was_read_is_not_changed_for_ever() -> None:
    shared = Shared(1_000)
    with pytest.raises(ConflictError, match="Read"):
        shared.change()
    assert shared.stored["enabled"] == STORED["enabled"]
