"""Nothing is recorded or imported for telemetry until the settings name an exporter."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from exports.settings import Settings, SettingsError, read_settings
from exports.wiring import start_telemetry
from shared.telemetry import Exporter, TelemetryError, nearer_parent, span, trace_parent
from shared.telemetry_export import make_recorder
from tests.support.otlp_collector import a_collector, recording

ROOT = Path(__file__).parents[3]
REQUIRED = {"EXPORT_STORAGE": "memory", "CLIENTS_DATABASE_URL": "memory"}
OF_TELEMETRY = (
    "opentelemetry.sdk",
    "opentelemetry.metrics",
    "opentelemetry.exporter",
    "opentelemetry.proto",
    "azure.monitor",
    "google",
    "shared.telemetry_export",
)
OURS, OF_THE_HOST, OTHER = (
    f"00-{'a' * 32}-{'1' * 16}-01",
    f"00-{'a' * 32}-{'2' * 16}-01",
    f"00-{'b' * 32}-{'3' * 16}-00",
)


def _settings(**changes: str) -> Settings:
    return read_settings({**REQUIRED, **changes})


def test_without_an_exporter_the_app_imports_no_sdk_and_no_exporter_of_telemetry() -> None:
    """The Durable SDK itself imports the API of traces, in every process. That is all of OpenTelemetry there is."""
    code = (
        "import sys, function_app\n"
        "from exports.settings import read_settings\n"
        "from exports.wiring import start_telemetry\n"
        f"settings = read_settings({REQUIRED})\n"
        "start_telemetry(settings)\n"
        f"print([name for name in sys.modules if name.startswith({OF_TELEMETRY})])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_no_module_of_ours_imports_opentelemetry_when_it_is_imported() -> None:
    code = "import sys, shared.telemetry, shared.telemetry_export\nprint([m for m in sys.modules if 'opentel' in m])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nothing_is_recorded_by_default() -> None:
    assert _settings().telemetry is Exporter.NONE
    with span("a"):
        assert trace_parent() is None


@pytest.mark.parametrize(
    ("exporter", "setting"),
    [("otlp", "OTEL_EXPORTER_OTLP_ENDPOINT"), ("azure-monitor", "APPLICATIONINSIGHTS_CONNECTION_STRING")],
)
def test_an_exporter_without_its_address_is_refused_at_start(
    exporter: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(setting, raising=False)
    with pytest.raises(SettingsError, match=f"EXPORT_TELEMETRY: {exporter} also needs the setting {setting}"):
        start_telemetry(_settings(EXPORT_TELEMETRY=exporter))


def test_an_exporter_whose_package_is_missing_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SettingsError, match="needs the package opentelemetry-exporter-otlp-proto-http; deploy it"):
        start_telemetry(_settings(EXPORT_TELEMETRY="otlp"))


def test_a_connection_string_that_is_none_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "s3cret")
    with pytest.raises(TelemetryError, match="cannot use the value of APPLICATIONINSIGHTS") as refused:
        make_recorder(Exporter.AZURE_MONITOR, "1")
    assert "s3cret" not in str(refused.value)


def test_an_unknown_exporter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"EXPORT_TELEMETRY: choose from none, otlp, azure-monitor$"):
        _settings(EXPORT_TELEMETRY="jaeger")


def test_the_parent_is_the_span_of_the_host_if_it_is_of_the_same_trace() -> None:
    assert nearer_parent(OURS, OF_THE_HOST) == OF_THE_HOST
    assert nearer_parent(OURS, OTHER) == OURS
    assert nearer_parent(None, OTHER) == OTHER
    assert nearer_parent(OURS, None) == OURS
    assert nearer_parent(None, None) is None


def test_a_span_continues_the_trace_of_its_parent_even_if_that_was_not_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        recorder = make_recorder(Exporter.OTLP, "1")
        with recording(recorder), suppress(ZeroDivisionError), span("a", OTHER, page=3, job=None):
            current = trace_parent()
            raise ZeroDivisionError("s3cret")
        recorder.close()
    (sent,) = collector.spans
    assert current == f"00-{sent.trace}-{sent.id}-01"
    assert (sent.trace, sent.parent, sent.has_failed) == ("b" * 32, "3" * 16, True)
    assert sent.values == {"page": 3, "error.type": "ZeroDivisionError"}
    assert trace_parent() is None
