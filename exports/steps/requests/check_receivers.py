"""Finds the receivers of a notification to which this service sends nothing."""

from __future__ import annotations

from collections.abc import Iterator

from exports.notifications.receivers import refusal_of
from exports.request.body import NotifyDto
from exports.request.faults import DOMAIN_REFUSED, HIDDEN_URL, NO_EMAIL, NO_WEBHOOKS
from exports.request.hidden_urls import is_hidden
from exports.services import Services
from shared.faults import FaultKind
from shared.problems import Fault, pointer


def faults_of_receivers(services: Services, notify: NotifyDto) -> Iterator[Fault]:
    """Yield a fault for each receiver that is refused. The pointers begin at `notify`."""
    if notify.webhook_url and (refused := _refused_url(services, notify.webhook_url)):
        yield refused.at(pointer("webhookUrl"))
    if notify.email and services.mail is None:
        yield NO_EMAIL.at(pointer("email"))
    elif services.mail is not None:
        for index, address in enumerate(notify.email):
            if not services.mail.allows(address):
                yield DOMAIN_REFUSED.at(pointer("email", index))


def _refused_url(services: Services, url: str) -> FaultKind | None:
    if not services.settings.webhook_secrets:
        return NO_WEBHOOKS
    if is_hidden(url):
        return HIDDEN_URL
    return refusal_of(url, allow_private=services.settings.webhook_allow_private)
