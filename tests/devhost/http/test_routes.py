"""Route templates, matched without a host."""

import pytest

from devhost.functions import FunctionInfo, StartupError
from devhost.http.routes import Found, NotFound, Router


def router(*templates: str, prefix: str = "api") -> Router:
    functions = [
        FunctionInfo(name=template, kind="http", durable_name=template, trigger="req", route=template)
        for template in templates
    ]
    return Router(functions, prefix)


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("items", "/api/items", {}),
        ("items", "/API/Items/", {}),
        ("items/{id}", "/api/items/7", {"id": "7"}),
        ("items/{id}", "/api/items/a%20b%2Fc", {"id": "a b/c"}),
        ("items/{id?}", "/api/items", {}),
        ("items/{id?}", "/api/items/7", {"id": "7"}),
        ("items/{id:int}", "/api/items/-7", {"id": "-7"}),
        ("items/{id:int?}", "/api/items", {}),
        (
            "items/{id:guid}",
            "/api/items/0f8fad5b-d9cb-469f-a165-70867728950e",
            {"id": "0f8fad5b-d9cb-469f-a165-70867728950e"},
        ),
        ("items/{id:alpha:length(2)}", "/api/items/ab", {"id": "ab"}),
        ("items/{id:minlength(3)}", "/api/items/abc", {"id": "abc"}),
        ("items/{id:regex(^v[0-9]+$)}", "/api/items/v12", {"id": "v12"}),
        ("files/{name}.csv", "/api/files/a.b.csv", {"name": "a.b"}),
        ("files/{name}.{kind}", "/api/files/a.csv", {"name": "a", "kind": "csv"}),
        ("files/{*rest}", "/api/files/a/b/c", {"rest": "a/b/c"}),
        ("files/{*rest}", "/api/files", {}),
    ],
)
def test_a_template_matches(template: str, path: str, parameters: dict[str, str]) -> None:
    found = router(template).find("GET", path)
    assert isinstance(found, Found)
    assert found.parameters == parameters


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("items", "/items"),
        ("items", "/api/items/7"),
        ("items/{id}", "/api/items"),
        ("items/{id}", "/api/items/7/8"),
        ("items/{id:int}", "/api/items/x"),
        ("items/{id:int}", "/api/items/7x"),
        ("items/{id:guid}", "/api/items/0f8fad5b"),
        ("items/{id:length(2)}", "/api/items/abc"),
        ("items/{id:maxlength(2)}", "/api/items/abc"),
        ("files/{name}.csv", "/api/files/a.txt"),
        ("a.c", "/api/abc"),
    ],
)
def test_a_template_does_not_match(template: str, path: str) -> None:
    assert router(template).find("GET", path) == NotFound(())


@pytest.mark.parametrize(
    "templates",
    [
        ("items/new", "items/{id:int}", "items/{id}", "{*rest}"),
        ("{*rest}", "items/{id}", "items/{id:int}", "items/new"),
    ],
)
def test_the_most_specific_template_wins_in_any_order(templates: tuple[str, ...]) -> None:
    table = {"new": "items/new", "7": "items/{id:int}", "x": "items/{id}", "x/y": "{*rest}"}
    for path, template in table.items():
        found = router(*templates).find("GET", f"/api/items/{path}")
        assert isinstance(found, Found)
        assert found.function.route == template


def test_a_catch_all_that_may_be_empty_comes_before_the_root() -> None:
    """The real host prefers the longer template, too."""
    found = router("/", "{*rest}", prefix="").find("GET", "/")
    assert isinstance(found, Found)
    assert found.function.route == "{*rest}"


def test_a_catch_all_of_at_least_one_character_does_not_match_the_root() -> None:
    routes = router("{*rest:minlength(1)}", "/", prefix="")
    for path, route in (("/", "/"), ("/a", "{*rest:minlength(1)}"), ("/a/b", "{*rest:minlength(1)}")):
        found = routes.find("GET", path)
        assert isinstance(found, Found)
        assert found.function.route == route
    assert isinstance(router("{*rest:minlength(1)}", prefix="").find("GET", "/"), NotFound)


def test_an_empty_prefix_puts_functions_at_the_root() -> None:
    assert isinstance(router("items", prefix="").find("GET", "/items"), Found)


def test_app_settings_are_inserted_into_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTE_OF_ITEMS", "things")
    assert isinstance(router("%ROUTE_OF_ITEMS%/{id}").find("GET", "/api/things/1"), Found)


@pytest.mark.parametrize("template", ["items/{id", "items/{id:even}", "%NO_SUCH_SETTING%"])
def test_an_unsupported_template_is_refused_at_start(template: str) -> None:
    with pytest.raises(StartupError):
        router(template)
