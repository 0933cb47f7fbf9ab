"""The client and its commands tell who the caller is, what a file would hold, and by what clients can be filtered."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from client_export import (
    AsyncExportClient,
    ClientFilter,
    ExportClient,
    ExportRequest,
    FileFormat,
    FilterValues,
    Me,
    Preview,
)
from client_export.cli.context import print_facts, print_table

from tests.client.conftest import run
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System

REQUEST = ExportRequest(columns=[("Client code", "Code"), "Name"], filter=ClientFilter(statuses=["Active"]))


def printed(system: System, *arguments: str) -> str:
    done = run(system, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_client_tells_who_it_is(client: ExportClient) -> None:
    me = client.me()
    assert me.name == "test"
    assert [each.code for each in me.tenants] == [NORTHWIND]
    assert "exports:write" in me.tenants[0].scopes == me.scopes
    assert me.limits["keepHours"] == 24
    assert set(me.notify_by) <= {"webhook", "email"}
    assert not me.any_tenant


def test_a_preview_of_the_client_is_the_beginning_of_its_file(client: ExportClient, tmp_path: Path) -> None:
    preview = client.preview(REQUEST)
    done = client.export_to(tmp_path / "clients.csv", REQUEST)
    assert done.path.read_bytes().startswith(preview.text.encode())
    assert preview.total_items == done.verification.rows
    assert preview.columns == (("Client code", "Code"), ("Name", "Name"))
    assert len(preview.rows) == 10
    assert preview.omitted_fields == ()
    workbook = client.preview(ExportRequest(columns=["Code"], format=FileFormat(preset="xlsx")))
    assert (workbook.text, len(workbook.rows)) == ("", 10)


def test_a_preview_of_the_client_has_warnings_and_needs_none() -> None:
    document = {"columns": [], "rows": [], "text": ""}
    assert Preview.from_json(document).warnings == ()
    warning = {"code": "cells-too-long", "message": "Too long.", "columns": ["Name"]}
    (found,) = Preview.from_json(document | {"warnings": [warning]}).warnings
    assert (found.code, str(found)) == ("cells-too-long", "Too long. (Name)")


def test_the_values_of_filters_can_be_used_in_a_request(client: ExportClient) -> None:
    values = client.filters()
    assert values.managers[0].name
    wanted = ClientFilter(manager_codes=[values.managers[0].code], service_codes=[values.services[0].code])
    assert client.preview(ExportRequest(filter=wanted)).total_items
    assert not values.truncated


def test_the_client_for_asyncio_gives_the_same(system: System, client: ExportClient) -> None:
    async def ask() -> tuple[Me, Preview, FilterValues]:
        async with AsyncExportClient(system.url, key=NORTHWIND_KEY, tenant=NORTHWIND) as opened:
            return await opened.me(), await opened.preview(REQUEST), await opened.filters()

    assert asyncio.run(ask()) == (client.me(), client.preview(REQUEST), client.filters())


def test_the_commands_print_what_the_service_answers(system: System, client: ExportClient) -> None:
    options = ["--columns", "Client code=Code,Name", "--where", "status=Active"]
    assert json.loads(printed(system, "me", "--json")) == client.me().raw
    assert json.loads(printed(system, "preview", *options, "--json")) == client.preview(REQUEST).raw
    assert json.loads(printed(system, "filters", "--json")) == client.filters().raw


def test_a_preview_and_an_estimate_are_of_the_file_that_the_options_describe(
    system: System, client: ExportClient
) -> None:
    columns = ("--columns", "Code")
    before = client.wait(client.start(ExportRequest(columns=["Code"])).code)
    options = (*columns, "--delimiter", "bar", "--line-ending", "lf", "--quoting", "all", "--no-headers")
    assert re.match(r'"[^"]+"\n"', json.loads(printed(system, "preview", *options, "--json"))["text"])
    for command in ("preview", "estimate"):
        found = json.loads(printed(system, command, *columns, "--since", before.code, "--json"))
        assert found.get("totalItems", found.get("rows")) == 0, command


def test_the_commands_print_lines_for_people(system: System, client: ExportClient) -> None:
    me = printed(system, "me").splitlines()
    assert [line.split()[0] for line in me[:2]] == ["name", "tenants"]
    assert ["keepHours", "24"] in [line.split() for line in me]
    assert me[-1].split("\t")[0] == NORTHWIND
    rows = printed(system, "preview", "--columns", "Code,Name", "--where", "status=Active").splitlines()
    assert len(rows) == 10
    assert {line.count("\t") for line in rows} == {1}
    values = [line.split("\t") for line in printed(system, "filters").splitlines()]
    assert {name for name, _, _ in values} == {"manager", "partner", "associate", "team", "service"}
    assert ["manager", client.filters().managers[0].code, client.filters().managers[0].name] in values


def test_the_limits_of_a_caller_are_numbers_beside_the_ways_to_notify_it() -> None:
    limits = {"jobsPerDay": 1_000_000, "keepHours": 24.0, "notifyBy": ["webhook", "email"]}
    me = Me.from_json({"tenants": [], "scopes": [], "limits": limits})
    assert me.limits == {"jobsPerDay": 1_000_000, "keepHours": 24.0}
    assert me.notify_by == ("webhook", "email")
    assert Me.from_json({"tenants": [], "scopes": []}).notify_by == ()


def test_control_characters_of_names_reach_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("code", "name"), [("1", "a\tb\n\x1b[2Jc"), ("2", None)])
    print_facts({"name": "a\nb"})
    assert capsys.readouterr().out == "1\ta b  [2Jc\n2\t\nname  a b\n"
