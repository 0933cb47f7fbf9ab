"""What declared routes say of a path."""

from __future__ import annotations

import pytest

from exports.request.scopes import Scope
from exports.triggers.http.routes import Route, allowed_methods, hiding_paths


def a_route(method: str, path: str, scope: Scope | None = Scope.EXPORTS_READ) -> Route:
    return Route(f"{method.lower()}_{path}", method, path, "", scope, {})


ROUTES = (a_route("GET", "things/{code}"), a_route("DELETE", "things/{code}"), a_route("POST", "things/sum"))


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("things/a", ["DELETE", "GET"]),
        ("tenants/x/things/a", ["DELETE", "GET"]),
        ("things/sum", ["POST"]),
        ("tenants/x/things/sum", ["POST"]),
        ("THINGS/SUM", ["POST"]),
        ("things", []),
        ("things/a/b", []),
        ("", []),
    ],
)
def test_a_path_offers_the_methods_of_the_route_that_names_it_best(path: str, methods: list[str]) -> None:
    assert allowed_methods(ROUTES, path) == methods


def test_a_path_that_could_be_a_code_of_another_route_is_found() -> None:
    assert hiding_paths(ROUTES) == [
        ("post_things/sum", "things/sum", ["POST"]),
        ("post_things/sum_of_tenant", "tenants/{tenant}/things/sum", ["POST"]),
    ]


def test_the_root_would_be_no_route_with_another_method() -> None:
    root = a_route("GET", "", None)
    assert allowed_methods((*ROUTES, root), "") == ["GET"]
    assert hiding_paths((root,)) == [("get_", "", ["GET"])]


def test_an_open_route_has_no_form_by_tenant() -> None:
    assert a_route("GET", "health", None).forms == (("get_health", "health"),)
