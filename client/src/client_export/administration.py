"""What administrators ask: keys, the audit log, and notifications that are sent by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from client_export.models import Json, Part, moment
from client_export.operations import EXPORTS, Operations, item, repeatable_by
from client_export.reading import items, read
from client_export.steps import Flow

_KEYS, _AUDIT, _TEST = "/keys", "/audit", "/clients/export/notification-test"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without its secret.

    Attributes:
        code: The middle part of the key.
        tenants: The tenants that it opens, of those whose keys you may administer.
        other_tenants: Whether it opens other tenants as well. Then you can neither rotate nor revoke it.
        state: `Active`, `Expired` or `Revoked`.
    """

    code: str
    name: str
    tenants: tuple[str, ...]
    other_tenants: bool
    scopes: tuple[str, ...]
    state: str
    created: datetime | None
    expires: datetime | None
    last_used: datetime | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> ApiKey:
        """Read a key as the service shows it."""
        return cls(
            code=document["code"],
            name=document["name"],
            tenants=tuple(document["tenants"]),
            other_tenants=bool(document.get("otherTenants")),
            scopes=tuple(document["scopes"]),
            state=document["state"],
            created=moment(document.get("createdDate")),
            expires=moment(document.get("expiryDate")),
            last_used=moment(document.get("lastUsedDate")),
            raw=document,
        )


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made. Keep its text: nothing shows it again.

    Attributes:
        text: The key, as `ExportClient` takes it.
        replaced: The old key, if this one is to replace it. It stays valid until it expires.
    """

    text: str = field(repr=False)
    key: ApiKey
    replaced: ApiKey | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> NewApiKey:
        """Read a new key."""
        replaced = document.get("replaced")
        old = None if replaced is None else ApiKey.from_json(replaced)
        return cls(document["key"], ApiKey.from_json(document), old, document)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log: who did what. `raw` has the fields, the filter and more.

    Attributes:
        actor: Code of the API key, `token:` and the subject of an access token, or the schedule.
        code: Code of the export, the schedule or the key.
    """

    moment: datetime | None
    action: str
    actor: str
    code: str
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> AuditEntry:
        """Read an entry."""
        return cls(moment(document["moment"]), document["action"], document["actor"], document["code"], document)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A try to notify a receiver.

    Attributes:
        channel: `webhook` or `email`.
        fault: Why it was not delivered; None if it was.
        number: Counts the tries of a message; 0: it was sent again on request; None: it was a test.
        sent: When it was sent; None for a test.
    """

    channel: str
    receiver: str
    delivered: bool
    status: int | None
    fault: str | None
    number: int | None
    sent: datetime | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> Delivery:
        """Read a try."""
        return cls(
            channel=document["channel"],
            receiver=document["receiver"],
            delivered=document["delivered"],
            status=document.get("status"),
            fault=document.get("fault"),
            number=document.get("number"),
            sent=moment(document.get("sentDate")),
            raw=document,
        )


class Administration(Operations):
    """All operations for one tenant, those for administrators too."""

    __slots__ = ()

    def keys_part(self, token: str | None) -> Flow[Part[ApiKey]]:
        return (yield from self._part(_KEYS, ApiKey.from_json, token))

    def create_key(
        self, name: str, scopes: Sequence[str], valid_days: int | None, idempotency_key: str | None
    ) -> Flow[NewApiKey]:
        body: dict[str, Any] = {"name": name, **({"scopes": list(scopes)} if scopes else {}), "validDays": valid_days}
        return (yield from self._new_key(_KEYS, body, idempotency_key))

    def rotate_key(self, code: str, overlap_hours: int | None, idempotency_key: str | None) -> Flow[NewApiKey]:
        body = {} if overlap_hours is None else {"overlapHours": overlap_hours}
        return (yield from self._new_key(f"{item(_KEYS, code)}/rotate", body, idempotency_key))

    def _new_key(self, path: str, body: Json, idempotency_key: str | None) -> Flow[NewApiKey]:
        """Ask for a key. The idempotency key makes it safe to send the request again if its answer was lost."""
        headers = repeatable_by(idempotency_key)
        return read((yield from self._ask("POST", path, body, headers=headers)), NewApiKey.from_json)

    def revoke_key(self, code: str, *, confirm: bool) -> Flow[ApiKey]:
        query = [("confirm", code)] if confirm else []
        return read((yield from self._ask("DELETE", item(_KEYS, code), query=query)), ApiKey.from_json)

    def audit_part(self, query: AuditQuery, token: str | None) -> Flow[Part[AuditEntry]]:
        return (yield from self._part(_AUDIT, AuditEntry.from_json, token, query.parameters()))

    def deliveries_part(self, code: str, token: str | None) -> Flow[Part[Delivery]]:
        return (yield from self._part(f"{item(EXPORTS, code)}/deliveries", Delivery.from_json, token))

    def notify_again(self, code: str) -> Flow[tuple[Delivery, ...]]:
        answer = yield from self._ask("POST", f"{item(EXPORTS, code)}/deliveries", repeatable=False)
        return read(answer, _deliveries)

    def test_notification(
        self, webhook_url: str | None, emails: Sequence[str], schedule_code: str | None
    ) -> Flow[tuple[Delivery, ...]]:
        receivers = {"webhookUrl": webhook_url, "email": list(emails), "scheduleCode": schedule_code}
        given = {name: value for name, value in receivers.items() if value}
        return read((yield from self._ask("POST", _TEST, given, repeatable=False)), _deliveries)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries of the audit log to list.

    Attributes:
        day: The day (UTC); None: today.
        actions: Only entries of one of these actions; empty: of any.
    """

    day: date | str | None = None
    actions: Sequence[str] = ()
    actor: str | None = None
    code: str | None = None

    def parameters(self) -> list[tuple[str, str]]:
        """Return the query as the service reads it."""
        texts = {"day": None if self.day is None else str(self.day), "actor": self.actor, "code": self.code}
        given = [(name, text) for name, text in texts.items() if text is not None]
        return given + [("action", action) for action in self.actions]


def _deliveries(document: Json) -> tuple[Delivery, ...]:
    return items(document, Delivery.from_json)
