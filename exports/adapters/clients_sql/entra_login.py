"""Logs in to the client database with a token of Microsoft Entra ID as the password, so that no password is stored."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Dialect, Engine, event

from exports.errors import SourceRefusedError, SourceUnavailableError

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential

_PARAMETER = "authentication"
_ENTRA = "entra"
_BACKENDS = ("postgresql", "mysql", "mariadb")
"""The databases whose drivers take a token as the password. The driver for Azure SQL gets tokens itself."""

_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"
_WEAK_TLS = ("disable", "allow", "prefer")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_OTHER_ADDRESSES = frozenset({"host", "hostaddr", "service"})
"""Parameters by which libpq connects to another server than the URL names."""


def split_authentication(url: URL) -> tuple[URL, bool]:
    """Return the URL without the parameter `authentication`, and whether to log in with a token.

    A token must not travel without TLS, so PostgreSQL gets `sslmode=require` unless the URL has a mode. A weaker mode
    is refused, except for a server on this machine.

    Raises:
        SourceRefusedError: The URL contradicts itself. The message quotes nothing of it.
    """
    given = url.query.get(_PARAMETER) if url.get_backend_name() in _BACKENDS else None
    if given is None:
        return url, False
    if given != _ENTRA:
        raise _refused("has another authentication than entra", "Write authentication=entra, or leave it out")
    if url.password is not None:
        raise _refused("has a password and authentication=entra", "Leave out one of them")
    if not url.username or not url.host:
        raise _refused("names no user or no server", "Write postgresql://user@server/database?authentication=entra")
    rest = url.difference_update_query([_PARAMETER])
    return (_require_tls(rest) if url.get_backend_name() == "postgresql" else rest), True


def token_arguments(url: URL) -> dict[str, Any]:
    """Return the arguments of the driver for a login with a token. PyMySQL gets a context that checks the server."""
    if url.get_backend_name() == "postgresql":
        return {}
    return {"ssl": ssl.create_default_context(cafile=_text(url, "ssl_ca"))}


def log_in_with_tokens(engine: Engine) -> None:
    """Ask for a token whenever the engine opens a connection. `azure-identity` keeps it while it is fresh."""

    @event.listens_for(engine, "do_connect")
    def _set_password(_dialect: Dialect, _record: object, _arguments: object, options: dict[str, Any]) -> None:
        options["password"] = entra_token()


def entra_token() -> str:
    """Get a token for databases of Azure, by the identity of the app or of the developer.

    Raises:
        SourceUnavailableError: There is none. A retry can help.
    """
    from azure.core.exceptions import AzureError

    try:
        return _credential().get_token(_SCOPE).token
    except AzureError as error:
        message = "The service got no token of Microsoft Entra ID for the client database."
        failure = SourceUnavailableError(message)
        failure.operator = f"azure-identity says: {str(error).strip().partition(chr(10))[0]}"
        raise failure from error


@cache
def _credential() -> DefaultAzureCredential:
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _require_tls(url: URL) -> URL:
    mode = _text(url, "sslmode")
    if mode is None:
        return url.update_query_dict({"sslmode": "require"})
    is_local = url.host in _LOCAL and _OTHER_ADDRESSES.isdisjoint(url.query)
    if mode in _WEAK_TLS and not is_local:
        raise _refused("has authentication=entra without TLS", "Write sslmode=verify-full or sslmode=require")
    return url


def _text(url: URL, parameter: str) -> str | None:
    value = url.query.get(parameter)
    return value if isinstance(value, str) else None


def _refused(fault: str, change: str) -> SourceRefusedError:
    return SourceRefusedError(f"The address of the client database (CLIENTS_DATABASE_URL) {fault}. {change}.")
