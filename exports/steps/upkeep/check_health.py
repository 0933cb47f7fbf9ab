"""Step: check the health of every dependency."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from exports.errors import ExportError, SourceMismatchError
from exports.request.fields import REQUIRED_COLUMNS, VIEW_COLUMNS
from exports.services import Services
from shared.api_keys import KeysUnavailableError
from shared.models import Model

_log = logging.getLogger(__name__)


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
    """The body of `GET /health`."""

    status: HealthStatus
    dependencies: tuple[Dependency, ...]


def health_of(dependencies: tuple[Dependency, ...]) -> HealthDto:
    """Summarize the health of the dependencies."""
    worst = max((dependency.status for dependency in dependencies), key=list(HealthStatus).index)
    return HealthDto(status=worst, dependencies=dependencies)


def check_health(services: Services) -> HealthDto:
    """Check all dependencies at the same time. Raises nothing: a check that fails makes its dependency unhealthy."""
    checks: dict[str, Callable[[], str | None]] = {
        "apiKeys": lambda: _check_keys(services),
        "blobs": services.files.check,
        "clients": lambda: _check_view(services),
        "tables": services.jobs.check,
    }
    with ThreadPoolExecutor(len(checks)) as pool:
        return health_of(tuple(pool.map(_check, checks, checks.values())))


def _check(name: str, check: Callable[[], str | None]) -> Dependency:
    try:
        remark = check()
    except (ExportError, KeysUnavailableError) as error:
        return Dependency(name=name, status=HealthStatus.UNHEALTHY, detail=str(error))
    except Exception:
        _log.exception("event=health.failed dependency=%s", name)
        return Dependency(name=name, status=HealthStatus.UNHEALTHY, detail="The check failed; the log says why.")
    return Dependency(name=name, status=HealthStatus.HEALTHY, detail=remark)


def _check_keys(services: Services) -> str | None:
    """Check the store of API keys. A service without keys is healthy, because every service starts like this."""
    if services.keys.store.is_empty():
        return "There is no API key yet, so every request is refused; `python -m exports keys create` makes one."
    return None


def _check_view(services: Services) -> str | None:
    """Check that the view has every column that it must have, and name the others that it lacks."""
    missing = services.clients.missing_columns(VIEW_COLUMNS)
    if required := [name for name in missing if name in REQUIRED_COLUMNS]:
        message = f"The clients view lacks {', '.join(required)}; docs/client-view.md says what it must have."
        raise SourceMismatchError(message)
    if missing:
        return (
            f"The clients view lacks {', '.join(missing)}: files show nothing there, and filters by them are refused."
        )
    return None
