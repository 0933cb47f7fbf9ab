"""Every app setting has its place: a parameter of the template and a line of the local sample, or a reason for none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from exports.settings import Settings, read_settings
from tests.unit.infra.bicep import block, read_bicep

ROOT = Path(__file__).parents[3]
MAIN = read_bicep(ROOT / "infra" / "main.bicep")
APP = read_bicep(ROOT / "infra" / "modules" / "app.bicep")
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
FIELDS = {str(field.alias): field for field in Settings.model_fields.values()}

TUNING = frozenset(
    {
        # limits and speeds, whose defaults fit nearly every deployment
        "EXPORT_BLOCK_BYTES",
        "EXPORT_BYTES_PER_SECOND",
        "EXPORT_INCREMENTAL_MARGIN_SECONDS",
        "EXPORT_KEEP_ROWS_DAYS",
        "EXPORT_LINK_MINUTES",
        "EXPORT_MAX_ACTIVE_JOBS",
        "EXPORT_MAX_JOBS_PER_DAY",
        "EXPORT_MAX_WAITING",
        "EXPORT_RETRY_TRIES",
        "EXPORT_SNAPSHOT_MINUTES",
        "EXPORT_STALL_MINUTES",
        "EXPORT_START_GRACE_SECONDS",
        "EXPORT_WAIT_SECONDS",
        "EXPORT_WAVE_PAGES",
        "EXPORT_WEBHOOK_RETRY_SECONDS",
        # what few issuers of tokens need
        "EXPORT_TOKEN_ALGORITHMS",
        "EXPORT_TOKEN_KEYS_URL",
        "EXPORT_TOKEN_SUBJECT_CLAIM",
        "EXPORT_TOKEN_TENANT_CLAIM",
    }
)
"""Settings that no operator needs to set. They have no parameter of their own: `extraSettings` may contain them."""

NOT_LOCAL = frozenset({"EXPORT_KEEP_HOURS"})
"""Settings that operators set, but nobody needs on a machine of their own."""


def deployed() -> dict[str, str]:
    """Return each setting of ours in the template, with the expression for its value."""
    found = re.findall(r"^  ((?:EXPORT|CLIENTS)_\w+): (.+)$", block(APP.text, "settings"), re.MULTILINE)
    return dict(found)


def defaults() -> dict[str, str]:
    """Return the parameters of the template with their defaults as text."""
    found = re.findall(r"^param (\w+) (?:string|int) = (.+)$", MAIN.text, re.MULTILINE)
    return {name: value.strip("'") for name, value in found}


def plain_settings() -> dict[str, str]:
    """Return the settings that are just a parameter, with the name of that parameter."""
    forms = {name: re.fullmatch(r"(?:string\()?(\w+)\)?", value) for name, value in deployed().items()}
    return {name: form[1] for name, form in forms.items() if form and form[1] in defaults()}


def test_every_setting_has_a_parameter_or_is_one_that_no_operator_needs() -> None:
    assert set(FIELDS) - set(deployed()) <= TUNING
    assert set(deployed()) & TUNING == set()


def test_the_local_sample_has_every_setting_that_an_operator_sets() -> None:
    assert {name for name in SAMPLE if name in FIELDS} == set(FIELDS) - TUNING - NOT_LOCAL


def test_the_values_of_the_local_sample_are_accepted() -> None:
    read = read_settings(SAMPLE)
    assert (read.mail_server.host, read.token_issuer, read.tenant_names) == ("", "", {})


def test_the_app_accepts_the_defaults_of_the_parameters_as_its_own() -> None:
    given = {name: defaults()[parameter] for name, parameter in plain_settings().items()}
    assert len(given) > 12
    required = {"EXPORT_STORAGE": "account", "CLIENTS_DATABASE_URL": "sqlite:///clients.sqlite"}
    assert read_settings({**required, **given}) == read_settings(required)


@pytest.mark.parametrize("setting", ["EXPORT_TRUSTED_PROXIES", "EXPORT_MAX_WRONG_KEYS", "EXPORT_SMTP_PORT"])
def test_a_number_has_the_limits_of_the_app(setting: str) -> None:
    parameter = plain_settings()[setting]
    decorators = re.search(rf"((?:@.*\n)+)param {parameter} int", MAIN.text)
    assert decorators
    rules = FIELDS[setting].metadata
    for bound, rule in (("minValue", "ge"), ("maxValue", "le")):
        (limit,) = [getattr(each, rule) for each in rules if hasattr(each, rule)]
        assert f"@{bound}({limit})" in decorators[1]


def test_every_secret_setting_is_a_reference_to_the_key_vault() -> None:
    secret = {name for name, field in FIELDS.items() if "SecretStr" in str(field.annotation)} - {"EXPORT_STORAGE"}
    assert secret == {"CLIENTS_DATABASE_URL", "EXPORT_WEBHOOK_SECRET", "EXPORT_SMTP_PASSWORD"}
    for name in secret:
        assert "'@Microsoft.KeyVault(SecretUri=${" in deployed()[name], name


def test_a_variable_of_azd_is_called_like_the_setting_that_it_gives() -> None:
    parameters = json.loads((ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    for name, parameter in plain_settings().items():
        if parameter in parameters:
            assert re.fullmatch(rf"\$\{{{name}(=\w+)?\}}", parameters[parameter]["value"]), parameter
