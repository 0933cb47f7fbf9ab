"""`infra/wait_until_healthy.py`, which a deployment runs at its end."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.closed_port import closed_port

SCRIPT = Path(__file__).parents[3] / "infra" / "wait_until_healthy.py"


@contextmanager
def service(statuses: list[int]) -> Iterator[str]:
    """A service whose health check answers with one status after the other, and with the last one for ever."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()
            self.wfile.write(b'{"blobs": "unhealthy"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_a_deployment_waits_while_roles_take_effect() -> None:
    with service([503, 200]) as url:
        assert run(url, "60").returncode == 0


def test_a_deployment_that_stays_unhealthy_fails_with_the_last_answer() -> None:
    with service([503]) as url:
        done = run(url, "0")
    assert done.returncode == 1
    assert '503 {"blobs": "unhealthy"}' in done.stderr


def test_a_deployment_that_does_not_answer_fails() -> None:
    with closed_port() as port:
        done = run(f"http://127.0.0.1:{port}", "0")
    assert done.returncode == 1
    assert "no answer" in done.stderr
