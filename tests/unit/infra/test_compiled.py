"""Microsoft's Bicep compiler accepts the templates; what it makes of them has the safeguards that the guide names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep_compiler import Compiled, compile_bicep
from tests.unit.infra.arm import all_resources, module, of_type

INFRA = Path(__file__).parents[3] / "infra"


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_bicep(INFRA / "main.bicep")


@pytest.fixture(scope="module")
def resources(compiled: Compiled) -> list[Any]:
    return list(all_resources(compiled.template))


def test_the_compiler_and_its_linter_have_no_complaint_about_the_templates(compiled: Compiled) -> None:
    assert compiled.messages == ""


def test_the_compiler_is_heard_when_a_template_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.bicep"
    wrong.write_text(
        "param unused string\nresource a 'Microsoft.Web/sites@2024-04-01' = { name: 1 }\n", encoding="utf-8"
    )
    compiled = compile_bicep(wrong)
    assert compiled.template is None
    assert "Error BCP" in compiled.messages
    assert "no-unused-params" in compiled.messages


def test_nobody_can_publish_with_a_user_name_and_a_password(resources: list[Any]) -> None:
    policies = of_type(resources, "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {policy["properties"]["allow"] for policy in policies} == {False}
    assert len(policies) == 2


def test_the_tables_of_keys_and_jobs_are_locked_unless_the_parameter_says_no(resources: list[Any]) -> None:
    (lock,) = of_type(resources, "Microsoft.Authorization/locks")
    assert lock["properties"]["level"] == "CanNotDelete"
    assert "parameters('lockTables')" in lock["condition"]
    storage = module(resources, "storage")["template"]
    assert storage["variables"]["lockedTables"] == ["apikeys", "exportjobs"]


def test_a_provision_without_the_webhook_secret_leaves_the_stored_one_in_use(
    compiled: Compiled, resources: list[Any]
) -> None:
    """The secret is written only if given; otherwise the setting refers to the one of an earlier deployment."""
    vault = module(resources, "vault")["template"]
    (written,) = [item for item in vault["resources"] if "webhook-secret" in item["name"]]
    assert written["condition"] == "[parameters('storesWebhookSecret')]"
    uri = vault["outputs"]["webhookSecretUri"]["value"]
    assert "if(parameters('storesWebhookSecret')" in uri
    assert "secrets/webhook-secret" in uri
    assert (
        compiled.template["variables"]["webhooksAreOn"]
        == "[or(parameters('webhooks'), not(empty(parameters('webhookSecret'))))]"
    )


def test_a_provision_without_the_password_of_mail_leaves_the_stored_one_in_use(
    compiled: Compiled, resources: list[Any]
) -> None:
    vault = module(resources, "vault")["template"]
    (written,) = [item for item in vault["resources"] if "smtp-password" in item["name"]]
    assert written["condition"] == "[parameters('storesSmtpPassword')]"
    uri = vault["outputs"]["smtpSecretUri"]["value"]
    assert "if(parameters('storesSmtpPassword')" in uri
    assert "secrets/smtp-password" in uri
    given = module(resources, "app")["parameters"]["smtpSecretUri"]
    assert "or(empty(parameters('smtpHost')), empty(parameters('smtpUser')))" in str(given)


def test_azd_remembers_that_webhooks_are_on(compiled: Compiled) -> None:
    """azd keeps the outputs of a deployment as variables, and the parameters file reads this one."""
    assert "variables('webhooksAreOn')" in compiled.template["outputs"]["WEBHOOKS_ENABLED"]["value"]
    assert '"webhooks": { "value": "${WEBHOOKS_ENABLED=false}" }' in (INFRA / "main.parameters.json").read_text("utf-8")


def test_no_output_of_a_template_holds_a_secret(compiled: Compiled) -> None:
    kinds = [output["type"] for output in compiled.template["outputs"].values()]
    assert set(kinds) == {"string"}
    secure = {name for name, given in compiled.template["parameters"].items() if given["type"] == "securestring"}
    assert secure == {"clientsDatabaseUrl", "webhookSecret", "smtpPassword", "alertWebhookUrl"}


def test_zones_cover_the_instances_and_the_storage(resources: list[Any]) -> None:
    (plan,) = of_type(resources, "Microsoft.Web/serverfarms")
    assert plan["properties"]["zoneRedundant"] == "[parameters('zoneRedundant')]"
    sku = str(module(resources, "storage")["parameters"]["sku"])
    assert "parameters('zoneRedundant')" in sku
    assert "Standard_ZRS" in sku
