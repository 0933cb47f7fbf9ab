"""Starting and stopping a host: the reasons for a refused start, and that no process is left behind."""

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.devhost.conftest import StartHost
from tests.devhost.harness import APPS, Host, alive, wait_until

HEAD = """
import azure.functions as func
import azure.durable_functions as df
app = df.DFApp()
"""


def make_app(directory: Path, code: str, host: str = '{"version": "2.0"}') -> Path:
    root = directory / "app"
    root.mkdir(exist_ok=True)
    (root / "host.json").write_text(host)
    (root / "function_app.py").write_text(HEAD + code)
    return root


BROKEN = [
    ("import no_such_module", "No module named 'no_such_module'"),
    ("second = func.FunctionApp()", "exactly one function app, it defines 2"),
    ("@app.route(route='a')\ndef a(req, other): ...", "parameters without a binding: other"),
    ("@app.activity_trigger('x')\ndef a(x: int | None): ...", "the annotation of x is not a type: int | None"),
    ("@app.timer_trigger('t', 'every day')\ndef t(t): ...", "does not have five or six fields"),
]
BROKEN_OTHERWISE = [
    ("x = app.route(route='a')(lambda req: '')\ny = app.route(route='b')(lambda req: '')", "unique function name"),
    ("@app.route(route='a')\ndef a(): ...", "bindings without a parameter of that name: req"),
    ("@app.route(route='a')\ndef a(req: 'Missing'): ...", "its annotations cannot be resolved: name 'Missing'"),
    ("@app.route(route='a')\ndef a(req: int): ...", "annotation of req does not suit its binding httpTrigger: int"),
    ("@app.route(route='a')\ndef a(req, context: str): ...", "must be annotated as azure.functions.Context"),
    ("@app.entity_trigger(context_name='context')\ndef e(context): ...", "uses entityTrigger"),
    ("@app.timer_trigger('t', '%MISSING%')\ndef t(t): ...", "the app setting 'MISSING'"),
    ("@app.route(route='a')\ndef a(req) -> int: ...", "its result does not suit its binding http: int"),
    ("@app.activity_trigger('x')\ndef a(x: dict[str, int]): ...", "annotation of x is not a type: dict[str, int]"),
    ("@app.timer_trigger('t', '0 * * * * *')\ndef t(t: dict): ...", "does not suit its binding timerTrigger: dict"),
    ("@app.queue_trigger('m', 'q', 'c')\ndef q(m): ...", "uses queueTrigger"),
    ("@app.route(route='{a:even}')\ndef a(req): ...", "route constraint 'even'"),
]
"""Other faults, and other places of the same ones."""


