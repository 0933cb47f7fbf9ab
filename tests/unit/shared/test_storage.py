"""Storage accounts: which failures are transient, and how an account is reached."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableErrorCode

from shared.storage import (
    StorageAccount,
    connection_options,
    is_throttling,
    is_transient,
    retry_after_seconds,
    translate_failures,
)


class UnavailableTestError(Exception):
    pass


def _answered(status: int, kind: type[HttpResponseError] = HttpResponseError) -> HttpResponseError:
    error = kind(message="secret")
    error.status_code = status
    return error


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_the_statuses_of_an_overloaded_service_are_transient(status: int) -> None:
    assert is_transient(_answered(status))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 501])
def test_a_refusal_is_not_transient(status: int) -> None:
    assert not is_transient(_answered(status))


@pytest.mark.parametrize("status", [429, 503])
def test_429_and_503_count_as_throttling(status: int) -> None:
    assert is_throttling(_answered(status))


@pytest.mark.parametrize("error", [_answered(500), _answered(408), ServiceRequestError("no")], ids=repr)
def test_other_transient_failures_do_not_count_as_throttling(error: Exception) -> None:
    assert not is_throttling(error)


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", 0.0), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
def test_a_retry_after_in_seconds_is_read(value: str, seconds: float | None) -> None:
    error = _answered(503)
    error.response = SimpleNamespace(headers={"Retry-After": value})
    assert retry_after_seconds(error) == seconds
    assert retry_after_seconds(_answered(503)) is None


@pytest.mark.parametrize(
    "error", [ServiceRequestError("no"), ServiceResponseError("no"), IncompleteReadError("half")], ids=repr
)
def test_a_missing_or_incomplete_response_is_transient(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", [ValueError("x"), ResourceNotFoundError("x"), OSError("x")], ids=repr)
def test_other_errors_are_not_transient(error: Exception) -> None:
    assert not is_transient(error)


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (_answered(503), "Blob Storage is busy (ServerBusy)."),
        (_answered(429), "Blob Storage is busy (ServerBusy)."),
        (_answered(500), "Blob Storage failed (ServerBusy)."),
        (ServiceRequestError("secret"), "Blob Storage did not answer."),
        (IncompleteReadError("secret"), "Blob Storage did not answer."),
    ],
    ids=repr,
)
def test_a_transient_failure_says_whether_storage_is_busy_or_did_not_answer(cause: Exception, sentence: str) -> None:
    if isinstance(cause, HttpResponseError):
        cause.error_code = "ServerBusy"  # type: ignore[attr-defined]
    with pytest.raises(UnavailableTestError) as raised, translate_failures(UnavailableTestError, "Blob Storage"):
        raise cause
    assert str(raised.value) == sentence
    assert raised.value.__cause__ is cause


@pytest.mark.parametrize("error", [_answered(401), _answered(403), ClientAuthenticationError("secret")], ids=repr)
def test_a_refusal_is_raised_as_the_given_error_and_the_log_says_why(
    error: HttpResponseError, caplog: pytest.LogCaptureFixture
) -> None:
    error.error_code = TableErrorCode.AUTHORIZATION_FAILURE  # type: ignore[attr-defined]
    with (
        pytest.raises(UnavailableTestError, match=r"^Blob Storage refused .* \(AuthorizationFailure\)") as raised,
        translate_failures(UnavailableTestError, "Blob Storage"),
    ):
        raise error
    (line,) = caplog.messages
    assert line.startswith("event=storage.refused error=AuthorizationFailure ")
    assert "secret" not in f"{raised.value} {line}"


def test_another_failure_passes_through_unchanged() -> None:
    error = _answered(409)
    with pytest.raises(HttpResponseError) as raised, translate_failures(UnavailableTestError, "Blob Storage"):
        raise error
    assert raised.value is error


def test_a_success_raises_nothing() -> None:
    done = SimpleNamespace(yes=False)
    with translate_failures(UnavailableTestError, "Blob Storage"):
        done.yes = True
    assert done.yes


@pytest.mark.parametrize(
    ("setting", "uses_identity"),
    [("exportsstore", True), ("UseDevelopmentStorage=true", False), ("AccountName=a;AccountKey=b", False)],
)
def test_an_account_name_alone_is_reached_by_identity(setting: str, uses_identity: bool) -> None:
    assert StorageAccount(setting).uses_identity is uses_identity


def test_the_short_setting_for_the_emulator_uses_its_default_ports() -> None:
    account = StorageAccount("UseDevelopmentStorage=true")
    assert account.blobs.url == "http://127.0.0.1:10000/devstoreaccount1/"
    assert account.tables.url == "http://127.0.0.1:10002/devstoreaccount1"
    account.blobs.close()
    account.tables.close()


def test_an_account_keeps_its_clients() -> None:
    account = StorageAccount("UseDevelopmentStorage=true")
    assert account.blobs is account.blobs
    account.blobs.close()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {"use_env_settings": False, "connection_verify": True}),
        ({"HTTPS_PROXY": "http://proxy:8080"}, {"use_env_settings": True, "connection_verify": True}),
        ({"REQUESTS_CA_BUNDLE": "/a"}, {"use_env_settings": False, "connection_verify": "/a"}),
        ({"CURL_CA_BUNDLE": "/b"}, {"use_env_settings": False, "connection_verify": "/b"}),
        ({"REQUESTS_CA_BUNDLE": "/a", "CURL_CA_BUNDLE": "/b"}, {"use_env_settings": False, "connection_verify": "/a"}),
    ],
    ids=["nothing", "a proxy", "certificates", "certificates of curl", "both"],
)
def test_the_environment_is_read_for_every_request_only_if_it_names_a_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: dict[str, object]
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.endswith("CA_BUNDLE")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert connection_options(os.environ) == expected


def test_the_clients_of_an_account_connect_as_the_environment_configures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/certificates")
    account = StorageAccount("UseDevelopmentStorage=true")
    transports: list[Any] = [account.blobs._pipeline._transport, account.tables._client._client._pipeline._transport]
    assert [each.connection_config.verify for each in transports] == ["/certificates"] * 2
    account.blobs.close()
    account.tables.close()
