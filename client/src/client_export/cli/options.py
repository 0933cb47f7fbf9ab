"""The options that describe an export, and the request that they make."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from client_export.errors import FileMismatchError
from client_export.operations import repeatable_by
from client_export.request import ClientFilter, Column, ExportRequest, FileFormat, RequestLike
from client_export.verification import Manifest

FILTERS = {
    "status": "statuses",
    "type": "types",
    "manager": "manager_codes",
    "partner": "partner_codes",
    "associate": "associate_codes",
    "team": "team_codes",
    "service": "service_codes",
    "search": "search",
    "updated-since": "updated_since",
    "updated-until": "updated_until",
}
"""The names before `=` in `--where`, and what they are in a filter."""
_SINGLE = ("search", "updated_since", "updated_until")
_BYTE_ORDER_MARK = "\ufeff"
"""Programs of Windows may put it before a text."""
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        "-c",
        metavar="FIELD,HEADER=FIELD",
        help="The columns in order; may be repeated. Default: all fields.",
    ),
]
MappingCode = Annotated[str | None, typer.Option("--mapping", "-m", help="Code of a saved mapping, for the columns.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        metavar="NAME=VALUE,VALUE",
        help="Which clients; may be repeated. A client must match every name that is given, by at least one of its "
        f"values. Names: {', '.join(FILTERS)}.",
    ),
]
Format = Annotated[
    str | None, typer.Option("--format", "-f", help="Preset: rfc4180, excel, excelEu, tsv, xlsx or jsonl.")
]
Delimiter = Annotated[str | None, typer.Option(help=f"Between cells: {', '.join(DELIMITERS)}.")]
LineEnding = Annotated[str | None, typer.Option(help="End of a record: crlf or lf.")]
ByteOrderMark = Annotated[bool | None, typer.Option(help="Whether the file begins with a byte order mark.")]
Quoting = Annotated[str | None, typer.Option(help="Which cells are quoted: minimal or all.")]
Gzip = Annotated[bool, typer.Option("--gzip", help="Compress the file.")]
FormulaGuard = Annotated[bool | None, typer.Option(help="Whether formulas get an apostrophe in front.")]
FileName = Annotated[str | None, typer.Option(help="Name of the file, without the extension.")]
LongCells = Annotated[
    str | None, typer.Option(help="Text that is too long for a cell of a workbook: cut (the default) or fail.")
]
Headers = Annotated[bool, typer.Option(help="Whether the first record holds the headers.")]
Since = Annotated[
    str | None,
    typer.Option(
        help="Code of an earlier export of the same columns and filter: export only what changed since. The manifest "
        "(start --manifest) names the clients to remove."
    ),
]
Snapshot = Annotated[bool, typer.Option("--snapshot", help="Export all clients as they were at one moment.")]
Webhook = Annotated[str | None, typer.Option(help="URL to notify when the export has ended.")]
Emails = Annotated[
    list[str] | None, typer.Option("--email", help="Address that gets an e-mail when the export has ended; repeatable.")
]
Body = Annotated[
    Path | None,
    typer.Option(help="A file with the whole request as JSON, instead of these options; - is standard input."),
]


def read_request(
    columns: Columns = None,
    mapping: MappingCode = None,
    where: Where = None,
    preset: Format = None,
    delimiter: Delimiter = None,
    line_ending: LineEnding = None,
    byte_order_mark: ByteOrderMark = None,
    quoting: Quoting = None,
    gzip: Gzip = False,
    formula_guard: FormulaGuard = None,
    file_name: FileName = None,
    long_cells: LongCells = None,
    headers: Headers = True,
    snapshot: Snapshot = False,
    since: Since = None,
    body: Body = None,
) -> RequestLike:
    """Read the request from the options that describe a file, or from a file with the whole request; not from both."""
    made = ExportRequest(
        columns=read_columns(columns or ()),
        mapping=mapping,
        filter=read_filter(where or ()),
        format=FileFormat(
            preset=preset,
            delimiter=read_delimiter(delimiter),
            line_ending=line_ending,
            byte_order_mark=byte_order_mark,
            quoting=quoting,
            compression="gzip" if gzip else None,
            formula_guard=formula_guard,
            file_name=file_name,
            long_cells=long_cells,
        ),
        include_headers=headers,
        consistency="snapshot" if snapshot else None,
        since=since,
    )
    if body is None:
        return made
    if made.body():
        raise _two_requests()
    document = read_json(body)
    if not isinstance(document, dict):
        raise typer.BadParameter("The request must be a JSON object.", param_hint="--body")
    return document


def describes_a_file(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option that describes a file. The command receives the request of them as `request`."""
    options = inspect.signature(read_request, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True)
    context, *others = (each for name, each in own.parameters.items() if name != "request")

    @functools.wraps(command)
    def described(*arguments: Any, **given: Any) -> None:
        chosen = {name: given.pop(name) for name in options if name in given}
        command(*arguments, request=read_request(**chosen), **given)

    parameters = [context, *options.values(), *others]
    # typer reads the options of a command from these two
    vars(described)["__signature__"] = own.replace(parameters=parameters)
    described.__annotations__ = {each.name: each.annotation for each in parameters}
    return described


