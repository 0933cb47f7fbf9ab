"""`docs/webhooks.md` agrees with the code, and its ten lines verify the signatures of the service."""

from __future__ import annotations

import argparse
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exports.commands import webhooks
from exports.notifications import sending_room
from exports.notifications.delivery import RETRY_SECONDS, MailFault, Postponement
from exports.notifications.sends_by_hand import MOST_SENDS, WINDOW_SECONDS
from exports.request.email_address import MAX_EMAIL_ADDRESSES
from exports.steps.notifications.one_try import NO_MAIL_SERVER, NOT_SIGNED
from exports.steps.notifications.send_webhook import GIVEN_UP
from shared.outbound import Outbound, PostFault
from shared.standard_webhooks import derive_secret, signed_headers

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRETS = [derive_secret(master, "northwind") for master in ("n" * 32, "o" * 32)]
WORDS = {2: "two", 3: "three", 5: "five", 10: "ten", 12: "twelve"}
BODY = '{"code": "7ybq", "name": "Ärger"}'.encode()


def verify(secret: str, headers: dict[str, str], body: bytes) -> None:
    """Verify a webhook with the code that the document shows."""
    found: dict[str, Any] = {}
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(code, found)
    found["verify"](secret, headers, body)


def headers(age: timedelta = timedelta()) -> dict[str, str]:
    return signed_headers(SECRETS, "msg_7ybq_1_completed", datetime.now(UTC) - age, BODY)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_signed_webhook_is_verified_with_either_secret(secret: str) -> None:
    verify(secret, headers(), BODY)


def test_a_webhook_changed_or_signed_with_another_secret_is_refused() -> None:
    for secret, sent, body in (
        (derive_secret("n" * 32, "harbour"), headers(), BODY),
        (SECRETS[0], headers(), BODY + b" "),
        (SECRETS[0], headers() | {"webhook-id": "msg_other"}, BODY),
        (SECRETS[0], headers() | {"webhook-signature": "v1,AAAA"}, BODY),
    ):
        with pytest.raises(ValueError, match="not signed"):
            verify(secret, sent, body)


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_webhook_more_than_five_minutes_old_or_in_the_future_is_refused(age: timedelta) -> None:
    with pytest.raises(ValueError, match="too old"):
        verify(SECRETS[0], headers(age), BODY)


def test_the_document_states_the_default_retry_pauses() -> None:
    assert "5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in PAGE
    hours = [3600 * hour for hour in (2, 5, 10, 14, 20, 24)]
    assert list(RETRY_SECONDS) == [5, 5 * 60, 30 * 60, *hours]


def test_the_document_states_the_timeout_of_a_try() -> None:
    assert f"within {Outbound().timeout_seconds:.0f} seconds" in PAGE


def test_the_document_states_the_limits_of_sending_as_the_code_does() -> None:
    text = " ".join(PAGE.split())
    of_tenant, of_receiver = sending_room.TRIES_OF_A_TENANT, sending_room.TRIES_OF_A_RECEIVER
    assert f"at most {WORDS[of_tenant]} webhooks of a tenant at a time" in text
    assert f"at most {WORDS[of_receiver]} of them to the same receiver" in text
    assert f"at most {WORDS[sending_room.TRIES_IN_ALL]} in all" in text
    assert f"When a receiver has not answered {WORDS[sending_room.HANGS_BEFORE_REST]} times in a row" in text
    first, longest = sending_room.FIRST_REST_SECONDS, sending_room.LONGEST_REST_SECONDS
    assert f"for {first:.0f} seconds at first" in text
    assert f"up to {longest / 60:.0f} minutes" in text
    assert WINDOW_SECONDS == 60
    assert f"A tenant may send {WORDS[MOST_SENDS]} a minute in each process" in text
    assert f"`notify` may name at most {WORDS[MAX_EMAIL_ADDRESSES]} addresses" in text


def test_the_document_explains_every_fault() -> None:
    table = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert sorted(table) == sorted([*PostFault, *MailFault, *Postponement, NOT_SIGNED, NO_MAIL_SERVER, GIVEN_UP])


def test_the_documented_commands_are_accepted() -> None:
    shown = re.findall(r"^python -m exports webhooks (.+)$", PAGE, re.MULTILINE)
    parser = argparse.ArgumentParser()
    webhooks.add_arguments(parser)
    assert [parser.parse_args(shlex.split(each, comments=True)).act for each in shown] == [
        webhooks._secret,
        webhooks._list,
        webhooks._replay,
    ]
