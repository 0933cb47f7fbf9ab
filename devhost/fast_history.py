"""A replay optimisation: the SDK spends three quarters of a replay parsing timestamps with dateutil.

The host writes them in ISO form, which `datetime.fromisoformat` reads many times faster with the same result. It is a
patch of SDK internals, so it applies to known versions only. DEVHOST_FAST_HISTORY=0 turns it off.
"""

import importlib
import logging
from datetime import datetime
from importlib.metadata import version

_KNOWN_VERSIONS = ("1.7.",)
_MODULE = "azure.durable_functions.models.history.HistoryEvent"


def speed_up_history_parsing() -> None:
    """Replace the timestamp parser of the SDK's history events, if the SDK is one this was proven on."""
    installed = version("azure-functions-durable")
    if not installed.startswith(_KNOWN_VERSIONS):
        logging.getLogger("devhost").warning("fast history parsing is off: unknown SDK version %s", installed)
        return
    importlib.import_module(_MODULE).dt_parse = datetime.fromisoformat  # type: ignore[attr-defined]
