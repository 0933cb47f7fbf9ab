"""The deployment files agree with the service, as far as that can be checked without Azure and the Bicep compiler."""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.local.package import packaged_files
from exports.commands import keys
from exports.jobs.retention import BLOCK_LIFE
from exports.settings import Settings
from shared.key_ring import KeyRing
from tests.support.keys import MemoryKeyStore, a_key
from tests.unit.infra.bicep import Module, UnbalancedError, blank, block, read_bicep

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
BICEP_FILES = sorted(INFRA.rglob("*.bicep"))
ADAPTERS = [*sorted((ROOT / "exports" / "adapters").rglob("*.py")), ROOT / "shared" / "table_keys.py"]
MAIN = read_bicep(INFRA / "main.bicep")
APP = read_bicep(INFRA / "modules" / "app.bicep")
STORAGE = read_bicep(INFRA / "modules" / "storage.bicep")


# learn.microsoft.com/azure/role-based-access-control/built-in-roles
BUILT_IN_ROLES = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
}
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
OUR_SETTING = re.compile(r"\b(?:EXPORT|CLIENTS)_[A-Z_]+\b")


def read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def deploy_guide() -> str:
    return (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def deployed_settings() -> set[str]:
    return set(re.findall(r"^  (\w+):", block(APP.code, "settings"), re.MULTILINE))


def imbalance_of(path: Path) -> str | None:
    """Return where a bracket or quote of a Bicep file has no partner, or None."""
    try:
        blank(path.read_text(encoding="utf-8"))
    except UnbalancedError as error:
        return f"{path.name}, {error}"
    return None


def wrong_parameters(module: Module) -> frozenset[str]:
    """Return the parameters that a use of a module gives though they do not exist, or omits though it needs them."""
    declared = read_bicep(INFRA / module.path).parameters
    required = {name for name, is_required in declared.items() if is_required}
    return (module.parameters - set(declared)) | (required - module.parameters)


def unused_names(path: Path) -> list[str]:
    """Return the parameters and variables of a Bicep file that it does not use."""
    code = read_bicep(path).code
    names = re.findall(r"^(?:param|var) (\w+)", code, re.MULTILINE)
    words = re.findall(r"\w+", re.sub(r"^\s*\w+:", "", code, flags=re.MULTILINE))
    return [f"{path.name}: {name}" for name in names if words.count(name) < 2]


def longest_keep_hours() -> float:
    limit: float = next(rule.le for rule in Settings.model_fields["keep_hours"].metadata if hasattr(rule, "le"))
    return limit


# --- Bicep


def test_brackets_and_quotes_of_bicep_match() -> None:
    assert [fault for path in BICEP_FILES if (fault := imbalance_of(path))] == []


@pytest.mark.parametrize("text", ["var a = {", "var a = [}", "var a = 'b\nvar c = d", "var a = '${b'", "param a )"])
def test_an_unmatched_bracket_or_quote_is_noticed(text: str) -> None:
    with pytest.raises(UnbalancedError):
        blank(text + "\n")


def test_every_module_gets_its_required_parameters_and_no_unknown_ones() -> None:
    assert {module.name: wrong for module in MAIN.modules if (wrong := wrong_parameters(module))} == {}


def test_every_module_file_is_used() -> None:
    assert {INFRA / module.path for module in MAIN.modules} == set(BICEP_FILES) - {INFRA / "main.bicep"}


def test_every_output_that_is_read_from_a_module_exists() -> None:
    outputs = {module.name: read_bicep(INFRA / module.path).outputs for module in MAIN.modules}
    taken = re.findall(r"(\w+)\.outputs\.(\w+)", MAIN.text)
    assert taken
    assert [name for module, name in taken if name not in outputs[module]] == []


def test_every_parameter_and_variable_is_used() -> None:
    assert [name for path in BICEP_FILES for name in unused_names(path)] == []


def test_the_parameters_file_gives_every_required_parameter_and_no_unknown_one() -> None:
    given = set(read_json(INFRA / "main.parameters.json")["parameters"])
    assert given <= set(MAIN.parameters)
    assert {name for name, required in MAIN.parameters.items() if required} <= given


def test_secrets_are_secure_parameters_in_every_file() -> None:
    secret = re.compile(r"((?:^@.*\n)*)^param (?:clientsDatabaseUrl|webhookSecret|smtpPassword) ", re.MULTILINE)
    decorators = [found for path in BICEP_FILES for found in secret.findall(path.read_text(encoding="utf-8"))]
    assert len(decorators) == 6
    assert all("@secure()" in found for found in decorators)


# --- settings


def test_the_deployment_sets_every_setting_without_a_default() -> None:
    required = {str(field.alias) for field in Settings.model_fields.values() if field.is_required()}
    assert required <= deployed_settings()


def test_the_app_reads_every_setting_of_its_own_in_the_templates() -> None:
    read = {str(field.alias) for field in Settings.model_fields.values()}
    for path in BICEP_FILES:
        assert set(OUR_SETTING.findall(path.read_text(encoding="utf-8"))) <= read, path.name


def test_the_deployment_sets_every_setting_of_the_local_sample() -> None:
    sample = set(read_json(ROOT / "local.settings.sample.json")["Values"])
    replaced = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}  # functionAppConfig; AzureWebJobsStorage__…
    assert sample - replaced <= deployed_settings()


