"""Search by part of a name, e-mail or phone: what is stored, and how a term is read.

Leads are many more, and looked for by three characters or more: their folded texts are stored
whole, with an index of trigrams behind a function (decision 0017).

A client is stored under every suffix of these texts, so that "begins with" on suffixes is "has
within" on texts, and an index serves it under row-level security, where `like` gets none
(`x collate "C" ^@ 'abc'` does). Bounds: 60 characters of a text, 40 of a suffix, from 2 on; a
client has at most 59 + 59 + 14 rows. A longer term is cut to 40 characters as suffixes are.
"""

import re
import unicodedata

from domain.clients.values import SearchKind

TEXT_LENGTH_MAX = 60
SUFFIX_LENGTH_MAX = 40
SUFFIX_LENGTH_MIN = 2
PART_LENGTH_MIN = 3
_NUMBER = re.compile(r"[0-9+()\s-]*[0-9][0-9+()\s-]*", re.ASCII)


def fold(text: str) -> str:
    """Lower case without accents and double blanks: `Müller` is found as `muller`."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return " ".join(plain.casefold().split())


def read_term(text: str) -> str:
    """What to look for. A term of digits and telephone marks is a part of a phone number."""
    term = "".join(filter(str.isdigit, text)) if _NUMBER.fullmatch(text) else fold(text)
    return term[:SUFFIX_LENGTH_MAX]


def entries(name: str, email: str, phone: str | None) -> frozenset[tuple[SearchKind, str]]:
    """Every suffix a client is found by, with the field it came from."""
    texts = (
        (SearchKind.NAME, fold(name)),
        (SearchKind.EMAIL, fold(email)),
        (SearchKind.PHONE, (phone or "").removeprefix("+")),
    )
    return frozenset((kind, suffix) for kind, text in texts for suffix in _suffixes(text))


def _suffixes(text: str) -> list[str]:
    bounded = text[:TEXT_LENGTH_MAX]
    return [
        bounded[start : start + SUFFIX_LENGTH_MAX].rstrip()
        for start in range(len(bounded) - SUFFIX_LENGTH_MIN + 1)
        if bounded[start] != " "
    ]


def folded(name: str | None, email: str | None, phone: str | None) -> dict[str, str | None]:
    """The texts that a lead is found by a part of."""
    return {
        "name": fold(name) if name else None,
        "email": fold(email) if email else None,
        "phone": phone.removeprefix("+") if phone else None,
    }
