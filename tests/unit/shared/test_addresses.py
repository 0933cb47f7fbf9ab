"""Which addresses are on the public Internet. In doubt, an address is not."""

from __future__ import annotations

import pytest

from shared.addresses import address_of, is_local_name, is_public


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "8.8.8.8", "168.63.129.15", "2606:2800:220:1:248:1893:25c8:1946", "2001:4860:4860::8888"],
)
def test_addresses_on_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",  # metadata of Alibaba
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",  # Azure's wire server
        "169.254.169.254",  # metadata of Azure, AWS and Google
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",  # metadata of Oracle
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",  # metadata of AWS
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "3fff::1",
        "2001::1",
    ],
)
def test_addresses_of_private_and_special_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "168.63.129.16"])
def test_a_private_address_inside_an_ipv6_address_is_not_public(inner: str) -> None:
    words = "{:02x}{:02x}:{:02x}{:02x}".format(*map(int, inner.split(".")))
    for address in (f"::ffff:{inner}", f"64:ff9b::{inner}", f"2002:{words}::1", f"64:ff9b:1::{inner}", f"::{inner}"):
        assert not is_public(address), address


def test_nat64_of_a_public_address_is_public_and_6to4_is_not() -> None:
    assert is_public("64:ff9b::93.184.216.34")
    assert is_public("::ffff:93.184.216.34")
    assert not is_public("2002:5db8:d822::1")


@pytest.mark.parametrize("text", ["", "example.com", "1.2.3", "999.1.1.1"])
def test_a_text_that_is_not_an_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("::ffff:10.0.0.1", "::ffff:a00:1"),
    ],
)
def test_every_notation_of_an_address_is_recognized(host: str, address: str) -> None:
    found = address_of(host)
    assert found is not None
    assert found in (address, "::ffff:10.0.0.1")


@pytest.mark.parametrize("host", ["example.com", "1.example.com", "a", "0xyz", "1.2.3.4.5"])
def test_a_name_is_not_an_address(host: str) -> None:
    assert address_of(host) is None


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "db", "metadata.google.internal", "nas.local"]
)
def test_names_of_private_networks_are_local(host: str) -> None:
    assert is_local_name(host)


@pytest.mark.parametrize("host", ["example.com", "local.example", "internal.example.com"])
def test_other_names_are_not_local(host: str) -> None:
    assert not is_local_name(host)
