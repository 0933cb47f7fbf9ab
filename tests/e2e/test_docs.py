"""The service documents itself, to everyone."""

from __future__ import annotations

import pytest

from exports.triggers.http.api_docs import docs_page
from exports.triggers.http.ui import render
from tests.support.conformance import document
from tests.support.system import System


def test_the_document_is_served_to_everyone(system: System) -> None:
    answer = system.call("GET", "/openapi.json", key=None)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json == document()


@pytest.mark.parametrize(("path", "policy"), [("/docs", docs_page.content_policy()), ("/", render.content_policy())])
def test_the_page_is_served_to_everyone_and_may_load_nothing(system: System, path: str, policy: str) -> None:
    answer = system.call("GET", path, key=None)

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/"])
def test_who_has_it_already_is_told_so(system: System, path: str) -> None:
    etag = system.call("GET", path, key=None).headers["etag"]

    for known in (etag, f'"another", W/{etag}', "*"):
        answer = system.call("GET", path, key=None, if_none_match=known)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
    assert system.call("GET", path, key=None, if_none_match='"another"').status == 200


def test_the_type_of_a_problem_leads_to_its_place_on_the_page(system: System) -> None:
    problem = system.call("GET", "/no-such-path").json
    path, _, anchor = problem["type"].partition("#")

    assert f'id="{anchor}"' in system.call("GET", path, key=None).body.decode()
