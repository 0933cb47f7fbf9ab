"""The command: runs the checks one after the other, cleans up, and reports."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from exports.commands.command_line import CommandError, add_tenant_option, print_json, wants_colours
from exports.commands.smoke.checks import CHECKS, SLOW, Check, Run
from exports.commands.smoke.report import Outcome, Result, as_document, has_failed, summary, table_row
from exports.commands.smoke.service import NotApplicableError, Service, SmokeError

KEY_VARIABLE = "EXPORT_SMOKE_KEY"
_NOT_TRIED = "Not tried, because an earlier check failed."
Show = Callable[[Result], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Prove that a deployment works: health, exports of every size, links, proof by manifest, cancelling, removing, "
        "schedules. Removes what it has made. Exit code: 0 if every check that could be done has passed, otherwise 1."
    )
    parser.add_argument("url", metavar="URL", help="address of the service, such as https://func-….azurewebsites.net")
    parser.add_argument("--key", help=f"an API key (default: the environment variable {KEY_VARIABLE})")
    add_tenant_option(parser, "tenant to export (default: the only one that the key opens)", required=False)
    parser.add_argument("--webhook-url", metavar="URL", help="a receiver to which to have a webhook sent")
    parser.add_argument("--quick", action="store_true", help="leave out the schedule, which takes a minute or two")
    parser.add_argument("--json", action="store_true", help="print the results as one JSON document")
    parser.add_argument(
        "--wait", type=float, default=300, metavar="SECONDS", help="how long an export may take (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the checks, print their results, and return the exit code."""
    service = Service(_address(arguments.url), _key(arguments.key), arguments.tenant)
    checking = Run(service, arguments.wait, arguments.webhook_url)
    colours = wants_colours(sys.stdout)

    def show(result: Result) -> None:
        if not arguments.json:
            sys.stdout.write(f"{table_row(result, colours=colours)}\n")
            sys.stdout.flush()

    checks = [check for check in CHECKS if not (arguments.quick and check.name in SLOW)]
    results = run_checks(checking, checks, show)
    if arguments.json:
        print_json(as_document(service.url, checking.version, results))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in summary(service.url, results, colours=colours)))
    return 1 if has_failed(results) else 0


def run_checks(checking: Run, checks: Sequence[Check], show: Show) -> list[Result]:
    """Run the checks, and undo what they have made, also after Ctrl-C."""
    results = []
    try:
        for result in _results(checking, checks):
            results.append(result)
            show(result)
    finally:
        cleanup = _result_of(Check("cleanup", _clean_up), checking)
        results.append(cleanup)
        show(cleanup)
    return results


def _results(checking: Run, checks: Sequence[Check]) -> Iterator[Result]:
    is_broken = False
    for check in checks:
        if is_broken:
            yield Result(check.name, Outcome.SKIPPED, _NOT_TRIED, 0.0)
            continue
        result = _result_of(check, checking)
        yield result
        is_broken = check.essential and result.outcome is Outcome.FAILED


def _result_of(check: Check, checking: Run) -> Result:
    started = time.monotonic()
    try:
        outcome, detail = Outcome.PASSED, check.run(checking)
    except SmokeError as error:
        outcome, detail = Outcome.FAILED, str(error)
    except NotApplicableError as error:
        outcome, detail = Outcome.SKIPPED, str(error)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        outcome, detail = Outcome.FAILED, f"The answer has another form than the API promises ({error!s})."
    return Result(check.name, outcome, detail, time.monotonic() - started)


def _clean_up(checking: Run) -> str:
    checking.made.close()
    return "Files and schedules of the checks are removed; the service forgets their jobs later."


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        message = f"{url} is not the address of a service. Give one such as https://func-….azurewebsites.net."
        raise CommandError(message)
    return url.rstrip("/")


def _key(given: str | None) -> str:
    key = given or os.environ.get(KEY_VARIABLE, "")
    if not key or not key.isascii() or not key.isprintable():
        message = f"Give an API key with --key or {KEY_VARIABLE}. `python -m exports keys create` makes one."
        raise CommandError(message)
    return key