def add_receivers(request: RequestLike, webhook: str | None, emails: Sequence[str] | None) -> RequestLike:
    """Return the request with those who are told of the end. A whole request from a file names them itself."""
    if webhook is None and not emails:
        return request
    if not isinstance(request, ExportRequest):
        raise _two_requests()
    return replace(request, webhook_url=webhook, emails=emails or ())


def require_idempotency_key(key: str | None) -> None:
    """Refuse a key that no service takes."""
    try:
        repeatable_by(key)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--idempotency-key") from None


def _two_requests() -> typer.BadParameter:
    return typer.BadParameter("Give the request in the file or by options, not both.", param_hint="--body")


def read_columns(texts: Sequence[str]) -> list[Column]:
    """Read columns as `Field` or `Header=Field`, separated by commas."""
    columns: list[Column] = []
    for text in (part.strip() for each in texts for part in each.split(",")):
        header, equals, target = text.rpartition("=")
        if not target or (equals and not header):
            message = f"“{text}” is not a column. Write a field, or a header and a field: Client=Name."
            raise typer.BadParameter(message, param_hint="--columns")
        columns.append((header, target) if equals else target)
    return columns


def read_filter(texts: Sequence[str]) -> ClientFilter:
    """Read conditions as `name=value,value`. The values of a name are alternatives; some names have one value only."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        attribute = FILTERS.get(name.strip())
        if not equals or attribute is None:
            message = f"“{text}” is not a condition. Write NAME=VALUE; the names are {', '.join(FILTERS)}."
            raise typer.BadParameter(message, param_hint="--where")
        if attribute in _SINGLE:
            if attribute in found:
                message = f"{name.strip()} is given twice, but takes only one value."
                raise typer.BadParameter(message, param_hint="--where")
            found[attribute] = value
        else:
            found.setdefault(attribute, []).extend(part.strip() for part in value.split(","))
    return ClientFilter(**found)


def read_delimiter(text: str | None) -> str | None:
    """Read a delimiter by its name, or as it is."""
    return None if text is None else DELIMITERS.get(text, text)


def read_json(path: Path) -> Any:
    """Read a JSON document from a file, or from standard input."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return json.loads(text.removeprefix(_BYTE_ORDER_MARK))
    except UnicodeDecodeError:
        message = f"{path} is not JSON: it is not text in UTF-8."
    except ValueError as error:
        message = f"{path} is not JSON: {error}."
    raise typer.BadParameter(message)


def read_manifest(path: Path) -> Manifest:
    """Read a saved manifest."""
    try:
        return Manifest.from_json(read_json(path))
    except FileMismatchError as error:
        message = f"{path}: {error}"
        raise typer.BadParameter(message, param_hint="--manifest") from None
