"""Step: list what the audit log says about a tenant's day."""

from __future__ import annotations

from datetime import date

from exports.jobs.audit import AuditEntry
from exports.ports.audit import AuditConditions
from exports.services import Services
from shared.lists import ListDto, make_list


def list_audit(
    services: Services, tenant: str, day: date | None, limit: int, after: str | None, wanted: AuditConditions
) -> ListDto[AuditEntry]:
    """List at most `limit` entries of a day, oldest first.

    Args:
        day: The day (UTC); None: today.
        after: The cursor: the position of the last entry of the previous answer. The list continues after it.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    found = services.audit.list(tenant, day or services.now().date(), limit + 1, after, wanted)
    return make_list(found, lambda logged: logged.position, lambda logged: logged.entry, limit)
