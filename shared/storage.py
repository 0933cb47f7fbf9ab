"""Clients of Azure Storage, from one setting: a connection string, or the name of an account reached by identity."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from azure.core.exceptions import (
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.metering import meter_request

if TYPE_CHECKING:
    from azure.data.tables import TableServiceClient
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient

_BLOB_OPTIONS: dict[str, Any] = {
    "retry_total": 2,
    "initial_backoff": 0.3,  # seconds; then 1.3: the orchestrator's pauses stand behind these
    "increment_base": 1,
    "random_jitter_range": 0.2,
    "connection_timeout": 5,
    "max_single_put_size": 64 * 1024 * 1024,
    "raw_request_hook": partial(meter_request, "blob"),
}
_TABLE_OPTIONS: dict[str, Any] = {
    "retry_total": 2,
    "connection_timeout": 5,
    "read_timeout": 40,  # not the library's 300: the service itself gives a query up after 30 seconds
    "raw_request_hook": partial(meter_request, "table"),
}
_PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_THROTTLING_STATUSES = frozenset({429, 503})
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_DEVELOPMENT = "UseDevelopmentStorage=true"
_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # The emulator's published key: learn.microsoft.com/azure/storage/common/storage-connect-azurite
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


def is_transient(error: Exception) -> bool:
    """Say whether a failure of Azure Storage can pass by itself: no answer, an incomplete one, or a 408, 429 or 5xx."""
    if isinstance(error, HttpResponseError) and not isinstance(error, IncompleteReadError):
        return error.status_code in _PASSING_STATUSES
    return isinstance(error, (ServiceRequestError, ServiceResponseError, IncompleteReadError))


def is_throttling(error: Exception) -> bool:
    """Say whether Azure Storage has no room for a request now (503 `ServerBusy`, 429)."""
    return isinstance(error, HttpResponseError) and error.status_code in _THROTTLING_STATUSES


def retry_after_seconds(error: Exception) -> float | None:
    """What the answer of a service says about when to come again, if it does; a date says nothing here."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    told = headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else None


def connection_options(environment: Mapping[str, str]) -> dict[str, Any]:
    """How the environment of this process wants connections to be made, as options of the SDKs' clients.

    The library under the SDKs would look through it at every request, which takes an eighth of the processor time of a
    small one; it does so only where there are proxies to choose from.
    """
    certificates = next(filter(None, map(environment.get, _CERTIFICATES)), True)
    return {"use_env_settings": bool(getproxies()), "connection_verify": certificates}


@contextmanager
def translate_failures(unavailable: type[Exception], message: str) -> Iterator[None]:
    """Raise failures that can pass as `unavailable(message)`; let the others through."""
    try:
        yield
    except Exception as error:
        if is_transient(error):
            raise unavailable(message) from error
        raise


class StorageAccount:
    """One storage account. Clients are made when first used, kept, and safe to share between threads."""

    def __init__(self, setting: str) -> None:
        """Take a connection string, or a bare account name for access by managed identity."""
        self._setting = _EMULATOR if setting.strip() == _DEVELOPMENT else setting

    @cached_property
    def blobs(self) -> BlobServiceClient:
        """The Blob service."""
        from azure.storage.blob import BlobServiceClient

        options = {**_BLOB_OPTIONS, **connection_options(os.environ)}
        if self.uses_identity:
            return BlobServiceClient(self._url("blob"), credential=self._identity, **options)
        return BlobServiceClient.from_connection_string(self._setting, **options)

    @cached_property
    def tables(self) -> TableServiceClient:
        """Table Storage."""
        from azure.data.tables import TableServiceClient

        options = {**_TABLE_OPTIONS, **connection_options(os.environ)}
        if self.uses_identity:
            return TableServiceClient(self._url("table"), credential=self._identity, **options)
        return TableServiceClient.from_connection_string(self._setting, **options)

    @property
    def uses_identity(self) -> bool:
        """Whether the account is reached by identity, without a key."""
        return "=" not in self._setting

    @cached_property
    def _identity(self) -> DefaultAzureCredential:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential()

    def _url(self, service: str) -> str:
        return f"https://{self._setting}.{service}.core.windows.net"
