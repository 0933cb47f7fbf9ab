"""Translate errors of SQL Server.

The driver `mssql-python` passes on the text of an error and words for its SQLSTATE, but not its number. So the text
decides. Sessions speak English, and so does Azure SQL before a session begins. Texts and numbers are those of the table
`sys.messages` and of "Troubleshoot connectivity issues and other errors" (learn.microsoft.com). Other drivers pass on
numbers, which then decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exports.adapters.clients_sql.sql.translations import (
    BROKEN_VIEW,
    BUSY,
    CERTIFICATE,
    CLOSED_PORT,
    DRIVER,
    LOGIN,
    NO_ANSWER,
    NO_COLUMN,
    NO_DATABASE,
    NO_ENTRY,
    NO_GRANT,
    NO_TLS,
    NO_VIEW,
    NOT_ADMITTED,
    NOT_LOADED,
    SILENT_HOST,
    STATEMENT,
    THROTTLED,
    UNKNOWN_HOST,
    VALUE,
    Translation,
)
from exports.errors import SourceRefusedError, SourceUnavailableError

_DATABASE_MOVES = Translation(SourceUnavailableError, NO_DATABASE.message, is_reached=False)
"""Azure SQL reports a database as missing also while it moves, so trying again may help."""

_OLD_LEVEL = Translation(
    SourceRefusedError,
    "The client database has a compatibility level below 130, at which it cannot read the lists of a filter. Raise the "
    "level, or leave out codes, statuses and types in the filter.",
    advice="Run in the database: ALTER DATABASE CURRENT SET COMPATIBILITY_LEVEL = 130.",
)
"""Nothing else of ours has a WITH or a `$`, and the server has checked the syntax of the view when it was made."""

SNAPSHOTS_OFF = Translation(
    SourceRefusedError,
    "The client database can show no snapshot, because it, or another database that the view clients reads, does not "
    "allow snapshot isolation. Run ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON in it, or export without a "
    "snapshot.",
)
SNAPSHOTS_NOT_YET = Translation(
    SourceUnavailableError,
    "The client database cannot show a snapshot yet: the ALTER DATABASE that allows snapshot isolation waits until the "
    "transactions that began before it have ended.",
)
NOT_IN_SNAPSHOT = Translation(
    SourceRefusedError,
    "The client database allows snapshot isolation, but began a transaction of another isolation level, so it would "
    "not show one moment. Export without a snapshot, and tell the people who run the service.",
)
_UNVERSIONED = Translation(
    SourceRefusedError,
    "The client database can show no snapshot, because the view clients reads a table of another server or a "
    "memory-optimized table, which snapshot isolation cannot read. Copy it into an ordinary table, or export without a "
    "snapshot.",
)
_VERSIONS_LOST = Translation(
    SourceUnavailableError,
    "The client database no longer has the older versions of rows that the export reads: there is no room for them (in "
    "tempdb, or in the database itself), or a replica has removed them. Export again when fewer rows change, or give "
    "them more room.",
)
"""Ordinary exports get this error, too: reading committed rows by their versions is the default in Azure SQL."""

_ALTERED = Translation(
    SourceUnavailableError,
    "The view clients, or a table or an index that it reads, was altered while the export read it. Export again when "
    "that has ended.",
)

_FAILED = "Snapshot isolation transaction failed in database '.*' because"
_NOT_STARTED = "Snapshot isolation transaction failed to start in database '.*' because the ALTER DATABASE command"

_ERRORS: tuple[tuple[tuple[int, ...], str, Translation], ...] = (
    ((1205,), r"Transaction \(Process ID", BUSY),
    ((1222,), "Lock request time out", BUSY),
    ((1204,), "The instance of the SQL Server Database Engine cannot obtain a LOCK", BUSY),
    ((8645,), "A timeout occurred while waiting for memory", BUSY),
    ((40549, 40550, 40551, 40552, 40553), "(Session is|The session has been) terminated because", BUSY),
    ((40501,), "The service is currently busy", THROTTLED),
    ((10928, 10929, 10936), "Resource ID ?:", THROTTLED),
    ((49918, 49920), r"Cannot process request\.", THROTTLED),
    ((49919,), "Cannot process create or update request", THROTTLED),
    ((17809,), "Could not connect because the maximum number of", THROTTLED),
    ((3952,), "Snapshot isolation transaction failed accessing database", SNAPSHOTS_OFF),
    ((3954,), f"{_NOT_STARTED} that disallows", SNAPSHOTS_OFF),
    ((3956,), f"{_NOT_STARTED} which enables", SNAPSHOTS_NOT_YET),
    ((3957,), f"{_FAILED} the database did not allow", SNAPSHOTS_NOT_YET),
    ((3953,), f"{_FAILED} the database was not recovered", NO_ANSWER),
    ((3961,), f"{_FAILED} the object accessed by the statement has been modified", _ALTERED),
    ((3951,), "Transaction failed in database '.*' because the statement was run under snapshot", NOT_IN_SNAPSHOT),
    ((3963,), "Transaction failed in database '.*' because distributed transactions", _UNVERSIONED),
    ((3996, 7420), "(Snapshot isolation level is not|Remote access is not) supported for", _UNVERSIONED),
    ((41332,), "Memory optimized tables .* cannot be accessed", _UNVERSIONED),
    ((3950,), "Version store scan timed out", _VERSIONS_LOST),
    ((3958, 3966), "Transaction (aborted|is rolled back) when accessing version", _VERSIONS_LOST),
    (
        (3947, 3948),
        "The transaction was (aborted|terminated) because (of the availability|the secondary)",
        _VERSIONS_LOST,
    ),
    ((701,), "There is insufficient (system )?memory", THROTTLED),
    ((40197, 40143, 40540), "The service has encountered an error", NO_ANSWER),
    ((40613,), "Database .* on server .* is not currently available", NO_ANSWER),
    ((4221,), "Login to read-secondary failed", NO_ANSWER),
    ((615,), "Could not find database ID", NO_ANSWER),
    ((922, 926), "Database .* (is being recovered|cannot be opened)", NO_ANSWER),
    ((983,), "Unable to access (availability )?database", NO_ANSWER),
    ((596,), "Cannot continue the execution because the session is in the kill state", NO_ANSWER),
    ((6005,), "SHUTDOWN is in progress", NO_ANSWER),
    ((18401, 18451), "Login failed for user .*(upgrade mode|Only administrators)", NO_ANSWER),
    ((4060,), "Cannot open database", _DATABASE_MOVES),
    ((18452, 18456, 18470, 18486, 18487, 18488), r"Login failed( for user|\.)", LOGIN),
    ((4064,), "Cannot open user default database", LOGIN),
    ((40532, 40615, 40914), "Cannot open server", NOT_ADMITTED),
    ((47073,), ".*Deny Public Network Access", NOT_ADMITTED),
    ((916,), "The server principal .* is not able to access the database", NO_ENTRY),
    ((229, 230), "The .* permission was denied on the", NO_GRANT),
    ((262, 297, 300), ".*(permission denied in|permission was denied|does not have permission)", NO_GRANT),
    ((), r"Invalid object name '([^']*\.)?clients'", NO_VIEW),
    ((319,), "(?i)Incorrect syntax near (the keyword 'with'|'\\$')|Invalid object name 'openjson'", _OLD_LEVEL),
    ((4413,), "(Invalid object name|Could not use view or function)", BROKEN_VIEW),
    ((207,), "Invalid column name", NO_COLUMN),
    ((208,), "(?!)", NO_VIEW),
    ((241, 242, 245, 248, 295, 8114, 8115, 8134, 8169), "(?!)", VALUE),
)
"""Numbers of an error, and how its text begins. What stands in the middle of a text may be data of a client."""

_BY_NUMBER = {number: translation for numbers, _, translation in _ERRORS for number in numbers}
_BY_TEXT = tuple((re.compile(beginning), translation) for _, beginning, translation in _ERRORS)

_CONNECTING = (
    (re.compile("TCP Provider: Error code 0x2749"), CLOSED_PORT),
    (re.compile("TCP Provider: Error code 0x2AF9"), UNKNOWN_HOST),
    (re.compile(r"TCP Provider: Timeout error \[258\]"), SILENT_HOST),
    (re.compile("SSL Provider: .*certificate"), CERTIFICATE),
    (re.compile("Encryption not supported on SQL Server"), NO_TLS),
    (re.compile("Invalid value specified for connection string attribute"), DRIVER),
    (re.compile("Failed to load the driver"), NOT_LOADED),
)
"""What the driver itself says. The numbers are those of Windows Sockets, in hexadecimal."""

_SQLSTATE_WORDS = {
    **dict.fromkeys(
        (
            "Client unable to establish connection",
            "Communication link failure",
            "Connection failure during transaction",
            "Connection not open",
            "Connection timeout expired",
            "Disconnect error",
            "Server rejected the connection",
        ),
        NO_ANSWER,
    ),
    **dict.fromkeys(("Operation canceled", "Serialization failure", "Timeout expired"), BUSY),
    "Base table or view not found": NO_VIEW,
    "Column not found": NO_COLUMN,
    "Invalid authorization specification": LOGIN,
    "Invalid catalog name": NO_DATABASE,
    "Syntax error or access violation": STATEMENT,
}
"""The driver's words for SQLSTATEs (its module `exceptions`)."""

