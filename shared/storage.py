"""Clients of Azure Storage, made from one setting: a connection string or the name of an account."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.events import emit
from shared.metering import meter_request

if TYPE_CHECKING:
    from azure.data.tables import TableServiceClient
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient

_BLOB_OPTIONS: dict[str, Any] = {
    "retry_total": 2,
    "initial_backoff": 0.3,  # seconds, then 1.3; after these retries the orchestrator retries the step
    "increment_base": 1,
    "random_jitter_range": 0.2,
    "connection_timeout": 5,
    "max_single_put_size": 64 * 1024 * 1024,
    "raw_request_hook": partial(meter_request, "blob"),
}
_PAUSE_ASKED_FOR = "x-retry-after"
"""The header under which `_hide_pause` keeps a `Retry-After`."""


def _hide_pause(response: Any) -> None:
    """Hide `Retry-After` from the library for tables, which would sleep that long, however long it is.

    So a request is retried after pauses of 0 and 1.6 seconds, and `retry_after_seconds` tells the orchestrator to wait.

    Args:
        response: `azure.core.pipeline.PipelineResponse`.
    """
    headers = response.http_response.headers
    if (asked := headers.pop("Retry-After", None)) is not None:
        headers[_PAUSE_ASKED_FOR] = asked


_TABLE_OPTIONS: dict[str, Any] = {
    "retry_total": 2,
    "connection_timeout": 5,
    "read_timeout": 40,  # instead of the library's 300, because the service itself ends a query after 30 seconds
    "raw_request_hook": partial(meter_request, "table"),
    "raw_response_hook": _hide_pause,
}
_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_THROTTLING_STATUSES = frozenset({429, 503})
_REFUSING_STATUSES = frozenset({401, 403})
_CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_DEVELOPMENT = "UseDevelopmentStorage=true"
_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # The emulator's published key: learn.microsoft.com/azure/storage/common/storage-connect-azurite
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


def is_transient(error: Exception) -> bool:
    """Return whether a failure of Azure Storage is transient.

    It is if there was no response, an incomplete one, or one with status 408, 429, 500, 502, 503 or 504.
    """
    if isinstance(error, HttpResponseError) and not isinstance(error, IncompleteReadError):
        return error.status_code in _TRANSIENT_STATUSES
    return isinstance(error, (ServiceRequestError, ServiceResponseError, IncompleteReadError))


def is_refusal(error: BaseException | None) -> bool:
    """Return whether Azure Storage refused the service itself, or nobody gave its identity a token."""
    status = getattr(error, "status_code", None)
    return isinstance(error, ClientAuthenticationError) or status in _REFUSING_STATUSES


def code_of(error: Exception) -> str:
    """Return the code of Azure for an error, such as `AuthenticationFailed`; without one, the name of its class."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or type(error).__name__)


def is_throttling(error: Exception) -> bool:
    """Return whether Azure Storage throttles the caller (503 `ServerBusy`, 429)."""
    return isinstance(error, HttpResponseError) and error.status_code in _THROTTLING_STATUSES


def retry_after_seconds(error: Exception) -> float | None:
    """Return the pause that the response asks for in `Retry-After`; None if there is none or it is a date."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = headers.get("Retry-After") or headers.get(_PAUSE_ASKED_FOR) or ""
    return float(value) if value.isdecimal() else None


def connection_options(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read from the environment how to connect, and return it as options of the SDKs' clients.

    By default the HTTP library under the SDKs reads the environment again for every request, which takes an eighth of
    the processor time of a small request. With these options it does so only where proxies are configured, because it
    chooses the proxy by the URL.
    """
    certificates = next(filter(None, map(environment.get, _CERTIFICATE_VARIABLES)), True)
    return {"use_env_settings": bool(getproxies()), "connection_verify": certificates}


@contextmanager
def translate_failures(unavailable: type[Exception], service: str) -> Iterator[None]:
    """Raise transient failures and refusals as `unavailable`, with a sentence; let other errors through.

    A refusal counts as one that a retry can cure: a new role or network rule reaches all servers of Azure only after
    some minutes, and an operator can fix it while the steps of a job are tried again.

    Args:
        service: The name of the service of Azure Storage, for the sentence.
    """
    try:
        yield
    except Exception as error:
        if is_transient(error):
            raise unavailable(transient_sentence(service, error)) from error
        if is_refusal(error):
            raise unavailable(_told_refusal(service, error)) from error
        raise


def transient_sentence(service: str, error: Exception) -> str:
    """Return the sentence about a transient failure. A busy service did answer: more requests make it no better."""
    if is_throttling(error):
        return f"{service} is busy ({code_of(error)})."
    if isinstance(error, HttpResponseError) and not isinstance(error, IncompleteReadError):
        return f"{service} failed ({code_of(error)})."
    return f"{service} did not answer."


def _told_refusal(service: str, error: Exception) -> str:
    """Tell the log of a refusal. Return the sentence about it."""
    code = code_of(error)
    emit("storage.refused", logging.WARNING, error=code, answer=getattr(error, "status_code", None), service=service)
    return (
        f"{service} refused this service ({code}). The people who run it must correct the key in EXPORT_STORAGE, the "
        "roles of its identity, the network rules of the storage account, or the clock."
    )


class StorageAccount:
    """One storage account. Its clients are created on first use, kept, and safe to share between threads."""

    def __init__(self, setting: str) -> None:
        """Take a connection string, or only the name of an account that is reached by managed identity."""
        self._setting = _EMULATOR if setting.strip() == _DEVELOPMENT else setting

    @cached_property
    def blobs(self) -> BlobServiceClient:
        """Return the client of the Blob service."""
        from azure.storage.blob import BlobServiceClient

        options = {**_BLOB_OPTIONS, **connection_options(os.environ)}
        if self.uses_identity:
            return BlobServiceClient(self._url("blob"), credential=self._identity, **options)
        return BlobServiceClient.from_connection_string(self._setting, **options)

    @cached_property
    def tables(self) -> TableServiceClient:
        """Return the client of Table Storage."""
        from azure.data.tables import TableServiceClient

        options = {**_TABLE_OPTIONS, **connection_options(os.environ)}
        if self.uses_identity:
            return TableServiceClient(self._url("table"), credential=self._identity, **options)
        return TableServiceClient.from_connection_string(self._setting, **options)

    @property
    def name(self) -> str:
        """Return the name of the account."""
        return self._setting if self.uses_identity else str(self.blobs.account_name)

    @property
    def uses_identity(self) -> bool:
        """Return whether the account is reached by identity, without a key."""
        return "=" not in self._setting

    @cached_property
    def _identity(self) -> DefaultAzureCredential:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential()

    def _url(self, service: str) -> str:
        return f"https://{self._setting}.{service}.core.windows.net"
