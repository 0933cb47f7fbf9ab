"""Ready-made parts of clients, drawn once for a seed, so that making a client is only choosing among them.

Every pool has a power of two as its length: a choice is a mask of some bits.
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
    """The parts; each list comes in the column order its maker in this module names."""

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
    """Draw all parts. The same seed gives the same parts on every machine."""
    chance = Random(f"sample clients {seed}")  # noqa: S311 - nothing secret is drawn

    def pool(length: int, make: Callable[[Random], T]) -> list[T]:
        return [make(chance) for _ in range(length)]

    return Pools(
        types=chance.choices([str(kind) for kind in _TYPE_WEIGHTS], [*_TYPE_WEIGHTS.values()], k=256),
        statuses=chance.choices([str(status) for status in _STATUS_WEIGHTS], [*_STATUS_WEIGHTS.values()], k=256),
        staff=pool(512, _staff),
        consents=pool(256, _consents),
        addresses=pool(4096, _address),
        persons=pool(8192, _person),
        businesses=pool(4096, _business),
        vat=pool(1024, _vat),
        telephones=pool(4096, lambda chance: _sometimes(chance, _telephone(chance))),
        updates=pool(8192, _update),
        services=pool(512, _services),
    )


def _sometimes(chance: Random, value: T) -> T | None:
    return None if chance.random() < ABSENT_SHARE else value


def _staff(chance: Random) -> Part:
    """manager, manager_code, partner, partner_code, associate, associate_code, team, team_code"""
    people: list[Any] = []
    for role in ("MGR", "PTR", "ASC"):
        index = chance.randrange(len(words.STAFF))
        people += (None, None) if chance.random() < ABSENT_SHARE else (words.STAFF[index], f"{role}-{index + 1:02d}")
    code, name = chance.choice(words.TEAMS)
    return (*people, *((None, None) if chance.random() < ABSENT_SHARE else (name, code)))


def _consents(chance: Random) -> Part:
    """can_contact_post, can_contact_telephone, can_contact_email, can_contact_sms, pcl_sent"""
    return tuple(_sometimes(chance, int(chance.random() < share)) for share in (0.7, 0.6, 0.9, 0.4, 0.5))


def _address(chance: Random) -> Part:
    """line1, line2, line3, city, post_code, country"""
    town, outward, country, _ = chance.choice(words.TOWNS)
    street = f"{chance.randint(1, 240)} {chance.choice(words.STREETS)}"
    lines: list[str | None] = [street, None, None]
    if chance.random() < 0.5:
        lines = [chance.choice(words.BUILDINGS), street, None]
        if chance.random() < 0.4:
            lines[2] = chance.choice(words.LOCALITIES)
    if chance.random() < 0.01:
        lines[0] = f"{chance.choice(words.BUILDINGS)},\n{street}"
    inward = f"{chance.randrange(10)}{_letters(chance, words.POSTCODE_LETTERS, 2)}"
    return (*lines, town, _sometimes(chance, f"{outward} {inward}"), _sometimes(chance, country))


def _person(chance: Random) -> Part:
    """name, title, first, middle and last name, email, phone, mobile, date of birth, personal code, relationships,
    nationality, marital status of the contact"""
    title, first, last = (chance.choice(names) for names in (words.TITLES, words.FIRST_NAMES, words.LAST_NAMES))
    middle = chance.choice(words.MIDDLE_NAMES) if chance.random() < 0.5 else None
    born = date(1940, 1, 1) + timedelta(days=chance.randrange(24_000))
    related = "; ".join(chance.sample(words.RELATIONSHIPS, chance.choice((1, 1, 2, 3))))
    return (
        " ".join(filter(None, (first, middle, last))),
        _sometimes(chance, title),
        first,
        middle,
        last,
        _sometimes(chance, f"{_plain(first)}.{_plain(last)}{chance.randrange(100)}@example.com"),
        _sometimes(chance, _telephone(chance)),
        _sometimes(chance, f"+44 {words.MOBILE_START}{chance.randrange(1000):03d}"),
        _sometimes(chance, born.isoformat()),
        _sometimes(chance, f"P{chance.randrange(1_000_000):06d}"),
        _sometimes(chance, related),
        _sometimes(chance, chance.choice(words.NATIONALITIES)),
        _sometimes(chance, chance.choice(words.MARITAL_STATUSES)),
    )


def _business(chance: Random) -> Part:
    """name without its legal form, email, trading_as, nature_of_business, incorporation_date, website"""
    place, trade = chance.choice(words.PLACES), chance.choice(words.TRADES)
    name = f"{place} {trade}" if chance.random() < 0.7 else f"{chance.choice(words.LAST_NAMES)} & {place} {trade}"
    domain = f"{_plain(place)}-{_plain(trade)}.example"
    trading_as = chance.choice(words.HOSTILE_NAMES) if chance.random() < 0.02 else f"{place} {trade.split()[0]}"
    founded = date(1965, 1, 1) + timedelta(days=chance.randrange(22_000))
    return (
        name,
        _sometimes(chance, f"{chance.choice(('info', 'accounts', 'office'))}@{domain}"),
        _sometimes(chance, trading_as),
        _sometimes(chance, chance.choice(words.NATURES)),
        _sometimes(chance, founded.isoformat()),
        _sometimes(chance, f"https://www.{domain}/"),
    )


def _vat(chance: Random) -> Part:
    """vat_registered, vat_reg_date, vat_scheme, vat_reporting_period"""
    registered = date(1990, 1, 1) + timedelta(days=chance.randrange(13_000))
    return (
        1,
        _sometimes(chance, registered.isoformat()),
        _sometimes(chance, chance.choice(words.VAT_SCHEMES)),
        _sometimes(chance, chance.choice(words.VAT_PERIODS)),
    )


def _telephone(chance: Random) -> str:
    start, end = chance.choice(words.TOWNS)[3], f"{chance.randrange(1000):03d}"
    return f"+44 {start}{end}" if chance.random() < 0.7 else f"0{start}{end}"


def _update(chance: Random) -> str:
    return rfc3339(_NEWEST_UPDATE - timedelta(milliseconds=chance.randrange(_TWO_YEARS_MS)))


def _services(chance: Random) -> str | None:
    count = chance.choice((1, 2, 2, 3, 4, 5))
    return _sometimes(chance, chance.choice((";", "; ")).join(chance.sample(words.SERVICES, count)))


def _letters(chance: Random, alphabet: Sequence[str], count: int) -> str:
    return "".join(chance.choices(alphabet, k=count))


def _plain(text: str) -> str:
    """The ASCII letters of a text, in lower case, for an address of the net."""
    return "".join(letter for letter in text.lower() if "a" <= letter <= "z") or "client"
