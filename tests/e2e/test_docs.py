"""The service serves its own documentation without a key."""

from __future__ import annotations

import pytest

from exports.triggers.http.api_docs import render as docs
from exports.triggers.http.ui import render as ui
from tests.support.conformance import document
from tests.support.system import System


def test_the_openapi_document_needs_no_key(system: System) -> None:
    response = system.call("GET", "/openapi.json", key=None)

    assert response.status == 200
    assert response.headers["content-type"].startswith("application/json")
    assert response.json == document()


@pytest.mark.parametrize(("path", "policy"), [("/docs", docs.content_policy()), ("/", ui.content_policy())])
def test_the_documentation_page_needs_no_key_and_may_load_nothing(system: System, path: str, policy: str) -> None:
    response = system.call("GET", path, key=None)

    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == policy
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/"])
def test_a_matching_etag_is_304(system: System, path: str) -> None:
    etag = system.call("GET", path, key=None).headers["etag"]

    for known in (etag, f'"another", W/{etag}', "*"):
        response = system.call("GET", path, key=None, if_none_match=known)
        assert (response.status, response.body, response.headers["etag"]) == (304, b"", etag)
    assert system.call("GET", path, key=None, if_none_match='"another"').status == 200


def test_the_type_of_a_problem_links_to_its_section_in_the_documentation(system: System) -> None:
    problem = system.call("GET", "/no-such-path").json
    path, _, anchor = problem["type"].partition("#")

    assert f'id="{anchor}"' in system.call("GET", path, key=None).body.decode()
