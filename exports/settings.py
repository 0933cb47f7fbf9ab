"""The app settings of a deployment, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from exports.jobs.retention import RowsKept
from exports.jobs.watchdog import DEAD_HOST_TIME, Timeouts
from exports.notifications.delivery import RETRY_SECONDS
from exports.notifications.mail_settings import Domain, MailSecurity, MailServer, Sender, explain_mail_settings
from exports.ports.client_urls import names_tables
from exports.request.public_url import ForwardedHost, PublicUrl
from exports.request.tenant_names import read_tenant_names
from exports.request.token_access import RoleGrant
from exports.request.token_settings import (
    Algorithm,
    ClaimName,
    ClientId,
    HttpsUrl,
    IssuerScope,
    explain_token_settings,
    read_roles,
)
from exports.request.view_name import read_view_name
from exports.workflow.commands import Limits
from shared.models import Model
from shared.retry_policy import RetryPolicy
from shared.setting_faults import describe_setting_fault
from shared.telemetry import Exporter

_SHORTEST_SECRET = 32
_VIEW_NAME = BeforeValidator(read_view_name)
_WORDS = BeforeValidator(lambda text: text.split() if isinstance(text, str) else text)
_ROLES = BeforeValidator(read_roles)
_TENANT_NAMES = BeforeValidator(read_tenant_names)


class SettingsError(Exception):
    """An app setting is missing or wrong. The text says which one, and what to change."""


class Settings(Model):
    """The app settings of the exports feature. The alias of a field is the name of the setting.

    Attributes:
        storage: Connection string of the storage account, or its name for access by managed identity.
        database_url: SQLAlchemy URL of the database with the `clients` view, or `azure-tables:…` for Table Storage.
        deletions_view: The view of deleted clients, in the same database. Empty: there is none.
        keep_hours: How long a finished file can be downloaded.
        link_minutes: How long a link to a file works. A link never outlives its file.
        keep_rows_days: How long the records of a job are kept after its file was deleted. With `notify`: `rows_kept`.
        wait_seconds: How long a start waits for the job to finish before it answers 202.
        max_waiting: Starts that a process lets wait at the same time. Any more are answered 202 at once.
        public_url: Address at which callers reach the service. Empty: the one that they have called.
        forwarded_hosts: The hosts that `X-Forwarded-Host` may name. Space-separated. Empty: it is not honoured.
        trusted_proxies: How many proxies append the address of their caller to `X-Forwarded-For`.
        max_wrong_keys: Wrong keys and tokens that an address may send in a minute. Any more are answered 429.
        block_bytes: Target size of a block.
        wave_pages: Pages in flight together, over all jobs. Jobs share them; a job that runs alone has all of them.
        retry_tries: Tries of a step in all. The pauses between them double from one second to a minute.
        start_grace_seconds: How long a job may have no orchestration before the watchdog acts.
        stall_minutes: How long a job may make no progress before the watchdog begins another attempt.
        snapshot_minutes: How long a job may hold a snapshot of the client database. Statements may take four minutes
            more, and the host must allow both: see `functionTimeout` in `host.json`.
        bytes_per_second: Bytes of CSV, before compression, that a job writes in a second. Estimates use this rate.
        max_active_jobs: Active jobs that a tenant may have. Further requests are refused until one ends.
        max_jobs_per_day: Jobs that a tenant may start or resume in a day. Further requests are refused until the next.
        tenant_names: The names of tenants for people, as JSON.
        incremental_margin_seconds: How much further back than the watermark an incremental run looks. The margin allows
            for changes that reach the database after they were stamped, by a long transaction, a replica or a file that
            replaces another one, and for clocks that differ.
        telemetry: Where traces and metrics are sent: `none`, `otlp` or `azure-monitor`.
        webhook_secret: Master secrets from which the secrets that sign webhooks are derived. Space-separated; the first
            is the current one. Empty: the service refuses requests with `webhookUrl` in `notify`.
        webhook_allow_private: Whether webhooks may go to private addresses and use plain http. For development only.
        token_issuer: The only issuer whose access tokens are accepted, as in their claim `iss`. Empty: API keys only.
        token_audience: The audiences for which a token may be meant. Space-separated.
        token_algorithms: The signatures that are accepted. Space-separated.
        token_keys_url: Address of the issuer's key set. Empty: the discovery document of the issuer names it.
        token_roles, token_groups: What each value of the claims `roles` and `groups` grants, as JSON.
        token_tenant_claim: Name of a claim with the only tenants that a token opens. Empty: there is none.
        token_subject_claim: Name of the claim that identifies the caller.
        sign_in_client_id: The public client as which the UI signs people in at the issuer. Empty: by API key only.
        sign_in_scopes: What the UI asks the issuer for. Space-separated.
        webhook_retry_seconds: Pauses after the first try of a notification, the second, and so on. Space-separated.
        smtp_host, smtp_port: The mail server that sends the e-mails of `notify`. No host: the service refuses them.
        smtp_user, smtp_password: The login at the mail server. Empty: there is none.
        smtp_from: The address from which the e-mails come.
        smtp_tls: `starttls`, `tls` (from the first byte on), or `none`. For development only: `none`.
        email_domains: The domains to which e-mails may go, or `*`. Space-separated.
    """

    storage: Annotated[SecretStr, Field(alias="EXPORT_STORAGE", min_length=1)]
    database_url: Annotated[SecretStr, Field(alias="CLIENTS_DATABASE_URL", min_length=1)]
    deletions_view: Annotated[str, _VIEW_NAME, Field(alias="EXPORT_DELETIONS_VIEW")] = ""
    keep_hours: Annotated[float, Field(alias="EXPORT_KEEP_HOURS", gt=0, le=160)] = 24
    link_minutes: Annotated[float, Field(alias="EXPORT_LINK_MINUTES", ge=1, le=1440)] = 15
    keep_rows_days: Annotated[float, Field(alias="EXPORT_KEEP_ROWS_DAYS", ge=0, le=3650)] = 30
    wait_seconds: Annotated[float, Field(alias="EXPORT_WAIT_SECONDS", ge=0, le=60)] = 10
    max_waiting: Annotated[int, Field(alias="EXPORT_MAX_WAITING", ge=0, le=10_000)] = 12
    public_url: Annotated[PublicUrl, Field(alias="EXPORT_PUBLIC_URL")] = ""
    forwarded_hosts: Annotated[tuple[ForwardedHost, ...], _WORDS, Field(alias="EXPORT_FORWARDED_HOSTS")] = ()
    trusted_proxies: Annotated[int, Field(alias="EXPORT_TRUSTED_PROXIES", ge=0, le=20)] = 1
    max_wrong_keys: Annotated[int, Field(alias="EXPORT_MAX_WRONG_KEYS", ge=1, le=1_000_000)] = 30
    block_bytes: Annotated[int, Field(alias="EXPORT_BLOCK_BYTES", ge=1024, le=64 * 1024 * 1024)] = 16 * 1024 * 1024
    wave_pages: Annotated[int, Field(alias="EXPORT_WAVE_PAGES", ge=1, le=500)] = 64
    retry_tries: Annotated[int, Field(alias="EXPORT_RETRY_TRIES", ge=1, le=50)] = 7
    start_grace_seconds: Annotated[float, Field(alias="EXPORT_START_GRACE_SECONDS", ge=0, le=3600)] = 60
    stall_minutes: Annotated[float, Field(alias="EXPORT_STALL_MINUTES", gt=0, le=1440)] = 30
    snapshot_minutes: Annotated[float, Field(alias="EXPORT_SNAPSHOT_MINUTES", gt=0, le=1440)] = 5
    bytes_per_second: Annotated[int, Field(alias="EXPORT_BYTES_PER_SECOND", ge=1)] = 15_000_000
    max_active_jobs: Annotated[int, Field(alias="EXPORT_MAX_ACTIVE_JOBS", ge=1)] = 20
    max_jobs_per_day: Annotated[int, Field(alias="EXPORT_MAX_JOBS_PER_DAY", ge=1)] = 1_000
    tenant_names: Annotated[Mapping[str, str], _TENANT_NAMES, Field(alias="EXPORT_TENANT_NAMES")] = {}
    incremental_margin_seconds: Annotated[int, Field(alias="EXPORT_INCREMENTAL_MARGIN_SECONDS", ge=0, le=604_800)] = 300
    telemetry: Annotated[Exporter, Field(alias="EXPORT_TELEMETRY")] = Exporter.NONE
    webhook_secret: Annotated[SecretStr, Field(alias="EXPORT_WEBHOOK_SECRET")] = SecretStr("")
    webhook_allow_private: Annotated[bool, Field(alias="EXPORT_WEBHOOK_ALLOW_PRIVATE")] = False
    webhook_retry_seconds: Annotated[
        tuple[Annotated[float, Field(gt=0, le=5 * 86_400)], ...],
        _WORDS,
        Field(alias="EXPORT_WEBHOOK_RETRY_SECONDS", max_length=30),
    ] = RETRY_SECONDS
    smtp_host: Annotated[str, Field(alias="EXPORT_SMTP_HOST")] = ""
    smtp_port: Annotated[int, Field(alias="EXPORT_SMTP_PORT", ge=1, le=65_535)] = 587
    smtp_user: Annotated[str, Field(alias="EXPORT_SMTP_USER")] = ""
    smtp_password: Annotated[SecretStr, Field(alias="EXPORT_SMTP_PASSWORD")] = SecretStr("")
    smtp_from: Annotated[Sender, Field(alias="EXPORT_SMTP_FROM")] = ""
    smtp_tls: Annotated[MailSecurity, Field(alias="EXPORT_SMTP_TLS")] = MailSecurity.STARTTLS
    email_domains: Annotated[tuple[Domain, ...], _WORDS, Field(alias="EXPORT_EMAIL_DOMAINS")] = ()
    token_issuer: Annotated[HttpsUrl, Field(alias="EXPORT_TOKEN_ISSUER")] = ""
    token_audience: Annotated[tuple[str, ...], _WORDS, Field(alias="EXPORT_TOKEN_AUDIENCE")] = ()
    token_algorithms: Annotated[tuple[Algorithm, ...], _WORDS, Field(alias="EXPORT_TOKEN_ALGORITHMS", min_length=1)] = (
        "RS256",
    )
    token_keys_url: Annotated[HttpsUrl, Field(alias="EXPORT_TOKEN_KEYS_URL")] = ""
    token_roles: Annotated[Mapping[str, RoleGrant], _ROLES, Field(alias="EXPORT_TOKEN_ROLES")] = {}
    token_groups: Annotated[Mapping[str, RoleGrant], _ROLES, Field(alias="EXPORT_TOKEN_GROUPS")] = {}
    token_tenant_claim: Annotated[ClaimName, Field(alias="EXPORT_TOKEN_TENANT_CLAIM")] = ""
    token_subject_claim: Annotated[ClaimName, Field(alias="EXPORT_TOKEN_SUBJECT_CLAIM", min_length=1)] = "sub"  # noqa: S105 (the name of a claim)
    sign_in_client_id: Annotated[ClientId, Field(alias="EXPORT_SIGN_IN_CLIENT_ID")] = ""
    sign_in_scopes: Annotated[tuple[IssuerScope, ...], _WORDS, Field(alias="EXPORT_SIGN_IN_SCOPES")] = ("openid",)

    @model_validator(mode="after")
    def _deletions_have_a_database(self) -> Settings:
        if self.deletions_view and names_tables(self.database_url.get_secret_value()):
            message = "EXPORT_DELETIONS_VIEW: remove it, because Azure Table Storage has no views of deleted clients"
            raise PydanticCustomError("no_deletions", message)
        return self

    @model_validator(mode="after")
    def _token_settings_agree(self) -> Settings:
        if message := explain_token_settings(
            self.token_issuer, self.token_audience, self.token_roles or self.token_groups, self.sign_in_client_id
        ):
            raise PydanticCustomError("token_settings", message)
        return self

    @model_validator(mode="after")
    def _mail_settings_agree(self) -> Settings:
        if message := explain_mail_settings(self.mail_server):
            raise PydanticCustomError("mail_settings", message)
        return self

    @field_validator("webhook_secret", "smtp_password")
    @classmethod
    def _is_resolved(cls, value: SecretStr) -> SecretStr:
        if any(secret.startswith("@Microsoft.KeyVault(") for secret in value.get_secret_value().split()):
            message = "the app could not read this secret from Key Vault; correct the reference, or give the app access"
            raise PydanticCustomError("unresolved", message)
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        secrets = value.get_secret_value().split()
        if any(len(secret) < _SHORTEST_SECRET for secret in secrets):
            raise PydanticCustomError("too_short_secret", "give each secret 32 characters or more")
        return value

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The master secrets of webhooks, the current one first."""
        return tuple(self.webhook_secret.get_secret_value().split())

    @property
    def mail_server(self) -> MailServer:
        """The mail server, and how to send through it. Its host is empty if e-mail is not set up."""
        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            user=self.smtp_user,
            password=self.smtp_password.get_secret_value(),
            sender=self.smtp_from,
            security=self.smtp_tls,
            domains=frozenset(self.email_domains),
        )

    @property
    def keep(self) -> timedelta:
        """How long a finished file can be downloaded."""
        return timedelta(hours=self.keep_hours)

    @property
    def link_life(self) -> timedelta:
        """How long a link to a file works."""
        return timedelta(minutes=self.link_minutes)

    @property
    def keep_rows(self) -> timedelta:
        """How long the records of a job are kept after its file was deleted."""
        return timedelta(days=self.keep_rows_days)

    @property
    def rows_kept(self) -> RowsKept:
        """How long the records of a job are kept: with `notify`, at least until the last try of its notification.

        Each try may be postponed, or its receiver may ask for a pause, for a day at most.
        """
        pauses = self.webhook_retry_seconds
        return RowsKept(self.keep_rows, timedelta(days=len(pauses) + 1, seconds=1.25 * sum(pauses)))

    @property
    def longest_snapshot(self) -> timedelta:
        """How long a job may hold a snapshot of the client database."""
        return timedelta(minutes=self.snapshot_minutes)

    @property
    def timeouts(self) -> Timeouts:
        """When the watchdog acts.

        The limit for a stall is never shorter than the longest pause between the tries of a step, and a dead host.
        """
        stall = max(timedelta(minutes=self.stall_minutes), self.limits.retry.longest_silence + DEAD_HOST_TIME)
        return Timeouts(timedelta(seconds=self.start_grace_seconds), stall)

    @property
    def incremental_margin(self) -> timedelta:
        """How much further back than the watermark an incremental run looks."""
        return timedelta(seconds=self.incremental_margin_seconds)

    @property
    def limits(self) -> Limits:
        """The settings that orchestrators need."""
        return Limits(
            wave_pages=self.wave_pages, target_bytes=self.block_bytes, retry=RetryPolicy(tries=self.retry_tries)
        )


_SETTINGS: TypeAdapter[Settings] = TypeAdapter(Settings)
_NAMES = frozenset(str(field.alias) for field in Settings.model_fields.values())


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables. Other variables are ignored.

    Raises:
        SettingsError: A setting is missing or wrong. The text names every such setting. It shows no values, because
            they may be secrets.
    """
    try:
        return _SETTINGS.validate_python({name: environment[name] for name in _NAMES if name in environment})
    except ValidationError as error:
        message = "Correct these app settings. " + "; ".join(map(describe_setting_fault, error.errors()))
        raise SettingsError(message) from None
