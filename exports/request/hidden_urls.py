"""URLs of webhooks in what is kept and shown again: their path and query may be a secret, so only the host is shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from exports.request.body import CsvExportRequestDto, NotifyDto

_HIDDEN = "/***"


def hide_url(request: CsvExportRequestDto) -> CsvExportRequestDto:
    """Show whom a request notifies by the host alone."""
    if request.notify is None:
        return request
    url = urlsplit(request.notify.webhook_url)
    return _notifying(request, NotifyDto(webhook_url=f"{url.scheme}://{url.netloc}{_HIDDEN}"))


def reveal_url(request: CsvExportRequestDto, known: CsvExportRequestDto) -> CsvExportRequestDto:
    """Take the whole URL from the request that is known, where this one holds what was shown of it."""
    is_as_shown = request.notify is not None and request.notify == hide_url(known).notify
    return _notifying(request, known.notify) if is_as_shown else request


def has_hidden_url(request: CsvExportRequestDto) -> bool:
    """Say whether a request would notify what is only a sign for something hidden."""
    return request.notify is not None and request.notify.webhook_url.endswith(_HIDDEN)


def _notifying(request: CsvExportRequestDto, notify: NotifyDto | None) -> CsvExportRequestDto:
    return request.model_copy(update={"notify": notify})
