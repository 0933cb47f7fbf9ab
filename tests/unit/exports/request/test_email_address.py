"""Addresses of e-mail are plain, so that none of them changes a message or the conversation with a mail server."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from exports.request.email_address import EmailAddress, domain_of

_ADDRESS: TypeAdapter[str] = TypeAdapter(EmailAddress)


@pytest.mark.parametrize(
    "address",
    ["a@b.example", "first.last+exports@mail.example.com", "o'brien@xn--bcher-kva.example", f"{'a' * 64}@b.example"],
)
def test_a_plain_address_is_accepted(address: str) -> None:
    assert _ADDRESS.validate_python(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@b.example",
        "a@b",
        "a@b.example\n",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "a b@c.example",
        "Name <a@b.example>",
        '"a"@b.example',
        "a@[127.0.0.1]",
        "a%c.example@b.example",
        "c.example!a@b.example",
        "-a@b.example",
        ".a@b.example",
        "a..b@c.example",
        "a@b..example",
        "a@-b.example",
        "a@b.example.",
        "ä@b.example",
        "a@bücher.example",
        "a@b.example\0",
        f"{'a' * 65}@b.example",
        f"a@{'b.' * 130}example",
    ],
)
def test_any_other_text_is_refused_with_advice(address: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _ADDRESS.validate_python(address)
    message = str(refused.value)
    assert "name@example.com" in message or "at most 254 characters" in message


def test_the_domain_of_an_address_is_compared_without_case() -> None:
    assert domain_of("A@B.Example") == "b.example"