def refusals_of(codes: list[str], factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the standard error for each broken app. The hosts run in parallel, because each start takes a second."""
    directories = [factory.mktemp("broken") for _ in codes]
    hosts = [
        Host(make_app(directory, code), directory, workers=1)
        for directory, code in zip(directories, codes, strict=True)
    ]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(codes, pool.map(Host.refusal, hosts), strict=True))


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return refusals_of([code for code, _ in BROKEN], tmp_path_factory)


@pytest.fixture(scope="module")
def other_refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return refusals_of([code for code, _ in BROKEN_OTHERWISE], tmp_path_factory)


@pytest.mark.parametrize(("code", "words"), BROKEN)
def test_a_broken_app_is_refused_with_its_reason(refusals: dict[str, str], code: str, words: str) -> None:
    assert words in refusals[code]
    assert refusals[code].count("devhost: ") == 1


@pytest.mark.thorough
@pytest.mark.parametrize(("code", "words"), BROKEN_OTHERWISE)
def test_an_app_broken_in_another_way_is_refused_too(other_refusals: dict[str, str], code: str, words: str) -> None:
    assert words in other_refusals[code]
    assert other_refusals[code].count("devhost: ") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "host.json is not valid JSON"),
        ("[]", "must hold a JSON object"),
        ("{}", '"version" must be "2.0"'),
        ('{"version": "2.0", "functionTimeout": "soon"}', "functionTimeout 'soon'"),
        ('{"version": "2.0", "extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}', "at least 1"),
    ],
)
def test_a_bad_host_json_is_refused_with_its_reason(tmp_path: Path, text: str, words: str) -> None:
    assert words in Host(make_app(tmp_path, "", text), tmp_path).refusal()


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in Host(APPS / "web", tmp_path, port=port).refusal()


def test_a_second_host_on_the_same_state_is_refused(start_host: StartHost, tmp_path: Path) -> None:
    start_host("web", workers=1)
    assert "another devhost is using" in Host(APPS / "web", tmp_path).refusal()


@pytest.mark.parametrize("damage", [b"no database" * 99, b"SQLite format 3\0" + bytes(9_000)], ids=["text", "cut off"])
def test_a_damaged_state_file_is_refused_with_what_to_do(tmp_path: Path, damage: bytes) -> None:
    host = Host(APPS / "web", tmp_path)
    host.state.write_bytes(damage)
    (line,) = host.refusal().splitlines()
    assert f"cannot use {host.state}" in line
    assert "delete it to start afresh" in line


def test_local_settings_reach_the_app_but_never_override_the_environment(start_host: StartHost, tmp_path: Path) -> None:
    code = """
import os
NAMES = ("ONE", "TWO", "AZURE_FUNCTIONS_ENVIRONMENT")
@app.route(route="settings", auth_level=func.AuthLevel.ANONYMOUS)
def settings(req: func.HttpRequest) -> str:
    return " ".join(os.environ[name] for name in NAMES)
"""
    root = make_app(tmp_path, code)
    (root / "local.settings.json").write_text(json.dumps({"Values": {"ONE": "file", "TWO": "file"}}))
    host = start_host(root, workers=1, env={"TWO": "environment"})
    assert host.get("/api/settings").body == b"file environment Development"


@pytest.mark.thorough
def test_a_changed_app_needs_a_restart(start_host: StartHost, tmp_path: Path) -> None:
    code = "@app.route(route='version')\ndef version(req: func.HttpRequest) -> str:\n    return '{}'"
    host = start_host(make_app(tmp_path, code.format("old")), workers=1)
    make_app(tmp_path, code.format("new"))
    assert host.get("/api/version").body == b"old"
    host.stop()
    assert host.start().get("/api/version").body == b"new"


def test_sigterm_ends_the_host_and_all_its_processes_even_if_they_are_busy(start_host: StartHost) -> None:
    host = start_host("durable", workers=2)
    for _ in range(4):
        host.begin("runs", {"activity": "sleep", "input": 1.5})
    time.sleep(0.1)
    workers = host.worker_processes()
    assert len(workers) == 2
    assert host.stop() == 0
    assert not alive(workers)


def test_work_that_a_stop_interrupts_finishes_after_the_next_start(start_host: StartHost) -> None:
    host = start_host("durable", workers=1)
    instance_id = host.begin("fan_out", {"count": 60, "activity": "increase_slowly"})
    time.sleep(0.2)
    assert host.stop() == 0
    assert host.start().finished(instance_id)["output"] == sum(range(1, 61))


def test_a_killed_host_leaves_no_worker_behind(start_host: StartHost) -> None:
    host = start_host("durable", workers=2)
    for _ in range(4):
        host.begin("runs", {"activity": "sleep", "input": 1.5})
    time.sleep(0.2)
    workers = host.worker_processes()
    host.kill()
    wait_until(lambda: not alive(workers))


def test_a_crashed_worker_gives_a_502_and_is_replaced(start_host: StartHost) -> None:
    host = start_host("durable", workers=1)
    (first,) = host.worker_processes()
    assert host.get("/api/crash").status == 502
    second = int(wait_until(lambda: host.get("/api/pid").body))  # a slow machine needs longer than a request may wait
    assert second not in (first.pid, os.getpid())
    assert psutil.pid_exists(second)


@pytest.mark.thorough
def test_a_request_that_exceeds_the_timeout_gives_a_500_and_later_ones_work(start_host: StartHost) -> None:
    host = start_host("durable", workers=1)
    assert host.get("/api/slow/30").status == 500
    assert "slow exceeded functionTimeout of 2 s" in host.log()
    assert host.get("/api/slow/0").status == 200


@pytest.mark.thorough
def test_stdout_contains_only_the_ready_line(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host(make_app(tmp_path, "print('from the app')"), workers=1)
    assert host.process is not None
    assert host.process.stdout is not None
    host.process.terminate()
    assert host.process.stdout.read() == ""
    assert "from the app" in host.log()
