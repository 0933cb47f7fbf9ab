"""Records the changes of API keys in the audit log."""

from __future__ import annotations

from exports.jobs.audit import AuditAction, AuditEntry
from exports.request.identity import Identity
from exports.services import Services
from shared.api_keys import ApiKey


class KeyAuditLog:
    """Appends an entry for each tenant of a key before the change is made, so that no change lacks an entry.

    A decision that is taken again appends none again.
    """

    def __init__(self, services: Services, identity: Identity) -> None:
        self._services = services
        self._identity = identity
        self._appended: set[tuple[AuditAction, str, str | None]] = set()

    def append(self, action: AuditAction, key: ApiKey, new_code: str | None = None) -> None:
        """Append the entries of a change.

        Raises:
            StorageUnavailableError: The change must not be made.
        """
        if (action, key.id, new_code) in self._appended:
            return
        for tenant in key.tenants:
            entry = AuditEntry(
                tenant=tenant,
                moment=self._services.now(),
                action=action,
                actor=self._identity.actor,
                code=key.id,
                fields=(),
                filter={},
                scopes=key.scopes,
                new_code=new_code,
            )
            self._services.audit.append(entry)
        self._appended.add((action, key.id, new_code))
