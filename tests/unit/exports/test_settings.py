"""App settings are read strictly, faults name the setting, and values are never shown."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta

import pytest

from exports.jobs.watchdog import DEAD_HOST_TIME
from exports.settings import Settings, SettingsError, read_settings
from exports.workflow.webhook_delivery import LAST_TRY_PATIENCE
from tests.support.documented import ROOT

REQUIRED = {"EXPORT_STORAGE": "UseDevelopmentStorage=true", "CLIENTS_DATABASE_URL": "sqlite:///clients.sqlite"}


def _error(**environment: str) -> str:
    with pytest.raises(SettingsError) as raised:
        read_settings(REQUIRED | environment)
    assert raised.value.__suppress_context__  # its cause, the validation error, holds the values
    return str(raised.value)


def test_only_storage_and_database_have_no_default() -> None:
    settings = read_settings(REQUIRED)
    assert settings.keep == timedelta(hours=24)
    assert (settings.wait_seconds, settings.incremental_margin) == (10, timedelta(minutes=5))


def test_every_setting_is_parsed_from_its_text() -> None:
    settings = read_settings(
        REQUIRED
        | {
            "EXPORT_KEEP_HOURS": "1.5",
            "EXPORT_WAIT_SECONDS": "0",
            "EXPORT_BLOCK_BYTES": "4096",
            "EXPORT_WAVE_PAGES": "3",
            "EXPORT_RETRY_TRIES": "2",
            "EXPORT_INCREMENTAL_MARGIN_SECONDS": "60",
        }
    )
    assert (settings.keep, settings.wait_seconds) == (timedelta(minutes=90), 0)
    assert settings.incremental_margin == timedelta(minutes=1)


def test_the_margin_may_be_longer_than_a_daily_dump_takes_to_arrive() -> None:
    settings = read_settings(REQUIRED | {"EXPORT_INCREMENTAL_MARGIN_SECONDS": "604800"})
    assert settings.incremental_margin == timedelta(days=7)
    for document in ("settings.md", "client-view.md"):
        assert "at most `604800`" in (ROOT / "docs" / document).read_text(encoding="utf-8")


def test_printed_settings_show_no_secret() -> None:
    secrets = {"EXPORT_STORAGE": "AccountKey=hush;", "CLIENTS_DATABASE_URL": "postgresql://me:hush@host/clients"}
    settings = read_settings(REQUIRED | secrets)
    assert "hush" not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_orchestrators_get_the_configured_limits() -> None:
    environment = {"EXPORT_BLOCK_BYTES": "4096", "EXPORT_WAVE_PAGES": "3", "EXPORT_RETRY_TRIES": "2"}
    limits = read_settings(REQUIRED | environment).limits
    assert (limits.target_bytes, limits.wave_pages, limits.retry.tries) == (4096, 3, 2)


def test_other_environment_variables_are_ignored() -> None:
    assert read_settings(REQUIRED | {"PATH": "/bin", "storage": "x", "EXPORT_UNKNOWN": "x"}) == read_settings(REQUIRED)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: set it"):
        read_settings({other: value for other, value in REQUIRED.items() if other != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPORT_STORAGE", ""),
        ("CLIENTS_DATABASE_URL", ""),
        ("EXPORT_KEEP_HOURS", "s3cret"),
        ("EXPORT_KEEP_HOURS", "0"),
        ("EXPORT_KEEP_HOURS", "161"),
        ("EXPORT_WAIT_SECONDS", "-1"),
        ("EXPORT_WAIT_SECONDS", "61"),
        ("EXPORT_BLOCK_BYTES", "1023"),
        ("EXPORT_WAVE_PAGES", "0"),
        ("EXPORT_WAVE_PAGES", "501"),
        ("EXPORT_RETRY_TRIES", "0"),
        ("EXPORT_WEBHOOK_SECRET", "s3cret"),
        ("EXPORT_WEBHOOK_SECRET", f"{'x' * 32} s3cret"),
        ("EXPORT_WEBHOOK_SECRET", "@Microsoft.KeyVault(SecretUri=https://s3cret.vault.azure.net/)"),
        ("EXPORT_WEBHOOK_ALLOW_PRIVATE", "s3cret"),
        ("EXPORT_SMTP_PORT", "0"),
        ("EXPORT_SMTP_TLS", "s3cret"),
        ("EXPORT_SMTP_FROM", "Exports <s3cret@example.com>"),
        ("EXPORT_SMTP_PASSWORD", "@Microsoft.KeyVault(SecretUri=https://s3cret.vault.azure.net/)"),
        ("EXPORT_EMAIL_DOMAINS", "example.com s3cret"),
        ("EXPORT_WEBHOOK_RETRY_SECONDS", "5 s3cret"),
        ("EXPORT_WEBHOOK_RETRY_SECONDS", "5 0"),
        ("EXPORT_WEBHOOK_RETRY_SECONDS", "432001"),
        ("EXPORT_INCREMENTAL_MARGIN_SECONDS", "-1"),
        ("EXPORT_START_GRACE_SECONDS", "-1"),
        ("EXPORT_STALL_MINUTES", "0"),
        ("EXPORT_KEEP_ROWS_DAYS", "-1"),
        ("EXPORT_INCREMENTAL_MARGIN_SECONDS", "s3cret"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_never_shown(name: str, value: str) -> None:
    message = _error(**{name: value})
    assert f"{name}" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("EXPORT_KEEP_HOURS", "x", "give a number"),
        ("EXPORT_KEEP_HOURS", "0", "give a number greater than 0"),
        ("EXPORT_KEEP_HOURS", "161", "give 160 or less"),
        ("EXPORT_WAVE_PAGES", "1.5", "give a whole number"),
        ("EXPORT_WAVE_PAGES", "9" * 5000, "give a smaller number"),
        ("EXPORT_MAX_WAITING", "10001", "give 10,000 or less"),
        ("EXPORT_INCREMENTAL_MARGIN_SECONDS", "604801", "give 604,800 or less"),
        ("EXPORT_WEBHOOK_RETRY_SECONDS", "432001", "give 432,000 or less"),
        ("EXPORT_WEBHOOK_RETRY_SECONDS", "1 " * 31, "give at most 30"),
        ("EXPORT_WEBHOOK_ALLOW_PRIVATE", "maybe", "give true or false"),
        ("EXPORT_TELEMETRY", "x", "choose from none, otlp, azure-monitor"),
        ("EXPORT_STORAGE", "", "do not leave it empty"),
        ("EXPORT_TRUSTED_PROXIES", "-1", "give 0 or more"),
        ("EXPORT_TRUSTED_PROXIES", "21", "give 20 or less"),
        ("EXPORT_MAX_WRONG_KEYS", "0", "give 1 or more"),
        ("EXPORT_TOKEN_SUBJECT_CLAIM", "a b", "remove the characters that it must not have"),
        ("EXPORT_SIGN_IN_CLIENT_ID", "the page", "remove the characters that it must not have"),
        ("EXPORT_SIGN_IN_SCOPES", 'openid "all"', "remove the characters that it must not have"),
    ],
)
def test_a_wrong_setting_says_what_to_give_in_words_of_ours(name: str, value: str, advice: str) -> None:
    message = _error(**{name: value})
    assert re.fullmatch(rf"Correct these app settings\. {name}(\.\d+)?: {re.escape(advice)}", message), message


def test_no_fault_of_any_setting_is_told_in_the_words_of_a_library() -> None:
    for field in Settings.model_fields.values():
        for value in ("", "\0", "x y", "-1", "1e99", "[]", "{}", '{"": 1}', '{"a": {"b": []}}'):
            with suppress(SettingsError):
                read_settings(REQUIRED | {str(field.alias): value})
                continue
            message = _error(**{str(field.alias): value})
            assert not re.search(r"Input|Value|should|valid |unable", message), message


def test_all_faults_are_reported_at_once() -> None:
    message = _error(EXPORT_KEEP_HOURS="x", EXPORT_WAVE_PAGES="x")
    assert "EXPORT_KEEP_HOURS" in message
    assert "EXPORT_WAVE_PAGES" in message


def test_every_setting_has_an_upper_case_name() -> None:
    assert all(str(field.alias).isupper() for field in Settings.model_fields.values())


def test_by_default_webhooks_are_off_and_tries_span_three_days() -> None:
    settings = read_settings(REQUIRED)
    assert (settings.webhook_secrets, settings.webhook_allow_private) == ((), False)
    assert len(settings.webhook_retry_seconds) == 9
    assert timedelta(days=3) < timedelta(seconds=sum(settings.webhook_retry_seconds)) < timedelta(days=4)


def test_webhook_settings_are_parsed_from_their_text() -> None:
    new, old = "n" * 32, "o" * 40
    settings = read_settings(
        REQUIRED
        | {
            "EXPORT_WEBHOOK_SECRET": f" {new}  {old} ",
            "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
            "EXPORT_WEBHOOK_RETRY_SECONDS": "0.5 60",
        }
    )
    assert settings.webhook_secrets == (new, old)
    assert (settings.webhook_allow_private, settings.webhook_retry_seconds) == (True, (0.5, 60))
    assert new not in repr(settings)


def test_watchdog_and_retention_settings_are_parsed_from_their_text() -> None:
    defaults = read_settings(REQUIRED)
    assert (defaults.timeouts.grace, defaults.timeouts.stall) == (timedelta(seconds=60), timedelta(minutes=30))
    assert defaults.keep_rows == timedelta(days=30)
    changed = read_settings(
        REQUIRED | {"EXPORT_START_GRACE_SECONDS": "90", "EXPORT_STALL_MINUTES": "120.5", "EXPORT_KEEP_ROWS_DAYS": "0.5"}
    )
    assert (changed.timeouts.grace, changed.timeouts.stall) == (timedelta(seconds=90), timedelta(minutes=120.5))
    assert changed.keep_rows == timedelta(hours=12)


def test_rows_of_a_job_with_notify_are_kept_until_the_last_try_could_have_ended() -> None:
    settings = read_settings(REQUIRED | {"EXPORT_KEEP_ROWS_DAYS": "0", "EXPORT_WEBHOOK_RETRY_SECONDS": "5 86400"})
    longest = timedelta(seconds=1.25 * (5 + 86_400)) + 2 * timedelta(days=1) + LAST_TRY_PATIENCE
    assert settings.rows_kept.after_file == timedelta(0)
    assert longest <= settings.rows_kept.with_notify <= longest + timedelta(days=1)
    assert timedelta(days=13) < read_settings(REQUIRED).rows_kept.with_notify < timedelta(days=14), "docs/settings.md"


@pytest.mark.parametrize("tries", ["1", "7", "50"])
def test_a_step_with_its_longest_pauses_and_a_dead_host_never_counts_as_stalled(tries: str) -> None:
    settings = read_settings(REQUIRED | {"EXPORT_STALL_MINUTES": "1", "EXPORT_RETRY_TRIES": tries})
    silence = settings.limits.retry.longest_silence
    assert settings.timeouts.stall == silence + DEAD_HOST_TIME > timedelta(minutes=17)


TOKENS = {
    "EXPORT_TOKEN_ISSUER": "https://login.example/tenant/v2.0",
    "EXPORT_TOKEN_AUDIENCE": "api://client-export",
    "EXPORT_TOKEN_ROLES": '{"Export.Reader": {"scopes": ["exports:read"], "tenants": ["*"]}}',
}


def test_settings_of_tokens_are_parsed_from_their_text() -> None:
    more = {"EXPORT_TOKEN_AUDIENCE": "api://client-export 2b6d", "EXPORT_TOKEN_ALGORITHMS": "RS256 ES256"}
    settings = read_settings(REQUIRED | TOKENS | more)
    assert (settings.token_audience, settings.token_algorithms) == (("api://client-export", "2b6d"), ("RS256", "ES256"))
    assert settings.token_roles["Export.Reader"].tenants == ("*",)
    assert read_settings(REQUIRED | TOKENS).token_algorithms == ("RS256",)


def test_people_can_sign_in_to_the_page_only_at_an_issuer() -> None:
    settings = read_settings(REQUIRED | TOKENS | {"EXPORT_SIGN_IN_CLIENT_ID": "export-page"})
    assert (settings.sign_in_client_id, settings.sign_in_scopes) == ("export-page", ("openid",))

    message = _error(EXPORT_SIGN_IN_CLIENT_ID="export-page")
    assert "EXPORT_TOKEN_ISSUER: set it, because EXPORT_SIGN_IN_CLIENT_ID is set" in message


def test_empty_settings_of_tokens_mean_that_only_api_keys_are_accepted() -> None:
    empty = dict.fromkeys([*TOKENS, "EXPORT_TOKEN_GROUPS", "EXPORT_TOKEN_KEYS_URL", "EXPORT_TOKEN_TENANT_CLAIM"], "")
    assert read_settings(REQUIRED | empty) == read_settings(REQUIRED)


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("EXPORT_TOKEN_ISSUER", "http://s3cret.example", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://me:s3cret@login.example", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://login.example/#s3cret", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://[s3cret", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://:s3cret@login.example", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://login.example/#", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://login.example:s3cret", "give an https address"),
        ("EXPORT_TOKEN_ISSUER", "https://login.example/s3cret\n", "give an https address"),
        ("EXPORT_TOKEN_KEYS_URL", "https://login.example:99999/keys", "give an https address"),
        ("EXPORT_TOKEN_ROLES", "[]", 'such as {"Export.Reader": {"scopes": ["exports:read"], "tenants": ["*"]}}'),
        ("EXPORT_TOKEN_ISSUER", "", "set it, or remove the other settings of tokens"),
        ("EXPORT_TOKEN_AUDIENCE", "", "set it, because EXPORT_TOKEN_ISSUER is set"),
        ("EXPORT_TOKEN_ALGORITHMS", "none", "choose from RS256"),
        ("EXPORT_TOKEN_ALGORITHMS", "RS256 HS256", "choose from RS256"),
        ("EXPORT_TOKEN_ALGORITHMS", " ", "EXPORT_TOKEN_ALGORITHMS: do not leave it empty"),
        ("EXPORT_TOKEN_KEYS_URL", "file:///s3cret", "give an https address"),
        ("EXPORT_TOKEN_ROLES", "", "set it or EXPORT_TOKEN_GROUPS"),
        ("EXPORT_TOKEN_ROLES", "{s3cret", "give one JSON object, such as {"),
        ("EXPORT_TOKEN_ROLES", "[]", "give one JSON object"),
        ("EXPORT_TOKEN_ROLES", "[" * 100_000, "give one JSON object"),
        ("EXPORT_TOKEN_ROLES", '{"a": {}, "a": {}}', "only once"),
        ("EXPORT_TOKEN_ROLES", '{"a": {"scopes": ["s3cret"], "tenants": ["*"]}}', "exports:read"),
        ("EXPORT_TOKEN_ROLES", '{"a": {"scopes": [], "tenants": ["*"]}}', "a.scopes: do not leave it empty"),
        ("EXPORT_TOKEN_ROLES", '{"": {"scopes": ["exports:read"], "tenants": ["*"]}}', "give each role a name"),
        ("EXPORT_TOKEN_GROUPS", '{" a": {"scopes": ["exports:read"], "tenants": ["*"]}}', "give each role a name"),
        ("EXPORT_TOKEN_ROLES", '{"a": ["s3cret"]}', "EXPORT_TOKEN_ROLES.a: give a JSON object"),
        ("EXPORT_TOKEN_ROLES", '{"a": {"scopes": "s3cret", "tenants": ["*"]}}', 'a.scopes: give a list, such as ["'),
        ("EXPORT_TOKEN_ROLES", '{"a": {"scopes": [7], "tenants": ["*"]}}', "a.scopes.0: choose from exports:read, "),
        ("EXPORT_TOKEN_ROLES", '{"a": {"scopes": ["exports:read"], "tenants": [7]}}', "a.tenants.0: give a text"),
        (
            "EXPORT_TOKEN_ROLES",
            '{"a": {"scopes": ["exports:read"], "tenants": ["*"], "x": "s3cret"}}',
            "a.x: remove it or correct its spelling",
        ),
        ("EXPORT_TOKEN_ROLES", '{"a": {"scopes": ["exports:read"]}}', "EXPORT_TOKEN_ROLES.a.tenants: add it"),
        ("EXPORT_TOKEN_GROUPS", '{"a": {"scopes": ["exports:read"], "tenants": ["s3cret *"]}}', "name of a tenant"),
        ("EXPORT_TOKEN_TENANT_CLAIM", "s3cret claim", "EXPORT_TOKEN_TENANT_CLAIM"),
        ("EXPORT_TOKEN_SUBJECT_CLAIM", "", "EXPORT_TOKEN_SUBJECT_CLAIM"),
    ],
)
def test_a_wrong_setting_of_tokens_says_what_to_change(name: str, value: str, advice: str) -> None:
    message = _error(**(TOKENS | {name: value}))
    assert message.startswith("Correct these app settings. EXPORT_TOKEN_")
    assert name in message
    assert advice in message
    assert "s3cret" not in message


MAIL = {
    "EXPORT_SMTP_HOST": "smtp.example.com",
    "EXPORT_SMTP_FROM": "exports@example.com",
    "EXPORT_EMAIL_DOMAINS": "Example.com other.example",
}


def test_without_a_mail_server_no_other_setting_for_email_is_needed() -> None:
    assert read_settings(REQUIRED).mail_server.host == ""
    server = read_settings(REQUIRED | MAIL).mail_server
    assert (server.origin, server.security) == ("smtp://smtp.example.com:587", "starttls")
    assert [server.allows(domain) for domain in ("example.com", "other.example", "x.example")] == [True, True, False]
    assert read_settings(REQUIRED | MAIL | {"EXPORT_EMAIL_DOMAINS": "*"}).mail_server.allows("x.example")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"EXPORT_SMTP_HOST": "smtp://smtp.example.com"}, "EXPORT_SMTP_HOST: give the name"),
        ({"EXPORT_SMTP_FROM": ""}, "EXPORT_SMTP_FROM: set it as well"),
        ({"EXPORT_EMAIL_DOMAINS": ""}, "EXPORT_EMAIL_DOMAINS: set it as well"),
        ({"EXPORT_SMTP_USER": "me"}, "EXPORT_SMTP_USER and EXPORT_SMTP_PASSWORD: set both"),
        ({"EXPORT_SMTP_USER": "me", "EXPORT_SMTP_PASSWORD": "hush", "EXPORT_SMTP_TLS": "none"}, "in clear text"),
        ({"EXPORT_SMTP_USER": "me", "EXPORT_SMTP_PASSWORD": "hüsh"}, "EXPORT_SMTP_PASSWORD: use printable ASCII"),
        ({"EXPORT_SMTP_USER": "me", "EXPORT_SMTP_PASSWORD": "hush\n"}, "no line break at the end"),
    ],
)
def test_settings_for_email_that_do_not_fit_together_are_named(changes: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(REQUIRED | MAIL | changes)
    assert named in str(raised.value)
    assert "hush" not in str(raised.value)
    assert "hüsh" not in str(raised.value)
