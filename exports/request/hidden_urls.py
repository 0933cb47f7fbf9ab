"""Hides the path and query of a webhook URL, which may hold a secret, when a stored request is shown again.

GitLab's webhooks do it alike: a masked URL is shown in the property that takes the whole one, and may be sent back.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from exports.request.body import CsvExportRequestDto, NotifyDto

_HIDDEN = "/***"


def hide_url(request: CsvExportRequestDto) -> CsvExportRequestDto:
    """Return the request with only scheme and host of its webhook URL left visible."""
    if request.notify is None or not request.notify.webhook_url:
        return request
    return _notifying(request, _with_url(request.notify, _hidden_form(request.notify.webhook_url)))


def reveal_url(request: CsvExportRequestDto, stored: CsvExportRequestDto) -> CsvExportRequestDto:
    """Replace a hidden URL that a caller sends back by the whole URL of the stored request.

    A URL that differs from the stored one as it was shown is left as it is.
    """
    return _notifying(request, reveal_receivers(request.notify, stored.notify)) if request.notify else request


def reveal_receivers(notify: NotifyDto, stored: NotifyDto | None) -> NotifyDto:
    """Replace a hidden URL by the stored one, as `reveal_url` does."""
    if stored is None or not stored.webhook_url or notify.webhook_url != _hidden_form(stored.webhook_url):
        return notify
    return _with_url(notify, stored.webhook_url)


def is_hidden(url: str) -> bool:
    """Tell whether a URL is only the placeholder for a hidden one."""
    return url.endswith(_HIDDEN)


def _hidden_form(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{_HIDDEN}"


def _with_url(notify: NotifyDto, url: str) -> NotifyDto:
    return notify.model_copy(update={"webhook_url": url})


def _notifying(request: CsvExportRequestDto, notify: NotifyDto) -> CsvExportRequestDto:
    return request.model_copy(update={"notify": notify})
