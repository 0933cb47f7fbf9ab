"""Lists over HTTP, a page at a time, with opaque continuation tokens."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from shared.models import Model

T = TypeVar("T", bound=Model)
MAX_TOKEN_CHARS = 2_000


class ListDto(Model, Generic[T]):
    """One page of a list.

    Attributes:
        limit: The most items a page may have.
        has_more: Whether `continuation_token` leads to more.
    """

    data: tuple[T, ...]
    limit: int
    has_more: bool
    continuation_token: str | None = None


def page_of(items: Iterable[T], position: Callable[[T], str], limit: int, after: str | None = None) -> ListDto[T]:
    """Give one page of a list that is held as a whole, in the order of the positions.

    Args:
        position: A text for each item, no two the same.
        after: The position of the last item before; that item may be gone.
    """
    rest = sorted((item for item in items if after is None or position(item) > after), key=position)
    page, has_more = tuple(rest[:limit]), len(rest) > limit
    token = encode_token(position(page[-1])) if has_more else None
    return ListDto(data=page, limit=limit, has_more=has_more, continuation_token=token)


class BadTokenError(ValueError):
    """The continuation token is not one that was given out."""


def encode_token(position: str) -> str:
    """Hide where a list goes on in an opaque token that is safe in a URL."""
    return base64.urlsafe_b64encode(json.dumps(position, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_token(token: str) -> str:
    """Read a token of `encode_token`.

    Raises:
        BadTokenError: It is not one. Its content may still be made up: never trust it with more than a position.
    """
    try:
        if len(token) > MAX_TOKEN_CHARS:
            raise ValueError("too long")
        position = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise BadTokenError("The continuation token is not one that was given out; start from the beginning.") from None
    if not isinstance(position, str):
        raise BadTokenError("The continuation token is not one that was given out; start from the beginning.")
    return position
