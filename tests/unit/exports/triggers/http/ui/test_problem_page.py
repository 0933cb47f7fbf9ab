"""The page of a refused download: who gets it, and who gets the document for programs."""

from __future__ import annotations

import azure.functions as func
import pytest

from exports.triggers.http.ui.problem_page import problem_as_page

_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accepted", "kind"),
    [
        (_BROWSER, "text/html"),
        ("Text/HTML", "text/html"),
        ("application/json;q=0.1, text/html;q=0.2", "text/html"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "text/html"),
        ("*/*", "application/problem+json"),
        ("text/html;q=0, */*", "application/problem+json"),
        ("application/json, text/html;q=0.5", "application/problem+json"),
        ("application/problem+json, text/html;q=0.8, */*;q=0.1", "application/problem+json"),
        ("application/xml, text/htmlx", "application/problem+json"),
        ("", "application/problem+json"),
        (None, "application/problem+json"),
    ],
)
def test_a_problem_is_a_page_only_if_accept_prefers_html(accepted: str | None, kind: str) -> None:
    headers = {"accept": accepted} if accepted is not None else {}
    request = func.HttpRequest("GET", "https://host/a/download", headers=headers, route_params={"code": "A"}, body=b"")
    answer = func.HttpResponse(b'{"code": "gone"}', status_code=410, mimetype="application/problem+json")

    assert problem_as_page(request, answer).mimetype == kind
