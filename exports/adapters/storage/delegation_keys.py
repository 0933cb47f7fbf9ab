"""User delegation keys: Azure Storage issues them to an identity, which signs links with them. No account key is used.

Source: "Get User Delegation Key" of the Blob service REST API.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError
from azure.storage.blob import UserDelegationKey

from exports.errors import StorageUnavailableError
from shared.events import emit
from shared.storage import StorageAccount, code_of, is_transient, transient_sentence

_CLOCK_MARGIN = timedelta(minutes=15)
"""How far the clocks of this process and of Azure Storage may differ."""
_LIFE = timedelta(days=7) - _CLOCK_MARGIN
"""Azure Storage refuses a key that ends more than seven days after its own present time."""
_PAUSES_SECONDS = (0.5, 1.0)


class DelegationKeys:
    """Keeps one key for all links of a process, because a new key takes a round trip."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._key: UserDelegationKey | None = None
        self._expiry = datetime.min.replace(tzinfo=UTC)

    def key_until(self, moment: datetime) -> UserDelegationKey:
        """Return a key that is valid now and at this moment, at most a day ahead, also for a clock that differs.

        A refused request is sent again: a new role assignment takes some minutes to reach every server of Azure.

        Raises:
            StorageUnavailableError: Azure Storage did not answer, or refused a key three times.
        """
        with self._lock:
            if self._key is None or self._expiry < moment + _CLOCK_MARGIN:
                now = datetime.now(UTC)
                self._key, self._expiry = self._request(now - _CLOCK_MARGIN, now + _LIFE), now + _LIFE
            return self._key

    def _request(self, start: datetime, expiry: datetime) -> UserDelegationKey:
        for pause_seconds in (*_PAUSES_SECONDS, None):
            try:
                return self._account.blobs.get_user_delegation_key(start, expiry)
            except AzureError as error:
                if is_transient(error):
                    raise StorageUnavailableError(transient_sentence("Blob Storage", error)) from error
                status = getattr(error, "status_code", None)
                emit("link.key_refused", logging.WARNING, error=code_of(error), answer=status)
                if pause_seconds is not None:
                    time.sleep(pause_seconds)
        raise StorageUnavailableError("Blob Storage refused a key for links.")
