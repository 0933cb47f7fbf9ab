"""`python -m exports`: commands for operators of the service. Each command is a module in `exports.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from exports.commands import audit, costs, keys, remove_file, tables, verify, view, webhooks
from exports.commands.command_line import run_to_exit_code
from exports.commands.sample import command as sample_clients
from exports.commands.smoke import command as smoke

_COMMANDS = {
    "audit": (audit, "print the audit log of one tenant and day as JSON lines"),
    "costs": (costs, "compute the cost of an export from its manifest and your prices"),
    "keys": (keys, "make, list, rotate and revoke API keys"),
    "remove-file": (remove_file, "remove the file of a completed export now, for example after a link has leaked"),
    "sample-clients": (sample_clients, "fill a database with invented clients"),
    "smoke": (smoke, "prove over HTTP that a deployment works, and clean up"),
    "tables": (tables, "save all rows of the service's tables to a file, or load them"),
    "verify": (verify, "check a file against its manifest, and report the first wrong page"),
    "view": (view, "print a view `clients` to start from, or check the view of a database"),
    "webhooks": (webhooks, "show a tenant's signing secret and deliveries, or send a notification again"),
}
"""Name of each command → its module, and one line of help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m exports")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, (module, summary) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(run=module.run, error_code=1)
        module.add_arguments(command)
    chosen = parser.parse_args(arguments)
    return run_to_exit_code(lambda: int(chosen.run(chosen)), chosen.error_code)


if __name__ == "__main__":
    sys.exit(main())
