"""What a driver's error means for an export: its kind, and the sentence that a user reads.

Each dialect translates the codes of its own database into these.
"""

from __future__ import annotations

from typing import NamedTuple

from exports.errors import (
    ExportError,
    SourceMismatchError,
    SourceRefusedError,
    SourceThrottledError,
    SourceUnavailableError,
)


class UnreadableValueError(SourceMismatchError):
    """A value of some client cannot be read or written. The error of the driver does not say which value.

    `hint` says what is wrong with it, if that is known.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class MissingColumnError(SourceMismatchError):
    """A statement names a column that the view lacks. The error of the driver does not always say which one."""


class Translation(NamedTuple):
    """The error of an export that stands for the error of a driver.

    Attributes:
        is_reached: Whether the database was reached and let the user in. If not, operators need its address.
        advice: The change to make, for operators only: it may name the user, as `{user}`.
    """

    kind: type[ExportError]
    message: str
    is_reached: bool = True
    advice: str = ""


NO_ANSWER = Translation(SourceUnavailableError, "The client database did not answer.", is_reached=False)
BUSY = Translation(
    SourceUnavailableError, "The client database is busy: a lock, a limit or a time-out stopped the reading."
)
THROTTLED = Translation(
    SourceThrottledError, "The client database has no room now: too many connections or requests at once."
)
LOGIN = Translation(
    SourceRefusedError,
    "The client database refused the login: the user name or the password in CLIENTS_DATABASE_URL is wrong, or this "
    "user may not log in.",
    is_reached=False,
)
CLOSED_PORT = Translation(
    SourceUnavailableError,
    "The client database did not answer: nothing accepts connections at its port. Start the database server, or "
    "correct the host and the port in CLIENTS_DATABASE_URL.",
    is_reached=False,
)
SILENT_HOST = Translation(
    SourceUnavailableError,
    "The client database did not answer in time. Check the host and the port in CLIENTS_DATABASE_URL, and the "
    "firewalls between it and this service.",
    is_reached=False,
)
UNKNOWN_HOST = Translation(
    SourceRefusedError,
    "The host of the client database is unknown: its name has no address. Correct the host in CLIENTS_DATABASE_URL, or "
    "its DNS entry.",
    is_reached=False,
)
NOT_ADMITTED = Translation(
    SourceRefusedError,
    "The server of the client database does not admit this user from this address to this database. Admit them there, "
    "or correct CLIENTS_DATABASE_URL.",
    is_reached=False,
)
NO_DATABASE = Translation(
    SourceRefusedError,
    "The server has no such client database. Correct the name of the database in CLIENTS_DATABASE_URL, or create it.",
    is_reached=False,
)
NO_ENTRY = Translation(
    SourceRefusedError,
    "The client database does not let this user in: the user has no right to connect, or there is no such database. "
    "Grant the right, or correct CLIENTS_DATABASE_URL.",
    is_reached=False,
)
NEEDS_TLS = Translation(
    SourceRefusedError,
    "The client database accepts only encrypted connections (TLS), and this connection was not encrypted. Let "
    "CLIENTS_DATABASE_URL ask for TLS, as docs/client-view.md shows.",
    is_reached=False,
)
NO_TLS = Translation(
    SourceRefusedError,
    "CLIENTS_DATABASE_URL asks for an encrypted connection (TLS), which the client database does not offer. Switch "
    "TLS on in the database server.",
    is_reached=False,
)
CERTIFICATE = Translation(
    SourceRefusedError,
    "The certificate of the client database is not trusted, or it is for another host name. Name the authority that "
    "issued it in CLIENTS_DATABASE_URL, and the host by the name in the certificate.",
    is_reached=False,
)
NO_GRANT = Translation(
    SourceRefusedError,
    "The user of the client database may not read the view clients, or something that the view reads. Grant the user "
    "that right.",
    is_reached=False,
    advice="Run in the database: GRANT SELECT ON clients TO {user}.",
)
NO_FILE = Translation(
    SourceRefusedError,
    "There is no file of the client database at this path. Correct the path in CLIENTS_DATABASE_URL; a relative path "
    "starts at the folder in which the service runs.",
    is_reached=False,
)
IS_FOLDER = Translation(
    SourceRefusedError,
    "The path of the client database is a folder. Name the file in CLIENTS_DATABASE_URL.",
    is_reached=False,
)
LOCKED_FILE = Translation(
    SourceRefusedError,
    "This service may not read the file of the client database. Give its user that right.",
    is_reached=False,
)
NOT_A_DATABASE = Translation(
    SourceRefusedError,
    "The file of the client database is not a database, or it is encrypted. Correct the path in CLIENTS_DATABASE_URL.",
    is_reached=False,
)
STATEMENT = Translation(SourceRefusedError, "The client database refused the statement.")
DRIVER = Translation(
    SourceRefusedError,
    "The address of the client database is malformed, or no driver for it is installed. Write CLIENTS_DATABASE_URL as "
    "docs/client-view.md shows.",
    is_reached=False,
)
NOT_LOADED = Translation(
    SourceRefusedError,
    "The driver of the client database is installed, but cannot be loaded: a system library is missing or too old. The "
    "log names it. Install it and start the service again.",
    is_reached=False,
)
NO_VIEW = Translation(
    SourceMismatchError,
    "The client database has no view clients; docs/client-view.md says how to make it. If there is one, it is in "
    "another database or schema than the one that this user sees.",
    is_reached=False,
)
BROKEN_VIEW = Translation(
    SourceMismatchError,
    "The view clients refers to a table, a column or a function that is missing, or that its owner or this user may "
    "not use. Create the view again, or grant the right.",
    is_reached=False,
)
NO_DEFINER = Translation(
    SourceMismatchError,
    "The view clients, or something that it reads, belongs to a user that does not exist (its DEFINER). Create it "
    "again as a user that exists.",
    is_reached=False,
)
NO_OBJECT = Translation(
    SourceMismatchError,
    "The view clients, or a policy or a function behind it, needs a setting of the session, a type or a user mapping "
    "that does not exist. Create it, or give the setting to this user (ALTER ROLE … SET …).",
)
NO_FUNCTION = Translation(
    SourceMismatchError,
    "The view clients needs a function, a collation or a module that only the program has which made it. Write the "
    "view without it.",
)
WRITES = Translation(
    SourceRefusedError,
    "The view clients calls a function or a sequence that changes the database, but exports only read. Write the view "
    "without it.",
)
UNFILLED = Translation(
    SourceRefusedError,
    "The view clients reads a materialized view that has not been filled (run REFRESH MATERIALIZED VIEW), or calls a "
    "function that needs an earlier statement of its session, such as currval. Correct that.",
)
HIDDEN_ROWS = Translation(
    SourceRefusedError,
    "Row-level security would hide clients from this user, and row_security is off, so the client database refuses to "
    "read. Give the user a policy that shows all clients, or BYPASSRLS, or set row_security to on for it.",
)
OTHER_SERVER = Translation(
    SourceUnavailableError,
    "The client database could not read from another server that the view clients needs, such as that of a foreign "
    "table. Check that server, and its address and login in the client database.",
)
LOST_FILE = Translation(
    SourceUnavailableError,
    "The server of the client database misses a file that the view clients reads, such as that of a foreign table. "
    "Restore the file.",
)
BAD_FILE = Translation(
    SourceMismatchError,
    "A file that the view clients reads through a foreign table is not as the foreign table declares it: a line has "
    "other columns or another format. Correct the file, or the columns and the options of the foreign table.",
)
DAMAGED_TABLE = Translation(
    SourceRefusedError,
    "A table or an index behind the view clients is damaged; the log of the database server names it. Run REINDEX for "
    "an index, and restore a table from a backup.",
)
NO_COLUMN = Translation(MissingColumnError, "The view clients lacks a column; docs/client-view.md names them all.")
TYPE = Translation(
    SourceMismatchError, "A column of the view clients has an unexpected type; docs/client-view.md names them all."
)
VALUE = Translation(UnreadableValueError, "The view clients holds a value that cannot be read or written.")
