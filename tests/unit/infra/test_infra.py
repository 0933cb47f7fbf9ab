"""What deploys the service agrees with what it deploys, as far as that can be told without Azure and its compiler."""

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

from exports.commands import keys
from exports.jobs.retention import BLOCK_LIFE
from exports.settings import Settings
from shared.key_ring import KeyRing
from tests.support.keys import MemoryKeyStore, a_key
from tests.unit.infra.bicep import UnbalancedError, blank, block, read_bicep

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
BICEP_FILES = sorted(INFRA.rglob("*.bicep"))
ADAPTERS = [*sorted((ROOT / "exports" / "adapters").rglob("*.py")), ROOT / "shared" / "table_keys.py"]
MAIN = read_bicep(INFRA / "main.bicep")
APP = read_bicep(INFRA / "modules" / "app.bicep")
STORAGE = read_bicep(INFRA / "modules" / "storage.bicep")

DEPLOYED_FILES = {"host.json", "function_app.py", "requirements.txt"}
DEPLOYED_FOLDERS = {"exports", "shared"}

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


def set_settings() -> set[str]:
    return set(re.findall(r"^  (\w+):", block(APP.code, "settings"), re.MULTILINE))


# --- Bicep


@pytest.mark.parametrize("path", BICEP_FILES, ids=lambda path: path.stem)
def test_brackets_and_quotes_of_bicep_match(path: Path) -> None:
    blank(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", ["var a = {", "var a = [}", "var a = 'b\nvar c = d", "var a = '${b'", "param a )"])
def test_what_does_not_match_is_noticed(text: str) -> None:
    with pytest.raises(UnbalancedError):
        blank(text + "\n")


@pytest.mark.parametrize("module", MAIN.modules, ids=lambda module: module.name)
def test_a_module_gets_its_parameters_and_no_others(module: Any) -> None:
    declared = read_bicep(INFRA / module.path).parameters
    assert module.parameters <= set(declared)
    assert {name for name, required in declared.items() if required} <= module.parameters


def test_every_module_file_is_used() -> None:
    assert {INFRA / module.path for module in MAIN.modules} == set(BICEP_FILES) - {INFRA / "main.bicep"}


def test_outputs_taken_from_modules_exist() -> None:
    outputs = {module.name: read_bicep(INFRA / module.path).outputs for module in MAIN.modules}
    taken = re.findall(r"(\w+)\.outputs\.(\w+)", MAIN.text)
    assert taken
    assert [name for module, name in taken if name not in outputs[module]] == []


@pytest.mark.parametrize("path", BICEP_FILES, ids=lambda path: path.stem)
def test_every_parameter_and_variable_is_used(path: Path) -> None:
    code = read_bicep(path).code
    names = re.findall(r"^(?:param|var) (\w+)", code, re.MULTILINE)
    words = re.findall(r"\w+", re.sub(r"^\s*\w+:", "", code, flags=re.MULTILINE))
    assert [name for name in names if words.count(name) < 2] == []


def test_parameters_file_names_parameters_and_gives_all_that_are_required() -> None:
    given = set(read_json(INFRA / "main.parameters.json")["parameters"])
    assert given <= set(MAIN.parameters)
    assert {name for name, required in MAIN.parameters.items() if required} <= given


def test_secrets_are_secure_parameters_everywhere() -> None:
    secret = re.compile(r"((?:^@.*\n)*)^param (?:clientsDatabaseUrl|webhookSecret) ", re.MULTILINE)
    decorators = [found for path in BICEP_FILES for found in secret.findall(path.read_text(encoding="utf-8"))]
    assert len(decorators) == 4
    assert all("@secure()" in found for found in decorators)


# --- settings


def test_every_setting_without_a_default_is_set() -> None:
    required = {str(field.alias) for field in Settings.model_fields.values() if field.is_required()}
    assert required <= set_settings()


def test_every_setting_of_ours_is_one_the_app_reads() -> None:
    read = {str(field.alias) for field in Settings.model_fields.values()}
    for path in BICEP_FILES:
        assert set(OUR_SETTING.findall(path.read_text(encoding="utf-8"))) <= read, path.name


def test_the_deployment_sets_what_the_sample_of_local_settings_has() -> None:
    sample = set(read_json(ROOT / "local.settings.sample.json")["Values"])
    replaced = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}  # functionAppConfig; AzureWebJobsStorage__…
    assert sample - replaced <= set_settings()


def test_the_database_is_referred_to_not_written_into_settings() -> None:
    reference = r"^  CLIENTS_DATABASE_URL: '@Microsoft\.KeyVault\(SecretUri=\$\{\w+\}\)'$"
    assert re.search(reference, APP.text, re.MULTILINE)


def test_the_secret_of_webhooks_is_referred_to_too() -> None:
    reference = r"^  EXPORT_WEBHOOK_SECRET: empty\((\w+)\) \? '' : '@Microsoft\.KeyVault\(SecretUri=\$\{\1\}\)'$"
    assert re.search(reference, APP.text, re.MULTILINE)


def test_limits_of_template_parameters_keep_within_those_of_the_app() -> None:
    longest = next(rule.le for rule in Settings.model_fields["keep_hours"].metadata if hasattr(rule, "le"))
    decorators = re.search(r"((?:@.*\n)+)param keepHours int = (\d+)", MAIN.text)
    assert decorators
    assert f"@maxValue({longest})" in decorators[1]
    assert float(decorators[2]) == Settings.model_fields["keep_hours"].default


def test_the_second_net_of_retention_takes_nothing_that_is_still_wanted() -> None:
    """Neither a file that can be downloaded nor the plan of a job that can be resumed, and both may be a day older."""
    longest = next(rule.le for rule in Settings.model_fields["keep_hours"].metadata if hasattr(rule, "le"))
    decorators = re.search(r"((?:@.*\n)+)param deleteAfterDays int = (\d+)", MAIN.text)
    assert decorators
    least = re.search(r"@minValue\((\d+)\)", decorators[1])
    assert least
    assert timedelta(days=int(least[1])) >= max(timedelta(hours=longest), BLOCK_LIFE) + timedelta(days=1)
    assert int(decorators[2]) >= int(least[1])
    assert "daysAfterModificationGreaterThan: deleteAfterDays" in STORAGE.text


# --- storage and roles


def test_containers_and_tables_are_those_of_the_adapters() -> None:
    adapters = "".join(path.read_text(encoding="utf-8") for path in ADAPTERS)
    assert re.findall(r'container: str = "(\w+)"', adapters) == re.findall(r"fileContainer = '(\w+)'", STORAGE.text)
    tables = re.search(r"tableNames = \[(.*)\]", STORAGE.text)
    assert tables
    assert sorted(re.findall(r'table: str = "(\w+)"', adapters)) == sorted(re.findall(r"'(\w+)'", tables[1]))


@pytest.mark.parametrize(
    "line",
    [
        "allowSharedKeyAccess: false",
        "allowBlobPublicAccess: false",
        "minimumTlsVersion: 'TLS1_2'",
        "supportsHttpsTrafficOnly: true",
    ],
)
def test_the_storage_account_is_closed_to_keys_and_strangers(line: str) -> None:
    assert line in STORAGE.text


def test_all_containers_are_private() -> None:
    containers = [kind for kind in STORAGE.resources.values() if kind.endswith("/containers")]
    assert STORAGE.text.count("publicAccess: 'None'") == len(containers) == 2


def test_roles_granted_are_the_documented_ones() -> None:
    granted = [guid for path in BICEP_FILES for guid in GUID.findall(path.read_text(encoding="utf-8"))]
    assert sorted(granted) == sorted(BUILT_IN_ROLES.values())


def test_the_guide_explains_every_role_that_is_granted() -> None:
    table = re.findall(r"^\| ([^|]+?) \| [^|]+ \| [^|]+ \|$", deploy_guide(), re.MULTILINE)
    assert set(BUILT_IN_ROLES) <= set(table)


def test_nothing_is_set_that_the_plan_rejects() -> None:
    rejected = ["ftpsState", "alwaysOn", "linuxFxVersion", "netFrameworkVersion", "use32BitWorkerProcess"]
    assert [name for name in rejected if re.search(rf"\b{name}:", APP.code)] == []
    assert not {"FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_TIME_ZONE"} & set_settings()


# --- azd and the package


def test_azd_finds_the_function_app_by_its_tag() -> None:
    lines = [line for line in (ROOT / "azure.yaml").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert lines == [
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
    """Tells which paths `.funcignore` leaves out. Git itself judges, in an empty repository."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["git", "init", "--quiet", folder], check=True, capture_output=True)
    (folder / ".git" / "info" / "exclude").write_bytes((ROOT / ".funcignore").read_bytes())

    def judge(paths: set[str]) -> set[str]:
        command = ["git", "-c", "core.excludesFile=", "check-ignore", "--no-index", "--stdin", "-z"]
        given = "\0".join(sorted(paths)).encode()
        found = subprocess.run(command, cwd=folder, input=given, capture_output=True, check=False)
        assert found.returncode in {0, 1}, found.stderr
        return set(filter(None, found.stdout.decode().split("\0")))

    return judge


def tracked_files() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    return set(filter(None, listed.stdout.decode().split("\0")))


def is_deployed(path: str) -> bool:
    return path in DEPLOYED_FILES or path.split("/")[0] in DEPLOYED_FOLDERS


def test_the_package_holds_the_app_and_nothing_else(ignored: Any) -> None:
    files = tracked_files() - {".funcignore"}  # azd leaves that one out by itself
    packed, meant = files - ignored(files), {path for path in files if is_deployed(path)}
    assert packed - meant == set(), "would be deployed; name them in .funcignore"
    assert meant - packed == set(), ".funcignore leaves out what the app needs"


def test_the_package_holds_nothing_of_one_machine(ignored: Any) -> None:
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
    """The app's own files that `function_app.py` imports, directly or not, found in the source."""
    found: set[str] = set()
    waiting = ["function_app"]
    while waiting:
        name = waiting.pop()
        base = ROOT.joinpath(*name.split("."))
        path = next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
        if path is None or str(path.relative_to(ROOT)) in found:
            continue
        found.add(str(path.relative_to(ROOT)))
        waiting += [parent for parent in (name.rpartition(".")[0],) if parent]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def test_everything_the_app_imports_is_in_the_package(ignored: Any) -> None:
    files = imported_files()
    assert len(files) > 20
    assert ignored(files) == set()
    assert all(is_deployed(path) for path in files)


# --- the other back ends of Durable Functions


@pytest.mark.parametrize("variant", ["mssql", "dts"])
def test_a_host_variant_changes_the_storage_provider_alone(variant: str) -> None:
    default, other = read_json(ROOT / "host.json"), read_json(INFRA / f"host.{variant}.json")
    providers = [host["extensions"]["durableTask"].pop("storageProvider") for host in (default, other)]
    assert other == default
    assert providers[0]["type"] != providers[1]["type"]


# --- the guide


def test_the_guide_lists_the_parameters_of_the_template() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", deploy_guide(), re.MULTILINE)
    assert sorted(rows) == sorted(MAIN.parameters)


def test_the_defaults_in_the_guide_are_those_of_the_template() -> None:
    stated = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", deploy_guide(), re.MULTILINE))
    for name, default in re.findall(r"^param (\w+) \w+ = (.+)$", MAIN.text, re.MULTILINE):
        assert stated[name].strip("`") == default.strip("'") or (default == "''" and stated[name] == "empty"), name


def test_files_and_environment_names_the_guide_speaks_of_exist() -> None:
    guide = deploy_guide()
    parameters = (INFRA / "main.parameters.json").read_text(encoding="utf-8")
    for name in re.findall(r"azd env set (\w+)", guide):
        assert f"${{{name}}}" in parameters, name
    for path in re.findall(r"`(infra/[\w./]+)`", guide):
        assert (ROOT / path).exists(), path


def test_the_guide_explains_every_dependency_that_health_names() -> None:
    checks = (ROOT / "exports" / "steps" / "upkeep" / "check_health.py").read_text(encoding="utf-8")
    named = {"settings", *re.findall(r'^        "(\w+)": ', checks, re.MULTILINE)}
    rows = "".join(line for line in deploy_guide().splitlines() if "is unhealthy" in line)
    assert named == set(re.findall(r"`(\w+)`(?= is| or)", rows)) | set(re.findall(r"or `(\w+)`", rows))


def key_commands() -> list[list[str]]:
    """The arguments after `python -m exports keys` in the guide, line by line."""
    lines = re.sub(r"\\\n\s*", "", deploy_guide())
    return [
        shlex.split(found, comments=True) for found in re.findall(r"python -m exports keys (.+)$", lines, re.MULTILINE)
    ]


def run_on(store: MemoryKeyStore, command: list[str]) -> int:
    parser = argparse.ArgumentParser()
    keys.add_arguments(parser)
    return keys.run(parser.parse_args(command), lambda _: store)


def test_a_key_made_as_the_guide_says_opens_its_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    store = MemoryKeyStore()
    (create,) = [command for command in key_commands() if command[0] == "create"]
    assert run_on(store, create) == 0
    found = KeyRing(store).find(capsys.readouterr().out.strip())
    assert found is not None
    assert found.tenants == ("acme",)


def test_every_other_command_of_the_guide_works_on_that_key(capsys: pytest.CaptureFixture[str]) -> None:
    others = [command for command in key_commands() if command[0] != "create"]
    assert {command[0] for command in others} == {"list", "rotate", "revoke"}
    for command in others:
        key, _ = a_key("acme")
        assert run_on(MemoryKeyStore(key), [key.id if part.startswith("‹") else part for part in command]) == 0
