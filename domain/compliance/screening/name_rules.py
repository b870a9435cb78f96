"""How names are compared. Pure.

Two spellings of a name meet in steps: another script is written in Latin letters, particles and
legal forms go, words are folded so that ways of writing the same sound agree (`Muhammad` and
`Mohamed`), and then words are paired in any order, each with at most one slip of the pen (a letter
dropped, added, changed or swapped with its neighbour). Where the space between two words is
missing or too much, the words are taken together; so are letters that stand alone, and whole names
of which one has no spaces.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby, pairwise
from typing import NamedTuple

from anyascii import anyascii
from rapidfuzz.distance import OSA

from domain.compliance.screening.values import HitStrength

POSSIBLE_FROM = 80
STRONG_FROM = 95
_PART_FROM = 84
_SINGLE = 85
WORDS_MAX = 40
LETTERS_MAX = 400
SURE = 3  # words that make a part of a name telling, however common each is
_SHORT = 3  # letters up to which a word bears no slip
_BESIDE = 6  # letters that must agree beside a short word that bears one
_LONG = 8  # letters from which two words taken together bear one

_LIGHT_WORDS = """
    al el ul as ad ar ibn bin ben bint de del della di da do dos das du la le van von der den the
    of and und y e et i mr mrs ms dr sheikh shaykh haji hajji hajj
    co company corp corporation inc incorporated llc llp ltd limited ltda gmbh sa srl spa ag nv bv
    plc oao ooo uuu zao pao ojsc jsc pjsc cjsc fze fzco fzc est sarl sas
"""
_LIGHT = frozenset(_LIGHT_WORDS.split())
_WORD = re.compile(r"[a-z0-9]+")
_APOSTROPHES = re.compile(r"['`´’‘ʼʿʾ\"“”]")
# Sounds that alphabets write in several ways. In this order.
_SOUNDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"(.)\1+", r"\1"),
        (r"^abd(?:ul|el|al|ol|oul|il)$", "abd"),
        (r"x", "ks"),
        # Before what ends in an h: an `skh` that is written `sh` sounds alike then.
        (r"kh|gh", "h"),
        (r"dzh|dj|zh", "j"),
        (r"tsch|tsh|tch|cz", "ch"),
        (r"sch|sh", "s"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"dh", "d"),
        (r"ck|q|c(?!h)", "k"),
        (r"ch", "s"),
        (r"w", "v"),
        (r"z", "s"),
        (r"ou|oo|o", "u"),
        (r"ee|ie|iy|ij$|ei|ey|y|e", "i"),
        (r"(.)\1+", r"\1"),
        (r"(?<=[a-z]{2})h$", ""),
        (r"^[ai]l(?=[a-z]{4})", ""),
    )
)


class Word(NamedTuple):
    """A word of a name in plain letters, and folded by its sound."""

    plain: str
    sound: str
    is_spelt: bool = False
    """Whether it was written as letters that stand alone: a word spelt out, or initials."""

    @property
    def is_light(self) -> bool:
        """Whether it tells little: an initial or several, a particle, a legal form, a title."""
        if self.is_spelt or len(self.plain) == 1 or self.plain in _LIGHT:
            return True
        return len(self.plain) >= _LIGHT_FROM and self.sound in _LIGHT_SOUNDS

    @property
    def is_name(self) -> bool:
        """Whether it may stand for a name: it tells, or is spelt out and no legal form."""
        return not self.is_light or (self.is_spelt and self.plain not in _LIGHT)


Name = tuple[Word, ...]


@lru_cache(maxsize=100_000)
def fold(plain: str) -> str:
    """A plain word by its sound: one text for the usual ways to write it."""
    sound = plain
    for pattern, written in _SOUNDS:
        sound = pattern.sub(written, sound)
    return sound or plain


_LIGHT_FROM = 5  # letters from which a legal form is known by its sound, too
_LIGHT_SOUNDS = frozenset(fold(word) for word in _LIGHT if len(word) >= _LIGHT_FROM)


def read_name(text: str) -> Name:
    """The words of a name in plain letters, with their sounds.

    Letters that stand alone are one word as far as nothing else is between them: `O s a m a`; what
    has no space in it is a word for itself: `O.s.a.m.a B.i.n`.
    """
    latin = anyascii(_APOSTROPHES.sub("", text[:LETTERS_MAX])).lower()[:LETTERS_MAX]
    return tuple(_words(_APOSTROPHES.sub("", latin)))[:WORDS_MAX]


def _words(latin: str) -> Iterator[Word]:
    letters: list[str] = []
    for token in latin.split():
        words = _WORD.findall(token)
        if len(words) == 1 and len(words[0]) == 1:
            letters += words
        elif words:
            yield from _spelt(letters)
            letters = []
            for is_letter, found in groupby(words, lambda word: len(word) == 1):
                if is_letter:
                    yield from _spelt(list(found))
                else:
                    yield from (Word(word, fold(word)) for word in found)
    yield from _spelt(letters)


def _spelt(letters: Sequence[str]) -> Iterator[Word]:
    if letters:
        plain = "".join(letters)
        sound = fold(plain)
        if len(sound) == 1:  # `a a a` is no `a`
            sound = plain
        yield Word(plain, sound, len(letters) > 1)


def joined(first: Word, second: Word) -> Word:
    """Two words without the space between them."""
    plain = first.plain + second.plain
    return Word(plain, fold(plain))


def turned(name: Name) -> Iterator[str]:
    """A name without its spaces, begun with each of its words, and with each letter of those that
    are spelt out."""
    parts = [part for word in name for part in (word.plain if word.is_spelt else (word.plain,))]
    for n in range(len(parts)):
        yield "".join(parts[n:] + parts[:n])


def without_spaces(name: Name) -> str:
    """A name's letters, one behind the other."""
    return "".join(word.plain for word in name)


