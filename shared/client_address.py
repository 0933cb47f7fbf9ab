"""Tells the address of a caller, as trusted proxies have written it into the header `X-Forwarded-For`."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

HEADER = "x-forwarded-for"
_NETWORK_BITS = 64


def client_address(forwarded: str, trusted_proxies: int) -> str:
    """Return the address from which the outermost trusted proxy got the request; empty if the header does not say it.

    Each proxy appends the address from which it got the request. So the last addresses are those of the trusted
    proxies, and the caller may have invented all addresses before them.

    An IPv6 address is returned as its network of 64 bits: a caller has the other 64 bits to itself.

    Args:
        forwarded: The value of `X-Forwarded-For`. A proxy of Azure writes addresses with a port.
        trusted_proxies: The number of proxies that append to the header; 0: no address in it is trusted.
    """
    hops = forwarded.rsplit(",", trusted_proxies)
    if not 0 < trusted_proxies <= len(hops):
        return ""
    try:
        address = ip_address(_without_port(hops[-trusted_proxies].strip()))
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _NETWORK_BITS << _NETWORK_BITS)}/{_NETWORK_BITS}"


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
