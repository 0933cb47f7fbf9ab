"""Every command in the documents is run by a test, or marked as needing Azure; `dev.py` accepts its own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import Any

import pytest

import dev_commands
from tests.bench import __main__ as bench
from tests.chaos import __main__ as chaos
from tests.soak import __main__ as soak
from tests.support.documented import ROOT, Block, blocks

DEV = "python3 dev.py "
OF_THE_API = "tests/e2e/test_api_examples.py"
OF_THE_CLIENT = "tests/client/test_client_doc.py"
OF_DEV = "tests/unit/test_documented_commands.py"
OF_DOCUMENTS = "tests/e2e/test_documented_commands.py"
OF_OPERATORS = "tests/e2e/test_runbook.py"
TESTS: dict[str, dict[str, str]] = {
    "README.md": {"curl": OF_DOCUMENTS, DEV: OF_DEV}
    | dict.fromkeys(("pip", "export CLIENT_EXPORT_", "client-export"), OF_THE_CLIENT),
    "CONTRIBUTING.md": {DEV: OF_DEV},
    "client/README.md": {"pip": OF_THE_CLIENT, "client-export": OF_THE_CLIENT},
    "docs/api.md": {"curl": OF_THE_API},
    "docs/chaos.md": {DEV: OF_DEV},
    "docs/client-view.md": {"python -m exports": OF_DOCUMENTS},
    "docs/client.md": {"pip": OF_THE_CLIENT, "client-export": OF_THE_CLIENT, f"{DEV}cli": OF_THE_CLIENT},
    "docs/costs.md": {"python -m exports": OF_DOCUMENTS},
    "docs/deploy.md": {"python -m exports": OF_OPERATORS},
    "docs/devhost.md": {DEV: OF_DEV},
    "docs/mappings.md": {"curl": OF_DOCUMENTS},
    "docs/performance.md": {DEV: OF_DEV},
    "docs/proof.md": {"python -m exports": OF_DOCUMENTS}
    | dict.fromkeys(("crc32", "rhash", "7z", "python3 -c", "tail"), "tests/unit/test_proof_doc.py"),
    "docs/runbook.md": {"python -m exports": OF_OPERATORS, "curl": OF_OPERATORS},
    "docs/scale.md": {".venv/bin/python -m tests.scale": "tests/dev/test_scale_doc.py"},
    "docs/tutorial.md": {DEV: "tests/dev/test_tutorial.py"}
    | dict.fromkeys(("sqlite3", ".venv/bin/python -m exports"), "tests/unit/test_tutorial.py"),
    "docs/webhooks.md": {"python -m exports": OF_OPERATORS},
    "exports/triggers/http/api_docs/getting_started.md": {"": "tests/client/test_getting_started.py"},
}
"""For each document: the test that runs its commands, by how a command begins."""
OPTIONS: dict[str, Callable[[], Any]] = {"bench": bench._options, "chaos": chaos._options, "soak": soak._options}
BLOCKS = [block for block in blocks() if not block.needs_azure]
OWN = sorted({command for block in BLOCKS for command in block.commands if command.startswith(DEV)})


def unknown_commands(block: Block) -> list[str]:
    known = tuple(TESTS.get(block.document, ()))
    return [command for command in block.commands if not command.startswith(known)]


def test_every_command_in_the_documents_is_run_by_a_test_or_marked_as_needing_azure() -> None:
    assert len(BLOCKS) > 60
    assert [(block.document, command) for block in BLOCKS for command in unknown_commands(block)] == []


def test_every_test_that_runs_the_commands_of_a_document_reads_that_document() -> None:
    for document, tests in TESTS.items():
        for test in set(tests.values()) - {OF_DEV}:
            text = (ROOT / test).read_text(encoding="utf-8")
            name = document.rpartition("/")[2]
            assert name in text or name.removesuffix(".md") in text, f"{test} does not read {document}"


def test_no_document_is_listed_that_has_no_command() -> None:
    assert set(TESTS) == {block.document for block in BLOCKS}


@pytest.mark.parametrize("command", OWN)
def test_dev_py_accepts_every_command_that_the_documents_give_it(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options, rest = dev_commands.PARSER.parse_known_args(shlex.split(command.removeprefix(DEV)))
    if options.command in OPTIONS:
        monkeypatch.setattr(sys, "argv", ["dev.py", *rest])
        OPTIONS[options.command]()
    else:
        assert not rest or options.command in ("cli", "test")
