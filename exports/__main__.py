"""`python -m exports`: commands for those who run the service. Each body lives in a module of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from exports.commands import audit, costs, keys, verify, webhooks
from exports.commands.sample import command as sample_clients

_COMMANDS = {
    "audit": (audit, "show what was done with a tenant's exports on one day, as JSON lines"),
    "costs": (costs, "say what an export has cost, from its manifest and the prices you pay"),
    "keys": (keys, "make, list, rotate and revoke API keys"),
    "sample-clients": (sample_clients, "fill a database with invented clients"),
    "verify": (verify, "hold a downloaded file against its manifest, and name the first wrong page"),
    "webhooks": (webhooks, "show a tenant's signing secret and deliveries, send a webhook again"),
}
"""Name → a module with `add_arguments(parser)` and `run(arguments) -> exit code`, and one line of help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m exports")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, (module, summary) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    chosen = parser.parse_args(arguments)
    return int(chosen.run(chosen))


if __name__ == "__main__":
    sys.exit(main())
