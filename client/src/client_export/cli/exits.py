"""The exit codes of the command line, and how an error is shown."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import typer

from client_export.cli.terminal import plain, write_json
from client_export.errors import (
    ApiError,
    AuthenticationError,
    ClientExportError,
    ExportCancelledError,
    ExportFailedError,
    FileMismatchError,
    ForbiddenError,
    GoneError,
    NotFoundError,
    Problem,
    QuotaExceededError,
    ServiceError,
    ServiceUnreachableError,
    WaitTimeoutError,
)

F = TypeVar("F", bound=Callable[..., Any])


class Exit(IntEnum):
    """What a command ended with."""

    DONE = 0
    LOCAL = 1
    """Something on this machine: a file, a folder, the settings."""
    USAGE = 2
    REFUSED = 3
    """The service refuses the request: its faults are named."""
    NOT_ALLOWED = 4
    """The key or token is wrong, or does not allow this."""
    NOT_FOUND = 5
    """There is no such export, mapping, schedule or file any more."""
    UNAVAILABLE = 6
    """No answer, an error of the service, or a limit that is reached; try again later."""
    FAILED = 7
    """The export failed."""
    CANCELLED = 8
    """The export was cancelled."""
    WRONG_FILE = 9
    """The file is not the one that its manifest describes."""
    UNPROVED = 10
    """The file is intact, but its manifest does not prove that every client was written once."""
    TIMEOUT = 11
    """The export has not ended in time. It is still running."""
    NOT_DELIVERED = 12
    """A receiver did not accept a notification."""
    INTERRUPTED = 130


_CODES: tuple[tuple[type[ClientExportError], Exit], ...] = (
    (AuthenticationError, Exit.NOT_ALLOWED),
    (ForbiddenError, Exit.NOT_ALLOWED),
    (NotFoundError, Exit.NOT_FOUND),
    (GoneError, Exit.NOT_FOUND),
    (QuotaExceededError, Exit.UNAVAILABLE),
    (ServiceError, Exit.UNAVAILABLE),
    (ApiError, Exit.REFUSED),
    (ServiceUnreachableError, Exit.UNAVAILABLE),
    (ExportFailedError, Exit.FAILED),
    (ExportCancelledError, Exit.CANCELLED),
    (FileMismatchError, Exit.WRONG_FILE),
    (WaitTimeoutError, Exit.TIMEOUT),
)


_HINTS = {
    "invalid-api-key": "The key comes from CLIENT_EXPORT_KEY or a profile; client-export login saves another one.",
    "tenant-required": "Write --tenant before the command, or set CLIENT_EXPORT_TENANT; client-export me lists yours.",
}
"""What a problem means on the command line, by its code."""


_HAS_EMPTY = "client_export.has_empty"
_EMPTY_WORD = re.compile(r"(?:--[a-z-]+=)?")


class LocalError(Exception):
    """Something on this machine is not as the command needs it; the text says what to change."""


def exits(command: F) -> F:
    """Make a command end with the exit code of its error, and show the error without a traceback."""

    @functools.wraps(command)
    def guarded(*arguments: Any, **options: Any) -> Any:
        as_json = bool(options.get("as_json"))
        if "context" in options:
            refuse_empty(options["context"], options)
        try:
            return command(*arguments, **options)
        except ClientExportError as error:
            _show(error, as_json=as_json)
            raise typer.Exit(exit_of(error)) from None
        except LocalError as error:
            _end(f"{error}", Exit.LOCAL, as_json=as_json)
        except BrokenPipeError:
            raise  # the reader of the output, such as `head`, wants no more of it: Typer ends without a word
        except OSError as error:
            _end(
                f"{error.filename or 'A file'}: {error.strerror or type(error).__name__}.", Exit.LOCAL, as_json=as_json
            )
        except (KeyboardInterrupt, typer.Abort):  # a prompt aborts
            _end("Interrupted.", Exit.INTERRUPTED, as_json=as_json)

    return cast("F", guarded)


def note_empty(context: typer.Context, words: Sequence[str]) -> None:
    """Note for `refuse_empty` whether a value is empty: an empty path becomes that of the current folder."""
    context.meta[_HAS_EMPTY] = any(map(_EMPTY_WORD.fullmatch, words))


def refuse_empty(context: typer.Context, options: Mapping[str, Any]) -> None:
    """Refuse an empty value. It is usually a variable of a shell that is not set, and never names anything.

    Raises:
        BadParameter: With the name of the option or argument.
    """
    empty = ("", Path()) if context.meta.get(_HAS_EMPTY) else ("",)
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if options.get(name) in empty and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter("This is empty. Perhaps a variable is not set.", ctx=context, param=parameter)


def exit_of(error: ClientExportError) -> Exit:
    """Return the exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.LOCAL)


def _show(error: ClientExportError, *, as_json: bool) -> None:
    request_id = error.request_id if isinstance(error, ApiError) else None
    if not as_json:
        hint = _HINTS.get(error.code) if isinstance(error, ApiError) else None
        lines = [f"{error}", hint, f"request id: {request_id}" if request_id else None]
        _print("\n  ".join(filter(None, lines)))
        return
    told = _told_by_service(error.problem) if isinstance(error, ApiError) else {}
    _print_json(str(error), exit_of(error), **told)


def _told_by_service(problem: Problem) -> dict[str, Any]:
    """Return the problem under the names that the service gives its parts (RFC 9457)."""
    return {
        "status": problem.status,
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
        "errors": [
            {"pointer": fault.pointer, "detail": fault.detail, "code": fault.code, "values": dict(fault.values)}
            for fault in problem.faults
        ],
        "requestId": problem.request_id,
    }


def show_usage_error(message: str) -> None:
    """Tell a program that the options are wrong."""
    _print_json(message, Exit.USAGE)


def _end(message: str, code: Exit, *, as_json: bool) -> NoReturn:
    if as_json:
        _print_json(message, code)
    else:
        _print(message)
    raise typer.Exit(code) from None


def _print_json(message: str, exit_code: Exit, **more: Any) -> None:
    """Print an error as one line of JSON."""
    write_json(sys.stderr, {"error": {"message": message, "exitCode": int(exit_code), **more}})


def _print(text: str) -> None:
    sys.stderr.write(f"{plain(text)}\n")