def test_the_database_url_is_a_reference_to_the_key_vault() -> None:
    reference = r"^  CLIENTS_DATABASE_URL: '@Microsoft\.KeyVault\(SecretUri=\$\{\w+\}\)'$"
    assert re.search(reference, APP.text, re.MULTILINE)


def test_the_webhook_secret_is_a_reference_to_the_key_vault() -> None:
    reference = r"^  EXPORT_WEBHOOK_SECRET: empty\((\w+)\) \? '' : '@Microsoft\.KeyVault\(SecretUri=\$\{\1\}\)'$"
    assert re.search(reference, APP.text, re.MULTILINE)


def test_the_template_has_the_limit_and_default_of_the_app_for_keep_hours() -> None:
    decorators = re.search(r"((?:@.*\n)+)param keepHours int = (\d+)", MAIN.text)
    assert decorators
    assert f"@maxValue({longest_keep_hours()})" in decorators[1]
    assert float(decorators[2]) == Settings.model_fields["keep_hours"].default


def test_the_lifecycle_policy_of_storage_deletes_nothing_that_is_still_needed() -> None:
    """It spares a file that can be downloaded and the plan of a job that can be resumed, with a day to spare."""
    decorators = re.search(r"((?:@.*\n)+)param deleteAfterDays int = (\d+)", MAIN.text)
    assert decorators
    least = re.search(r"@minValue\((\d+)\)", decorators[1])
    assert least
    needed = max(timedelta(hours=longest_keep_hours()), BLOCK_LIFE)
    assert timedelta(days=int(least[1])) >= needed + timedelta(days=1)
    assert int(decorators[2]) >= int(least[1])
    assert "daysAfterModificationGreaterThan: deleteAfterDays" in STORAGE.text


# --- storage and roles


def test_the_template_makes_the_containers_and_tables_of_the_adapters() -> None:
    adapters = "".join(path.read_text(encoding="utf-8") for path in ADAPTERS)
    assert re.findall(r'container: str = "(\w+)"', adapters) == re.findall(r"fileContainer = '(\w+)'", STORAGE.text)
    tables = re.search(r"tableNames = \[(.*)\]", STORAGE.text)
    assert tables
    assert sorted(re.findall(r'default_table = "(\w+)"', adapters)) == sorted(re.findall(r"'(\w+)'", tables[1]))


def test_the_storage_account_refuses_account_keys_public_access_and_plain_http() -> None:
    lines = [
        "allowSharedKeyAccess: false",
        "allowBlobPublicAccess: false",
        "minimumTlsVersion: 'TLS1_2'",
        "supportsHttpsTrafficOnly: true",
    ]
    assert [line for line in lines if line not in STORAGE.text] == []


