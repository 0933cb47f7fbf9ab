"""Finds the receivers of a notification to which this service sends nothing."""

from __future__ import annotations

from collections.abc import Iterator

from exports.notifications.receivers import DOMAIN_REFUSED, NO_MAIL, NOT_SET_UP, refusal_reason
from exports.request.body import NotifyDto
from exports.services import Services
from shared.problems import Fault, pointer


def faults_of_receivers(services: Services, notify: NotifyDto) -> Iterator[Fault]:
    """Yield a fault for each receiver that is refused. The pointers begin at `notify`."""
    if notify.webhook_url and (refused := _refused_url(services, notify.webhook_url)):
        yield Fault(pointer=pointer("webhookUrl"), detail=refused)
    if notify.email and services.mail is None:
        yield Fault(pointer=pointer("email"), detail=NO_MAIL)
    elif services.mail is not None:
        for index, address in enumerate(notify.email):
            if not services.mail.allows(address):
                yield Fault(pointer=pointer("email", index), detail=DOMAIN_REFUSED)


def _refused_url(services: Services, url: str) -> str | None:
    if not services.settings.webhook_secrets:
        return NOT_SET_UP
    return refusal_reason(url, allow_private=services.settings.webhook_allow_private)
