"""The traces and metrics that a collector receives by OTLP hold a job together, and agree with what the API says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.http_client import request
from tests.support.otlp_collector import Collector, Span, a_collector
from tests.support.system import NORTHWIND, System, download, running_system, sample_database

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Collector]]:
    directory = tmp_path_factory.mktemp("traced")
    with ExitStack() as cleanup:
        collector = cleanup.enter_context(a_collector())
        settings = {
            "EXPORT_TELEMETRY": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "300",
            "EXPORT_BLOCK_BYTES": "65536",
            "EXPORT_WAVE_PAGES": "4",
        }
        system = cleanup.enter_context(running_system(directory, sample_database(directory, 6_000), settings))
        yield system, collector


def _of_trace(collector: Collector, trace: str) -> list[Span]:
    return [span for span in list(collector.spans) if span.trace == trace]


def test_one_trace_leads_from_the_request_through_every_page_to_the_end(traced: tuple[System, Collector]) -> None:
    system, collector = traced
    answer = system.start_export(
        prefer="respond-async", traceparent=f"00-{TRACE}-{CALLER}-01", x_request_id="of-the-caller"
    )
    location = answer.headers["location"]
    job = system.wait(location)
    assert job["status"] == "Completed", job
    manifest = system.call("GET", f"{location}/manifest").json
    expected = Counter({"POST start_export": 1, "WritePage": len(manifest["pages"]), "CommitFile": 1, "job.ended": 1})
    # each worker sends its own spans when it finds the time
    system.wait_until(lambda: expected <= Counter(span.name for span in _of_trace(collector, TRACE)))

    spans = _of_trace(collector, TRACE)
    (post,) = [span for span in spans if span.name == "POST start_export"]
    steps = [span for span in spans if span.name not in ("POST start_export", "job.ended")]
    (commit,) = [span for span in spans if span.name == "CommitFile"]
    (end,) = [span for span in spans if span.name == "job.ended"]
    assert len(manifest["pages"]) > 4  # several waves, so several orchestrations
    assert post.parent == CALLER
    assert {span.parent for span in steps} == {post.id}
    assert end.parent == commit.id
    assert end.values["status"] == "Completed"
    pages = Counter(span.values["page"] for span in spans if span.name == "WritePage")
    assert pages == Counter(range(len(manifest["pages"])))
    assert {span.values["request"] for span in (post, *steps)} == {"of-the-caller"}
    assert not any(span.has_failed for span in spans)


def test_the_sums_of_the_metrics_are_the_figures_of_the_jobs(traced: tuple[System, Collector]) -> None:
    system, collector = traced
    before = _settled(collector)
    locations = [system.start_async() for _ in range(2)]
    jobs = [system.wait(location) for location in locations]
    manifests = [system.call("GET", f"{location}/manifest").json for location in locations]
    system.wait_until(lambda: collector.totals()["export.jobs"] == before["export.jobs"] + 2)
    after = _settled(collector)
    grown = {name: after[name] - before[name] for name in after}

    assert grown["export.jobs"] == 2
    assert grown["export.rows"] == sum(job["totalItems"] for job in jobs)
    assert grown["export.bytes"] == sum(len(download(job)) for job in jobs)
    assert grown["export.queue.seconds.count"] == 2
    assert grown["export.page.seconds.count"] == sum(len(each["pages"]) for each in manifests)
    # the manifest counts until it is written itself; after that, few requests end the job
    requests = sum(sum(each["cost"]["storageRequests"].values()) for each in manifests)
    assert requests < grown["export.storage.requests"] <= requests + 2 * 12
    assert collector.total("export.jobs", "status=Completed") == after["export.jobs"]


def _settled(collector: Collector) -> Counter[str]:
    """Return the totals once they have not changed for two seconds, in which each process has sent them twice."""
    seen = [collector.totals()]
    while seen[-8:] != seen[-1:] * 8:
        assert len(seen) < 100
        time.sleep(0.25)
        seen.append(collector.totals())
    return seen[-1]


def test_a_failed_step_shows_its_code_and_never_its_text(traced: tuple[System, Collector]) -> None:
    system, collector = traced
    unknown = f"/tenants/{NORTHWIND}/clients/export/csv/7zzzzzzzzzzzzzzzzzzzzzzzzz"
    assert system.call("GET", unknown, traceparent=f"00-{'a' * 32}-{CALLER}-00").status == 404
    system.wait_until(lambda: _of_trace(collector, "a" * 32))
    (span,) = _of_trace(collector, "a" * 32)
    assert (span.name, span.has_failed, span.parent) == ("GET get_export", True, CALLER)
    assert set(span.values) == {"request", "error.type"}


def test_the_collector_answers_as_a_collector_does() -> None:
    with a_collector() as collector:
        assert request("POST", f"{collector.url}/v1/traces", b"").status == 200
