"""Declared routes: which methods a path offers, and which paths shadow a route."""

from __future__ import annotations

import azure.functions as func
import pytest

from exports.request.scopes import Scope
from exports.triggers.http.routes import Api, Call, OpenRoute, TenantRoute, allowed_methods, shadowing_paths


def a_route(method: str, path: str) -> TenantRoute:
    def handler(_: Call) -> func.HttpResponse:
        return func.HttpResponse()

    handler.__name__ = f"{method.lower()}_{path}"
    return TenantRoute(method=method, path=path, handler=handler, summary="", scope=Scope.EXPORTS_READ, replies={})


def an_open_route(path: str) -> OpenRoute:
    def get_it(_: func.HttpRequest, __: Api) -> func.HttpResponse:
        return func.HttpResponse()

    return OpenRoute(method="GET", path=path, handler=get_it, summary="", replies={})


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
def test_a_path_offers_the_methods_of_the_most_specific_route(path: str, methods: list[str]) -> None:
    assert allowed_methods(ROUTES, path) == methods


def test_a_path_that_also_matches_another_route_is_found() -> None:
    assert shadowing_paths(ROUTES) == [
        ("post_things/sum", "things/sum", ["POST"]),
        ("post_things/sum_of_tenant", "tenants/{tenant}/things/sum", ["POST"]),
    ]


def test_the_root_always_counts_as_a_shadowing_path() -> None:
    root = an_open_route("")
    assert allowed_methods((*ROUTES, root), "") == ["GET"]
    assert shadowing_paths((root,)) == [("get_it", "", ["GET"])]


def test_an_open_route_has_no_form_with_a_tenant() -> None:
    assert an_open_route("health").forms == (("get_it", "health"),)
