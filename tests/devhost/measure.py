"""Measures devhost on this machine, for docs/devhost.md: `python -m tests.devhost.measure`."""

import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from tests.devhost.harness import API, APPS, Host, wait_until


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        host = Host(APPS / "durable", Path(directory), quiet=True)
        began = time.perf_counter()
        host.start()
        report("start to ready", f"{time.perf_counter() - began:.2f} s")
        try:
            measure(host)
        finally:
            host.close()


def measure(host: Host) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port)

    def call(method: str, path: str, value: object = None) -> tuple[int, bytes]:
        connection.request(method, path, None if value is None else json.dumps(value))
        response = connection.getresponse()
        return response.status, response.read()

    def until_done(instance_id: str) -> None:
        while call("GET", f"{API}/instances/{instance_id}")[0] == 202:
            time.sleep(0.0005)

    def run(name: str, value: object) -> None:
        _, body = call("POST", f"{API}/orchestrators/{name}", json.dumps(value))
        until_done(json.loads(body)["id"])

    report("plain HTTP trigger", percentiles(lambda: call("GET", "/api/pid"), 500))
    report("orchestration of one activity", percentiles(lambda: run("runs", {"activity": "increase", "input": 1}), 100))
    for count in (50, 200, 2000):
        report(f"fan-out of {count}, async", best(partial(run, "fan_out", {"count": count})))
    in_threads = {"count": 2000, "activity": "increase_in_thread"}
    report("fan-out of 2000, sync", best(partial(run, "fan_out", in_threads)))
    for count in (50, 200):
        report(f"chain of {count}", best(partial(run, "long_chain", count)))
    report("500 × one activity at once", f"{throughput(host, 500):.0f} orchestrations/s")
    processes = [psutil.Process(host.process.pid if host.process else 0), *host.worker_processes()]
    report("memory of host and workers", " ".join(f"{p.memory_info().rss >> 20} MB" for p in processes))
    began = time.perf_counter()
    host.kill()
    host.start()
    report("kill -9 to ready", f"{time.perf_counter() - began:.2f} s")


def throughput(host: Host, count: int) -> float:
    began = time.perf_counter()
    ids = [host.begin("runs", {"activity": "increase", "input": 1}) for _ in range(count)]
    wait_until(lambda: host.get(f"{API}/instances?runtimeStatus=Pending,Running&top=1").json() == [], 60)
    return len(ids) / (time.perf_counter() - began)


def percentiles(action: Callable[[], object], times: int) -> str:
    seconds = sorted(timed(action) for _ in range(times))
    return f"p50 {statistics.median(seconds) * 1000:.1f} ms, p90 {seconds[times * 9 // 10] * 1000:.1f} ms"


def best(action: Callable[[], object]) -> str:
    seconds = sorted(timed(action) for _ in range(3))
    return f"{seconds[0]:.2f}–{seconds[-1]:.2f} s"


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def report(name: str, figure: str) -> None:
    sys.stdout.write(f"{name:32} {figure}\n")


if __name__ == "__main__":
    main()
