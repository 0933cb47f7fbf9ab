"""The one timer does the work of a minute, each part independently of the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from exports.triggers.tick_timer import do_all, tick_timer
from tests.support.app_functions import timer_names
from tests.support.fakes import a_services

_CLIENT = '{"taskHubName": "hub", "creationUrls": {}, "managementUrls": {}, "rpcBaseUrl": "http://localhost/"}'


async def _fail(error: Exception) -> None:
    raise error


def test_the_app_has_one_timer_because_each_would_start_an_instance() -> None:
    assert timer_names() == ["tick"]


def test_a_failure_of_one_part_does_not_stop_the_others_and_is_raised() -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("watchdog")

    failure = LookupError("schedules")
    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(do_all(_fail(failure), work()))
    assert done == ["watchdog"]
    assert raised.value.exceptions == (failure,)


def test_a_minute_without_failure_raises_nothing() -> None:
    asyncio.run(do_all())


def test_histories_are_purged_though_the_sweep_of_orphans_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    services, purged = a_services(), []

    def fail(*_: Any) -> None:
        raise LookupError

    async def purge(*_: Any) -> None:
        purged.append("histories")

    monkeypatch.setattr(services.files, "sweep", fail)
    monkeypatch.setattr("exports.triggers.tick_timer.sweep_histories", purge)
    (timer,) = tick_timer(lambda: services)._function_builders
    with pytest.raises(ExceptionGroup, match="work of this minute failed"):
        asyncio.run(timer._function.get_user_function()(timer=None, client=_CLIENT))
    assert purged == ["histories"]
