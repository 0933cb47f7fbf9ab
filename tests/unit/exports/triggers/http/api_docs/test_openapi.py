"""The OpenAPI document describes the registered routes, and describes them well."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from devhost.local.node import installed_node
from exports import VERSION
from exports.notifications.message import event_body, event_id
from exports.request.fields import TargetField
from exports.steps.upkeep.check_health import HealthDto
from exports.triggers.http.api_docs.advice import ADVICE
from exports.triggers.http.api_docs.examples import EXAMPLES, REPLY_EXAMPLES
from exports.triggers.http.problems import METHOD_NOT_ALLOWED, PROBLEMS
from shared.standard_webhooks import derive_secret, signed_headers
from tests.support.app_functions import app_functions
from tests.support.builders import NOON, a_job
from tests.support.conformance import document, validate

ROOT = Path(__file__).parents[6]
DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def walk(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def test_the_document_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_operations_are_exactly_the_http_functions_of_the_app() -> None:
    registered = set()
    for function in app_functions():
        trigger = function.get_trigger()
        if trigger.type == "httpTrigger" and not function.get_function_name().startswith("unknown_"):
            for method in trigger.methods:
                registered.add((function.get_function_name(), method.name, f"/{trigger.route.strip('/')}"))

    assert {(operation["operationId"], method, path) for method, path, operation in operations()} == registered


def test_the_document_is_the_same_in_every_process() -> None:
    program = (
        "import function_app, hashlib, json; from exports.triggers.http.api_docs.openapi import build_document;"
        "print(hashlib.sha256(json.dumps(build_document(function_app.ROUTES)).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_the_version_is_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION == DOCUMENT["info"]["version"]
    assert HealthDto.model_fields["version"].default == VERSION


def test_every_example_fits_its_schema() -> None:
    unused = set(EXAMPLES) - set(SCHEMAS)
    assert not unused
    for name, example in EXAMPLES.items():
        validate(example, SCHEMAS[name])


def test_every_body_has_an_example() -> None:
    bodies = [
        media
        for _, _, operation in operations()
        for holder in (operation.get("requestBody", {}), *operation["responses"].values())
        for media in holder.get("content", {}).values()
        if "$ref" in media["schema"]
    ]
    assert [media["schema"]["$ref"] for media in bodies if "example" not in media] == []


def example_of(operation: str, status: int) -> Any:
    (found,) = [each for _, _, each in operations() if each["operationId"] == operation]
    return found["responses"][str(status)]["content"]["application/json"]["example"]


def test_every_example_of_an_answer_fits_its_schema_and_its_operation() -> None:
    for operation, status in REPLY_EXAMPLES:
        (found,) = [each for _, _, each in operations() if each["operationId"] == operation]
        (media,) = found["responses"][str(status)]["content"].values()
        assert media["example"] == REPLY_EXAMPLES[operation, status]
        validate(media["example"], media["schema"])


@pytest.mark.parametrize(
    ("operation", "status", "job"),
    [
        ("start_export", 201, {"status": "Completed", "percentComplete": 100}),
        ("start_export", 202, {"status": "InProgress", "downloadUrl": None, "completedDate": None}),
        ("resume_export", 202, {"status": "Queued", "downloadUrl": None, "startedDate": None}),
        ("cancel_export", 200, {"status": "Cancelled", "downloadUrl": None, "fileStatus": None}),
        ("remove_file", 200, {"status": "Completed", "downloadUrl": None, "fileStatus": "Removed"}),
    ],
)
def test_the_example_of_an_answer_shows_a_job_in_the_state_it_says(operation: str, status: int, job: Any) -> None:
    assert job.items() <= example_of(operation, status).items()


def test_the_example_of_a_list_of_jobs_has_no_links_as_lists_have_none() -> None:
    assert [job["downloadUrl"] for job in example_of("list_exports", 200)["data"]] == [None]


def test_requests_refuse_unknown_properties_and_answers_allow_them() -> None:
    for _, _, operation in operations():
        if body := operation.get("requestBody"):
            name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert SCHEMAS[name]["additionalProperties"] is False
    assert "additionalProperties" not in SCHEMAS["CsvExportJobDto"]
    assert SCHEMAS["ClientFilterInput"]["additionalProperties"] is False


def test_the_67_fields_are_listed_in_order() -> None:
    assert SCHEMAS["TargetField"]["enum"] == [field.value for field in TargetField]


def test_the_properties_that_an_answer_always_has_are_required() -> None:
    """Where a property may be a null reference, generated clients in C# need it to be optional."""
    job, values = SCHEMAS["CsvExportJobDto"], SCHEMAS["FilterValuesDto"]

    assert set(job["properties"]) - set(job["required"]) == {"failure", "fileStatus", "filter", "request"}
    assert set(values["required"]) == set(values["properties"])


