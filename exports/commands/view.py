"""`python -m exports view`: prints a view `clients` to start from."""

from __future__ import annotations

import argparse
import sys

from exports.commands.view_template import DIALECTS, view_template


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="action")
    summary = "print a CREATE VIEW with every column, to start from"
    template = actions.add_parser("template", help=summary, description=summary)
    template.add_argument("--dialect", required=True, choices=DIALECTS, help="kind of the database")
    template.set_defaults(act=_print_template)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action, and return the exit code."""
    return int(arguments.act(arguments))


def _print_template(arguments: argparse.Namespace) -> int:
    sys.stdout.write(view_template(arguments.dialect))
    return 0
