"""Lets programs reach the services of this machine directly, also where a proxy is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def exempt_this_machine(environment: MutableMapping[str, str]) -> None:
    """Add the addresses of this machine to `NO_PROXY`, which all programs started later inherit.

    Without a proxy the environment stays as it is, because the storage SDK looks a proxy up for each request as soon as
    such a variable exists. So does an exemption of every host, `*`, which has this meaning only where it stands alone.
    """
    if not any(value for name, value in environment.items() if name.lower() in _PROXIES):
        return
    named = [environment.get(name, "").strip() for name in ("no_proxy", "NO_PROXY")]
    if "*" in named and set(named) <= {"*", ""}:
        return
    known = [host.strip() for hosts in named for host in hosts.split(",") if host.strip()]
    exempt = ",".join(dict.fromkeys([*known, *_THIS_MACHINE]))
    environment["NO_PROXY"] = environment["no_proxy"] = exempt  # programs differ in which of the two they prefer
