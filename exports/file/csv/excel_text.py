"""Keep Excel from turning text into other numbers, dates and truth values when it opens a CSV file.

Excel drops leading zeros, shows more than 11 digits as 1.23E+11 and sets the digits after the 15th to zero. It reads
`12E45` as a power of ten, and `3-4`, `MAR1` and `8:30` as dates and times. It drops the plus of `+442079460000` and
computes `+44-20`. Neither quotes nor a leading space prevent that (Microsoft Knowledge Base Q97912; "Set automatic data
conversions"). A formula that consists of one constant does: `="0123"` shows 0123. Such a formula is harmless: only
digits, signs and the letters below can stand between its quotes.

Which text is converted depends on the reader's language: `1.5` is a number in English and a date in German, `1,5` is a
number in German. One pattern covers both, because a file travels and a constant spoils nothing. tests/spreadsheets/
opens the presets in LibreOffice as English and as German. Plain numbers stay numbers. Text of more than 255 characters
stays as it is, because no constant can hold it (Excel specifications and limits).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MONTH = (
    "(?:jan(?:uary?|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|m[äÄ]r(?:z)?|mrz|apr(?:il)?|may|mai|june?|juni|july?|juli"
    "|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|okt(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\\.?"
)
_BLANK = "[ \u00a0\u202f]"
_NUMBER = rf"(?:[0-9]+(?:[.,'][0-9]+)*[.,]?|[.,][0-9]+|[0-9]{{1,3}}(?:{_BLANK}[0-9]{{3}})+(?:[.,][0-9]*)?)"
_CLOCK = r"[0-9]{1,4}:[0-9]{1,2}(?::[0-9]{1,2})?(?:[.,][0-9]+)?"
_FIRST_WORD = (
    r"(?-i:[^A-Za-z]*+)(?:\Z|[aemptz](?![a-z])|[ap]m|jan|feb|mar|mrz|apr|ma[iy]|ju[ln]|aug|sep|o[ck]t|nov|de[cz]|true"
    "|fals|wahr)"
)
_CONVERTED = re.compile(
    rf"""(?=[\ \u00a0\u202f0-9+\-.,(£€$adfjmnostw])(?!.{{256}})  # the first letter excludes most text,
    (?!-?[1-9][0-9]{{0,10}}\Z)(?={_FIRST_WORD})(?:             # and these two nearly all other text
      {_BLANK}*(?:
          (?!-[0-9,]{{0,14}}\.?[0-9]+%?\ *\Z)[+-]\ ?[0-9(.][0-9\ ()./%-]*   # a sign, but not a negative number
        | -?0[0-9][0-9\ \u00a0\u202f./-]*                        # leading zeros; spaces may group thousands
        | -?[0-9]{{12,}}(?:\.[0-9]*)?                           # too many digits
        | [+-]?{_NUMBER}e[+-]?[0-9]+                            # a power of ten
        | [0-9]+(?:[.,'][0-9]+)+ | [0-9]+[.,] | [.,][0-9]+      # decimals and groups of thousands, or a date
        | [0-9]{{1,3}}(?:{_BLANK}[0-9]{{3}})+(?:[.,][0-9]*)?    # groups of thousands
        | {_NUMBER}{_BLANK}?[%£€$] | [£€$]{_BLANK}?{_NUMBER}    # percentages and amounts
        | \({_NUMBER}\) | {_NUMBER}-                            # negative numbers of accountants
        | [0-9]{{1,4}}[-/.]\ ?[0-9]{{1,2}}(?:[-/.]\ ?[0-9]{{0,4}})?  # a date, or decimals that end in zeros
        | [0-9]+\ [0-9]+/[0-9]+                                 # a fraction
        | {_CLOCK}(?:\ ?[ap]m?)?                                # a time
        | [0-9]{{1,2}}\ [ap]m?
        | [0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}[T\ ]{_CLOCK}Z?
        | {_MONTH}[-/.\ ]?[0-9]{{1,4}} | {_MONTH}\ [0-9]{{1,2}},?\ [0-9]{{2,4}}
        | [0-9]{{1,2}}\.?[-/\ ]?{_MONTH}(?:[-/.\ ]?[0-9]{{2,4}})?
        | (?:true|false|wahr|falsch)
      ){_BLANK}*
    | {_BLANK}*[\u00a0\u202f]{_BLANK}*-?[0-9]+{_BLANK}* | -?[0-9]+{_BLANK}*[\u00a0\u202f]{_BLANK}*  # blanks dropped
    )""",
    re.IGNORECASE | re.VERBOSE | re.ASCII | re.DOTALL,
)


def is_converted(text: str) -> bool:
    """Say whether Excel, as English or as German, may show `text` as something else."""
    return _CONVERTED.fullmatch(text) is not None


def converted_of(texts: Iterable[str]) -> set[str]:
    """Return those of the texts that Excel may convert; see `is_converted`."""
    return set(filter(_CONVERTED.fullmatch, texts))


def constant(text: str) -> str:
    """Return the formula that shows `text`, a text that Excel may convert."""
    return f'="{text}"'


def apostrophe(text: str) -> str:
    """Return `text` as Excel shows it, with the apostrophe, where no formula may stand."""
    return "'" + text
