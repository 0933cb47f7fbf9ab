"""A deployment from GitHub passes every parameter, and undoes nothing that an earlier deployment has set.

The tests run the script of the workflow's own step, with the expressions of its `env` evaluated as GitHub does it. Only
`az` is a stand-in: it has the template that Microsoft's compiler makes, and a list of earlier deployments.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep_compiler import compile_bicep, find_compiler

ROOT = Path(__file__).parents[3]
WORKFLOW = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
FILE = json.loads((ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
NAMED = {name: found for name, raw in FILE.items() for found in re.findall(r"\$\{(\w+)", json.dumps(raw))}
"""Each parameter that takes its value from a variable, with the name of this variable."""

(STEP,) = re.findall(r"      - name: Write the parameters\n((?: {8}.*\n)+)", WORKFLOW)
PASSED = dict(re.findall(r"^ {10}(\w+): \$\{\{ ([\w.]+) \}\}$", STEP, re.MULTILINE))
"""Each environment variable of the step, with the expression for its value."""

SCRIPT = textwrap.dedent(STEP.partition("run: |\n")[2])
HOSTILE = "a 'b' \"c\" $(touch broken) `touch broken` ; ${EXPORT_SMTP_HOST}\n\\d"


@pytest.fixture(scope="module")
def template() -> Any:
    return compile_bicep(ROOT / "infra" / "main.bicep").template


@dataclass
class GitHub:
    """An environment of GitHub, and a checkout in `folder` whose deployment it runs."""

    folder: Path
    template: Any
    variables: dict[str, str] = field(default_factory=lambda: {"AZURE_LOCATION": "westeurope"})
    secrets: dict[str, str] = field(default_factory=lambda: {"CLIENTS_DATABASE_URL": "postgresql://x/clients"})
    deployments: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.copytree(ROOT / "infra", self.folder / "infra")
        (self.folder / "template.json").write_text(json.dumps(self.template), encoding="utf-8")
        for program, lines in (
            ("python3", f'exec {shlex.quote(sys.executable)} "$@"'),
            (
                "az",
                'case "$1 $2" in "bicep build") cp template.json "$6" ;; *) cat history.json ;; esac',
            ),
        ):
            stand_in = self.folder / "bin" / program
            stand_in.parent.mkdir(exist_ok=True)
            stand_in.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
            stand_in.chmod(0o755)

    def edit(self, **values: Any) -> None:
        """Write values into the parameters file of the checkout."""
        path = self.folder / "infra" / "main.parameters.json"
        file = json.loads(path.read_text(encoding="utf-8"))
        file["parameters"].update({name: {"value": value} for name, value in values.items()})
        path.write_text(json.dumps(file), encoding="utf-8")

    def value_of(self, expression: str) -> str:
        """Evaluate an expression; a variable or secret that is not set is empty."""
        context, _, name = expression.partition(".")
        contexts = {"vars": self.variables, "secrets": self.secrets, "inputs": {"environment": "prod"}}
        return contexts[context].get(name, "")

    def run(self) -> subprocess.CompletedProcess[str]:
        (self.folder / "history.json").write_text(json.dumps(self.deployments), encoding="utf-8")
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.folder),
            **{name: self.value_of(expression) for name, expression in PASSED.items()},
        }
        command = ["bash", "-e", "-c", SCRIPT]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    def parameters(self) -> dict[str, Any]:
        """Run the step, and return the values that `az` gets."""
        done = self.run()
        assert (done.returncode, done.stderr) == (0, "")
        file = json.loads((self.folder / "parameters.json").read_text(encoding="utf-8"))
        return {name: each["value"] for name, each in file["parameters"].items()}

    def refusal(self) -> str:
        """Run the step, and return why it refuses."""
        done = self.run()
        assert done.returncode == 1
        assert (self.folder / "parameters.json").read_text(encoding="utf-8") == ""
        return done.stderr

    def deployed(self, name: str, **values: Any) -> Any:
        """Add an earlier deployment, in the form that `az deployment sub list` prints."""
        given = {"environmentName": "prod", "location": "westeurope", **values}
        number = len(self.deployments)
        parameters = {
            each: {"type": "SecureString"}
            if declared["type"] == "securestring"
            else {"type": declared["type"].capitalize(), "value": given.get(each, declared.get("defaultValue"))}
            for each, declared in self.template["parameters"].items()
        }
        on = "true" if given.get("webhooks") or given.get("webhookSecret") else "false"
        properties = {
            "provisioningState": "Succeeded",
            "timestamp": f"2026-11-{number + 1:02}T12:00:00.123456+00:00",
            "parameters": parameters,
            "outputs": {"webhookS_ENABLED": {"type": "String", "value": on}},
        }
        self.deployments.append({"name": name, "properties": properties})
        return properties


@pytest.fixture
def github(tmp_path: Path, template: Any) -> GitHub:
    return GitHub(tmp_path, template)


def example(declared: Any, name: str) -> tuple[str, Any]:
    """Return a text of a variable that is no default, and the value that the deployment must get."""
    if declared["type"] == "bool":
        value = not declared["defaultValue"]
        return str(value).lower(), value
    return ("7", 7) if declared["type"] == "int" else (f"{name} {HOSTILE}", f"{name} {HOSTILE}")


# --- every parameter


def test_every_variable_and_secret_of_github_reaches_the_deployment(github: GitHub) -> None:
    expected = {}
    for parameter, name in NAMED.items():
        declared = github.template["parameters"][parameter]
        text, expected[parameter] = example(declared, name)
        (github.secrets if declared["type"] == "securestring" else github.variables)[name] = text
    expected["environmentName"] = "prod"
    given = github.parameters()
    assert {name: given[name] for name in NAMED} == expected
    assert given.keys() == FILE.keys()
    assert not (github.folder / "broken").exists(), "the shell has run a value"


def test_a_service_out_of_reach_of_the_internet_can_turn_the_test_from_outside_off(github: GitHub) -> None:
    github.variables["EXPORT_AVAILABILITY_TEST"] = "false"
    assert github.parameters()["availabilityTest"] is False


def test_what_github_does_not_set_has_the_default_of_the_template(github: GitHub) -> None:
    given = github.parameters()
    required = {"environmentName": "prod", "location": "westeurope", "clientsDatabaseUrl": "postgresql://x/clients"}
    defaults = {name: github.template["parameters"][name].get("defaultValue") for name in FILE}
    assert given == {**defaults, **required}


def test_every_secure_parameter_is_a_secret_of_github_and_no_other_one_is(github: GitHub) -> None:
    secure = {name for name, each in github.template["parameters"].items() if each["type"].startswith("secure")}
    assert {NAMED[name] for name in secure} == {name for name, each in PASSED.items() if each.startswith("secrets.")}


def test_the_app_gets_the_settings_that_github_and_the_file_set(github: GitHub) -> None:
    """Microsoft's Bicep checks the type of each parameter and computes the app settings."""
    github.variables |= {
        "EXPORT_TOKEN_ISSUER": "https://issuer.example",
        "EXPORT_SMTP_HOST": "smtp.example",
        "EXPORT_SMTP_PORT": "465",
        "EXPORT_SMTP_USER": "exports",
        "EXPORT_ZONE_REDUNDANT": "true",
    }
    github.secrets |= {"EXPORT_WEBHOOK_SECRET": "w" * 32}
    roles = {"Export.Reader": {"scopes": ["exports:read"], "tenants": ["*"]}}
    github.edit(tokenRoles=roles, keepHours=48, extraSettings={"EXPORT_WAVE_PAGES": "32"})
    github.parameters()
    settings = app_settings(github.folder)
    assert settings["EXPORT_TOKEN_ISSUER"] == "https://issuer.example"
    assert (settings["EXPORT_SMTP_HOST"], settings["EXPORT_SMTP_PORT"]) == ("smtp.example", "465")
    assert "smtp-password" in settings["EXPORT_SMTP_PASSWORD"]
    assert "KeyVault" in settings["EXPORT_WEBHOOK_SECRET"]
    assert json.loads(settings["EXPORT_TOKEN_ROLES"]) == roles
    assert (settings["EXPORT_KEEP_HOURS"], settings["EXPORT_WAVE_PAGES"]) == ("48", "32")


