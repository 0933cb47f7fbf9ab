"""Keys of clients in Table Storage: what stands for a tenant and a code, and which keys a range of codes covers.

A row key is the code; a partition key is the tenant, `|`, and the first characters of the row key. So partitions are
neighbours in key order, a tenant spreads over as many as its codes have beginnings, and the order of (partition, row)
is the order of row keys. Letters, digits, `.`, `-` and `_` of ASCII stand for themselves; any other character is
written `~` and six hex digits, because keys cannot hold all characters and services differ in the order of the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_ESCAPED = re.compile(r"~([0-9a-f]{6})")
_TENANT_END, _TENANTS_END = "|", "}"
"""`}` follows `|`, and no key has either but where the tenant ends: so they enclose the partitions of one tenant."""

_AFTER = "~~"
"""Follows every continuation of a beginning: behind a `~` come hex digits."""


def escape(text: str) -> str:
    """Write a tenant or a code as a key."""
    return _UNSAFE.sub(lambda found: f"~{ord(found[0]):06x}", text)


def unescape(key: str) -> str:
    """Read what `escape` has written."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), key)


def after(beginning: str) -> str:
    """A key that follows all keys of a beginning, and comes before those of the next."""
    return beginning + _AFTER


def quoted(text: str) -> str:
    """Write a text as a literal of OData."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """The keys of one tenant's clients.

    Attributes:
        prefix: How many characters of the row key the partition key repeats.
    """

    tenant: str
    prefix: int

    @property
    def first(self) -> str:
        """No partition of the tenant comes before this one."""
        return escape(self.tenant) + _TENANT_END

    @property
    def end(self) -> str:
        """Every partition of the tenant comes before this."""
        return escape(self.tenant) + _TENANTS_END

    def partition(self, row_key: str) -> str:
        """Name the partition of a row key."""
        return self.first + row_key[: self.prefix]

    def beginning(self, partition: str) -> str:
        """The part of a partition key that row keys have in common."""
        return partition.removeprefix(self.first)

    def code(self, partition: str, row_key: str) -> str:
        """Read a client's code from its keys.

        Raises:
            SourceMismatchError: The keys are not as documented, so ranges of them would miss clients.
        """
        code = unescape(row_key)
        if partition != self.partition(row_key) or escape(code) != row_key:
            raise SourceMismatchError(
                "A client in Table Storage has keys that are not as docs/client-view.md says, or the setting "
                "CLIENTS_DATABASE_URL gives another prefix than they were written with."
            )
        return code

    def conditions(self, wanted: KeyRange) -> list[str]:
        """Filters that together cover a range of codes, in key order. None of them has an `or`: the service would
        answer that by walking the whole table."""
        if wanted.start is None and wanted.stop is None:
            return [self.between(self.first, self.end)]
        start = None if wanted.start is None else escape(wanted.start)
        stop = None if wanted.stop is None else escape(wanted.stop)
        if start is not None and stop is not None and self.partition(start) == self.partition(stop):
            return [f"{self._within(start)} and RowKey ge {quoted(start)} and RowKey lt {quoted(stop)}"]
        low = f"PartitionKey ge {quoted(self.first)}"
        high = f"PartitionKey lt {quoted(self.end)}"
        found = []
        if start is not None:
            found.append(f"{self._within(start)} and RowKey ge {quoted(start)}")
            low = f"PartitionKey gt {quoted(self.partition(start))}"
        if stop is not None:
            high = f"PartitionKey lt {quoted(self.partition(stop))}"
        found.append(f"{low} and {high}")
        if stop is not None:
            found.append(f"{self._within(stop)} and RowKey lt {quoted(stop)}")
        return found

    def between(self, start: str, stop: str) -> str:
        """A filter for the partitions `[start, stop)`."""
        return f"PartitionKey ge {quoted(start)} and PartitionKey lt {quoted(stop)}"

    def _within(self, row_key: str) -> str:
        return f"PartitionKey eq {quoted(self.partition(row_key))}"
