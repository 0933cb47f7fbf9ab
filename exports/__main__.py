"""`python -m exports`: commands for operators of the service. Each command is a module in `exports.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

_COMMANDS = {
    "audit": ("audit", "print the audit log of one tenant and day as JSON lines"),
    "costs": ("costs", "compute the cost of an export from its manifest and your prices"),
    "keys": ("keys", "make, list, rotate and revoke API keys"),
    "remove-file": ("remove_file", "remove the file of a completed export now, for example after a link has leaked"),
    "sample-clients": ("sample.command", "fill a database with invented clients"),
    "smoke": ("smoke.command", "prove over HTTP that a deployment works, and clean up"),
    "tables": ("tables", "save all rows of the service's tables to a file, or load them"),
    "verify": ("verify", "check a file against its manifest, and report the first wrong page"),
    "view": ("view", "print a view `clients` to start from, or check the view of a database"),
    "webhooks": ("webhooks", "show a tenant's signing secret and deliveries, or send a notification again"),
}
"""Name of each command → its module in `exports.commands`, and one line of help."""


class _Command(argparse.ArgumentParser):
    """The parser of one command. It imports the module only if the command is chosen, because that takes a while."""

    module = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.module:
            command = import_module(f"exports.commands.{self.module}")
            self.set_defaults(run=command.run, error_code=1)
            command.add_arguments(self)
            self.module = ""
        return super().parse_known_args(args, namespace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m exports")
    commands = parser.add_subparsers(required=True, metavar="command", parser_class=_Command)
    for name, (module, summary) in _COMMANDS.items():
        commands.add_parser(name, help=summary, description=summary).module = module
    chosen = parser.parse_args(arguments)
    from exports.commands.command_line import run_to_exit_code

    return run_to_exit_code(lambda: int(chosen.run(chosen)), chosen.error_code)


if __name__ == "__main__":
    sys.exit(main())
