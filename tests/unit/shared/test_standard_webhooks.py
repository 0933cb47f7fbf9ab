"""Signatures follow Standard Webhooks; the official package verifies them."""

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


def test_the_official_package_accepts_the_signature() -> None:
    secret = derive_secret(MASTER, "northwind")
    assert Webhook(secret).verify(BODY, _headers(secret))["code"] == "7ybq"


@pytest.mark.parametrize("change", ["body", "webhook-id", "webhook-timestamp", "secret"])
def test_the_official_package_refuses_a_changed_message(change: str) -> None:
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


def test_during_a_rotation_a_receiver_may_know_either_secret() -> None:
    new, old = derive_secret("new " + MASTER, "northwind"), derive_secret(MASTER, "northwind")
    headers = _headers(new, old)
    assert len(headers["webhook-signature"].split()) == 2
    for known in (new, old):
        assert Webhook(known).verify(BODY, headers)


def test_a_secret_has_the_form_of_the_standard_and_is_always_the_same() -> None:
    secret = derive_secret(MASTER, "northwind")
    assert secret == derive_secret(MASTER, "northwind")
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_every_tenant_and_master_secret_gives_a_secret_of_its_own() -> None:
    secrets = {derive_secret(master, tenant) for master in (MASTER, MASTER + "x") for tenant in ("a", "b", "ab", "")}
    assert len(secrets) == 8


def test_a_message_id_with_a_full_stop_is_refused() -> None:
    with pytest.raises(ValueError, match="full stop"):
        signed_headers([derive_secret(MASTER, "a")], "a.b", datetime.now(UTC), BODY)


def test_every_master_secret_gives_a_secret_in_the_same_order() -> None:
    masters = ("n" * 32, "o" * 32)
    both = derive_secrets(masters, "tenant")
    assert both[0] == derive_secrets(masters[:1], "tenant")[0]
    assert len(set(both)) == 2
