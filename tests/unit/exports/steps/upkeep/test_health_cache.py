"""The health of a process is checked rarely, however often it is asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from exports.services import Services
from exports.steps.upkeep.check_health import Dependency, HealthDto, HealthStatus, health_of
from exports.steps.upkeep.health_cache import CACHE_SECONDS, FRESH_SECONDS, HealthCache
from tests.support.fakes import a_services
from tests.support.waiting import wait_until


class Checks:
    """Counts the checks. A check waits for `go_on`."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 100.0
        self.go_on = Event()
        self.go_on.set()
        self.cache = HealthCache(self._check, lambda: self.seconds)

    def _check(self, _: Services) -> HealthDto:
        self.count += 1
        name = str(self.count)
        assert self.go_on.wait(10)
        return health_of((Dependency(name=name, status=HealthStatus.HEALTHY),))

    def ask(self, max_age_seconds: float = CACHE_SECONDS) -> str:
        return self.cache.report(a_services(), max_age_seconds).dependencies[0].name


def test_many_requests_within_ten_seconds_cause_one_check() -> None:
    checks = Checks()
    assert {checks.ask() for _ in range(50)} == {"1"}
    checks.seconds += CACHE_SECONDS - 0.1
    assert checks.ask() == "1"
    checks.seconds += 0.2
    assert (checks.ask(), checks.count) == ("2", 2)


@pytest.mark.parametrize(("age", "expected"), [(FRESH_SECONDS - 0.1, "1"), (FRESH_SECONDS + 0.1, "2")])
def test_a_caller_may_ask_for_a_fresh_report(age: float, expected: str) -> None:
    checks = Checks()
    checks.ask()
    checks.seconds += age
    assert checks.ask(FRESH_SECONDS) == expected
    assert checks.ask() == expected


def test_the_first_requests_wait_for_one_check() -> None:
    checks = Checks()
    checks.go_on.clear()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(checks.ask) for _ in range(8)]
        wait_until(lambda: checks.count)
        checks.go_on.set()
        assert {answer.result() for answer in answers} == {"1"}
    assert checks.count == 1


def test_while_a_check_hangs_other_requests_get_the_last_report() -> None:
    checks = Checks()
    checks.ask()
    checks.seconds += CACHE_SECONDS + 1
    checks.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(checks.ask)
        wait_until(lambda: checks.count == 2)
        assert [checks.ask() for _ in range(20)] == ["1"] * 20
        checks.go_on.set()
        assert hanging.result() == "2"
    assert checks.ask() == "2"


def test_a_check_that_fails_does_not_stop_later_ones() -> None:
    outcomes = iter([ValueError("no"), None])

    def check(_: Services) -> HealthDto:
        if error := next(outcomes):
            raise error
        return health_of((Dependency(name="x", status=HealthStatus.HEALTHY),))

    cache = HealthCache(check)
    with pytest.raises(ValueError, match="no"):
        cache.report(a_services())
    assert cache.report(a_services()).status is HealthStatus.HEALTHY
