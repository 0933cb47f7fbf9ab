"""Makes sample clients as rows. A client depends only on its tenant, its number and the seed."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from exports.commands.sample.pools import NO_ADDRESS, Part, make_pools
from exports.commands.sample.words import HOSTILE_NAMES
from exports.request.fields import ClientType

_ADDRESS = ("line1", "line2", "line3", "city", "post_code", "country")

SAMPLE_COLUMNS: tuple[str, ...] = (
    *("tenant", "code", "internal_reference", "status", "type"),
    *("manager", "manager_code", "partner", "partner_code", "associate", "associate_code", "team", "team_code"),
    *("can_contact_post", "can_contact_telephone", "can_contact_email", "can_contact_sms", "pcl_sent"),
    *("telephone", "service_codes", "updated_at"),
    *("contact_name", "contact_title", "contact_first_name", "contact_middle_name", "contact_last_name"),
    *("contact_email", "contact_phone", "contact_mobile", "contact_date_of_birth", "personal_code"),
    *("contact_relationships", "contact_nationality", "contact_marital_status"),
    *(f"registered_address_{part}" for part in _ADDRESS),
    *(f"postal_address_{part}" for part in _ADDRESS),
    *(f"invoice_address_{part}" for part in _ADDRESS),
    *("name", "email", "trading_as", "nature_of_business", "incorporation_date", "website"),
    *("vat_number", "vat_registered", "vat_reg_date", "vat_scheme", "vat_reporting_period"),
    *("company_number", "companies_house_authentication_code"),
    *("utr", "self_assessment_utr", "company_utr", "ni_number", "paye_ref", "accounts_office_ref"),
)
"""The order of values in a row: values that are made together are adjacent. The view has the documented order."""

_WORD = (1 << 64) - 1
_THREE = tuple(f"{n:03d}" for n in range(1000))
_FOUR = tuple(f"{n:04d}" for n in range(10_000))
_NO_VAT: Part = (None, 0, None, None, None)
_PERSONS = frozenset({ClientType.INDIVIDUAL.value, ClientType.SOLE_TRADER.value})
_NI_LETTERS = "ABCEGHJKLMNPRSTW"
_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_LEGAL_FORMS = {
    ClientType.PRIVATE_LIMITED_COMPANY.value: (" Ltd", " Limited", " Ltd.", " LIMITED"),
    ClientType.PUBLIC_LIMITED_COMPANY.value: (" PLC", " plc", " PLC", " P.L.C."),
    ClientType.LIMITED_LIABILITY_PARTNERSHIP.value: (" LLP", " LLP", " LLP", " llp"),
    ClientType.PARTNERSHIP.value: (" & Partners", " Partnership", " & Sons", " Associates"),
    ClientType.TRUST.value: (" Trust", " Settlement", " Will Trust", " Discretionary Trust"),
    ClientType.CHARITY.value: (" Foundation", " Charity", " Community Trust", " Appeal"),
}
_COMPANY = ("",) * 13 + ("SC", "SC", "NI")
_NUMBER_PREFIXES = {
    ClientType.PRIVATE_LIMITED_COMPANY.value: _COMPANY,
    ClientType.PUBLIC_LIMITED_COMPANY.value: _COMPANY,
    ClientType.LIMITED_LIABILITY_PARTNERSHIP.value: ("OC",) * 14 + ("SO", "NC"),
    ClientType.CHARITY.value: ("CE",) * 14 + ("CS", "CS"),
}
"""Prefixes of company numbers at Companies House: none (eight digits) in England and Wales, two letters elsewhere."""


class SampleClients:
    """The clients of one tenant, numbered from 1. Their codes sort like their numbers."""

    def __init__(self, tenant: str, seed: int) -> None:
        self._tenant = tenant
        self._salt = crc32(tenant.encode()) << 32 | seed & 0xFFFFFFFF
        self._pools = make_pools(seed)

    def rows(self, first: int, count: int) -> Iterator[Part]:
        """Yield the clients `first`, `first + 1`, … in the order of `SAMPLE_COLUMNS`."""
        return map(self._row, range(first, first + count))

    def _row(self, number: int) -> Part:
        pools = self._pools
        # The finalizer of splitmix64: consecutive numbers give unrelated bits.
        bits = number * 0x9E3779B97F4A7C15 + self._salt & _WORD
        bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _WORD
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _WORD
        more = (bits ^ bits >> 31) * 0xD6E8FEB86659FD93 & _WORD
        kind = pools.types[bits & 255]
        person = pools.persons[more >> 8 & 8191]
        return (
            self._tenant,
            f"C{number:08d}",
            _FOUR[more % 9973] if more % 19 else None,
            pools.statuses[bits >> 8 & 255],
            kind,
            *pools.staff[bits >> 16 & 511],
            *pools.consents[bits >> 25 & 255],
            pools.telephones[bits >> 33 & 4095],
            pools.services[bits >> 45 & 511],
            pools.updates[more >> 21 & 8191],
            *person,
            *(self._person(bits, more, person) if kind in _PERSONS else self._company(bits, more, kind)),
        )

    def _person(self, bits: int, more: int, person: Part) -> Part:
        """Return the other values of a person: a home address for letters, personal tax numbers, no company data."""
        home = self._pools.addresses[more >> 34 & 4095]
        utr = _ten_digits(more) if bits % 21 else None
        return (
            *NO_ADDRESS,
            *home,
            *(home if more % 20 else NO_ADDRESS),
            *(person[0], person[5], None, None, None, None),
            *_NO_VAT,
            *(None, None),
            *(utr, utr, None, _ni_number(bits, more) if bits % 22 else None, None, None),
        )

    def _company(self, bits: int, more: int, kind: str) -> Part:
        """Return the other values of a business: its name, addresses, registrations and references."""
        pools = self._pools
        seat = pools.addresses[more >> 34 & 4095]
        stem, *profile = pools.businesses[bits >> 54 & 1023 | more >> 36 & 3072]
        utr = _ten_digits(more) if bits % 21 else None
        registered = more % 20 < 15
        return (
            *seat,
            *(seat if bits % 4 else pools.addresses[more >> 46 & 4095]),
            *(seat if bits % 5 else NO_ADDRESS),
            _business_name(bits, more, stem, kind),
            *profile,
            *((_vat_number(more), *pools.vat[more >> 50 & 1023]) if registered else _NO_VAT),
            *_companies_house(bits, more, kind),
            *(utr, None, utr, None),
            *_employer(bits, more),
        )


def _business_name(bits: int, more: int, stem: str, kind: str) -> str:
    if more % 50 == 0:
        return HOSTILE_NAMES[bits % len(HOSTILE_NAMES)]
    return stem + _LEGAL_FORMS[kind][bits >> 42 & 3]


def _ten_digits(more: int) -> str:
    return _THREE[more % 1000] + _THREE[more >> 20 & 511] + _FOUR[(more >> 30) % 10_000]


def _vat_number(more: int) -> str:
    return "GB" + _FOUR[(more >> 16) % 10_000] + _FOUR[(more >> 32) % 10_000] + str(more % 10)


def _ni_number(bits: int, more: int) -> str:
    letters = _NI_LETTERS[bits >> 12 & 15] + _NI_LETTERS[bits >> 44 & 15]
    return letters + _THREE[more % 997] + _THREE[(more >> 24) % 1000] + "ABCD"[bits >> 50 & 3]


def _companies_house(bits: int, more: int, kind: str) -> Part:
    prefixes = _NUMBER_PREFIXES.get(kind)
    if prefixes is None:
        return None, None
    prefix = prefixes[more >> 5 & 15]
    digits = _THREE[(more >> 13) % 1000] + _THREE[(bits >> 19) % 1000]
    number = prefix + digits if prefix else _FOUR[more % 1700][:2] + digits
    return number, _authentication_code(more) if bits % 23 else None


def _authentication_code(more: int) -> str:
    letters = _CODE_LETTERS
    return letters[more & 31] + letters[more >> 6 & 31] + _FOUR[(more >> 12) % 10_000]


def _employer(bits: int, more: int) -> Part:
    """Return paye_ref, accounts_office_ref."""
    office, reference = _THREE[more % 999], _FOUR[(bits >> 24) % 10_000]
    paye_ref = f"{office}/{_NI_LETTERS[bits >> 20 & 15]}{_NI_LETTERS[more >> 9 & 15]}{reference}"
    return (
        paye_ref if bits % 24 else None,
        f"{office}P{_NI_LETTERS[more >> 14 & 15]}0000{reference}" if bits % 19 else None,
    )
