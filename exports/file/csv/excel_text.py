"""Keep Excel from turning text into other numbers and dates when it opens a CSV file.

Excel drops leading zeros, shows more than 11 digits as 1.23E+11 and zeroes all after the 15th, reads `12E45` as a power
of ten, `3-4`, `MAR1` and `8:30` as dates and times, drops the plus of `+442079460000` and computes `+44-20`; quotes do
not stop it, and a leading space does not either (Microsoft Knowledge Base Q97912; "Set automatic data conversions").
A formula that is one constant does: `="0123"` shows 0123. Such a formula is inert: only digits, signs and the letters
named below can stand between its quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST = 255
"""Characters of a constant in a formula (Excel specifications and limits); longer text stays as it is."""

_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_CONVERTED = re.compile(
    rf"""(?=[\ 0-9+\-adfjmnos])\ *(?:                          # most text is told by its first letter
      -?0[0-9][0-9\ ./-]*                                      # leading zeros; spaces may group thousands
    | -?[0-9]{{12,}}(?:\.[0-9]*)?                               # too many digits
    | [+-]?[0-9]+(?:\.[0-9]*)?e[+-]?[0-9]+                      # a power of ten
    | [0-9]{{1,4}}[-/.][0-9]{{1,2}}(?:[-/.][0-9]{{1,4}})?       # a date, or decimals that end in zeros
    | [0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?(?:\ ?[ap]m?)?     # a time
    | [0-9]{{1,2}}\ [ap]m?
    | (?:{_MONTH})[-/.\ ]?[0-9]{{1,4}}
    | [0-9]{{1,2}}[-/.\ ]?(?:{_MONTH})(?:[-/.\ ]?[0-9]{{2,4}})?
    | (?!-[0-9,]{{0,14}}\.?[0-9]+%?\ *\Z)[+-]\ ?[0-9(.][0-9\ ()./%-]*   # a sign, but not a negative number
    )\ *""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)


def is_converted(text: str) -> bool:
    """Say whether Excel, as it is set up in one country or another, may show `text` as something else."""
    return len(text) <= _LONGEST and _CONVERTED.fullmatch(text) is not None


def converted_of(texts: Iterable[str]) -> set[str]:
    """Give those of the texts for which `is_converted` holds."""
    return {text for text in filter(_CONVERTED.fullmatch, texts) if len(text) <= _LONGEST}


def constant(text: str) -> str:
    """Write `text`, for which `is_converted` holds, as a formula that is this constant."""
    return f'="{text}"'
