"""`dev.py` behind a proxy, without network, where a port is taken, and where a folder cannot be written."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pymysql
import pytest
from sqlalchemy import make_url

from devhost.local import environment, folders, node, ports
from devhost.local.azurite import start_on_usual_ports
from devhost.local.checks import under_ci
from devhost.local.errors import DevError
from devhost.local.folders import require_writable
from devhost.local.ports import free_port, on_a_free_port
from devhost.local.proxies import exempt_this_machine
from exports.commands.demo.answers import DemoError
from exports.commands.demo.export import download
from tests.support.checkout import Checkout, a_checkout, run_options
from tests.support.closed_port import closed_port
from tests.support.mariadb import HOW_TO_INSTALL, find_program, mariadb_server
from tests.support.postgres import postgres_server
from tests.support.waiting import wait_until


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return a_checkout(tmp_path / "checkout")


@contextmanager
def taking(port: int = 0) -> Iterator[int]:
    """A program that has a port and answers nothing."""
    with socket.create_server(("127.0.0.1", port)) as taken:
        yield taken.getsockname()[1]


@contextmanager
def answering(status: str, body: bytes = b"", port: int = 0) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers every request alike. Yields its address and the requests so far."""
    asked: list[bytes] = []
    answer = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(4096))
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


# --- a proxy


@pytest.mark.thorough
def test_behind_a_proxy_dev_py_and_its_command_lines_reach_this_machine_directly(checkout: Checkout) -> None:
    with answering("403 Forbidden") as (proxy, asked):
        variables = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy)
        variables |= {"NO_PROXY": "", "no_proxy": ""}
        with checkout.running(*run_options(), env=variables) as run:
            wait_until(lambda: "Running until Ctrl-C" in run.log.read_text() or not run.running, 120, explain=run.tail)
            assert run.running, run.tail(40)
            jobs = checkout.run("cli", "list", "--json", **variables)
            keys = checkout.run("cli", "keys", "list", **variables)
            run.stop(signal.SIGINT, timeout_seconds=60)
    assert (jobs.returncode, keys.returncode) == (0, 0), jobs.stderr + keys.stderr
    assert "Completed" in jobs.stdout
    assert "dev.py run" in keys.stdout
    assert asked == []
    assert (checkout.folder / "out" / "clients.csv").read_bytes().count(b"\r\n") > 100


def test_what_the_user_exempts_from_the_proxy_stays_exempt() -> None:
    environment = {"https_proxy": "http://proxy:3128", "NO_PROXY": "example.com, 10.0.0.1"}
    exempt_this_machine(environment)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "example.com,10.0.0.1,127.0.0.1,localhost,::1"


def test_where_every_host_is_exempt_from_the_proxy_the_environment_stays_as_it_is() -> None:
    environment = {"https_proxy": "http://proxy:3128", "NO_PROXY": "*"}
    exempt_this_machine(environment)
    assert environment == {"https_proxy": "http://proxy:3128", "NO_PROXY": "*"}


def test_without_a_proxy_the_environment_stays_as_it_is() -> None:
    environment = {"HTTP_PROXY": "", "PATH": "/bin"}
    exempt_this_machine(environment)
    assert environment == {"HTTP_PROXY": "", "PATH": "/bin"}


# --- a port that another program takes between look and start


@pytest.mark.thorough
def test_a_host_whose_port_is_taken_meanwhile_is_refused_in_one_line(checkout: Checkout) -> None:
    options = run_options("--once")
    port = int(options[options.index("--port") + 1])
    with checkout.running(*options, env={}) as run:
        wait_until(lambda: "Starting the storage emulator" in run.log.read_text(), 60, explain=run.tail)
        with taking(port):
            assert run.wait() == 1
    *_, last = run.log.read_text().strip().splitlines()
    assert last == (
        f"Port {port} is in use by another program. Stop that program, or use another port: --port {port + 1}"
    )


@pytest.mark.thorough
def test_a_program_that_has_taken_the_port_gets_no_key_of_ours(checkout: Checkout) -> None:
    (checkout.folder / "local.settings.json").write_text('{"Values": {"DEV_API_KEY": "cx_secret"}}')
    options = run_options("--once")
    port = int(options[options.index("--port") + 1])
    with checkout.running(*options, env={}) as run:
        wait_until(lambda: "Starting the storage emulator" in run.log.read_text(), 60, explain=run.tail)
        with answering("200 OK", b"{}", port) as (_, asked):
            assert run.wait() == 1
    assert b"cx_secret" not in b"".join(asked)
    assert "is in use by another program" in run.log.read_text()


def test_azurite_moves_to_free_ports_if_one_of_the_usual_ones_is_lost(tmp_path: Path) -> None:
    usual, log = (free_port(), free_port(), free_port()), tmp_path / "azurite.log"

    def take_when_azurite_starts(ended: threading.Event) -> None:
        wait_until(log.exists, 60)
        with taking(usual[1]):
            ended.wait(120)

    ended = threading.Event()
    taker = threading.Thread(target=take_when_azurite_starts, args=[ended])
    taker.start()
    try:
        azurite = start_on_usual_ports(tmp_path / "state", log, usual)
        azurite.stop()
    finally:
        ended.set()
        taker.join()
    assert usual[1] not in azurite.ports


