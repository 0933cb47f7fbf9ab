"""The service receives what the options of `client-export start` choose, and the shell completes commands."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from client_export import ExportClient, WaitTimeoutError
from client_export.cli.exits import Exit, exit_of

from tests.client.conftest import run
from tests.support.system import System


def start(system: System, *options: str | Path, given: str = "") -> Any:
    done = run(system, "start", *options, "--wait", "--json", given=given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def faults(system: System, *options: str) -> dict[str, str]:
    """Return the faults of a start that the service refuses, by pointer."""
    done = run(system, "start", *options, "--json")
    assert done.returncode == 3, done
    return {fault["pointer"]: fault["detail"] for fault in json.loads(done.stderr)["error"]["errors"]}


def test_a_mapping_gives_the_columns_of_a_start(system: System, client: ExportClient) -> None:
    saved = client.save_mapping("Of a command", ["Code", ("Client", "Name")])
    job = start(system, "--mapping", saved.code)
    assert (job["columnCount"], job["mappingName"]) == (2, "Of a command")
    assert "/mappingCode" in faults(system, "--mapping", "0" * 20)
    client.delete_mapping(saved.code)


def test_every_condition_of_a_start_must_match(system: System, client: ExportClient) -> None:
    values = client.filters()
    conditions = {
        "status": "Active,Inactive",
        "type": "PrivateLimitedCompany",
        "manager": values.managers[0].code,
        "search": "a",
        "updated-since": "2000-01-01T00:00:00Z",
    }
    options = [text for name, value in conditions.items() for text in ("--where", f"{name}={value}")]
    found = start(system, "--columns", "Code", *options)["filter"]
    assert found["statuses"] == ["Active", "Inactive"]
    assert found["types"] == ["PrivateLimitedCompany"]
    assert found["managerCodes"] == [values.managers[0].code]
    assert "search" in found
    assert found["updatedSince"].startswith("2000-01-01T00:00:00")
    assert "/filter/statuses/0" in faults(system, "--where", "status=Aktive")


def test_gzip_and_a_snapshot_are_options_of_a_start(system: System, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv.gz"
    done = run(system, "start", "--columns", "Code", "--gzip", "--snapshot", "-o", file, "--json")
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert gzip.decompress(file.read_bytes()).startswith(b"Code\r\n")
    assert job["snapshotDate"]


def test_a_webhook_of_a_start_is_sent_with_the_request(system: System) -> None:
    assert "/notify/webhookUrl" in faults(system, "--webhook", "ftp://example.com")


def test_a_whole_request_comes_from_a_file_or_from_standard_input(system: System, tmp_path: Path) -> None:
    body = {"columnMappings": [{"csvHeader": "Who", "targetField": "Name"}], "filter": {"statuses": ["Active"]}}
    file = tmp_path / "request.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    for job in (
        start(system, "--body", file),
        start(system, "--body", "-", given=json.dumps(body)),
    ):
        assert (job["columnCount"], job["filter"]["statuses"]) == (1, ["Active"])
    assert run(system, "start", "--body", file, "--gzip").returncode == 2
    assert run(system, "start", "--body", "-", given="[]").returncode == 2
    assert run(system, "start", "--body", "-", given="{").returncode == 2
    assert run(system, "start", "--body", tmp_path / "missing").returncode == 1


def test_the_same_idempotency_key_leads_to_the_same_export(system: System) -> None:
    options = ("--columns", "Code", "--idempotency-key", "of-the-command-line")
    assert start(system, *options)["code"] == start(system, *options)["code"]
    assert start(system, "--columns", "Code")["code"] != start(system, "--columns", "Code")["code"]


def test_a_wait_that_takes_too_long_has_an_exit_code_of_its_own(client: ExportClient) -> None:
    for _ in range(10):  # an export may end before the first look at it
        code = client.start(wait_seconds=0).code
        found = error_of_wait(client, code)
        if found is not None:
            assert (found.job.code, exit_of(found)) == (code, Exit.TIMEOUT)
            return
    pytest.fail("ten exports have ended before the first look at them")


def error_of_wait(client: ExportClient, code: str) -> WaitTimeoutError | None:
    try:
        client.wait(code, timeout_seconds=0)
    except WaitTimeoutError as error:
        return error
    return None


def completions(program: Path, words: str, **variables: str) -> list[str]:
    """Return what the program offers bash for the last of these words."""
    environment = {
        **os.environ,
        **variables,
        "_CLIENT_EXPORT_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.thorough
def test_the_shell_completes_commands_options_and_statuses(program: Path) -> None:
    assert completions(program, "client-export pre") == ["preview"]
    assert completions(program, "client-export keys r") == ["rotate", "revoke"]
    assert completions(program, "client-export start --snap") == ["--snapshot"]
    assert completions(program, "client-export list --status Can") == ["Cancelled"]


@pytest.mark.thorough
def test_the_shell_completes_the_names_of_profiles_but_not_of_a_damaged_file(program: Path, tmp_path: Path) -> None:
    config = tmp_path / "profiles.json"
    profiles = {"staging": {"url": "https://a.example", "key": "k"}, "store": {}, "production": {}}
    config.write_text(json.dumps({"profiles": profiles}), encoding="utf-8")
    config.chmod(0o600)
    found = completions(program, "client-export --profile st", CLIENT_EXPORT_CONFIG=str(config))
    assert found == ["staging", "store"]
    config.write_text("{", encoding="utf-8")
    assert completions(program, "client-export --profile st", CLIENT_EXPORT_CONFIG=str(config)) == []


def test_the_installed_completion_of_bash_completes_in_bash(program: Path, tmp_path: Path) -> None:
    """Installs it as a user does, and asks a bash that has read its file."""
    variables = {**os.environ, "HOME": str(tmp_path), "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}

    def bash(script: str) -> str:
        # the last command keeps bash from replacing itself by the program, which looks for the shell that called it
        done = subprocess.run(
            ["bash", "-c", f"{script}\n:"], env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "client-export" in bash("client-export --show-completion")
    assert "completion installed" in bash("client-export --install-completion")
    offered = bash(
        """source ~/.bashrc
        COMP_WORDS=(client-export sch); COMP_CWORD=1
        offer=$(complete -p client-export | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $offer client-export
        echo "${COMPREPLY[@]}" """
    )
    assert offered.split() == ["schedules"]
