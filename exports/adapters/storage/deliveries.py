"""The log of deliveries in Table Storage: partition = tenant, row = code, attempt, moment and a random number."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from exports.adapters.storage.table_adapter import Entity, TableAdapter, sortable_moment
from exports.notifications.delivery import Delivery


class TableDeliveryLog(TableAdapter):
    """Implements `exports.ports.webhooks.DeliveryLog` on the table `exportdeliveries`."""

    _default_table = "exportdeliveries"

    def append(self, delivery: Delivery) -> None:
        """See `DeliveryLog.append`. A step that ran twice has sent the message twice, so it adds two rows."""
        with self._translate_failures():
            self._table.create_entity(_to_entity(delivery))

    def deliveries(self, tenant: str, code: str | None = None) -> Iterator[Delivery]:
        """See `DeliveryLog.deliveries`. Job codes sort newest first."""
        with self._translate_failures():
            for row in self._rows(tenant, code):
                yield Delivery.model_validate_json(row["delivery"])

    def purge(self, tenant: str, code: str) -> None:
        """See `DeliveryLog.purge`. A job has some dozens of rows for each receiver, more if callers sent again."""
        with self._translate_failures():
            for row in list(self._rows(tenant, code, select=["PartitionKey", "RowKey"])):
                self._table.delete_entity(row)

    def _rows(self, tenant: str, code: str | None, **options: Any) -> Iterator[Any]:
        query, parameters = "PartitionKey eq @tenant", {"tenant": tenant}
        if code is not None:
            query += " and RowKey gt @first and RowKey lt @last"
            parameters |= {"first": f"{code}-", "last": f"{code}."}
        return iter(self._table.query_entities(query, parameters=parameters, **options))


def _to_entity(delivery: Delivery) -> Entity:
    moment = sortable_moment(delivery.moment)
    return {
        "PartitionKey": delivery.tenant,
        "RowKey": f"{delivery.code}-{delivery.attempt:06d}-{moment}-{secrets.token_hex(4)}",
        "eventId": delivery.event_id,
        "delivery": delivery.model_dump_json(by_alias=True),
    }
