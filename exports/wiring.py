"""Builds the services of the steps from the settings, once per process."""

from __future__ import annotations

import os
from functools import cache
from threading import Lock

from exports import VERSION
from exports.ports.mail import MailSender
from exports.request.token_access import TokenAccess, TokenAuthenticator
from exports.services import Services
from exports.settings import Settings, SettingsError, read_settings
from shared.access_tokens import TokenRules
from shared.guess_limit import GuessLimit
from shared.key_ring import KeyRing
from shared.telemetry import Exporter, TelemetryError, record_with

_BUILDING = Lock()


def build_services(settings: Settings) -> Services:
    """Build the services on the client database, tables and blobs. Opens no connection yet."""
    from exports.adapters.client_sources import open_clients
    from exports.adapters.http_webhooks import HttpWebhookSender
    from exports.adapters.storage.audit import TableAuditLog
    from exports.adapters.storage.deliveries import TableDeliveryLog
    from exports.adapters.storage.files import BlobFileStore
    from exports.adapters.storage.idempotency import TableIdempotencyStore
    from exports.adapters.storage.jobs import TableJobStore
    from exports.adapters.storage.mappings import TableMappingStore
    from exports.adapters.storage.pages import TablePageLedger
    from exports.adapters.storage.runs import TableRunHistory
    from exports.adapters.storage.schedules import TableScheduleStore
    from exports.adapters.storage.watch import TableWatchIndex
    from shared.storage import StorageAccount
    from shared.table_keys import TableKeyStore

    account = StorageAccount(settings.storage.get_secret_value())
    return Services(
        settings=settings,
        clients=open_clients(
            settings.database_url.get_secret_value(), settings.storage.get_secret_value(), settings.deletions_view
        ),
        jobs=TableJobStore(account),
        pages=TablePageLedger(account),
        files=BlobFileStore(account),
        watch=TableWatchIndex(account),
        mappings=TableMappingStore(account),
        schedules=TableScheduleStore(account),
        runs=TableRunHistory(account),
        requests=TableIdempotencyStore(account),
        audit=TableAuditLog(account),
        deliveries=TableDeliveryLog(account),
        webhooks=HttpWebhookSender(allow_private=settings.webhook_allow_private),
        keys=KeyRing(TableKeyStore(account)),
        tokens=build_tokens(settings),
        guesses=GuessLimit(settings.max_wrong_keys, settings.trusted_proxies),
        mail=build_mail(settings),
    )


def build_tokens(settings: Settings) -> TokenAuthenticator | None:
    """Build what identifies callers by access tokens; None if the settings name no issuer. Fetches no keys yet."""
    if not settings.token_issuer:
        return None
    from shared.issuer_keys import IssuerKeys
    from shared.jwt_verifier import JwtVerifier

    rules = TokenRules(settings.token_issuer, settings.token_audience, settings.token_algorithms)
    access = TokenAccess(
        settings.token_roles, settings.token_groups, settings.token_tenant_claim, settings.token_subject_claim
    )
    return TokenAuthenticator(JwtVerifier(rules, IssuerKeys(settings.token_issuer, settings.token_keys_url)), access)


def build_mail(settings: Settings) -> MailSender | None:
    """Build what sends e-mail; None if the settings name no mail server. Opens no connection yet."""
    if not settings.mail_server.host:
        return None
    from exports.adapters.smtp_mail import SmtpMailSender

    return SmtpMailSender(settings.mail_server)


def start_telemetry(settings: Settings) -> None:
    """Record the traces and metrics of this process, if the settings name an exporter.

    Raises:
        SettingsError: A setting or a package that the exporter needs is missing.
    """
    if settings.telemetry is Exporter.NONE:
        return
    from shared.telemetry_export import make_recorder

    try:
        record_with(make_recorder(settings.telemetry, VERSION))
    except TelemetryError as error:
        message = f"Correct these app settings. EXPORT_TELEMETRY: {error}"
        raise SettingsError(message) from None


def services_from_environment() -> Services:
    """Return the services of this process, built on the first call. Threads that call at the same time get the same.

    Raises:
        SettingsError: An app setting is missing or wrong.
    """
    with _BUILDING:
        return _services_of_process()


@cache
def _services_of_process() -> Services:
    settings = read_settings(os.environ)
    start_telemetry(settings)
    return build_services(settings)