def app_settings(folder: Path) -> dict[str, str]:
    """Return the settings of the app that Bicep predicts for a checkout and its parameters."""
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    subscription = "00000000-0000-0000-0000-000000000000"
    for command in (
        "decompile-params parameters.json --bicep-file infra/main.bicep",
        f"snapshot parameters.bicepparam --mode overwrite --location westeurope --subscription-id {subscription}",
    ):
        bicep = [str(find_compiler()), *command.split()]
        done = subprocess.run(bicep, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    snapshot = json.loads((folder / "parameters.snapshot.json").read_text(encoding="utf-8"))
    (app,) = [each for each in snapshot["predictedResources"] if each["type"] == "Microsoft.Web/sites"]
    return {each["name"]: each["value"] for each in app["properties"]["siteConfig"]["appSettings"]}


def test_a_value_in_the_file_may_contain_a_variable(github: GitHub) -> None:
    github.edit(extraSettings={"EXPORT_TOKEN_TENANT_CLAIM": "for ${AZURE_ENV_NAME}", "X": ["${AZURE_LOCATION}"]})
    assert github.parameters()["extraSettings"] == {"EXPORT_TOKEN_TENANT_CLAIM": "for prod", "X": ["westeurope"]}


# --- what is refused


def test_a_variable_that_the_workflow_does_not_pass_is_refused(github: GitHub) -> None:
    github.edit(extraSettings={"EXPORT_WAVE_PAGES": "${EXPORT_WAVES=64}"})
    assert "EXPORT_WAVES, which .github/workflows/deploy.yml does not pass" in github.refusal()


def test_a_form_of_reference_that_only_azd_knows_is_refused(github: GitHub) -> None:
    github.edit(smtpHost="${EXPORT_SMTP_HOST:-x}")
    assert "${EXPORT_SMTP_HOST:-x} is neither" in github.refusal()


@pytest.mark.parametrize(("place", "name"), [("secrets", "CLIENTS_DATABASE_URL"), ("variables", "AZURE_LOCATION")])
def test_a_required_parameter_that_github_does_not_set_is_refused(github: GitHub, place: str, name: str) -> None:
    del getattr(github, place)[name]
    assert github.refusal().startswith(f"{name} is not set")


@pytest.mark.parametrize("name", ["EXPORT_SMTP_PORT", "WEBHOOKS_ENABLED"])
def test_a_value_of_the_wrong_type_is_refused_and_not_shown(github: GitHub, name: str) -> None:
    github.variables[name] = "neither"
    refusal = github.refusal()
    assert refusal.startswith(f"{name} is not a value of the type")
    assert "neither" not in refusal


# --- nothing is undone in silence


def test_a_first_deployment_from_github_undoes_nothing_that_azd_has_set(github: GitHub) -> None:
    github.deployed("prod-1764500000", tokenIssuer="https://a", smtpPort=465, keepHours=48, tokenRoles={"a": {}})
    refusal = github.refusal()
    for line in (
        "tokenIssuer: EXPORT_TOKEN_ISSUER",
        "smtpPort: EXPORT_SMTP_PORT",
        "keepHours: infra/main.parameters.json",
        "tokenRoles: infra/main.parameters.json",
        "clientsDatabaseUrl: CLIENTS_DATABASE_URL",
        "alertWebhookUrl: EXPORT_ALERT_WEBHOOK_URL",
    ):
        assert f"\n  {line}\n" in refusal
    assert "trustedProxies" not in refusal
    assert "webhookSecret" not in refusal, "the Key Vault keeps it"


def test_a_value_that_azd_has_changed_since_is_not_changed_back(github: GitHub) -> None:
    github.variables["EXPORT_SMTP_HOST"] = "old.example"
    github.deployed("client-export-prod", smtpHost="old.example")
    github.deployed("prod-1764500000", smtpHost="new.example")
    assert "\n  smtpHost: EXPORT_SMTP_HOST\n" in github.refusal()


def test_a_deployment_is_accepted_by_the_time_of_the_one_that_it_undoes(github: GitHub) -> None:
    github.deployed("client-export-prod", tokenIssuer="https://a")
    last = github.deployed("prod-1764500000", tokenIssuer="https://a")
    github.variables["ACCEPTED_RESET"] = github.deployments[0]["properties"]["timestamp"]
    assert last["timestamp"] in github.refusal()
    github.variables["ACCEPTED_RESET"] = last["timestamp"]
    assert github.parameters()["tokenIssuer"] == ""


def test_a_variable_that_is_changed_in_github_counts(github: GitHub) -> None:
    github.deployed("client-export-prod", smtpHost="old.example")
    github.variables["EXPORT_SMTP_HOST"] = "new.example"
    assert github.parameters()["smtpHost"] == "new.example"


def test_a_variable_that_is_missing_since_the_last_deployment_is_refused(github: GitHub) -> None:
    github.deployed("client-export-prod", smtpHost="smtp.example", alertEmails="a@b.example")
    github.variables["EXPORT_ALERT_EMAILS"] = "a@b.example"
    refusal = github.refusal()
    assert "\n  smtpHost: EXPORT_SMTP_HOST\n" in refusal
    assert "alertEmails" not in refusal
    assert "clientsDatabaseUrl" not in refusal, "the workflow itself has set it"


@pytest.mark.parametrize("given", [{"webhooks": True}, {"webhookSecret": "w" * 32}])
def test_webhooks_that_are_on_are_not_turned_off_in_silence(github: GitHub, given: dict[str, Any]) -> None:
    github.deployed("client-export-prod", **given)
    assert "\n  webhooks: WEBHOOKS_ENABLED\n" in github.refusal()


@pytest.mark.parametrize("place", ["variables", "secrets"])
def test_webhooks_stay_on_by_their_variable_or_their_secret(github: GitHub, place: str) -> None:
    github.deployed("client-export-prod", webhooks=True)
    value = {"variables": {"WEBHOOKS_ENABLED": "true"}, "secrets": {"EXPORT_WEBHOOK_SECRET": "w" * 32}}
    getattr(github, place).update(value[place])
    assert github.parameters()["webhooks"] is (place == "variables")


def test_deployments_that_failed_or_are_of_others_do_not_count(github: GitHub) -> None:
    github.deployed("client-export-prod")
    github.deployed("client-export-prod", smtpHost="failed.example")["provisioningState"] = "Failed"
    github.deployed("client-export-staging", environmentName="staging", smtpHost="staging.example")
    github.deployed("of-another-template")["parameters"] = None
    assert github.parameters()["smtpHost"] == ""


# --- the guide


def test_the_guide_copies_every_variable_from_azd_and_no_secret(tmp_path: Path) -> None:
    """Runs the commands of the guide with stand-ins for `azd` and `gh`."""
    (commands,) = re.findall(r"^```sh\n# needs Azure\n(azd env get-values.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    values = {**dict.fromkeys(PASSED, "x y"), "SERVICE_API_URI": "https://x", "AZURE_RESOURCE_GROUP": "rg-x"}
    (tmp_path / "values").write_text("".join(f'{name}="{value}"\n' for name, value in values.items()), encoding="utf-8")
    (tmp_path / ".azure").mkdir()
    stand_ins = 'azd() { cat values; }\ngh() { echo "$*"; }\n'
    command = ["bash", "-e", "-o", "pipefail", "-c", stand_ins + commands]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    copied = (tmp_path / ".azure" / "variables.env").read_text(encoding="utf-8")
    variables = {name for name, expression in PASSED.items() if expression == f"vars.{name}"} - {"ACCEPTED_RESET"}
    assert sorted(copied.splitlines()) == sorted(f'{name}="x y"' for name in variables)
    assert done.stdout.splitlines() == [
        "variable set --env production --env-file .azure/variables.env",
        "secret set --env production CLIENTS_DATABASE_URL",
    ]


def test_the_guide_names_the_secrets_of_the_workflow() -> None:
    section = GUIDE.partition("## Deployments from GitHub\n")[2].partition("\n## ")[0]
    secrets = {name for name, expression in PASSED.items() if expression == f"secrets.{name}"}
    assert [name for name in sorted(secrets) if f"`{name}`" not in section] == []
