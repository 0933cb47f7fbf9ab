"""Signatures are those of Standard Webhooks: the official package is the judge."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.standard_webhooks import derive_secret, derive_secrets, signed_headers

MASTER = "a master secret of more than 32 characters"
BODY = '{"code": "7ybq", "name": "Ärger & Söhne"}'.encode()


def _headers(*secrets: str, body: bytes = BODY) -> dict[str, str]:
    return signed_headers(secrets, "msg_7ybq_1_completed", datetime.now(UTC), body)


def test_the_published_example_is_signed_as_published() -> None:
    headers = signed_headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_official_package_accepts_what_is_signed() -> None:
    secret = derive_secret(MASTER, "northwind")
    assert Webhook(secret).verify(BODY, _headers(secret))["code"] == "7ybq"


@pytest.mark.parametrize("change", ["body", "webhook-id", "webhook-timestamp", "secret"])
def test_the_official_package_refuses_what_was_changed(change: str) -> None:
    secret = derive_secret(MASTER, "northwind")
    headers, body = _headers(secret), BODY
    if change == "body":
        body += b" "
    elif change == "secret":
        secret = derive_secret(MASTER, "harbour")
    else:
        headers[change] = headers[change][:-1] + str((ord(headers[change][-1]) + 1) % 10)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_while_secrets_are_exchanged_a_receiver_may_know_either() -> None:
    new, old = derive_secret("new " + MASTER, "northwind"), derive_secret(MASTER, "northwind")
    headers = _headers(new, old)
    assert len(headers["webhook-signature"].split()) == 2
    for known in (new, old):
        assert Webhook(known).verify(BODY, headers)


def test_a_secret_is_as_the_standard_wants_it_and_always_the_same() -> None:
    secret = derive_secret(MASTER, "northwind")
    assert secret == derive_secret(MASTER, "northwind")
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_tenants_and_masters_have_secrets_of_their_own() -> None:
    secrets = {derive_secret(master, tenant) for master in (MASTER, MASTER + "x") for tenant in ("a", "b", "ab", "")}
    assert len(secrets) == 8


def test_an_id_with_a_full_stop_is_refused_for_it_would_blur_what_is_signed() -> None:
    with pytest.raises(ValueError, match="full stop"):
        signed_headers([derive_secret(MASTER, "a")], "a.b", datetime.now(UTC), BODY)


def test_every_master_gives_a_secret_the_present_one_first() -> None:
    masters = ("n" * 32, "o" * 32)
    both = derive_secrets(masters, "tenant")
    assert both[0] == derive_secrets(masters[:1], "tenant")[0]
    assert len(set(both)) == 2
