"""`EXPORT_PUBLIC_URL`: only an address is accepted, and without it no header changes what links begin with."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import pytest

from exports.request.identity import identity_of_key
from exports.settings import SettingsError, read_settings
from exports.triggers.http.access import Caller
from exports.triggers.http.routes import Call
from tests.support.fakes import a_services
from tests.support.keys import a_key

REQUIRED = {"EXPORT_STORAGE": "x", "CLIENTS_DATABASE_URL": "x"}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("", ""),
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("http://localhost:8080/a/b/", "http://localhost:8080/a/b"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
    ],
)
def test_an_address_is_kept_without_a_slash_at_its_end(given: str, read: str) -> None:
    assert read_settings({**REQUIRED, "EXPORT_PUBLIC_URL": given}).public_url == read


@pytest.mark.parametrize(
    "given",
    [
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://user:secret@api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com/#a",
        "https://api.example.com/a b",
        "https://api.example.com:99999",
        "https://api.example.com\r\nx: y",
    ],
)
def test_anything_else_is_refused_at_the_start_without_showing_it(given: str) -> None:
    with pytest.raises(SettingsError, match="EXPORT_PUBLIC_URL: give the address at which callers") as raised:
        read_settings({**REQUIRED, "EXPORT_PUBLIC_URL": given})
    assert "secret" not in str(raised.value)


def _url(headers: dict[str, str], **settings: Any) -> str:
    req = func.HttpRequest("POST", "http://inner:1/tenants/t/jobs/?x=1", headers=headers, body=b"")
    return Call(req, a_services(**settings), Caller(identity_of_key(a_key()[0]), "t")).url


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"X-Forwarded-Host": "api.example.com"}, "https://api.example.com"),
        ({"X-Forwarded-Host": "API.example.com, inner"}, "https://api.example.com"),
        ({"X-Forwarded-Host": "eu.example.com:8443", "X-Forwarded-Proto": "http"}, "http://eu.example.com:8443"),
        ({"X-Forwarded-Host": "api.example.com", "X-Forwarded-Proto": "HTTPS,http"}, "https://api.example.com"),
        ({"X-Forwarded-Host": "api.example.com", "X-Forwarded-Proto": "gopher"}, "https://api.example.com"),
        ({"X-Forwarded-Host": "evil.example"}, "http://inner:1"),
        ({"X-Forwarded-Host": "evil.example, api.example.com"}, "http://inner:1"),
        ({"X-Forwarded-Host": "api.example.com.evil.example"}, "http://inner:1"),
        ({"X-Forwarded-Host": "api.example.com:1"}, "http://inner:1"),
        ({"X-Forwarded-Host": "", "X-Forwarded-Proto": "https"}, "http://inner:1"),
        ({"Forwarded": "host=api.example.com"}, "http://inner:1"),
        ({}, "http://inner:1"),
    ],
)
def test_a_forwarded_host_counts_only_if_the_settings_name_it(headers: dict[str, str], base: str) -> None:
    hosts = "Api.example.com eu.example.com:8443"
    assert _url(headers, EXPORT_FORWARDED_HOSTS=hosts) == f"{base}/tenants/t/jobs"


def test_the_public_url_wins_over_a_forwarded_host_that_the_settings_name() -> None:
    settings = {"EXPORT_PUBLIC_URL": "https://one.example/x", "EXPORT_FORWARDED_HOSTS": "two.example"}
    assert _url({"X-Forwarded-Host": "two.example"}, **settings) == "https://one.example/x/tenants/t/jobs"


@pytest.mark.parametrize("given", ["https://s3cret.example", "s3cret.example/x", "*", "a s3cret:x", "s3cret:999999"])
def test_a_forwarded_host_that_is_none_is_refused_at_the_start(given: str) -> None:
    with pytest.raises(SettingsError, match=r"EXPORT_FORWARDED_HOSTS\.[01]: give host names") as raised:
        read_settings({**REQUIRED, "EXPORT_FORWARDED_HOSTS": given})
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("public", "base"), [("", "http://inner:1"), ("https://api.example/x", "https://api.example/x")]
)
def test_no_forwarded_header_changes_the_url_of_a_request(public: str, base: str) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example"}
    req = func.HttpRequest("POST", "http://inner:1/tenants/t/jobs/?x=1", headers=headers, body=b"")
    call = Call(req, a_services(EXPORT_PUBLIC_URL=public), Caller(identity_of_key(a_key()[0]), "t"))
    assert call.url == f"{base}/tenants/t/jobs"