def test_all_containers_are_private() -> None:
    containers = [kind for kind in STORAGE.resources.values() if kind.endswith("/containers")]
    assert STORAGE.text.count("publicAccess: 'None'") == len(containers) == 2


def test_the_templates_grant_exactly_the_five_known_roles() -> None:
    granted = [guid for path in BICEP_FILES for guid in GUID.findall(path.read_text(encoding="utf-8"))]
    assert sorted(granted) == sorted(BUILT_IN_ROLES.values())


def test_the_guide_explains_every_role_that_is_granted() -> None:
    table = re.findall(r"^\| ([^|]+?) \| [^|]+ \| [^|]+ \|$", deploy_guide(), re.MULTILINE)
    assert set(BUILT_IN_ROLES) <= set(table)


def test_the_template_sets_no_property_that_the_hosting_plan_rejects() -> None:
    rejected = ["ftpsState", "alwaysOn", "linuxFxVersion", "netFrameworkVersion", "use32BitWorkerProcess"]
    assert [name for name in rejected if re.search(rf"\b{name}:", APP.code)] == []
    assert not {"FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_TIME_ZONE"} & deployed_settings()


# --- azd and the package


def test_azd_finds_the_function_app_by_its_tag() -> None:
    lines = [line for line in (ROOT / "azure.yaml").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert lines[: lines.index("hooks:")] == [
        "name: client-export",
        "services:",
        "  api:",
        "    project: .",
        "    language: python",
        "    host: function",
    ]
    assert "'azd-service-name': 'api'" in APP.text
    assert "'azd-env-name': environmentName" in MAIN.text


@pytest.fixture(scope="module")
def ignored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function that gives the paths which `.funcignore` excludes, decided by Git in an empty repository."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["git", "init", "--quiet", folder], check=True, capture_output=True)
    (folder / ".git" / "info" / "exclude").write_bytes((ROOT / ".funcignore").read_bytes())

    def select(paths: set[str]) -> set[str]:
        command = ["git", "-c", "core.excludesFile=", "check-ignore", "--no-index", "--stdin", "-z"]
        given = "\0".join(sorted(paths)).encode()
        found = subprocess.run(command, cwd=folder, input=given, capture_output=True, check=False)
        assert found.returncode in {0, 1}, found.stderr
        return set(filter(None, found.stdout.decode().split("\0")))

    return select


def tracked_files() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    return set(filter(None, listed.stdout.decode().split("\0")))


def test_the_package_holds_the_app_and_nothing_else(ignored: Any) -> None:
    files = tracked_files() - {".funcignore"}  # azd itself excludes this one
    packaged, intended = files - ignored(files), set(packaged_files())
    assert packaged - intended == set(), "would be deployed; name them in .funcignore"
    assert intended - packaged == set(), ".funcignore excludes files that the app needs"


def test_the_package_excludes_local_files_of_a_machine(ignored: Any) -> None:
    files = {
        ".azure/prod/.env",
        ".env",
        ".local/state.sqlite",
        ".venv/bin/python",
        "client-export_env/pyvenv.cfg",
        "exports/__pycache__/jobs.cpython-311.pyc",
        "local.settings.json",
        "local.settings.sample.json",
        "node_modules/azurite/package.json",
        "out/clients.csv",
    }
    assert ignored(files) == files


def imported_files() -> set[str]:
    """Return the app's own files that `function_app.py` imports, directly or indirectly, according to the source."""
    found: set[str] = set()
    pending = ["function_app"]
    while pending:
        name = pending.pop()
        base = ROOT.joinpath(*name.split("."))
        path = next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
        if path is None or str(path.relative_to(ROOT)) in found:
            continue
        found.add(str(path.relative_to(ROOT)))
        pending += [parent for parent in (name.rpartition(".")[0],) if parent]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                pending += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                pending += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def test_the_package_holds_every_file_that_the_app_imports(ignored: Any) -> None:
    files = imported_files()
    assert len(files) > 20
    assert ignored(files) == set()
    assert files <= set(packaged_files())


# --- the other backends of Durable Functions


@pytest.mark.parametrize("variant", ["mssql", "dts"])
def test_a_host_variant_changes_only_the_storage_provider(variant: str) -> None:
    default, other = read_json(ROOT / "host.json"), read_json(INFRA / f"host.{variant}.json")
    providers = [host["extensions"]["durableTask"].pop("storageProvider") for host in (default, other)]
    assert other == default
    assert providers[0]["type"] != providers[1]["type"]


# --- the guide


def test_the_guide_lists_the_parameters_of_the_template() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", deploy_guide(), re.MULTILINE)
    assert sorted(rows) == sorted(MAIN.parameters)


def test_the_guide_states_the_defaults_of_the_template() -> None:
    stated = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", deploy_guide(), re.MULTILINE))
    for name, default in re.findall(r"^param (\w+) \w+ = (.+)$", MAIN.text, re.MULTILINE):
        assert stated[name].strip("`") == default.strip("'") or (default == "''" and stated[name] == "empty"), name


def test_the_guide_names_the_variable_of_each_parameter_that_azd_can_set() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]*? \| (?:`(\w+)`)? ?\|", deploy_guide(), re.MULTILINE)
    given = re.findall(r'"(\w+)": \{ "value": "\$\{(\w+)', (INFRA / "main.parameters.json").read_text(encoding="utf-8"))
    assert sorted((name, variable) for name, variable in rows if variable) == sorted(given)


