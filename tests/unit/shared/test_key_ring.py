"""Look-ups: remembered shortly, so that a key taken back stops working, and never slowed down by noting uses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event
from typing import Any, NoReturn

import pytest

from shared import api_keys
from shared.api_keys import ApiKey, KeysUnavailableError, new_key_text
from shared.key_ring import KeyRing, Memory
from tests.support.builders import NOON
from tests.support.fakes import Clock
from tests.support.keys import MemoryKeyStore, a_key, with_other_secret

MEMORY = Memory()


class Ring:
    """A ring over one key, its store, and a clock."""

    def __init__(self, memory: Memory = MEMORY, **changes: Any) -> None:
        self.key, self.text = a_key(**changes)
        self.store = MemoryKeyStore(self.key)
        self.clock = Clock()
        self.ring = KeyRing(self.store, self.clock, memory, run_aside=lambda task: task())
        self.find = self.ring.find

    def alter(self, **changes: Any) -> None:
        self.store.change(self.key.id, lambda key: key.model_copy(update=changes))
        self.store.reads = 0

    def last_used(self) -> Any:
        return self.store.list()[0].last_used


def _unavailable() -> NoReturn:
    raise KeysUnavailableError("It did not answer.")


def test_a_key_is_found_by_its_text() -> None:
    ring = Ring()
    assert ring.find(ring.text) == ring.key


@pytest.mark.parametrize(
    "change",
    [with_other_secret, str.upper, lambda text: text[:-1], lambda _: str(new_key_text()), lambda _: "", lambda _: "\0"],
    ids=["other secret", "upper case", "cut off", "unknown", "none", "nonsense"],
)
def test_another_text_opens_nothing(change: Callable[[str], str]) -> None:
    ring = Ring()
    assert ring.find(change(ring.text)) is None


@pytest.mark.parametrize("changes", [{"revoked": NOON}, {"expires": NOON}], ids=["revoked", "expired"])
def test_a_key_that_is_no_longer_good_opens_nothing(changes: dict[str, Any]) -> None:
    ring = Ring(**changes)
    assert ring.find(ring.text) is None


def test_every_refusal_computes_as_many_hashes_as_a_key_that_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, hashes = Ring(), list[str]()
    digest = api_keys._digest
    monkeypatch.setattr(api_keys, "_digest", lambda salt, secret: hashes.append(secret) or digest(salt, secret))  # type: ignore[func-returns-value]
    shown = [ring.text, with_other_secret(ring.text), str(new_key_text()), "nonsense", ""]
    for text in shown:
        ring.find(text)
    assert len(hashes) == len(shown)


def test_what_is_no_key_at_all_asks_no_storage() -> None:
    ring = Ring()
    for text in ("", "nonsense", "x" * 10_000, ring.text + " "):
        ring.find(text)
    assert ring.store.reads == 0


def test_a_key_in_use_is_read_once_in_a_while() -> None:
    ring = Ring()
    for _ in range(10):
        assert ring.find(ring.text)
        ring.clock.advance(seconds=2)
    assert ring.store.reads == 1


def test_a_revoked_key_opens_nothing_when_the_memory_is_over() -> None:
    ring = Ring()
    assert ring.find(ring.text)
    ring.alter(revoked=NOON)
    ring.clock.advance(seconds=MEMORY.known_seconds - 0.001)
    assert ring.find(ring.text), "within the memory the old look-up counts"
    ring.clock.advance(seconds=0.001)
    assert ring.find(ring.text) is None


def test_look_ups_are_forgotten_within_half_a_minute() -> None:
    assert 0 < MEMORY.unknown_seconds < MEMORY.known_seconds <= 30


def test_use_does_not_prolong_the_memory() -> None:
    ring = Ring()
    ring.find(ring.text)
    ring.alter(revoked=NOON)
    for _ in range(30):
        ring.clock.advance(seconds=1)
        last = ring.find(ring.text)
    assert last is None


def test_a_key_expires_at_its_moment_whatever_is_remembered() -> None:
    ring = Ring(expires=Clock().advance(seconds=2))
    assert ring.find(ring.text)
    ring.clock.advance(seconds=2)
    assert ring.find(ring.text) is None


def test_a_clock_that_is_set_back_does_not_prolong_the_memory() -> None:
    ring = Ring()
    ring.find(ring.text)
    ring.alter(revoked=NOON)
    ring.clock.advance(hours=-1)
    assert ring.find(ring.text) is None


def test_an_unknown_id_is_asked_for_again_sooner() -> None:
    ring = Ring()
    other, text = a_key()
    for _ in range(3):
        assert ring.find(text) is None
    assert ring.store.reads == 1
    ring.store.add(other)
    ring.clock.advance(seconds=MEMORY.unknown_seconds)
    assert ring.find(text) == other


def test_guessing_does_not_push_out_the_keys_in_use() -> None:
    ring = Ring(Memory(most=3))
    ring.find(ring.text)
    for _ in range(10):
        ring.find(str(new_key_text()))
    ring.store.reads = 0
    assert ring.find(ring.text)
    assert ring.store.reads == 0


def test_of_too_many_keys_those_read_longest_ago_are_forgotten() -> None:
    ring = Ring(Memory(most=2))
    keys = [a_key() for _ in range(3)]
    for key, text in keys:
        ring.store.add(key)
        ring.find(text)
    ring.store.reads = 0
    assert [bool(ring.find(text)) for _, text in reversed(keys)] == [True] * 3
    assert ring.store.reads == 1


def test_keys_that_cannot_be_read_are_not_taken_for_unknown() -> None:
    ring = Ring()
    ring.store.before_ask = _unavailable
    with pytest.raises(KeysUnavailableError):
        ring.find(ring.text)
    ring.store.before_ask = lambda: None
    assert ring.find(ring.text)


def test_a_use_is_noted_once_in_a_few_minutes() -> None:
    ring = Ring()
    uses = set()
    for _ in range(60):
        ring.find(ring.text)
        uses.add(ring.last_used())
        ring.clock.advance(seconds=10)
    assert len(uses) == 2
    assert NOON in uses


def test_a_use_that_another_process_noted_is_not_noted_again() -> None:
    ring = Ring(last_used=NOON)
    ring.clock.advance(minutes=4)
    ring.find(ring.text)
    assert ring.last_used() == NOON


@pytest.mark.parametrize("text", ["other secret", "revoked"])
def test_a_refused_use_is_not_noted(text: str) -> None:
    ring = Ring(revoked=NOON if text == "revoked" else None)
    ring.find(with_other_secret(ring.text) if text == "other secret" else ring.text)
    assert ring.last_used() is None


def test_a_use_that_cannot_be_noted_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    ring = Ring()
    with caplog.at_level(logging.ERROR):
        ring.ring._look_up(ring.key.id)
        ring.store.before_ask = _unavailable
        assert ring.find(ring.text)


def test_a_use_is_noted_beside_the_request() -> None:
    key, text = a_key()
    store = MemoryKeyStore(key)
    tasks: list[Callable[[], None]] = []
    assert KeyRing(store, Clock(), run_aside=tasks.append).find(text)
    assert store.list()[0].last_used is None
    tasks[0]()
    assert store.list()[0].last_used == NOON


def test_a_slow_store_does_not_hold_up_the_request_that_is_noted() -> None:
    released, noted = Event(), Event()

    class Slow(MemoryKeyStore):
        def note_use(self, key_id: str, moment: Any) -> None:
            released.wait(60)
            noted.set()

    key, text = a_key()
    try:
        assert KeyRing(Slow(key), Clock()).find(text) is not None
        assert not noted.is_set()
    finally:
        released.set()
    assert noted.wait(60)


def test_a_key_of_a_store_is_given_as_it_is_kept() -> None:
    ring = Ring(scopes=("a", "b"))
    found = ring.find(ring.text)
    assert isinstance(found, ApiKey)
    assert (found.scopes, found.tenants) == (("a", "b"), ("tenant",))
