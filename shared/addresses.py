"""Which addresses a request that strangers cause may go to: those of the public Internet, and no others.

`ipaddress.is_global` alone is not enough: it calls the wire server of Azure global, judges an IPv6 address that carries
an IPv4 one by its outside, and differs between releases of Python. So networks are named here as well.
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
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's wire server: public by its number, reached from every machine in Azure
        "169.254.0.0/16",  # link-local; metadata of Azure, AWS, Google
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
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
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise, and nobody's server any more
        "3fff::/20",
    )
)
_NAT64 = ip_network("64:ff9b::/96")
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".intranet", ".lan")


def is_public(address: str) -> bool:
    """Say whether an address (as a resolver gives it) is one of the public Internet."""
    try:
        return _is_public(ip_address(address))
    except ValueError:
        return False


def address_of(host: str) -> str | None:
    """Give the address that a host stands for without being a name: `10.0.0.1`, `[::1]`, also `127.1`, `0x7f000001`."""
    literal = host.removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(literal))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(literal))  # what resolvers take for an address, too
    except OSError:
        return None


def is_local_name(host: str) -> bool:
    """Say whether a name is one that only a private network knows: `localhost`, `metadata.google.internal`, `db`."""
    name = host.lower().removesuffix(".")
    return "." not in name or name.endswith(_LOCAL_SUFFIXES)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return _is_public(inner)
        return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6) and address.is_global
    return not any(address in network for network in _REFUSED_V4) and address.is_global


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to a mapped or NAT64 address ends up at."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
