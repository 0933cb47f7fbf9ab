"""`docs/runbook.md` has a section for each alert of `infra/`, with its query; its queries and commands are sound."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep_compiler import compile_bicep
from tests.support.documented import ROOT, blocks_of
from tests.support.kql import check_queries
from tests.unit.infra.arm import all_resources, module, of_type
from tests.unit.infra.test_alerts import INFRA, QUERIES, rules, unknown_names, value_of

METRIC_ALERTS = ["storage-throttled", "service-unavailable"]
STORES = ROOT / "exports" / "adapters" / "storage"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
COMMANDS = [*blocks_of(RUNBOOK, "sh")]


def alert_sections() -> dict[str, str]:
    """Return the text of the section of each alert, by the name of the alert."""
    (alerts,) = re.findall(r"^## Alerts\n(.*?)^## ", RUNBOOK, re.MULTILINE | re.DOTALL)
    _, *parts = re.split(r"^### (.+)\n", alerts, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def metrics(resources: list[Any]) -> dict[str, Any]:
    """Return the metric alerts by name."""
    found = of_type(resources, "Microsoft.Insights/metricAlerts")
    return {re.findall(r"'([a-z-]+)-\{0\}'", metric["name"])[0]: metric for metric in found}


def queries_in(text: str) -> list[str]:
    """Return the Kusto queries of a text."""
    return [block.text for block in blocks_of(text, "kusto")]


@pytest.fixture(scope="module")
def resources() -> list[Any]:
    return list(all_resources(compile_bicep(INFRA / "main.bicep").template))


def test_each_alert_has_its_section_and_each_section_its_alert(resources: list[Any]) -> None:
    assert sorted(alert_sections()) == sorted([*rules(resources), *METRIC_ALERTS])
    assert [*metrics(resources)] == METRIC_ALERTS


def test_each_alert_names_its_section_in_its_description(resources: list[Any]) -> None:
    (queries,) = of_type(resources, "Microsoft.Insights/scheduledQueryRules")
    template = module(resources, "alerts")["template"]
    assert template["variables"]["runbook"] == "See docs/runbook.md, section"
    assert "variables('runbook'), variables('rules')[copyIndex()].name" in queries["properties"]["description"]
    for name, metric in metrics(resources).items():
        assert metric["properties"]["description"] == f"[format('{{0}} {name}.', variables('runbook'))]"


def test_the_first_query_of_a_section_is_the_one_that_the_alert_runs(resources: list[Any]) -> None:
    shown = {name: queries_in(text)[0] for name, text in alert_sections().items() if name not in METRIC_ALERTS}
    assert shown == {name: rule["query"] for name, rule in rules(resources).items()}


def test_the_section_states_the_severity_of_the_alert(resources: list[Any]) -> None:
    template = module(resources, "alerts")["template"]
    given = {value_of(template, rule["name"]): rule["severity"] for rule in template["variables"]["rules"]}
    given |= {name: metric["properties"]["severity"] for name, metric in metrics(resources).items()}
    stated = {
        name: int(re.findall(r"^Severity (\d)\.", text, re.MULTILINE)[0]) for name, text in alert_sections().items()
    }
    assert stated == given


def test_the_section_of_the_metric_names_what_the_alert_counts(resources: list[Any]) -> None:
    metric = metrics(resources)["storage-throttled"]
    (criterion,) = metric["properties"]["criteria"]["allOf"]
    (dimension,) = criterion["dimensions"]
    text = alert_sections()["storage-throttled"]
    named = [criterion["metricName"], dimension["name"], *dimension["values"]]
    assert [name for name in named if f"`{name}`" not in text] == []
    assert module(resources, "alerts")["template"]["variables"]["throttledRequests"] == 20
    assert "more than twenty requests in five minutes" in text


def test_the_section_of_the_health_states_when_its_alert_fires(resources: list[Any]) -> None:
    variables = module(resources, "alerts")["template"]["variables"]
    text = " ".join(alert_sections()["service-unavailable"].split())
    assert len(variables["places"]) == 5
    assert "Within five minutes, three of five places outside the deployment did not get `200`" in text
    assert metrics(resources)["service-unavailable"]["properties"]["windowSize"] == "PT5M"
    (test,) = of_type(resources, "Microsoft.Insights/webtests")
    assert test["properties"]["Frequency"] == 5 * 60
    assert "The places ask every five minutes each (`availabilityTest`)" in text


def test_the_runbook_says_of_each_alert_whether_it_resolves(resources: list[Any]) -> None:
    (row,) = re.findall(r"^\| (.+) \| .*They do not resolve \|$", RUNBOOK, re.MULTILINE)
    single = module(resources, "alerts")["template"]["variables"]["singleEvents"]
    assert re.findall(r"\(#([a-z-]+)\)", row) == single


def test_the_section_on_upkeep_explains_every_event_of_its_query() -> None:
    explained = re.findall(r"^\| `(\w+\.\w+)` \|", alert_sections()["upkeep-failed"], re.MULTILINE)
    assert sorted(explained) == sorted(re.findall(r"'event=([\w.]+) '", QUERIES["upkeep-failed"]))


def test_the_runbook_names_the_table_of_each_kind_of_row_that_can_be_damaged() -> None:
    (section,) = re.findall(r"^## A damaged row\n(.*?)^## ", RUNBOOK, re.MULTILINE | re.DOTALL)
    stated = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", section, re.MULTILINE))
    texts = [path.read_text(encoding="utf-8") for path in STORES.glob("*.py")]
    kinds = re.compile(r'(?:readable\(|^    kind = )"(\w+)"', re.MULTILINE)
    tables = re.compile(r'default_table = "(\w+)"')
    assert stated == {kind: tables.findall(text)[0] for text in texts for kind in kinds.findall(text)}


def test_the_faults_that_the_runbook_calls_ours_are_those_of_the_delivery_log() -> None:
    ours = re.findall(r"^   \| `([a-z-]+)` \|", alert_sections()["webhook-undelivered"], re.MULTILINE)
    assert len(ours) == 4
    listed = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    assert [fault for fault in ours if f"\n| `{fault}` |" not in listed] == []


def test_microsofts_parser_has_no_complaint_about_any_query_of_the_runbook() -> None:
    queries = {str(number): query for number, query in enumerate(queries_in(RUNBOOK))}
    assert len(queries) > len(QUERIES) / 2
    assert {name: found.messages for name, found in check_queries(queries).items() if found.messages} == {}


def test_every_event_in_the_queries_of_the_runbook_is_written_by_the_code() -> None:
    asked = [query for query in queries_in(RUNBOOK) if re.search(r"'event=[\w.]+ '", query)]
    assert asked
    assert [unknown for query in asked for unknown in unknown_names(query)] == []


def test_every_link_of_the_runbook_leads_somewhere() -> None:
    for path, anchor in re.findall(r"\]\(([\w./-]*)#?([\w-]*)\)", RUNBOOK):
        target = Path(__file__).parents[3] / "docs" / (path or "runbook.md")
        assert target.is_file(), path
        titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not anchor or anchor in anchors, f"{path}#{anchor}"


def test_every_block_of_commands_is_valid_shell() -> None:
    assert len(COMMANDS) > 10
    for block in COMMANDS:
        done = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block


def test_every_value_that_the_commands_take_from_azd_is_an_output_of_the_template() -> None:
    outputs = set(compile_bicep(INFRA / "main.bicep").template["outputs"])
    taken = set(re.findall(r"azd env get-value (\w+)", RUNBOOK))
    assert len(taken) > 3
    assert taken <= outputs


def test_only_commands_of_azure_and_github_are_left_to_people() -> None:
    programs = {command.split()[0] for block in COMMANDS if block.needs_azure for command in block.commands}
    assert programs == {"az", "gh", "export"}