def test_the_files_and_environment_variables_in_the_guide_exist() -> None:
    guide = deploy_guide()
    parameters = (INFRA / "main.parameters.json").read_text(encoding="utf-8")
    for name in re.findall(r"azd env set (\w+)", guide):
        assert re.search(rf"\$\{{{name}(=\w+)?\}}", parameters), name
    for path in re.findall(r"`(infra/[\w./]+)`", guide):
        assert (ROOT / path).exists(), path


def test_the_guide_explains_every_dependency_that_health_names() -> None:
    checks = (ROOT / "exports" / "steps" / "upkeep" / "check_health.py").read_text(encoding="utf-8")
    named = {"settings", *re.findall(r'"(\w+)": ', checks)}
    rows = "".join(line for line in deploy_guide().splitlines() if re.search("is (un)?healthy", line))
    assert named == set(re.findall(r"`(\w+)`(?= is| or)", rows)) | set(re.findall(r"or `(\w+)`", rows))


def key_commands() -> list[list[str]]:
    """Return the arguments after each `python -m exports keys` in the guide."""
    lines = re.sub(r"‹[^›]+›", "‹id›", re.sub(r"\\\n\s*", "", deploy_guide()))
    return [
        shlex.split(found, comments=True) for found in re.findall(r"python -m exports keys (.+)$", lines, re.MULTILINE)
    ]


def run_command(store: MemoryKeyStore, command: list[str]) -> int:
    parser = argparse.ArgumentParser()
    keys.add_arguments(parser)
    return keys.run(parser.parse_args(command), lambda _: store)


def test_the_command_of_the_guide_makes_a_key_that_is_valid_for_its_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    store = MemoryKeyStore()
    (create,) = [command for command in key_commands() if command[0] == "create"]
    assert run_command(store, create) == 0
    found = KeyRing(store).find(capsys.readouterr().out.strip())
    assert found is not None
    assert found.tenants == ("acme",)


def test_every_other_command_of_the_guide_works_on_that_key(capsys: pytest.CaptureFixture[str]) -> None:
    others = [command for command in key_commands() if command[0] != "create"]
    assert {command[0] for command in others} == {"list", "rotate", "revoke"}
    for command in others:
        key, _ = a_key("acme")
        assert run_command(MemoryKeyStore(key), [key.id if part.startswith("‹") else part for part in command]) == 0
