"""The keys of clients in Table Storage: how tenants and codes are written, and which keys a range of codes covers.

A row key is the code; a partition key is the tenant, `|`, and the first characters of the row key. So the partitions of
a tenant are neighbours in key order, a tenant has as many partitions as its codes have different prefixes, and the
order of (partition, row) is the order of row keys. Letters, digits, `.`, `-` and `_` of ASCII stand for themselves. Any
other character is written as `~` and six hex digits, because keys cannot hold all characters and services order some
characters differently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_ESCAPED = re.compile(r"~([0-9a-f]{6})")
_TENANT_END, _TENANTS_END = "|", "}"
"""Enclose the partitions of one tenant: `}` follows `|`, and `|` occurs in keys only at the end of the tenant."""

_AFTER = "~~"
"""Follows every continuation of a prefix, because hex digits come after a `~`."""


def escape(text: str) -> str:
    """Return a tenant or a code as it is written in a key."""
    return _UNSAFE.sub(lambda found: f"~{ord(found[0]):06x}", text)


def unescape(key: str) -> str:
    """Return the text that `escape` has written."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), key)


def after_prefix(prefix: str) -> str:
    """Return a key that follows all keys with this prefix and precedes all keys with the next prefix."""
    return prefix + _AFTER


def quoted(text: str) -> str:
    """Return a text as an OData literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """The keys of one tenant's clients.

    Attributes:
        prefix_chars: How many characters of the row key the partition key repeats.
    """

    tenant: str
    prefix_chars: int

    @property
    def first(self) -> str:
        """A key at or before every partition of the tenant."""
        return escape(self.tenant) + _TENANT_END

    @property
    def end(self) -> str:
        """A key after every partition of the tenant."""
        return escape(self.tenant) + _TENANTS_END

    def partition(self, row_key: str) -> str:
        """Return the partition of a row key."""
        return self.first + row_key[: self.prefix_chars]

    def row_key_prefix(self, partition: str) -> str:
        """Return the prefix that all row keys of a partition share."""
        return partition.removeprefix(self.first)

    def code(self, partition: str, row_key: str) -> str:
        """Return a client's code, read from its keys.

        Raises:
            SourceMismatchError: The keys are not written as documented, so key ranges would miss clients.
        """
        code = unescape(row_key)
        if partition != self.partition(row_key) or escape(code) != row_key:
            raise SourceMismatchError(
                "A client in Table Storage has keys that are not as docs/client-view.md says, or the setting "
                "CLIENTS_DATABASE_URL gives another prefix than they were written with."
            )
        return code

    def conditions(self, wanted: KeyRange) -> list[str]:
        """Return filters that together cover a range of codes, in key order.

        None of them contains an `or`, because the service would scan the whole table for it.
        """
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
        """Return a filter for the partitions `[start, stop)`."""
        return f"PartitionKey ge {quoted(start)} and PartitionKey lt {quoted(stop)}"

    def _within(self, row_key: str) -> str:
        return f"PartitionKey eq {quoted(self.partition(row_key))}"