@pytest.fixture
def lost_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The first port that is found free. Another program takes it at once."""
    with taking() as lost:
        found = iter([lost])
        monkeypatch.setattr(ports, "free_port", lambda: next(found, None) or free_port())
        yield lost


def test_a_postgresql_server_of_the_tests_takes_another_port_if_it_loses_one(lost_port: int) -> None:
    with postgres_server() as server:
        assert server.port != lost_port
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_mariadb_server_of_the_tests_takes_another_port_if_it_loses_one(lost_port: int) -> None:
    if find_program("mariadbd") is None and not under_ci():
        pytest.skip(HOW_TO_INSTALL)
    with mariadb_server() as address:
        url = make_url(address)
        assert url.port != lost_port
        pymysql.connect(
            host="127.0.0.1", port=url.port or 0, user="tester", password=str(url.password), database="clients"
        ).close()


def test_a_program_that_fails_for_another_reason_is_started_only_once() -> None:
    tried: list[int] = []

    def start(port: int) -> None:
        tried.append(port)
        raise DevError("It has no licence.")

    with pytest.raises(DevError, match="no licence"):
        on_a_free_port(start)
    assert len(tried) == 1


# --- a folder that cannot be written


@pytest.mark.parametrize("name", ["out", ".local"])
def test_a_file_in_the_place_of_a_folder_is_named_before_anything_starts(checkout: Checkout, name: str) -> None:
    (checkout.folder / name).touch()
    done = checkout.run(*run_options("--once"))
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"{name} cannot be written (File exists). Something else has this name: rename it or move it away."
    )
    assert done.stdout == ""


@pytest.mark.parametrize("name", [".venv", "node_modules"])
def test_a_file_in_the_place_of_installed_packages_is_named(checkout: Checkout, name: str) -> None:
    (checkout.folder / name).rename(checkout.folder.parent / "away")
    (checkout.folder / name).touch()
    done = checkout.run(*run_options("--once"))
    assert done.returncode == 1
    assert done.stderr.strip().startswith(f"{name} cannot be written (File exists).")


def test_a_folder_without_the_right_to_write_is_named_with_what_to_do() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)  # root may write everywhere
        try:
            with pytest.raises(DevError, match=r"cannot be written \(Permission denied\)\. Give your user the right"):
                require_writable(Path(folder))
        finally:
            if root:
                os.seteuid(0)
        assert list(Path(folder).iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_ends_the_download_in_one_line(tmp_path: Path) -> None:
    target = tmp_path / "clients.csv"
    (tmp_path / "clients.csv.part").symlink_to("/dev/full")
    with answering("200 OK", b"Name\r\n" * 1000) as (url, _), pytest.raises(DemoError) as caught:
        download(url, target)
    assert str(caught.value) == f"{target} cannot be written: No space left on device."


def test_every_error_that_tells_of_an_unwritable_file_has_an_advice_of_its_own() -> None:
    for number in folders._ADVICE:
        line = folders.explain_unwritable(OSError(number, os.strerror(number), "out/clients.csv"))
        assert line is not None
        assert line.startswith(f"out/clients.csv cannot be written ({os.strerror(number)}). ")
    assert folders.explain_unwritable(OSError("no number")) is None
    assert folders.explain_unwritable(PermissionError(errno.EPERM, "no file")) is None
    assert folders.explain_unwritable(OSError(errno.ENOSPC, "No space left")) is not None


# --- what a killed run leaves behind


def test_dev_cli_after_a_killed_run_says_how_to_start_a_system(checkout: Checkout) -> None:
    (checkout.folder / ".local").mkdir()
    with closed_port() as port:
        record = f'{{"CLIENT_EXPORT_URL": "http://127.0.0.1:{port}"}}'
        (checkout.folder / ".local" / "service.json").write_text(record)
        done = checkout.run("cli", "list")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "No system runs in this folder. Start one in another terminal with: python3 dev.py run"
    )


@pytest.mark.parametrize("program", ["pip", "npm"])
def test_a_failed_installation_names_the_variable_that_its_program_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    """Neither program needs to be on PATH: pip is in `.venv`, and npm comes with Node from PyPI."""
    npm, fails = node.installed_node().npm, (sys.executable, "-c", "exit(1)", "--")
    monkeypatch.setattr(node, "ROOT", tmp_path)
    monkeypatch.setattr(node, "digest", lambda _: "")
    monkeypatch.setattr(node, "set_up_node", lambda: node.Node(Path(fails[0]), fails))
    install = node.set_up_azurite if program == "npm" else lambda: environment.pip_install(["no such package"], "")
    with pytest.raises(DevError) as raised:
        install()
    named = re.search(r"\(HTTPS_PROXY, (\w+)\)", str(raised.value))
    assert named
    asked = [*npm, "config", "get", "registry"] if program == "npm" else [sys.executable, "-m", "pip", "config", "list"]
    mirror = "https://mirror.example/simple/"
    answer = subprocess.run(
        asked, cwd=tmp_path, env={**os.environ, named[1]: mirror}, capture_output=True, text=True, check=True
    )
    assert mirror in answer.stdout
