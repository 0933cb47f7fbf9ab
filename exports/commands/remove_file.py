"""`python -m exports remove-file`: removes the file of a completed export at once, for example after a leaked link."""

from __future__ import annotations

import argparse
import sys

from exports.commands.command_line import (
    ACTOR,
    CommandError,
    add_code_option,
    add_storage_option,
    add_tenant_option,
    open_services,
    storage_setting,
)
from exports.errors import FileChangedError, JobNotFoundError, NotCompletedError
from exports.steps.requests.remove_file import remove_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_tenant_option(parser, "tenant that owns the export")
    add_code_option(parser, "code of the export", required=True)
    add_storage_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove the file, and return the exit code."""
    try:
        job = remove_file(open_services(storage_setting(arguments)), arguments.tenant, arguments.code, ACTOR)
    except JobNotFoundError:
        message = f"The tenant {arguments.tenant} has no export {arguments.code}."
        raise CommandError(message) from None
    except (NotCompletedError, FileChangedError) as error:
        raise CommandError(str(error)) from None
    sys.stdout.write(f"Removed {job.file_name}. No link opens it any more.\n")
    return 0
