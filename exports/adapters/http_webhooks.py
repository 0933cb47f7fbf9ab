"""Sends webhooks over HTTP, and only to public addresses unless private ones are allowed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from exports.notifications.delivery import SendResult
from shared.outbound import Outbound, PostError

_LONGEST_RETRY_AFTER = 64
"""Characters of a `Retry-After` that are kept. No valid one is longer."""


class HttpWebhookSender:
    """Implements `exports.ports.webhooks.WebhookSender`."""

    def __init__(self, *, allow_private: bool = False, outbound: Outbound | None = None) -> None:
        self._outbound = outbound or Outbound(allow_private=allow_private)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> SendResult:
        """See `WebhookSender.post`."""
        begun = time.monotonic()
        try:
            response = self._outbound.post(url, body, headers)
        except PostError as error:
            return SendResult(fault=error.fault.value, milliseconds=_milliseconds_since(begun))
        retry_after = response.retry_after and response.retry_after[:_LONGEST_RETRY_AFTER]
        return SendResult(status=response.status, retry_after=retry_after, milliseconds=_milliseconds_since(begun))


def _milliseconds_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
