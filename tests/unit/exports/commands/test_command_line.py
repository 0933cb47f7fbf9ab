"""What all commands of `python -m exports` share."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from azure.core.exceptions import HttpResponseError

from exports.__main__ import main
from exports.commands.command_line import print_json, storage_problem
from exports.errors import StorageUnavailableError
from shared.storage import translate_failures

WITHOUT_SIGN_IN = """
import logging
from azure.core.exceptions import ClientAuthenticationError
from exports import __main__ as program
from exports.commands import audit
from exports.errors import StorageUnavailableError
from shared.storage import translate_failures

def ask(storage):
    with translate_failures(StorageUnavailableError, "Table Storage"):
        logging.getLogger("azure.identity").warning("DefaultAzureCredential failed to retrieve a token")
        raise ClientAuthenticationError("No credential in this chain provided a token.")

audit.open_storage_log = ask
raise SystemExit(program.main(["audit", "--tenant", "t", "--day", "2026-01-31", "--storage", "nope"]))
"""

HELP = """
import contextlib, io, sys
from exports.__main__ import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [(["--help"], {"pydantic", "exports.commands"}), (["keys", "--help"], {"sqlalchemy", "azure.functions"})],
    ids=["all", "one"],
)
def test_a_command_loads_only_what_it_needs(arguments: list[str], heavy: set[str]) -> None:
    done = subprocess.run([sys.executable, "-c", HELP, *arguments], capture_output=True, text=True, check=True)
    assert heavy.isdisjoint(done.stdout.split())


def test_without_a_sign_in_a_command_says_only_how_to_sign_in() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_SIGN_IN], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("Sign in with `az login`")
    assert "or set EXPORT_STORAGE to a connection string" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "audit --tenant t --day 2026-01-31",
        "keys list",
        "remove-file --tenant t --code c",
        "tables save file",
        "verify --tenant t --code c",
        "webhooks list --tenant t",
    ],
)
def test_a_command_without_storage_names_the_setting_and_the_option(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EXPORT_STORAGE", raising=False)
    assert main(command.split()) in (1, 2)
    assert capsys.readouterr().err == "Name the storage account: set EXPORT_STORAGE, or give --storage.\n"
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    assert "(default: EXPORT_STORAGE)" in " ".join(capsys.readouterr().out.split())


def test_a_command_says_to_try_again_while_storage_is_busy() -> None:
    busy = HttpResponseError("Server busy")
    busy.status_code = 503
    busy.error_code = "ServerBusy"  # type: ignore[attr-defined]
    with pytest.raises(StorageUnavailableError) as raised, translate_failures(StorageUnavailableError, "Table Storage"):
        raise busy
    assert storage_problem(raised.value) == "Storage is busy (ServerBusy). Try again in a minute."


def test_a_json_document_can_be_written_in_every_encoding(capsys: pytest.CaptureFixture[str]) -> None:
    """Where output goes to a file, Windows writes in the code page of the country."""
    names = {"name": "Łódź \u9673 \x9b"}
    print_json(names)
    written = capsys.readouterr().out
    assert written.isascii()
    assert json.loads(written) == names