def test_a_manifest_of_an_earlier_version_fits_the_schema() -> None:
    """It is served as it was stored, so what was added later is not required of it, at any depth."""
    example = EXAMPLES["ManifestDto"]
    earlier = {name: example[name] for name in ("code", "tenant", "fileName", "createdDate", "startedDate")}
    earlier |= {name: example[name] for name in ("consistency", "rows", "bytes")}
    earlier |= {"request": {"columns": example["request"]["columns"], "filter": {"statuses": ["Active"]}}}
    earlier["pages"] = [
        {name: value for name, value in page.items() if name not in ("attempt", "crc32", "firstCode", "lastCode")}
        for page in example["pages"]
    ]

    validate(earlier, SCHEMAS["ManifestDto"])


def test_the_type_of_a_nullable_property_includes_null() -> None:
    assert SCHEMAS["CsvExportJobDto"]["properties"]["totalItems"]["type"] == ["integer", "null"]


def test_moments_have_the_format_date_time_in_requests_and_answers() -> None:
    assert SCHEMAS["CsvExportJobDto"]["properties"]["createdDate"]["format"] == "date-time"
    assert SCHEMAS["ClientFilterInput"]["properties"]["updatedSince"]["format"] == "date-time"


def test_every_operation_names_its_scope_or_needs_no_key() -> None:
    for _, path, operation in operations():
        if path == "/me":
            assert operation["security"] == [{"apiKey": []}, {"token": []}]
            assert "with any scope" in operation["description"]
            assert {"401", "503"} <= operation["responses"].keys()
        elif operation["security"]:
            (scope,) = operation["security"][0]["apiKey"]
            assert f"`{scope}`" in operation["description"]
            assert {"401", "403", "503"} <= operation["responses"].keys()
        else:
            assert not path.startswith("/tenants/")


def test_no_description_contains_internal_names() -> None:
    texts = [each["description"] for each in walk(DOCUMENT) if isinstance(each, dict) and "description" in each]
    internal = [
        text for text in texts if isinstance(text, str) and any(mark in text for mark in ("_CO", "exports.", "Args:"))
    ]
    assert internal == []


# --- problems


def test_every_problem_is_documented_with_advice() -> None:
    assert set(ADVICE) == {kind.code for kind in PROBLEMS}


def test_every_problem_belongs_to_an_operation() -> None:
    """The 405 is the exception: a wrong method is no operation, so only the table documents its problem."""
    codes = {
        code
        for reply in DOCUMENT["components"]["responses"].values()
        for code in reply["content"]["application/problem+json"]["examples"]
    }
    assert codes == {kind.code for kind in PROBLEMS} - {METHOD_NOT_ALLOWED.code}


def test_the_examples_of_every_problem_fit_its_schema() -> None:
    for response in DOCUMENT["components"]["responses"].values():
        media = response["content"]["application/problem+json"]
        for example in media["examples"].values():
            validate(example["value"], media["schema"])


def test_the_examples_of_a_problem_have_the_status_of_its_response() -> None:
    shared = DOCUMENT["components"]["responses"]
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            if "$ref" in response:
                examples = shared[response["$ref"].rpartition("/")[2]]["content"]["application/problem+json"][
                    "examples"
                ]
                assert {each["value"]["status"] for each in examples.values()} == {int(status)}
                assert {each["value"]["code"] for each in examples.values()} == set(examples)


def test_every_problem_in_the_code_is_in_the_table() -> None:
    named = set()
    for file in [*(ROOT / "exports").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ProblemType":
                assert isinstance(node.args[0], ast.Constant), f"{file.name}: give the code as a literal"
                named.add(node.args[0].value)
    assert named == {kind.code for kind in PROBLEMS}


def test_the_document_survives_json() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


# --- webhooks


def test_the_webhook_is_described_with_the_headers_it_really_has() -> None:
    headers = signed_headers([derive_secret("m" * 32, "t")] * 2, event_id(a_job()), NOON, b"{}")
    described = {each["name"]: each["schema"] for each in DOCUMENT["webhooks"]["exportEnded"]["post"]["parameters"]}
    assert described.keys() == headers.keys()
    for name, schema in described.items():
        validate(headers[name], schema)


def test_the_body_of_a_webhook_is_as_described_and_has_no_download_link() -> None:
    schema = SCHEMAS["CsvExportEndedDto"]
    body = json.loads(event_body(a_job().cancel(NOON), 0))
    validate(body, schema)
    validate(
        DOCUMENT["webhooks"]["exportEnded"]["post"]["requestBody"]["content"]["application/json"]["example"], schema
    )
    left_out = {"downloadUrl", "createdBy", "mappingName", "columnCount", "filter", "request"}
    assert set(SCHEMAS["CsvExportJobDto"]["properties"]) - set(schema["properties"]) == left_out
    assert set(body) == set(schema["properties"])


def test_validators_of_javascript_can_read_every_pattern() -> None:
    """They compile patterns as Unicode (flag `u`), as Ajv does, in which only characters of the syntax are escaped."""
    found = {each.get("pattern") for each in walk(DOCUMENT) if isinstance(each, dict)}
    patterns = [text for text in found if isinstance(text, str)]
    script = "JSON.parse(process.argv[1]).forEach((each) => new RegExp(each, 'u'))"
    command: list[str | Path] = [installed_node().program, "-e", script, json.dumps(patterns)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (len(patterns) > 10, done.returncode, done.stderr) == (True, 0, "")
