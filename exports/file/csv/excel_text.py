"""Keep Excel from turning text into other numbers and dates when it opens a CSV file.

Excel drops leading zeros, shows more than 11 digits as 1.23E+11 and sets the digits after the 15th to zero. It reads
`12E45` as a power of ten, and `3-4`, `MAR1` and `8:30` as dates and times. It drops the plus of `+442079460000` and
computes `+44-20`. Neither quotes nor a leading space prevent that (Microsoft Knowledge Base Q97912; "Set automatic data
conversions"). A formula that consists of one constant does: `="0123"` shows 0123. Such a formula is harmless: only
digits, signs and the letters below can stand between its quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST = 255
"""The most characters of a constant in a formula (Excel specifications and limits). Longer text stays as it is."""

_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_CONVERTED = re.compile(
    rf"""(?=[\ 0-9+\-adfjmnos])\ *(?:                          # the first letter excludes most text
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
    """Say whether Excel, with the settings of any country, may show `text` as something else."""
    return len(text) <= _LONGEST and _CONVERTED.fullmatch(text) is not None


def converted_of(texts: Iterable[str]) -> set[str]:
    """Return those of the texts that Excel may convert; see `is_converted`."""
    return {text for text in filter(_CONVERTED.fullmatch, texts) if len(text) <= _LONGEST}


def constant(text: str) -> str:
    """Return the formula that shows `text`, a text that Excel may convert."""
    return f'="{text}"'


def apostrophe(text: str) -> str:
    """Return `text` as Excel shows it, with the apostrophe, where no formula may stand."""
    return "'" + text