def is_slip_of_all(text: str, listed: str) -> bool:
    """Whether at most one slip lies between two names that have no spaces."""
    return OSA.distance(text, listed, score_cutoff=1) <= 1


def is_slip(word: Word, listed: Word, *, bears_short: bool = False) -> bool:
    """Whether at most one slip of the pen lies between two words, by letters or by sounds.

    A listed word of three letters bears none, unless told so.
    """
    if len(listed.plain) <= _SHORT and not bears_short:
        return False
    if OSA.distance(word.plain, listed.plain, score_cutoff=1) <= 1:
        return True
    return OSA.distance(word.sound, listed.sound, score_cutoff=1) <= 1


def compare(name: Name, listed: Name, common: Collection[str]) -> int:
    """How alike two names are, of 100; 0 when they are not worth looking at.

    100 are the same words in any order, 97 the same sounds; each slip takes more the shorter the
    name. So are names that are the same without spaces, begun with whatever word of the listed one.
    Where one name has words that the other lacks, two shared words must tell, that is one of
    them is not among the `common` sounds of the lists, or three be shared. Light words may be
    there or not.
    """
    found, score = _pair(name, listed), 0
    if found is not None:
        score = _part_score(found, common) if found.left else _whole_score(found)
    return max(score, _spaceless_score(name, listed))


@dataclass(frozen=True, slots=True)
class _Paired:
    """Two names word by word: what was paired, with how many slips; how many words that tell only
    one of them has, and how many of any kind."""

    pairs: Sequence[tuple[Word, Word]]
    slips: int
    left: int
    rest: int

    @property
    def letters(self) -> int:
        return _letters(self.pairs)


def _pair(name: Name, listed: Name) -> _Paired | None:
    """Words of both paired, nearest first; None when nothing is, or each has words of its own."""
    own, theirs = list(name), list(listed)
    pairs = _take(own, theirs, _is_same) + _take(own, theirs, _is_sound)
    made = 0
    if own and theirs and (_tell(own) or _tell(theirs)):
        own = _spaced(own, name, theirs)
        theirs = _spaced(theirs, listed, own)
        pairs += _take(own, theirs, _is_same) + _take(own, theirs, _is_sound)
        is_last = len(own) == len(theirs) == 1 and _letters(pairs) >= _BESIDE
        bears_short = is_last or all(len(word.plain) <= _SHORT for word in listed)
        slipped = _take(own, theirs, partial(is_slip, bears_short=bears_short))
        made = len(slipped)
        pairs += slipped
    left = _tell(own), _tell(theirs)
    if not pairs or all(left):
        return None
    return _Paired(pairs, made, sum(left), len(own) + len(theirs))


