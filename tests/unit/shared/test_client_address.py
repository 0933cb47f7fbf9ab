"""The address of a caller is the one that the outermost trusted proxy has seen, never one that the caller invents."""

from __future__ import annotations

import pytest

from shared.client_address import client_address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:50123", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:50123", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]:50123", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_address_is_read_with_and_without_a_port(forwarded: str, address: str) -> None:
    assert client_address(forwarded, 1) == address


@pytest.mark.parametrize("sent", ["198.51.100.1", "198.51.100.1, 198.51.100.2", "", ", ,", "nonsense", "x" * 100_000])
@pytest.mark.parametrize("trusted", [1, 2, 3])
def test_what_a_caller_invents_before_the_trusted_proxies_changes_nothing(sent: str, trusted: int) -> None:
    appended = ", ".join(["203.0.113.7:50123", "10.0.0.1", "10.0.0.2"][:trusted])
    assert client_address(appended, trusted) == "203.0.113.7"
    assert client_address(f"{sent}, {appended}", trusted) == "203.0.113.7"
    assert client_address(f"{sent},{appended}", trusted) == "203.0.113.7"


@pytest.mark.parametrize(
    ("forwarded", "trusted"),
    [
        ("", 1),
        ("nonsense", 1),
        ("unknown", 1),
        ("_hidden", 1),
        ("203.0.113.7, ", 1),
        ("203.0.113.256", 1),
        ("[2001:db8::1", 2),
        ("203.0.113.7", 2),
        ("203.0.113.7", 0),
        ("10.0.0.1, 203.0.113.7", 0),
    ],
)
def test_a_header_that_does_not_say_the_address_gives_none(forwarded: str, trusted: int) -> None:
    assert client_address(forwarded, trusted) == ""


def test_the_addresses_of_one_ipv6_network_are_one_caller() -> None:
    found = {client_address(f"[2001:db8:1:2::{number:x}]:443", 1) for number in range(50)}
    assert len(found) == 1
    assert client_address("2001:db8:1:3::1", 1) not in found
