"""Hides the path and query of a webhook URL, which may hold a secret, when a stored request is shown again."""

from __future__ import annotations

from urllib.parse import urlsplit

from exports.request.body import CsvExportRequestDto, NotifyDto

_HIDDEN = "/***"


def hide_url(request: CsvExportRequestDto) -> CsvExportRequestDto:
    """Return the request with only scheme and host of its webhook URL left visible."""
    if request.notify is None:
        return request
    url = urlsplit(request.notify.webhook_url)
    return _notifying(request, NotifyDto(webhook_url=f"{url.scheme}://{url.netloc}{_HIDDEN}"))


def reveal_url(request: CsvExportRequestDto, stored: CsvExportRequestDto) -> CsvExportRequestDto:
    """Replace a hidden URL that a caller sends back by the whole URL of the stored request.

    A URL that differs from the stored one as it was shown is left as it is.
    """
    is_as_shown = request.notify is not None and request.notify == hide_url(stored).notify
    return _notifying(request, stored.notify) if is_as_shown else request


def has_hidden_url(request: CsvExportRequestDto) -> bool:
    """Tell whether the webhook URL of a request is only the placeholder for a hidden one."""
    return request.notify is not None and request.notify.webhook_url.endswith(_HIDDEN)


def _notifying(request: CsvExportRequestDto, notify: NotifyDto | None) -> CsvExportRequestDto:
    return request.model_copy(update={"notify": notify})
