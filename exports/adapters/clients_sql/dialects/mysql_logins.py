"""Keeps PyMySQL from sending a password in the clear over a connection that anyone can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_NEEDS_TLS = 3159
"""The number with which MySQL itself refuses a login without TLS."""


def _refuse_without_tls(connection: Any) -> None:
    """Refuse a login that would send the password as it is. Inside TLS, and over a socket file, PyMySQL carries it out.

    PyMySQL calls this instead of making a handler, and has a login of its own if there is no handler.
    """
    from pymysql.err import OperationalError

    if not connection._secure:
        raise OperationalError(_NEEDS_TLS, "The server asked for the password in the clear, without TLS.")


LOGINS_IN_THE_CLEAR: Mapping[str, Callable[[Any], None]] = {
    "mysql_clear_password": _refuse_without_tls,
    "dialog": _refuse_without_tls,
}
"""The logins of PyMySQL that send the password as it is. A server may ask for either, whatever the URL says."""