_OF_NAMES = re.compile(
    r"Invalid (object|column) name '[^']*'|Login failed for user '[^']*'|"
    r"Cannot open (database|server) [\"'][^\"']*[\"']|"
    r"The [A-Z ]+ permission was denied on the (object|column) '[^']*'(, database '[^']*', schema '[^']*')?|"
    r"Could not use view or function '[^']*'"
)
"""Beginnings of the server's own sentences about names."""

_WITHOUT_TOKEN = "Failed to acquire an Entra ID access token"  # noqa: S105 - words of the driver
_SERVER = re.compile(r"\[Microsoft\](?:\[[^\]]*\])?(?:\[SQL Server\])?")


def translate(error: BaseException | None) -> Translation | None:
    """Translate an error of a driver for SQL Server; None if nothing in it is known."""
    for number in _numbers(error):
        if number in _BY_NUMBER:
            return _BY_NUMBER[number]
    text = str(getattr(error, "ddbc_error", "") or "")
    for pattern, translation in _CONNECTING:
        if pattern.search(text):
            return translation
    words = _SERVER.sub("", text, count=1)
    if str(getattr(error, "driver_error", "")).startswith(_WITHOUT_TOKEN):
        return LOGIN
    by_text = (translation for pattern, translation in _BY_TEXT if pattern.match(words))
    return next(by_text, None) or _SQLSTATE_WORDS.get(str(getattr(error, "driver_error", "")))


def text_without_clients(error: BaseException | None) -> str:
    """Return what the driver itself says, which does not mark it as the server's, or the server of names."""
    text = str(getattr(error, "ddbc_error", "") or "")
    if "[SQL Server]" not in text:
        return str(error).strip() if hasattr(error, "ddbc_error") else ""
    names = _OF_NAMES.match(_SERVER.sub("", text, count=1))
    return names[0] if names else ""


def _numbers(error: BaseException | None) -> Iterator[int]:
    """Yield the numbers of SQL Server in an error of a driver that passes them on."""
    for part in getattr(error, "args", ()):
        if isinstance(part, int):
            yield part
        elif isinstance(part, str) and not hasattr(error, "ddbc_error"):
            yield from map(int, re.findall(r"\((\d{3,5})\)", part))
