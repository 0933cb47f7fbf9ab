"""The key ring caches lookups briefly, so that a revoked key soon stops working, and records uses in the background."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event
from typing import Any, NoReturn

import pytest

from shared import api_keys
from shared.api_keys import ApiKey, KeysUnavailableError, new_key_text
from shared.key_ring import CacheLimits, KeyRing
from tests.support.builders import NOON
from tests.support.clock import Clock
from tests.support.keys import MemoryKeyStore, a_key, with_other_secret

LIMITS = CacheLimits()


class Ring:
    """A ring over one key, its store, and the clocks of a host."""

    def __init__(self, limits: CacheLimits = LIMITS, **changes: Any) -> None:
        self.key, self.text = a_key(**changes)
        self.store = MemoryKeyStore(self.key)
        self.clock = Clock()
        self.ring = KeyRing(
            self.store, self.clock, limits, run_in_background=lambda task: task(), clock=self.clock.monotonic
        )
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
def test_any_other_text_is_refused(change: Callable[[str], str]) -> None:
    ring = Ring()
    assert ring.find(change(ring.text)) is None


@pytest.mark.parametrize(("change", "state"), [("revoked", "revoked"), ("expires", "expired")])
def test_an_event_tells_now_and_then_of_a_key_that_is_no_longer_valid(
    change: str, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    changes: dict[str, Any] = {change: NOON}
    ring = Ring(**changes)
    told = f"event=key.refused error={state} key={ring.key.id}"
    assert ring.find(with_other_secret(ring.text)) is None
    assert told not in caplog.text
    for _ in range(3):
        assert ring.find(ring.text) is None
    assert caplog.text.count(told) == 1
    ring.clock.advance(seconds=LIMITS.use_seconds)
    assert ring.find(ring.text) is None
    assert caplog.text.count(told) == 2


@pytest.mark.parametrize("changes", [{"revoked": NOON}, {"expires": NOON}], ids=["revoked", "expired"])
def test_an_expired_or_revoked_key_is_refused(changes: dict[str, Any]) -> None:
    ring = Ring(**changes)
    assert ring.find(ring.text) is None


def test_a_refusal_computes_as_many_hashes_as_an_acceptance(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, hashes = Ring(), list[str]()
    digest = api_keys._digest
    monkeypatch.setattr(api_keys, "_digest", lambda salt, secret: hashes.append(secret) or digest(salt, secret))  # type: ignore[func-returns-value]
    shown = [ring.text, with_other_secret(ring.text), str(new_key_text()), "nonsense", ""]
    for text in shown:
        ring.find(text)
    assert len(hashes) == len(shown)


def test_malformed_text_is_refused_without_a_read_of_the_store() -> None:
    ring = Ring()
    for text in ("", "nonsense", "x" * 10_000, ring.text + " "):
        ring.find(text)
    assert ring.store.reads == 0


def test_a_key_in_use_is_read_from_the_store_once_and_then_cached() -> None:
    ring = Ring()
    for _ in range(10):
        assert ring.find(ring.text)
        ring.clock.advance(seconds=2)
    assert ring.store.reads == 1


def test_a_revoked_key_is_refused_once_its_cache_entry_expires() -> None:
    ring = Ring()
    assert ring.find(ring.text)
    ring.alter(revoked=NOON)
    ring.clock.advance(seconds=LIMITS.known_seconds - 0.001)
    assert ring.find(ring.text), "the cached lookup is used until it expires"
    ring.clock.advance(seconds=0.001)
    assert ring.find(ring.text) is None


def test_cache_entries_expire_within_30_seconds() -> None:
    assert 0 < LIMITS.unknown_seconds < LIMITS.known_seconds <= 30


def test_use_does_not_prolong_a_cache_entry() -> None:
    ring = Ring()
    ring.find(ring.text)
    ring.alter(revoked=NOON)
    for _ in range(30):
        ring.clock.advance(seconds=1)
        last = ring.find(ring.text)
    assert last is None


def test_a_cached_key_still_expires_on_time() -> None:
    ring = Ring(expires=Clock().advance(seconds=2))
    assert ring.find(ring.text)
    ring.clock.advance(seconds=2)
    assert ring.find(ring.text) is None


@pytest.mark.parametrize("seconds_set", [-20, -3600, 3600])
def test_a_clock_that_is_set_does_not_change_how_long_a_key_is_cached(seconds_set: float) -> None:
    ring = Ring()
    ring.find(ring.text)
    ring.alter(revoked=NOON)
    ring.clock.advance(seconds=29)
    ring.clock.set_forward(seconds=seconds_set)
    assert (ring.find(ring.text), ring.store.reads) == (ring.key, 0)
    ring.clock.advance(seconds=1)
    assert ring.find(ring.text) is None


def test_an_unknown_id_is_cached_for_a_shorter_time() -> None:
    ring = Ring()
    other, text = a_key()
    for _ in range(3):
        assert ring.find(text) is None
    assert ring.store.reads == 1
    ring.store.add(other)
    ring.clock.advance(seconds=LIMITS.unknown_seconds)
    assert ring.find(text) == other


def test_a_flood_of_guessed_ids_causes_few_requests_to_the_store() -> None:
    ring = Ring()
    asked: list[None] = []
    ring.store.before_ask = lambda: asked.append(None)
    for _ in range(500):
        assert ring.find(str(new_key_text())) is None
    assert (ring.store.reads, len(asked)) == (LIMITS.unknown_reads, LIMITS.unknown_reads + 1)
    ring.clock.advance(seconds=LIMITS.unknown_seconds)
    for _ in range(500):
        ring.find(str(new_key_text()))
    assert len(asked) == 2 * (LIMITS.unknown_reads + 1)


def test_without_reads_one_by_one_the_ids_of_all_keys_are_read_instead() -> None:
    ring = Ring(CacheLimits(unknown_reads=0))
    for _ in range(10):
        assert ring.find(str(new_key_text())) is None
    assert ring.store.reads == 0
    assert ring.find(ring.text)


def test_a_caller_who_guesses_causes_no_reads_one_by_one_and_a_right_key_is_found() -> None:
    ring = Ring()
    asked: list[None] = []
    ring.store.before_ask = lambda: asked.append(None)
    for _ in range(10):
        assert ring.find(str(new_key_text()), by_guesser=True) is None
    assert (ring.store.reads, len(asked)) == (0, 1)
    assert ring.find(ring.text, by_guesser=True)


def test_a_flood_of_guessed_ids_locks_no_right_key_out() -> None:
    ring = Ring()
    later, text = a_key()
    for _ in range(100):
        ring.find(str(new_key_text()))
    assert ring.find(ring.text)
    ring.store.add(later)
    ring.clock.advance(seconds=LIMITS.unknown_seconds)
    for _ in range(100):
        ring.find(str(new_key_text()))
    assert ring.find(text)
    ring.clock.advance(seconds=LIMITS.known_seconds)
    for _ in range(100):
        ring.find(str(new_key_text()))
    assert ring.find(ring.text)


def test_guessed_ids_do_not_evict_the_keys_in_use() -> None:
    ring = Ring(CacheLimits(max_entries=3))
    ring.find(ring.text)
    for _ in range(10):
        ring.find(str(new_key_text()))
    ring.store.reads = 0
    assert ring.find(ring.text)
    assert ring.store.reads == 0


def test_a_full_cache_evicts_the_key_that_was_read_first() -> None:
    ring = Ring(CacheLimits(max_entries=2))
    keys = [a_key() for _ in range(3)]
    for key, text in keys:
        ring.store.add(key)
        ring.find(text)
    ring.store.reads = 0
    assert [bool(ring.find(text)) for _, text in reversed(keys)] == [True] * 3
    assert ring.store.reads == 1


def test_a_failed_read_is_not_cached_as_an_unknown_key() -> None:
    ring = Ring()
    ring.store.before_ask = _unavailable
    with pytest.raises(KeysUnavailableError):
        ring.find(ring.text)
    ring.store.before_ask = lambda: None
    assert ring.find(ring.text)


def test_the_last_use_is_written_at_most_once_in_five_minutes() -> None:
    ring = Ring()
    uses = set()
    for _ in range(60):
        ring.find(ring.text)
        uses.add(ring.last_used())
        ring.clock.advance(seconds=10)
    assert len(uses) == 2
    assert NOON in uses


def test_a_use_that_another_process_just_recorded_is_not_recorded_again() -> None:
    ring = Ring(last_used=NOON)
    ring.clock.advance(minutes=4)
    ring.find(ring.text)
    assert ring.last_used() == NOON


@pytest.mark.parametrize("text", ["other secret", "revoked"])
def test_a_refused_key_records_no_use(text: str) -> None:
    ring = Ring(revoked=NOON if text == "revoked" else None)
    ring.find(with_other_secret(ring.text) if text == "other secret" else ring.text)
    assert ring.last_used() is None


def test_a_use_that_cannot_be_recorded_does_not_fail_the_request(caplog: pytest.LogCaptureFixture) -> None:
    ring = Ring()
    with caplog.at_level(logging.ERROR):
        ring.ring._lookup(ring.key.id)
        ring.store.before_ask = _unavailable
        assert ring.find(ring.text)


def test_the_next_request_tells_of_a_use_that_could_not_be_recorded(caplog: pytest.LogCaptureFixture) -> None:
    """The background cannot tell: the host drops a record that a thread makes after its request has ended."""
    key, text = a_key()
    store, tasks = MemoryKeyStore(key), list[Callable[[], None]]()
    ring = KeyRing(store, Clock(), run_in_background=tasks.append)
    ring.find(text)
    store.before_ask = _unavailable
    tasks[0]()
    assert "key.use_not_noted" not in caplog.text
    ring.find("not a key")
    ring.find("not a key")
    assert caplog.text.count(f"event=key.use_not_noted key={key.id}") == 1


def test_a_use_is_recorded_in_the_background() -> None:
    key, text = a_key()
    store = MemoryKeyStore(key)
    tasks: list[Callable[[], None]] = []
    assert KeyRing(store, Clock(), run_in_background=tasks.append).find(text)
    assert store.list()[0].last_used is None
    tasks[0]()
    assert store.list()[0].last_used == NOON


def test_a_slow_store_does_not_delay_the_request_whose_use_it_records() -> None:
    released, recorded = Event(), Event()

    class Slow(MemoryKeyStore):
        def record_use(self, key_id: str, moment: Any) -> None:
            released.wait(60)
            recorded.set()

    key, text = a_key()
    try:
        assert KeyRing(Slow(key), Clock()).find(text) is not None
        assert not recorded.is_set()
    finally:
        released.set()
    assert recorded.wait(60)


def test_the_key_is_returned_as_it_is_stored() -> None:
    ring = Ring(scopes=("a", "b"))
    found = ring.find(ring.text)
    assert isinstance(found, ApiKey)
    assert (found.scopes, found.tenants) == (("a", "b"), ("tenant",))
