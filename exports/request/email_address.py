"""E-mail addresses to which a notification may be sent: the plain form of RFC 5321, in ASCII, without quoting.

An address of this form contains no blank, line break, comma, quote or bracket. So it cannot add a header or a second
receiver to a message, or a command to the conversation with a mail server. `%` and `!`, by which old servers passed
messages on to other domains, are not allowed either.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from exports.request.faults import NOT_AN_EMAIL_ADDRESS

MAX_EMAIL_ADDRESSES = 5
"""How many addresses one request may name."""

_FIRST = "[A-Za-z0-9#$&'*+/=?^_{}~]"
_WORD = "[A-Za-z0-9#$&'*+/=?^_{}~-]"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = "[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
_ADDRESS = rf"{_FIRST}{_WORD}*(\.{_WORD}+)*@({_LABEL}\.)+{_TOP}"
_MAX_LOCAL_PART = 64
"""Characters before the `@` (RFC 5321, section 4.5.3.1.1). A whole address has at most 254 (section 4.5.3.1.3)."""


def is_email_address(text: str) -> bool:
    """Return whether a text is a plain address."""
    return re.fullmatch(_ADDRESS, text) is not None and text.index("@") <= _MAX_LOCAL_PART


def _require_plain(address: str) -> str:
    if not is_email_address(address):
        raise NOT_AN_EMAIL_ADDRESS.error()
    return address


EmailAddress = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_require_plain),
    Field(json_schema_extra={"format": "email", "pattern": f"^{_ADDRESS}$"}),
]
"""A plain address. Its domain has at least two labels."""


def domain_of(address: str) -> str:
    """Return the domain of an address in lower case."""
    return address.rpartition("@")[2].lower()
