"""Ways in which a name comes wrong, for measuring what screening still finds.

Each changes one thing, chosen by chance, in a word of four letters or more where there is one.
"""

import random
import re
from collections.abc import Callable, Mapping

from anyascii import anyascii

_WORD = re.compile(r"[^\W_]+(?:['’`][^\W_]+)*")
_GAP = re.compile(r"(?<=\w)[\s-]+(?=\w)")
_LONG = 4
_WRITTEN = (
    ("kh", "h"), ("ou", "u"), ("ee", "i"), ("y", "i"), ("ph", "f"), ("q", "k"), ("w", "v"),
    ("sh", "sch"), ("dj", "j"), ("x", "ks"), ("o", "u"), ("e", "i"),
)  # fmt: skip


def itself(name: str, _chance: random.Random) -> str:
    """As it is listed."""
    return name


def transposed(name: str, chance: random.Random) -> str:
    """Two neighbouring letters of a word swapped."""
    before, word, after = _word(name, chance)
    places = [n for n in range(len(word) - 1) if word[n] != word[n + 1]]
    if places:
        n = chance.choice(places)
        word = word[:n] + word[n + 1] + word[n] + word[n + 2 :]
    return before + word + after


def dropped(name: str, chance: random.Random) -> str:
    """A letter of a word missing."""
    before, word, after = _word(name, chance)
    n = chance.randrange(len(word))
    return before + word[:n] + word[n + 1 :] + after


def reordered(name: str, _chance: random.Random) -> str:
    """The first word last, as where the family's name comes first."""
    first, *rest = name.split()
    return " ".join([*rest, first])


def run_together(name: str, chance: random.Random) -> str:
    """A space or hyphen missing; in a single word, one too much in its middle."""
    gaps = list(_GAP.finditer(name))
    if gaps:
        gap = chance.choice(gaps)
        return name[: gap.start()] + name[gap.end() :]
    middle = len(name) // 2
    return name if len(name) < 2 * _LONG else f"{name[:middle]} {name[middle:]}"


def written_otherwise(name: str, _chance: random.Random) -> str:
    """Without diacritics, in Latin letters, and two sounds spelt as another alphabet's would be."""
    plain = anyascii(name).lower()
    for usual, other in [pair for pair in _WRITTEN if pair[0] in plain][:2]:
        plain = plain.replace(usual, other)
    return plain


Distort = Callable[[str, random.Random], str]
DISTORTIONS: Mapping[str, Distort] = {
    "as listed": itself,
    "two letters swapped": transposed,
    "a letter dropped": dropped,
    "words in another order": reordered,
    "a space missing or too much": run_together,
    "written otherwise": written_otherwise,
}


def _word(name: str, chance: random.Random) -> tuple[str, str, str]:
    """A word to change, with what is before and after it."""
    spans = [found.span() for found in _WORD.finditer(name)]
    long = [span for span in spans if span[1] - span[0] >= _LONG]
    start, end = chance.choice(long or [max(spans, key=lambda span: span[1] - span[0])])
    return name[:start], name[start:end], name[end:]
