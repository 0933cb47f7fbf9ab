"""Lists over HTTP. A response holds a part of a list and an opaque continuation token that leads to the next part.

A continuation token is an encoded cursor. A cursor is the position of the last item of the part before, so it works
even if that item has been removed since.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from shared.models import Model

S = TypeVar("S")
T = TypeVar("T", bound=Model)
MAX_TOKEN_CHARS = 2_000


class ListDto(Model, Generic[T]):
    """A part of a list.

    Attributes:
        limit: The largest number of items in the response.
        has_more: Whether the list goes on after these items; `continuation_token` leads there.
    """

    data: tuple[T, ...]
    limit: int
    has_more: bool
    continuation_token: str | None = None


def make_list(found: Sequence[S], cursor: Callable[[S], str], show: Callable[[S], T], limit: int) -> ListDto[T]:
    """Build a response from the next items of a list.

    Args:
        found: Up to `limit` + 1 items. The extra item only shows that the list goes on.
        cursor: Returns the cursor of an item.
        show: Builds the public view of an item.
    """
    shown, has_more = found[:limit], len(found) > limit
    token = encode_token(cursor(shown[-1])) if has_more else None
    return ListDto(data=tuple(map(show, shown)), limit=limit, has_more=has_more, continuation_token=token)


def sort_and_cut(items: Iterable[T], cursor: Callable[[T], str], limit: int, after: str | None = None) -> ListDto[T]:
    """Build a response from all items of a list, in the order of their cursors.

    Args:
        cursor: Returns the cursor of an item. No two items have the same.
        after: The cursor after which the list continues; None: it begins at the start.
    """
    rest = sorted((item for item in items if after is None or cursor(item) > after), key=cursor)
    return make_list(rest, cursor, lambda item: item, limit)


class BadTokenError(ValueError):
    """The continuation token was not issued by this service."""


def encode_token(cursor: str) -> str:
    """Encode a cursor as an opaque token that needs no quoting in a URL."""
    return base64.urlsafe_b64encode(json.dumps(cursor, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_token(token: str) -> str:
    """Decode a token of `encode_token`. A caller may have made it up: use the result only as a cursor.

    Raises:
        BadTokenError: It is not such a token.
    """
    try:
        if len(token) > MAX_TOKEN_CHARS:
            raise ValueError("too long")
        cursor = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        if not isinstance(cursor, str):
            raise ValueError("no text")
    except (ValueError, RecursionError):
        raise BadTokenError("The continuation token is not one that was given out; start from the beginning.") from None
    return cursor
