"""The address at which callers reach the service, as the setting `EXPORT_PUBLIC_URL` gives it."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")


def _check(url: str) -> str:
    """Require scheme, host and at most a port and a path. Return the address without a slash at its end."""
    try:
        is_good = not url or (_ADDRESS.fullmatch(url) is not None and (urlsplit(url).port or 1) > 0)
    except ValueError:
        is_good = False
    if not is_good:
        message = "give the address at which callers reach the service, such as https://api.example.com/exports"
        raise PydanticCustomError("public_url", message)
    return url.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(_check)]
