"""Callers who send many wrong keys or tokens are slowed by address, and no right key or token is ever refused."""

from __future__ import annotations

from collections import Counter

import pytest

from exports.request.scopes import Scope
from exports.request.token_access import RoleGrant, TokenAccess, TokenAuthenticator
from exports.triggers.http.access import Caller, authorize, is_known
from shared.access_tokens import Claims, IssuerUnavailableError, TokenRefusedError
from shared.api_keys import KeysUnavailableError, new_key_text
from shared.guess_limit import GuessLimit
from shared.key_ring import KeyRing
from shared.problems import ProblemError
from tests.support.clock import Clock
from tests.support.http import a_request
from tests.support.keys import MemoryKeyStore, a_key, with_other_secret

KEY, TEXT = a_key("northwind")
HERE, THERE = "203.0.113.7:50123", "203.0.113.8:50123"
RIGHT_TOKEN, DOWN = "right", "issuer down"
LIMIT = 5


class Verifier:
    """Accepts one token."""

    def verify(self, text: str) -> Claims:
        if text == DOWN:
            raise IssuerUnavailableError("The issuer did not answer.", 5)
        if text != RIGHT_TOKEN:
            raise TokenRefusedError("The token has expired.")
        return {"sub": "someone", "roles": ["Reader"]}

    def check(self) -> None:
        return


class Door:
    """The check of callers over one key and one issuer, with a small limit."""

    def __init__(self) -> None:
        self.store = MemoryKeyStore(KEY)
        self.ring = KeyRing(self.store, Clock(), run_in_background=lambda task: task())
        reader = RoleGrant(scopes=(Scope.EXPORTS_READ,), tenants=("northwind",))
        self.tokens = TokenAuthenticator(Verifier(), TokenAccess({"Reader": reader}, {}))
        self.guesses = GuessLimit(LIMIT, clock=lambda: 0.0)

    def enter(self, headers: dict[str, str], address: str = HERE) -> Caller:
        request = a_request(headers={"x-forwarded-for": address, **headers})
        return authorize(request, self.ring, Scope.EXPORTS_READ, self.tokens, self.guesses)

    def knows(self, headers: dict[str, str]) -> bool:
        return is_known(a_request(headers={"x-forwarded-for": HERE, **headers}), self.ring, self.tokens, self.guesses)

    def refusal(self, headers: dict[str, str], address: str = HERE) -> ProblemError:
        with pytest.raises(ProblemError) as raised:
            self.enter(headers, address)
        return raised.value

    def statuses(self, headers: dict[str, str], times: int, address: str = HERE) -> list[int]:
        return [self.refusal(headers, address).kind.status for _ in range(times)]


def with_key(text: str) -> dict[str, str]:
    return {"x-api-key": text}


def with_token(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize(
    "wrong",
    [with_key("nonsense"), with_key(with_other_secret(TEXT)), with_key(a_key()[1]), with_token("old"), with_token("")],
    ids=["malformed", "other secret", "unknown", "token", "empty token"],
)
def test_beyond_the_limit_a_wrong_key_or_token_is_429_with_retry_after(door: Door, wrong: dict[str, str]) -> None:
    assert door.statuses(wrong, LIMIT) == [401] * LIMIT
    refused = door.refusal(wrong)
    assert (refused.kind.status, refused.kind.code) == (429, "too-many-wrong-keys")
    assert refused.headers["Retry-After"] == "12"
    assert "a valid one works at once" in refused.detail


def test_the_answer_beyond_the_limit_still_says_what_is_wrong_with_a_token(door: Door) -> None:
    door.statuses(with_token("old"), LIMIT)
    assert door.refusal(with_token("old")).detail.startswith("The token has expired. Too many")


def test_a_right_key_or_token_passes_whoever_guesses_from_the_same_address(door: Door) -> None:
    for _ in range(100):
        door.refusal(with_key(str(new_key_text())))
        assert door.enter(with_key(TEXT)).actor == KEY.id
        assert door.enter(with_token(RIGHT_TOKEN)).actor == "token:someone"
        assert door.knows(with_key(TEXT))
        assert door.knows(with_token(RIGHT_TOKEN))


def test_right_keys_and_tokens_do_not_count(door: Door) -> None:
    for _ in range(100):
        door.enter(with_key(TEXT))
        door.enter(with_token(RIGHT_TOKEN))
    assert door.statuses(with_key("wrong"), LIMIT) == [401] * LIMIT


def test_a_request_without_a_key_is_no_guess_and_stays_401(door: Door) -> None:
    for headers in ({}, with_key("")):
        assert door.statuses(headers, 50) == [401] * 50
        assert not door.knows(headers)
    assert door.statuses(with_key("wrong"), LIMIT + 1) == [401] * LIMIT + [429]
    assert door.statuses({}, 3) == [401] * 3


def test_a_key_or_token_that_cannot_be_checked_is_no_guess(door: Door) -> None:
    for _ in range(50):
        with pytest.raises(IssuerUnavailableError):
            door.enter(with_token(DOWN))
        assert not door.knows(with_token(DOWN))
    assert door.statuses(with_key("wrong"), LIMIT) == [401] * LIMIT

    def fail() -> None:
        raise KeysUnavailableError("It did not answer.")

    door.store.before_ask = fail
    with pytest.raises(KeysUnavailableError):
        door.enter(with_key(str(new_key_text())))


def test_keys_and_tokens_of_one_address_share_one_limit(door: Door) -> None:
    mixed = [with_key("wrong"), with_token("old")] * LIMIT
    assert [door.refusal(each).kind.status for each in mixed] == [401] * LIMIT + [429] * LIMIT


def test_the_health_counts_guesses_too_and_stays_open(door: Door) -> None:
    assert not any(door.knows(with_key("wrong")) for _ in range(LIMIT + 20))
    assert door.refusal(with_key("wrong")).kind.status == 429
    assert not door.knows(with_token("old"))


def test_guessers_at_one_address_slow_no_other_address(door: Door) -> None:
    door.statuses(with_key("wrong"), 50)
    assert door.statuses(with_key("wrong"), 1, THERE) == [401]


def test_an_invented_address_gives_a_guesser_no_new_limit(door: Door) -> None:
    found = Counter(door.refusal(with_key("wrong"), f"10.0.0.{n}, {HERE}").kind.status for n in range(40))
    assert found == {401: LIMIT, 429: 40 - LIMIT}


def test_beyond_the_limit_unknown_keys_cause_no_reads_one_by_one(door: Door) -> None:
    door.statuses(with_key("nonsense"), LIMIT)
    assert door.store.reads == 0
    asked: list[None] = []
    door.store.before_ask = lambda: asked.append(None)
    for _ in range(100):
        door.refusal(with_key(str(new_key_text())))
    assert (door.store.reads, len(asked)) == (0, 1)
    assert door.enter(with_key(TEXT)).actor == KEY.id
    assert door.store.reads == 1
