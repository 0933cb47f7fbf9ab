"""docs/api.md tells the truth: it has every route, its examples run, its tables are those of the code."""

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

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
_SECTION = re.compile(r"^### `(\S+) (\S+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def sections() -> Iterator[tuple[str, str, str]]:
    """Method, path and text of the section of each route."""
    for found in _SECTION.finditer(PAGE):
        yield found[1], found[2], found[3]


def title(route: Route) -> tuple[str, str]:
    return route.method, f"/{route.path}" if route.scope is None else f"…/{route.path}"


def test_every_route_has_a_section_and_every_section_a_route() -> None:
    titles = [(method, path) for method, path, _ in sections()]

    assert sorted(titles) == sorted(title(route) for route in function_app.ROUTES)


def test_every_section_names_the_scope_of_its_route() -> None:
    texts = {(method, path): text for method, path, text in sections()}
    for route in function_app.ROUTES:
        if route.scope is not None:
            said = " ".join(texts[title(route)].split())
            assert f"The scope is `{route.scope.value}`." in said, route.name


def test_every_example_runs_and_gives_an_answer_of_the_shape_shown(system: System) -> None:
    variables = {"SERVICE": system.url, "KEY": NORTHWIND_KEY}
    for method, path, text in sections():
        asked = []
        for shown in (each for block in _CONSOLE.findall(text) for each in read_console(block)):
            sent_method, url, answer = run_curl(shown.command, variables)
            assert_conforms(sent_method, url, answer)
            assert_is_as_shown(shown, answer)
            remember(variables, sent_method, url, answer)
            asked.append((sent_method, fits(path, urlsplit(url).path)))
        assert (method, True) in asked, f"the section {method} {path} has no example of it"


def assert_is_as_shown(shown: Shown, answer: Response) -> None:
    assert answer.status == shown.status, f"{shown.command}\n{answer}"
    for name, value in shown.headers.items():
        assert name in answer.headers, f"{shown.command}\n{name} is not sent"
        assert MORE in value or answer.headers[name] == value, f"{shown.command}\n{name}: {answer.headers[name]}"
    if shown.body is not None:
        assert list(differences(shown.body, answer.json)) == [], shown.command


def remember(variables: dict[str, str], method: str, url: str, answer: Response) -> None:
    """Keep the code of what was made last, as the page says."""
    if method == "POST" and answer.status in (201, 202):
        made = {"/csv-mappings": "MAPPING", "/schedules": "SCHEDULE"}
        variables[next((name for part, name in made.items() if part in url), "CODE")] = answer.json["code"]


def fits(template: str, path: str) -> bool:
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)).replace("…", "(?:/tenants/[^/]+)?")
    return re.fullmatch(pattern, path) is not None


def test_the_table_of_problems_is_that_of_the_service() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)

    assert rows == [(kind.code, str(kind.status), kind.title, ADVICE[kind.code]) for kind in PROBLEMS]
