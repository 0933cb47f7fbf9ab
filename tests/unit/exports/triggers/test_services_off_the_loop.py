"""Async triggers build the services in a thread: building them imports drivers, which takes a second."""

import asyncio
import contextlib
from typing import Any

import azure.functions as func
import pytest

from exports.services import Services
from exports.triggers.activities import export_activities
from exports.triggers.http import export_routes
from exports.triggers.http.register import http_triggers
from exports.triggers.tick_timer import tick_timer

_CLIENT = '{"taskHubName": "hub", "creationUrls": {}, "managementUrls": {}, "rpcBaseUrl": "http://localhost/"}'
_REQUEST = func.HttpRequest("POST", "http://localhost/clients/export/csv", body=b"{}")
_CALLS: dict[str, dict[str, Any]] = {
    "tick": {"timer": None},
    "start_notification": {"payload": {"order": {}}},
    "start_export": {"req": _REQUEST},
}


class Provider:
    """Records for each build whether it ran on an event loop, and fails."""

    def __init__(self) -> None:
        self.on_loop: list[bool] = []

    def __call__(self) -> Services:
        try:
            asyncio.get_running_loop()
            self.on_loop.append(True)
        except RuntimeError:
            self.on_loop.append(False)
        raise LookupError


def _triggers(provide: Provider) -> dict[str, Any]:
    app = func.FunctionApp()
    for blueprint in (
        http_triggers(provide, export_routes.ROUTES),
        export_activities(provide),
        tick_timer(provide),
    ):
        app.register_functions(blueprint)
    return {str(function.get_function_name()): function.get_user_function() for function in app.get_functions()}


@pytest.mark.parametrize("name", _CALLS)
def test_an_async_trigger_builds_the_services_outside_the_event_loop(name: str) -> None:
    provide = Provider()
    trigger = _triggers(provide)[name]
    with contextlib.suppress(LookupError):
        asyncio.run(trigger(client=_CLIENT, **_CALLS[name]))
    assert set(provide.on_loop) == {False}
