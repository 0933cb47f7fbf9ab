"""Step: check the health of every dependency."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from enum import StrEnum
from threading import Lock, Thread

from exports import VERSION
from exports.errors import ExportError, SourceMismatchError
from exports.request.fields import FIELD_COLUMNS, FILTER_COLUMNS, KEY_COLUMNS, REQUIRED_COLUMNS, VIEW_COLUMNS
from exports.services import Services
from shared.access_tokens import IssuerUnavailableError
from shared.api_keys import KeysUnavailableError
from shared.events import emit
from shared.invocations import carried
from shared.models import Model
from shared.platform_packages import replaced_packages

_PATIENCE_SECONDS = 10.0
Check = Callable[[], str | None]
_running: dict[tuple[int, str], Future[str | None]] = {}
"""The checks that run now, by services and name of the dependency."""
_starting = Lock()


class HealthStatus(StrEnum):
    """Health of one dependency, or of the service, which is as healthy as its worst dependency."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"


class Dependency(Model):
    """One dependency. `detail` explains why it is unhealthy, or adds a remark."""

    name: str
    status: HealthStatus
    detail: str | None = None


class HealthDto(Model):
    """The body of `GET /health`. `version` is the version of the service, for callers with a key."""

    status: HealthStatus
    version: str | None = VERSION
    dependencies: tuple[Dependency, ...]

    def without_details(self) -> HealthDto:
        """Return what everybody may see: names and states."""
        dependencies = tuple(Dependency(name=each.name, status=each.status) for each in self.dependencies)
        return HealthDto(status=self.status, version=None, dependencies=dependencies)


class LivenessDto(Model):
    """The body of `GET /health/live`."""

    status: HealthStatus = HealthStatus.HEALTHY


def health_of(dependencies: tuple[Dependency, ...]) -> HealthDto:
    """Summarize the health of the dependencies."""
    worst = max((dependency.status for dependency in dependencies), key=list(HealthStatus).index)
    return HealthDto(status=worst, dependencies=dependencies)


def check_health(services: Services, patience_seconds: float = _PATIENCE_SECONDS) -> HealthDto:
    """Check all dependencies at the same time. Raises nothing: a check that fails makes its dependency unhealthy.

    So does a check that takes too long. It goes on, and later calls wait for it instead of starting another one: a
    dependency that hangs holds one thread, however often the health is asked for.
    """
    checks: dict[str, Check] = {
        "apiKeys": lambda: _check_keys(services),
        "blobs": services.files.check,
        "clients": lambda: _check_view(services),
        "packages": _check_packages,
        "tables": services.jobs.check,
    }
    checks |= _issuer_check(services)
    results = {name: _result_of((id(services), name), check) for name, check in checks.items()}
    wait(results.values(), patience_seconds)
    return health_of(tuple(_dependency(name, result, patience_seconds) for name, result in results.items()))


def _result_of(key: tuple[int, str], check: Check) -> Future[str | None]:
    """Return the result of the check that runs, or else start one."""
    with _starting:
        if running := _running.get(key):
            return running
        result = _running[key] = Future()
    Thread(target=carried(_run), args=(key, check, result), daemon=True).start()
    return result


def _run(key: tuple[int, str], check: Check, result: Future[str | None]) -> None:
    try:
        remark = check()
    except BaseException as error:
        _running.pop(key)
        result.set_exception(error)
    else:
        _running.pop(key)
        result.set_result(remark)


def _dependency(name: str, result: Future[str | None], patience_seconds: float) -> Dependency:
    if not result.done():
        detail = f"There was no answer within {patience_seconds:g} seconds."
        return Dependency(name=name, status=HealthStatus.UNHEALTHY, detail=detail)
    try:
        remark = result.result()
    except (ExportError, IssuerUnavailableError, KeysUnavailableError) as error:
        return Dependency(name=name, status=HealthStatus.UNHEALTHY, detail=str(error))
    except Exception as error:
        emit("health.failed", logging.ERROR, cause=error, dependency=name)
        return Dependency(name=name, status=HealthStatus.UNHEALTHY, detail="The check failed; the log says why.")
    return Dependency(name=name, status=HealthStatus.HEALTHY, detail=remark)


def _issuer_check(services: Services) -> dict[str, Check]:
    """Return the check of the issuer of access tokens, if the service accepts tokens."""
    return {} if services.tokens is None else {"tokenIssuer": services.tokens.verifier.check}


def _check_keys(services: Services) -> str | None:
    """Check the store of API keys. A service without keys is healthy, because every service starts like this."""
    if services.keys.store.is_empty():
        return "There is no API key yet, so every request is refused; `python -m exports keys create` makes one."
    return None


def _check_packages() -> str | None:
    """Name packages that the platform has loaded in place of the deployed ones. The service may well work with them."""
    if replaced := replaced_packages():
        return f"The platform has loaded {', '.join(replaced)}; docs/deploy.md says how the deployed ones win."
    return None


def _check_view(services: Services) -> str | None:
    """Check that the view has every column that it must have, and name the others that it lacks.

    A column that only a filter cannot use is named too, but is healthy like one that is missing: exports without that
    filter work. The view of deleted clients, if a setting names one, must have all of its columns.
    """
    missing, unusable = _look_at_columns(services)
    if required := [name for name in missing if name in REQUIRED_COLUMNS]:
        message = f"The clients view lacks {', '.join(required)}; docs/client-view.md says what it must have."
        raise SourceMismatchError(message)
    services.clients.require_deletions()
    remarks = [f"{unusable} Exports without these filters work."] if unusable else []
    if missing:
        remarks.append(
            f"The clients view lacks {', '.join(missing)}: files show nothing there, and filters by them are refused."
        )
    return " ".join(remarks) or None


def _look_at_columns(services: Services) -> tuple[tuple[str, ...], str]:
    """Return the columns that the view lacks, and why filters cannot use others; nothing if they can use all.

    Raises:
        SourceMismatchError: An export of every field without a filter would fail. Names the faults of filters as well.
    """
    try:
        return services.clients.missing_columns(VIEW_COLUMNS), ""
    except SourceMismatchError as error:
        unusable = error
    first, *others = FILTER_COLUMNS  # in two parts, because the types of filters are checked if all of them are named
    with suppress(SourceMismatchError):
        found = {
            *services.clients.missing_columns((*KEY_COLUMNS, *FIELD_COLUMNS, *others)),
            *services.clients.missing_columns((*KEY_COLUMNS, first)),
        }
        return tuple(name for name in VIEW_COLUMNS if name in found), str(unusable)
    raise unusable
