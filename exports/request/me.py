"""What a caller may learn about itself: its name, its tenants, its scopes, and the limits of a tenant."""

from __future__ import annotations

from collections.abc import Mapping

from exports.request.consistency import Consistency
from exports.request.identity import ANY_TENANT, Identity
from shared.models import Model


class MyTenantDto(Model):
    """A tenant that the caller may use.

    Attributes:
        name: The name for people; null if it has none.
        scopes: What the caller may do for this tenant.
    """

    code: str
    name: str | None
    scopes: tuple[str, ...]


class LimitsDto(Model):
    """The limits of each tenant, and how long files are kept.

    Attributes:
        active_jobs: Exports of a tenant that may run or wait at the same time.
        jobs_per_day: Exports that a tenant may start or resume in a day (UTC).
        keep_hours: Hours for which a finished file can be downloaded.
        link_minutes: Minutes for which a link to a file works.
        wait_seconds: Seconds for which the request that starts an export waits for its end, unless it says otherwise.
        notify_by: The ways in which the service can notify about the end of an export: `webhook`, `email`.
        consistency: The values of `consistency` that a request may have here: `snapshot` only if the client database
            can show all clients as they were at one moment.
    """

    active_jobs: int
    jobs_per_day: int
    keep_hours: float
    link_minutes: float
    wait_seconds: float
    notify_by: tuple[str, ...] = ()
    consistency: tuple[Consistency, ...] = (Consistency.PAGES,)


class MeDto(Model):
    """The caller of a request.

    Attributes:
        name: The name of the API key, or the claim `name` of the access token; null if the token has none.
        tenants: The tenants that the caller may use, by code. If it may use every tenant, those that are known by name.
        any_tenant: Whether the caller may use every tenant, also those that are not listed.
        scopes: What the caller may do for at least one of its tenants.
    """

    name: str | None
    tenants: tuple[MyTenantDto, ...]
    any_tenant: bool
    scopes: tuple[str, ...]
    limits: LimitsDto


def describe_caller(identity: Identity, names: Mapping[str, str], limits: LimitsDto) -> MeDto:
    """Describe a caller.

    Args:
        names: The names of tenants for people, as far as they are known.
    """
    any_tenant = ANY_TENANT in identity.tenants
    known = identity.tenants | set(names) if any_tenant else identity.tenants
    codes = sorted(code for code in known if identity.opens(code))
    return MeDto(
        name=identity.name,
        tenants=tuple(
            MyTenantDto(code=code, name=names.get(code), scopes=tuple(sorted(identity.scopes_for(code))))
            for code in codes
        ),
        any_tenant=any_tenant,
        scopes=tuple(sorted(identity.scopes)),
        limits=limits,
    )
