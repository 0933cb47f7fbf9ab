"""Step: ask every dependency whether it answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from exports.errors import ExportError, SourceMismatchError
from exports.request.fields import VIEW_COLUMNS
from exports.services import Services
from shared.api_keys import KeysUnavailableError
from shared.models import Model

_log = logging.getLogger(__name__)


class HealthStatus(StrEnum):
    """Of a dependency, and of the whole: the worst of its dependencies."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"


class Dependency(Model):
    """One dependency; `detail` says in plain words what is wrong with it, or worth knowing."""

    name: str
    status: HealthStatus
    detail: str | None = None


class HealthDto(Model):
    """The body of `GET /health`."""

    status: HealthStatus
    dependencies: tuple[Dependency, ...]


def health_of(dependencies: tuple[Dependency, ...]) -> HealthDto:
    """Sum up."""
    worst = max((dependency.status for dependency in dependencies), key=list(HealthStatus).index)
    return HealthDto(status=worst, dependencies=dependencies)


def check_health(services: Services) -> HealthDto:
    """Ask all dependencies at the same time. Raises nothing: what fails is unhealthy."""
    checks: dict[str, Callable[[], str | None]] = {
        "apiKeys": lambda: _check_keys(services),
        "blobs": services.files.check,
        "clients": lambda: _check_view(services),
        "tables": services.jobs.check,
    }
    with ThreadPoolExecutor(len(checks)) as pool:
        return health_of(tuple(pool.map(_check, checks, checks.values())))


def _check(name: str, ask: Callable[[], str | None]) -> Dependency:
    try:
        remark = ask()
    except (ExportError, KeysUnavailableError) as error:
        return Dependency(name=name, status=HealthStatus.UNHEALTHY, detail=str(error))
    except Exception:
        _log.exception("event=health.failed dependency=%s", name)
        return Dependency(name=name, status=HealthStatus.UNHEALTHY, detail="It refused; the log says why.")
    return Dependency(name=name, status=HealthStatus.HEALTHY, detail=remark)


def _check_keys(services: Services) -> str | None:
    """A service without keys is well: it refuses everybody, and there has to be a first key."""
    if services.keys.store.is_empty():
        return "There is no API key yet, so every request is refused; `python -m exports keys create` makes one."
    return None


def _check_view(services: Services) -> None:
    missing = services.clients.missing_columns(VIEW_COLUMNS)
    if missing:
        message = f"The clients view lacks {', '.join(missing)}; docs/client-view.md says what it must have."
        raise SourceMismatchError(message)