def _tell(words: Sequence[Word]) -> int:
    """How many words tell."""
    return sum(not word.is_light for word in words)


def _is_same(one: Word, other: Word) -> bool:
    return one.plain == other.plain


def _is_sound(one: Word, other: Word) -> bool:
    return one.sound == other.sound


def _letters(pairs: Sequence[tuple[Word, Word]]) -> int:
    return sum(len(listed.plain) for _, listed in pairs)


def _take(
    own: list[Word], theirs: list[Word], are_near: Callable[[Word, Word], bool]
) -> list[tuple[Word, Word]]:
    """Pairs of near words, taken out of both lists."""
    pairs: list[tuple[Word, Word]] = []
    for word in tuple(own):
        other = next((one for one in theirs if are_near(word, one)), None)
        if other is not None:
            own.remove(word)
            theirs.remove(other)
            pairs.append((word, other))
    return pairs


def _spaced(words: Sequence[Word], name: Name, others: Sequence[Word]) -> list[Word]:
    """Words of a name, with neighbours taken together where the other name has them as one."""
    made: list[Word] = list(words)
    for first, second in pairwise(name):
        if first in made and second in made and _is_one(first, second, others):
            made.remove(first)
            made[made.index(second)] = joined(first, second)
    return made


def _is_one(first: Word, second: Word, others: Sequence[Word]) -> bool:
    letters = len(first.plain) + len(second.plain)
    near = [one for one in others if abs(len(one.plain) - letters) <= 1]
    if not near:
        return False
    together = joined(first, second)
    if any(_is_same(together, one) or _is_sound(together, one) for one in near):
        return True
    return letters >= _LONG and any(is_slip(together, one) for one in near)


def _whole_score(found: _Paired) -> int:
    """Both have the same words but for light ones. A single word tells less among light ones.

    Light words alone tell nothing of who else has some: `S.A.`.
    """
    if found.rest and not any(listed.is_name for _, listed in found.pairs):
        return 0
    is_bare = found.rest > 0 and len(found.pairs) == 1
    if not found.slips:
        is_same = all(one.plain == other.plain for one, other in found.pairs)
        return _SINGLE if is_bare else 100 if is_same else 97
    if is_bare or found.slips > max(1, found.letters // 8):
        return 0
    return max(POSSIBLE_FROM, min(STRONG_FROM - 1, 100 - 100 * found.slips // found.letters))


def _spaceless_score(name: Name, listed: Name) -> int:
    """Both are the same without their spaces, or sound the same where one never had any."""
    own, theirs = without_spaces(name), without_spaces(listed)
    is_tiny = min(len(own), len(theirs)) < _BESIDE
    if len(own) == len(theirs) and own in turned(listed):
        return _SINGLE if is_tiny else 100
    if is_tiny:
        return 0
    is_near = 1 in (len(name), len(listed)) and abs(len(own) - len(theirs)) <= _SHORT
    return 97 if is_near and fold(own) == fold(theirs) else 0


def _part_score(found: _Paired, common: Collection[str]) -> int:
    """One has words that the other lacks."""
    shared = [listed for _, listed in found.pairs if not listed.is_light]
    telling = any(word.sound not in common for word in shared)
    enough = len(shared) >= SURE or (len(shared) > 1 and telling)
    if not enough or found.slips > 1:
        return 0
    score = 93 - 3 * found.left - 100 * found.slips // found.letters
    return score if score >= _PART_FROM else 0


def strength_of(score: int) -> HitStrength:
    """How strong a hit of that score is."""
    return HitStrength.STRONG if score >= STRONG_FROM else HitStrength.POSSIBLE
