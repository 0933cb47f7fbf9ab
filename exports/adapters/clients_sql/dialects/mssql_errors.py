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


def _numbers(error: BaseException | None) -> Iterator[int]:
    """Yield the numbers of SQL Server in an error of a driver that passes them on."""
    for part in getattr(error, "args", ()):
        if isinstance(part, int):
            yield part
        elif isinstance(part, str) and not hasattr(error, "ddbc_error"):
            yield from map(int, re.findall(r"\((\d{3,5})\)", part))
