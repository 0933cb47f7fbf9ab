"""Tells which addresses are on the public Internet. A request to a URL from a stranger may go to no other address.

`ipaddress.is_global` alone is not enough. It considers Azure's wire server global, it ignores the IPv4 address that an
IPv6 address may carry, and its answers differ between releases of Python. So this module also lists networks by itself.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_REFUSED_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; the metadata service of Alibaba
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's wire server: a public address, but reachable only from machines in Azure
        "169.254.0.0/16",  # link-local; the metadata services of Azure, AWS and Google
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; the metadata service of Oracle
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; broadcast
    )
)
_GLOBAL_V6 = ip_network("2000::/3")
_REFUSED_V6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments, including Teredo
        "2001:db8::/32",
        "2002::/16",  # 6to4: embeds an IPv4 address; no receiver uses it any more
        "3fff::/20",
    )
)
_NAT64 = ip_network("64:ff9b::/96")
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".intranet", ".lan")


def is_public(address: str) -> bool:
    """Tell whether an address, as a resolver returns it, is on the public Internet."""
    try:
        return _is_public(ip_address(address))
    except ValueError:
        return False


def address_of(host: str) -> str | None:
    """Return the address if a host is an address and not a name: `10.0.0.1`, `[::1]`, also `127.1` and `0x7f000001`."""
    literal = host.removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(literal))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(literal))  # resolvers accept these forms as addresses, too
    except OSError:
        return None


def is_local_name(host: str) -> bool:
    """Tell whether only a private network knows a name: `localhost`, `metadata.google.internal`, `db`."""
    name = host.lower().removesuffix(".")
    return "." not in name or name.endswith(_LOCAL_SUFFIXES)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = _embedded_ipv4(address)
        if inner is not None:
            return _is_public(inner)
        return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6) and address.is_global
    return not any(address in network for network in _REFUSED_V4) and address.is_global


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a packet to an IPv4-mapped or NAT64 address reaches."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
