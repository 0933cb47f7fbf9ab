"""Client generators accept the OpenAPI document without a warning, and what they generate works on a real service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devhost.local.environment import in_venv
from devhost.local.node import installed_node
from devhost.local.paths import ROOT
from tests.support import csharp
from tests.support.conformance import document
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System

USAGE = Path(__file__).parent / "usage"
MODULES = ROOT / "node_modules"


@pytest.fixture(scope="module")
def generated_python(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package that `openapi-python-client` generates from the running service."""
    folder = tmp_path_factory.mktemp("python") / "package"
    source = f"--url={system.url}/openapi.json"
    output = run(in_venv("openapi-python-client"), "generate", source, f"--output-path={folder}", "--fail-on-warning")
    assert "WARNING" not in output.upper(), output
    return folder


@pytest.fixture(scope="module")
def generated_typescript(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the client that `@hey-api/openapi-ts` generates from the running service."""
    folder = tmp_path_factory.mktemp("typescript")
    generator = MODULES / "@hey-api" / "openapi-ts" / "bin" / "run.js"
    node, source = installed_node().program, f"{system.url}/openapi.json"
    output = run(node, generator, "-i", source, "-o", folder / "generated", cwd=folder)
    assert not re.search("warn|error|⚠", output, re.IGNORECASE), output
    return folder


@pytest.fixture(scope="module")
def generated_csharp(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client that OpenAPI Generator makes for C# from the running service."""
    csharp.require_mono()
    folder = tmp_path_factory.mktemp("csharp")
    source = folder / "openapi.json"
    source.write_bytes(system.call("GET", "/openapi.json", key=None).body)
    output = csharp.generate_client(source, folder / "generated")
    warnings = [line for line in output.splitlines() if re.search("warn|error", line, re.IGNORECASE)]
    assert not [
        line for line in warnings if "OpenAPI 3.1 support is still in beta" not in line and " INFO " not in line
    ]
    csharp.compile_library(folder / "generated" / "src", folder / "ClientExport.dll")
    return folder


@pytest.mark.thorough
def test_a_generated_python_client_is_typed_and_exports(system: System, generated_python: Path) -> None:
    usage = USAGE / "python_client.py"
    run(in_venv("mypy"), "--strict", "--config-file=", usage, MYPYPATH=str(generated_python))

    output = run(in_venv("python"), usage, system.url, NORTHWIND_KEY, NORTHWIND, PYTHONPATH=str(generated_python))

    assert_exported(json.loads(output))


@pytest.mark.thorough
def test_a_generated_typescript_client_is_typed_and_exports(system: System, generated_typescript: Path) -> None:
    node = installed_node().program
    shutil.copy(USAGE / "typescript_client.ts", generated_typescript / "usage.ts")
    options = ["--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--skipLibCheck"]
    options += ["--module", "commonjs", "--moduleResolution", "node10"]
    run(node, MODULES / "typescript" / "bin" / "tsc", *options, "usage.ts", cwd=generated_typescript)

    output = run(node, "usage.js", system.url, NORTHWIND_KEY, NORTHWIND, cwd=generated_typescript)

    assert_exported(json.loads(output))


@pytest.mark.thorough
def test_a_generated_csharp_client_compiles_and_exports(system: System, generated_csharp: Path) -> None:
    program = generated_csharp / "usage.exe"
    csharp.compile_files([USAGE / "csharp_client.cs"], program, f"-r:{generated_csharp / 'ClientExport.dll'}")

    output = csharp.run_program(program, system.url, NORTHWIND_KEY, NORTHWIND)

    assert_exported(json.loads(output))


def test_numbers_that_may_need_64_bits_say_so() -> None:
    """Clients in C# and Java otherwise read 32 bits, and fail at a file of two gigabytes."""
    integers = [
        schema for schema in objects(document()["components"]["schemas"]) if "integer" in schema.get("type", "")
    ]
    assert len(integers) > 20
    assert all(schema.get("format") == "int64" or schema["maximum"] < 2**31 for schema in integers)


def test_routes_and_webhooks_share_no_tag() -> None:
    """A generator that writes a file for each tag would overwrite the routes by the webhooks."""
    routes, webhooks = tags_of(document()["paths"]), tags_of(document()["webhooks"])
    assert routes
    assert webhooks
    assert not routes & webhooks
    assert routes | webhooks == {tag["name"] for tag in document()["tags"]}


def test_errors_are_one_type_for_the_generators() -> None:
    """A generator for C# otherwise makes a class for each operation and status."""
    schemas = [
        media["schema"]
        for response in document()["components"]["responses"].values()
        for media_type, media in response["content"].items()
        if media_type != "text/html"  # what a browser gets in place of the document
    ]
    assert schemas
    assert all(schema == {"$ref": "#/components/schemas/Problem"} for schema in schemas)
    errors = {
        (path, status): response
        for path, operations in document()["paths"].items()
        for operation in operations.values()
        if isinstance(operation, dict)
        for status, response in operation["responses"].items()
        if status >= "400"
    }
    assert {key for key, response in errors.items() if "$ref" not in response} == {("/health", "503")}


def test_every_value_of_an_enumeration_has_a_name_that_is_an_identifier() -> None:
    """C# has no other names for them; Kiota takes them from `x-ms-enum`, other generators from `x-enum-varnames`."""
    enumerations = [schema for schema in objects(document()) if isinstance(schema.get("enum"), list)]
    assert len(enumerations) > 5
    for schema in enumerations:
        values = [value for value in schema["enum"] if value is not None]
        if all(re.fullmatch(r"[A-Za-z]\w*", value) for value in values):
            continue
        named = schema["x-ms-enum"]["values"]
        assert [each["value"] for each in named] == values
        assert schema["x-enum-varnames"] == [each["name"] for each in named]
        assert all(re.fullmatch(r"[A-Za-z]\w*", each["name"]) for each in named)
        assert len({each["name"] for each in named}) == len(values)


def assert_exported(found: Any) -> None:
    assert found["header"] == "Client code;Status"
    assert found["rows"] == found["total"] == found["manifest"] > 0
    assert found["problems"] == ["job-not-found", "invalid-request"]
    assert found["pointers"] == ["/mappingCode"]


def tags_of(items: dict[str, dict[str, Any]]) -> set[str]:
    """Return the tags of all operations."""
    return {tag for item in items.values() for found in item.values() for tag in operation_tags(found)}


def operation_tags(found: Any) -> list[str]:
    """Return the tags of an operation; a path has parameters beside its operations."""
    return found["tags"] if isinstance(found, dict) else []


def objects(value: Any) -> list[dict[str, Any]]:
    """Return all objects inside a JSON value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(found for each in inner for found in objects(each))]


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a program; return its output, and fail with it if the program fails."""
    path = os.pathsep.join([str(in_venv("python").parent), os.environ.get("PATH", "")])
    finished = subprocess.run(
        command, cwd=cwd, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
