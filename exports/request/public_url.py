"""The address at which callers reach the service, by settings and, where settings allow it, by forwarded headers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_HOST = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_ADDRESS = re.compile(rf"https?://{_HOST}(?:/[A-Za-z0-9._~/-]*)?")
_SCHEMES = ("http", "https")


def _check(url: str) -> str:
    """Require scheme, host and at most a port and a path. Return the address without a slash at its end."""
    try:
        is_good = not url or (_ADDRESS.fullmatch(url) is not None and (urlsplit(url).port or 1) > 0)
    except ValueError:
        is_good = False
    if not is_good:
        message = "give the address at which callers reach the service, such as https://api.example.com/exports"
        raise PydanticCustomError("public_url", message)
    return url.rstrip("/")


def _check_host(host: str) -> str:
    if re.fullmatch(_HOST, host) is None:
        message = "give host names without scheme and path, separated by spaces, such as api.example.com"
        raise PydanticCustomError("forwarded_host", message)
    return host.lower()


def public_address(headers: Mapping[str, str], public_url: str, forwarded_hosts: Collection[str]) -> str:
    """Return the address at which the caller of a request reaches the service; empty: the one that the request names.

    `X-Forwarded-Host` and `X-Forwarded-Proto` count only if the setting `EXPORT_FORWARDED_HOSTS` names the host. The
    app cannot see who has written them, so a caller who forges them can at most choose another host of the operator.
    The first value is the one of the outermost gateway.

    Args:
        public_url: The setting `EXPORT_PUBLIC_URL`, which wins over every header.
        forwarded_hosts: The setting `EXPORT_FORWARDED_HOSTS`, in lower case.
    """
    if public_url:
        return public_url
    host, scheme = (_first(headers.get(f"x-forwarded-{name}", "")) for name in ("host", "proto"))
    if host not in forwarded_hosts:
        return ""
    return f"{scheme if scheme in _SCHEMES else 'https'}://{host}"


def _first(values: str) -> str:
    return values.partition(",")[0].strip().lower()


PublicUrl = Annotated[str, AfterValidator(_check)]
"""An address of the service with scheme and host, and at most a port and a path; or nothing."""

ForwardedHost = Annotated[str, AfterValidator(_check_host)]
"""A host that `X-Forwarded-Host` may name, in lower case, with its port if it has one."""
