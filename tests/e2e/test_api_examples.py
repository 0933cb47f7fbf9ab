"""`docs/api.md` agrees with the service: it has every route, its examples run, and its tables are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import function_app
from exports.triggers.http.api_docs.advice import ADVICE
from exports.triggers.http.problems import PROBLEMS
from exports.triggers.http.routes import Route
from tests.support.conformance import assert_conforms
from tests.support.curl import MORE, Shown, differences, read_console, run_curl
from tests.support.http_client import Response
from tests.support.system import NORTHWIND_KEY, System

DOCUMENT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
_SECTION = re.compile(r"^### `(\S+) (\S+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def sections() -> Iterator[tuple[str, str, str]]:
    """Yield method, path and text of the section of each route."""
    for found in _SECTION.finditer(DOCUMENT):
        yield found[1], found[2], found[3]


def title(route: Route) -> tuple[str, str]:
    return route.method, f"/{route.path}" if route.scope is None else f"…/{route.path}"


def test_every_route_has_a_section_and_every_section_has_a_route() -> None:
    titles = [(method, path) for method, path, _ in sections()]

    assert sorted(titles) == sorted(title(route) for route in function_app.ROUTES)


def test_every_section_names_the_scope_of_its_route() -> None:
    texts = {(method, path): text for method, path, text in sections()}
    for route in function_app.ROUTES:
        if route.scope is not None:
            text = " ".join(texts[title(route)].split())
            assert f"The scope is `{route.scope.value}`." in text, route.name


def test_every_example_runs_and_its_response_has_the_shape_shown(system: System) -> None:
    variables = {"SERVICE": system.url, "KEY": NORTHWIND_KEY}
    for method, path, text in sections():
        sent = []
        for shown in (each for block in _CONSOLE.findall(text) for each in read_console(block)):
            sent_method, url, response = run_curl(shown.command, variables)
            assert_conforms(sent_method, url, response)
            assert_is_as_shown(shown, response)
            remember(variables, sent_method, url, response)
            sent.append((sent_method, fits(path, urlsplit(url).path)))
        assert (method, True) in sent, f"the section {method} {path} has no example of this route"


def assert_is_as_shown(shown: Shown, response: Response) -> None:
    assert response.status == shown.status, f"{shown.command}\n{response}"
    for name, value in shown.headers.items():
        assert name in response.headers, f"{shown.command}\n{name} is not sent"
        assert MORE in value or response.headers[name] == value, f"{shown.command}\n{name}: {response.headers[name]}"
    if shown.body is not None:
        assert list(differences(shown.body, response.json)) == [], shown.command


def remember(variables: dict[str, str], method: str, url: str, response: Response) -> None:
    """Set the variables for the code of the last created resource, which later examples use."""
    if method == "POST" and response.status in (201, 202):
        names = {"/csv-mappings": "MAPPING", "/schedules": "SCHEDULE", "/keys": "KEY_CODE"}
        variables[next((name for part, name in names.items() if part in url), "CODE")] = response.json["code"]


def fits(template: str, path: str) -> bool:
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)).replace("…", "(?:/tenants/[^/]+)?")
    return re.fullmatch(pattern, path) is not None


def test_the_document_has_the_problem_table_of_the_service() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (.+?) \| (.+?) \|$", DOCUMENT, re.MULTILINE)

    assert rows == [(kind.code, str(kind.status), kind.title, ADVICE[kind.code]) for kind in PROBLEMS]
