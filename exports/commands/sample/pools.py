"""Prepares parts of clients once for a seed, so that making a client only means choosing among them.

The length of every pool is a power of two, so that a few masked bits choose an element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any, TypeVar

from exports.commands.sample import words
from exports.request.fields import ClientStatus, ClientType
from shared.models import rfc3339

Part = tuple[Any, ...]
"""Values of several columns that belong together."""

T = TypeVar("T")

ABSENT_SHARE = 0.05
NO_ADDRESS: Part = (None,) * 6

_TYPE_WEIGHTS = {
    ClientType.PRIVATE_LIMITED_COMPANY: 45,
    ClientType.PUBLIC_LIMITED_COMPANY: 2,
    ClientType.LIMITED_LIABILITY_PARTNERSHIP: 6,
    ClientType.PARTNERSHIP: 7,
    ClientType.INDIVIDUAL: 22,
    ClientType.TRUST: 4,
    ClientType.CHARITY: 4,
    ClientType.SOLE_TRADER: 10,
}
_STATUS_WEIGHTS = {
    ClientStatus.ACTIVE: 80,
    ClientStatus.INACTIVE: 10,
    ClientStatus.PROSPECT: 7,
    ClientStatus.LOST_PROSPECT: 3,
}
_NEWEST_UPDATE = datetime(2026, 1, 1, tzinfo=UTC)
_TWO_YEARS_MS = 2 * 365 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Pools:
    """The parts. The function that makes a part states the order of its columns."""

    types: list[str]
    statuses: list[str]
    staff: list[Part]
    consents: list[Part]
    addresses: list[Part]
    persons: list[Part]
    businesses: list[Part]
    vat: list[Part]
    telephones: list[str | None]
    updates: list[str]
    services: list[str | None]


@lru_cache(maxsize=4)
def make_pools(seed: int) -> Pools:
    """Make all parts at random. The same seed gives the same parts on every machine."""
    rng = Random(f"sample clients {seed}")  # noqa: S311 - makes no secrets

    def pool(length: int, make: Callable[[Random], T]) -> list[T]:
        return [make(rng) for _ in range(length)]

    return Pools(
        types=rng.choices([str(kind) for kind in _TYPE_WEIGHTS], [*_TYPE_WEIGHTS.values()], k=256),
        statuses=rng.choices([str(status) for status in _STATUS_WEIGHTS], [*_STATUS_WEIGHTS.values()], k=256),
        staff=pool(512, _staff),
        consents=pool(256, _consents),
        addresses=pool(4096, _address),
        persons=pool(8192, _person),
        businesses=pool(4096, _business),
        vat=pool(1024, _vat),
        telephones=pool(4096, lambda rng: _sometimes(rng, _telephone(rng))),
        updates=pool(8192, _update),
        services=pool(512, _services),
    )


def _sometimes(rng: Random, value: T) -> T | None:
    return None if rng.random() < ABSENT_SHARE else value


def _staff(rng: Random) -> Part:
    """Return manager, manager_code, partner, partner_code, associate, associate_code, team, team_code."""
    people: list[Any] = []
    for role in ("MGR", "PTR", "ASC"):
        index = rng.randrange(len(words.STAFF))
        people += (None, None) if rng.random() < ABSENT_SHARE else (words.STAFF[index], f"{role}-{index + 1:02d}")
    code, name = rng.choice(words.TEAMS)
    return (*people, *((None, None) if rng.random() < ABSENT_SHARE else (name, code)))


def _consents(rng: Random) -> Part:
    """Return can_contact_post, can_contact_telephone, can_contact_email, can_contact_sms, pcl_sent."""
    return tuple(_sometimes(rng, int(rng.random() < share)) for share in (0.7, 0.6, 0.9, 0.4, 0.5))


def _address(rng: Random) -> Part:
    """Return line1, line2, line3, city, post_code, country."""
    town, outward, country, _ = rng.choice(words.TOWNS)
    street = f"{rng.randint(1, 240)} {rng.choice(words.STREETS)}"
    lines: list[str | None] = [street, None, None]
    if rng.random() < 0.5:
        lines = [rng.choice(words.BUILDINGS), street, None]
        if rng.random() < 0.4:
            lines[2] = rng.choice(words.LOCALITIES)
    if rng.random() < 0.01:
        lines[0] = f"{rng.choice(words.BUILDINGS)},\n{street}"
    inward = f"{rng.randrange(10)}{_letters(rng, words.POSTCODE_LETTERS, 2)}"
    return (*lines, town, _sometimes(rng, f"{outward} {inward}"), _sometimes(rng, country))


def _person(rng: Random) -> Part:
    """Return a contact: name, title, first, middle and last name, email, phone, mobile, date of birth, personal code,
    relationships, nationality, marital status.
    """
    title, first, last = (rng.choice(names) for names in (words.TITLES, words.FIRST_NAMES, words.LAST_NAMES))
    middle = rng.choice(words.MIDDLE_NAMES) if rng.random() < 0.5 else None
    born = date(1940, 1, 1) + timedelta(days=rng.randrange(24_000))
    related = "; ".join(rng.sample(words.RELATIONSHIPS, rng.choice((1, 1, 2, 3))))
    return (
        " ".join(filter(None, (first, middle, last))),
        _sometimes(rng, title),
        first,
        middle,
        last,
        _sometimes(rng, f"{_plain(first)}.{_plain(last)}{rng.randrange(100)}@example.com"),
        _sometimes(rng, _telephone(rng)),
        _sometimes(rng, f"+44 {words.MOBILE_START}{rng.randrange(1000):03d}"),
        _sometimes(rng, born.isoformat()),
        _sometimes(rng, f"P{rng.randrange(1_000_000):06d}"),
        _sometimes(rng, related),
        _sometimes(rng, rng.choice(words.NATIONALITIES)),
        _sometimes(rng, rng.choice(words.MARITAL_STATUSES)),
    )


def _business(rng: Random) -> Part:
    """Return name without its legal form, email, trading_as, nature_of_business, incorporation_date, website."""
    place, trade = rng.choice(words.PLACES), rng.choice(words.TRADES)
    name = f"{place} {trade}" if rng.random() < 0.7 else f"{rng.choice(words.LAST_NAMES)} & {place} {trade}"
    domain = f"{_plain(place)}-{_plain(trade)}.example"
    trading_as = rng.choice(words.HOSTILE_NAMES) if rng.random() < 0.02 else f"{place} {trade.split()[0]}"
    founded = date(1965, 1, 1) + timedelta(days=rng.randrange(22_000))
    return (
        name,
        _sometimes(rng, f"{rng.choice(('info', 'accounts', 'office'))}@{domain}"),
        _sometimes(rng, trading_as),
        _sometimes(rng, rng.choice(words.NATURES)),
        _sometimes(rng, founded.isoformat()),
        _sometimes(rng, f"https://www.{domain}/"),
    )


def _vat(rng: Random) -> Part:
    """Return vat_registered, vat_reg_date, vat_scheme, vat_reporting_period."""
    registered = date(1990, 1, 1) + timedelta(days=rng.randrange(13_000))
    return (
        1,
        _sometimes(rng, registered.isoformat()),
        _sometimes(rng, rng.choice(words.VAT_SCHEMES)),
        _sometimes(rng, rng.choice(words.VAT_PERIODS)),
    )


def _telephone(rng: Random) -> str:
    start, end = rng.choice(words.TOWNS)[3], f"{rng.randrange(1000):03d}"
    return f"+44 {start}{end}" if rng.random() < 0.7 else f"0{start}{end}"


def _update(rng: Random) -> str:
    return rfc3339(_NEWEST_UPDATE - timedelta(milliseconds=rng.randrange(_TWO_YEARS_MS)))


def _services(rng: Random) -> str | None:
    count = rng.choice((1, 2, 2, 3, 4, 5))
    return _sometimes(rng, rng.choice((";", "; ")).join(rng.sample(words.SERVICES, count)))


def _letters(rng: Random, alphabet: Sequence[str], count: int) -> str:
    return "".join(rng.choices(alphabet, k=count))


def _plain(text: str) -> str:
    """Return the ASCII letters of a text in lower case, for use in an e-mail or web address."""
    return "".join(letter for letter in text.lower() if "a" <= letter <= "z") or "client"
