"""The alerts and the workbook of `infra/`: Microsoft's parser accepts their queries, and each leads to its section."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from exports.schedules.runs import RunOutcome
from exports.triggers.tick_timer import EVERY_MINUTE, tick_timer
from shared.events import line_of
from tests.support.bicep_compiler import compile_bicep
from tests.support.event_calls import ROWS
from tests.support.kql import Checked, check_queries
from tests.unit.infra.arm import all_resources, module, of_type

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
COVERED = {"health.failed": "service-unavailable", "request.failed": "server-errors", "step.failed": "export-failed"}
"""Events of level error that no query names → the alert that fires because of what they mean."""
QUERIES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((INFRA / "queries").rglob("*.kql"))}


@pytest.fixture(scope="module")
def resources() -> list[Any]:
    return list(all_resources(compile_bicep(INFRA / "main.bicep").template))


@pytest.fixture(scope="module")
def checked() -> dict[str, Checked]:
    return check_queries(QUERIES)


def value_of(template: Any, value: str) -> str:
    """Return the text that an expression such as `[variables('$fxv#0')]` stands for."""
    if value.startswith("[variables('"):
        return str(template["variables"][value.removeprefix("[variables('").removesuffix("')]")])
    return value


def rules(resources: list[Any]) -> dict[str, Any]:
    """Return the query alerts by name, each with the text of its query."""
    template = module(resources, "alerts")["template"]
    return {
        value_of(template, rule["name"]): {**rule, "query": value_of(template, rule["query"])}
        for rule in template["variables"]["rules"]
    }


def test_microsofts_parser_has_no_complaint_about_any_query(checked: dict[str, Checked]) -> None:
    assert len(QUERIES) > 10
    assert {name: found.messages for name, found in checked.items() if found.messages} == {}


WRONG_QUERIES = {
    "AppTraces | where Massage == 'x'": "does not refer to any known column",
    "AppTraces | wehre true": "Query operator expected",
    "AppTrace | count": "does not refer to any known table",
    "AppTraces | summarize sum(Message)": "must be summable",
    "AppTraces | parse-kv Message as (a: string) with (pair_delimter=' ')": "Expected: )",
}


def test_the_parser_is_heard_when_a_query_is_wrong() -> None:
    for query, found in check_queries({query: query for query in WRONG_QUERIES}).items():
        assert WRONG_QUERIES[query] in " ".join(found.messages)


def events_of_the_code() -> dict[str, set[str]]:
    """Return the fields of each event. `tests/unit/test_events_doc.py` compares the same table with the code."""
    table = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+\.\w+)` \| [a-z, ]+ \| ([^|]+) \|", table, re.MULTILINE)
    return {event: {*re.findall(r"`(\w+)`", fields), "request", "event"} for event, fields in rows}


def unknown_names(query: str) -> list[str]:
    """Return the events that a query asks for and the code does not write, and the fields that none of them has."""
    known, asked = events_of_the_code(), re.findall(r"'event=([\w.]+) '", query)
    fields = re.findall(r"(\w+): \w+", "".join(re.findall(r"parse-kv \w+ as \((.*?)\)", query)))
    found = {field for event in asked for field in known.get(event, ())}
    return [*(event for event in asked if event not in known), *(field for field in fields if field not in found)]


def test_every_event_and_field_in_a_query_is_written_by_the_code() -> None:
    assert {name: unknown for name, query in QUERIES.items() if (unknown := unknown_names(query))} == {}
    assert len([query for query in QUERIES.values() if "'event=" in query]) > 8


def test_the_beginning_that_a_query_looks_for_is_that_of_real_lines() -> None:
    asked = {event for query in QUERIES.values() for event in re.findall(r"startswith 'event=([\w.]+) '", query)}
    known = events_of_the_code()
    for event in sorted(asked):
        line = line_of(event, dict.fromkeys(known[event] - {"event", "request"}, "value"))
        assert line.startswith(f"event={event} "), event


def test_a_query_for_an_event_or_a_field_that_nobody_writes_is_noticed() -> None:
    wrong = "AppTraces | where Message startswith 'event=job.begun ' | parse-kv Message as (tenants: string) with ()"
    assert unknown_names(wrong) == ["job.begun", "tenants"]


def test_every_query_file_is_used_once(resources: list[Any]) -> None:
    files = {
        folder: {path.stem for path in (INFRA / "queries" / folder).iterdir()} for folder in ("alerts", "workbook")
    }
    assert set(rules(resources)) == files["alerts"]
    template = module(resources, "workbook")["template"]
    shown = [value_of(template, chart["query"]) for chart in template["variables"]["charts"]]
    assert sorted(shown) == sorted(QUERIES[name] for name in files["workbook"])


def test_every_alert_runs_the_query_of_its_name(resources: list[Any]) -> None:
    assert {name: rule["query"] for name, rule in rules(resources).items()} == {
        name: QUERIES[name] for name in rules(resources)
    }


def test_every_alert_reaches_the_action_group(resources: list[Any]) -> None:
    (group,) = of_type(resources, "Microsoft.Insights/actionGroups")
    assert [copied["name"] for copied in group["properties"]["copy"]] == ["emailReceivers"]
    assert "parameters('webhookUrl')" in group["properties"]["webhookReceivers"]
    (queries,) = of_type(resources, "Microsoft.Insights/scheduledQueryRules")
    metrics = of_type(resources, "Microsoft.Insights/metricAlerts")
    (reached,) = queries["properties"]["actions"]["actionGroups"]
    assert "Microsoft.Insights/actionGroups" in reached
    assert [metric["properties"]["actions"] for metric in metrics] == [[{"actionGroupId": reached}]] * 2
    assert all(alert["properties"]["enabled"] is True for alert in (queries, *metrics))


def test_an_alert_looks_at_no_less_than_the_time_since_its_last_look(resources: list[Any]) -> None:
    minutes = {"PT5M": 5, "PT15M": 15, "PT1H": 60, "P1D": 1440}
    assert [name for name, rule in rules(resources).items() if minutes[rule["window"]] < minutes[rule["every"]]] == []


def test_an_alert_on_single_events_does_not_wait_until_it_is_resolved(resources: list[Any]) -> None:
    (queries,) = of_type(resources, "Microsoft.Insights/scheduledQueryRules")
    names = "[not(contains(variables('singleEvents'), variables('rules')[copyIndex()].name))]"
    assert queries["properties"]["autoMitigate"] == names
    single = module(resources, "alerts")["template"]["variables"]["singleEvents"]
    assert single == ["export-failed", "webhook-undelivered"]
    told_twice = [name for name in single if rules(resources)[name]["window"] != rules(resources)[name]["every"]]
    assert told_twice == [], "a line in two periods would be told twice"


def test_a_broken_schedule_or_job_hides_no_other_one(resources: list[Any], checked: dict[str, Checked]) -> None:
    (queries,) = of_type(resources, "Microsoft.Insights/scheduledQueryRules")
    (criterion,) = queries["properties"]["criteria"]["allOf"]
    assert module(resources, "alerts")["template"]["variables"]["upkeepRule"] == "upkeep-failed"
    given = criterion["dimensions"]
    assert "variables('upkeepRule'))), createArray()," in given
    split = re.findall(r"'name', '(\w+)', 'operator', 'Include', 'values', createArray\('\*'\)", given)
    assert split == ["tenant", "subject"]
    assert {checked["upkeep-failed"].columns[name] for name in split} == {"string"}


def test_every_event_of_level_error_leads_to_an_alert(resources: list[Any]) -> None:
    errors = {event for event, (levels, _) in ROWS.items() if "error" in levels}
    alerts = rules(resources)
    asked = {event for rule in alerts.values() for event in re.findall(r"'event=([\w.]+) '", rule["query"])}
    assert errors - asked == set(COVERED)
    assert set(COVERED.values()) <= {*alerts, "service-unavailable"}


def test_a_schedule_that_does_not_start_its_export_leads_to_an_alert() -> None:
    assert RunOutcome.FAILED.value == "Failed"
    assert "event != 'schedule.run' or status == 'Failed'" in QUERIES["upkeep-failed"]


def test_a_timer_that_fails_each_minute_leads_to_an_alert(resources: list[Any]) -> None:
    (timer,) = tick_timer(Any)._function_builders  # type: ignore[arg-type]
    assert timer._function.get_function_name() == "tick"
    assert EVERY_MINUTE == "0 * * * * *"
    assert "(Name == 'tick' and Success == false)" in QUERIES["server-errors"]
    (least,) = re.findall(r"iff\(Name == 'tick', (\d), \d\)", QUERIES["server-errors"])
    window = rules(resources)["server-errors"]["window"]
    assert (window, int(least) < 5) == ("PT5M", True), "the timer may be late, so that only four runs are in a window"


def test_azure_asks_for_the_health_from_outside(resources: list[Any]) -> None:
    (test,) = of_type(resources, "Microsoft.Insights/webtests")
    asked = test["properties"]
    assert asked["Request"]["RequestUrl"] == "[parameters('healthUrl')]"
    assert (asked["Enabled"], asked["Kind"], asked["RetryEnabled"]) == (True, "standard", True)
    assert asked["ValidationRules"] == {"ExpectedHttpStatusCode": 200, "SSLCheck": True}
    assert asked["Frequency"] == 300
    assert asked["Timeout"] > 30 + 10, "a cold start, and the time that /health takes"
    assert list(test["tags"].split("'")[1::2])[:2] == ["tags", "hidden-link:{0}"], "Application Insights shows it"
    given = str(module(resources, "alerts")["parameters"]["healthUrl"])
    assert given.startswith("[if(parameters('availabilityTest'), ")
    assert "parameters('publicUrl')" in given
    assert "health'" in given


def test_the_alert_on_the_health_fires_when_all_places_but_two_fail(resources: list[Any]) -> None:
    metrics = of_type(resources, "Microsoft.Insights/metricAlerts")
    (alert,) = [metric for metric in metrics if "service-unavailable" in metric["name"]]
    criteria = alert["properties"]["criteria"]
    assert criteria["odata.type"] == "Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria"
    assert alert["properties"]["scopes"] == [criteria["webTestId"], criteria["componentId"]]
    assert criteria["failedLocationCount"] == "[variables('failedPlaces')]"
    variables = module(resources, "alerts")["template"]["variables"]
    assert variables["failedPlaces"] == "[sub(length(variables('places')), 2)]"
    assert len(set(variables["places"])) == 5
    (test,) = of_type(resources, "Microsoft.Insights/webtests")
    assert alert["condition"] == test["condition"]


def test_the_alert_on_cost_compares_a_column_that_its_query_returns(
    resources: list[Any], checked: dict[str, Checked]
) -> None:
    (queries,) = of_type(resources, "Microsoft.Insights/scheduledQueryRules")
    (criterion,) = queries["properties"]["criteria"]["allOf"]
    assert "'megabytes'" in criterion["metricMeasureColumn"]
    assert checked["ingestion-cost"].columns == {"megabytes": "real"}
    assert "parameters('dailyCapGb')" in criterion["threshold"]


def test_the_logs_have_a_daily_cap(resources: list[Any]) -> None:
    (workspace,) = of_type(resources, "Microsoft.OperationalInsights/workspaces")
    assert workspace["properties"]["workspaceCapping"] == {"dailyQuotaGb": "[parameters('dailyCapGb')]"}


def test_reads_of_files_and_of_secrets_are_logged(resources: list[Any]) -> None:
    settings = {
        item["name"]: item["properties"]["logs"] for item in of_type(resources, "Microsoft.Insights/diagnosticSettings")
    }
    logged = {name: [log["category"] for log in logs if log["enabled"]] for name, logs in settings.items()}
    assert logged == {"reads-and-deletions": ["StorageRead", "StorageDelete"], "audit": ["AuditEvent"]}


@pytest.mark.parametrize("file", ["host.json", "infra/host.dts.json", "infra/host.mssql.json"])
def test_no_event_is_lost_by_sampling_or_by_its_level(file: str) -> None:
    logging = json.loads((ROOT / file).read_text(encoding="utf-8"))["logging"]
    assert "Trace" in logging["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";")
    assert logging["logLevel"]["default"] == "Information", "events are written at this level and above"
    assert not any(category.startswith("Function") for category in logging["logLevel"])
