"""Find, among all listed names, those worth comparing with one; then compare them.

The index is in memory and made anew for each version of the lists. A word leads to the listed words
at most one slip away through the words with one letter left out, which both have in common; those
lead to the names they stand in. What is found is compared by `rules.compare`. However a name is
written, no more than so many of its words are looked for and so many listed names compared.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from uuid import UUID

import numpy as np

from domain.compliance.screening.name_rules import (
    POSSIBLE_FROM,
    SURE,
    Name,
    Word,
    compare,
    fold,
    is_slip,
    is_slip_of_all,
    joined,
    read_name,
    strength_of,
    turned,
    without_spaces,
)
from domain.compliance.screening.values import Match

_COMMON_FROM = 16
_KNOWN_MAX = 50_000
_TINY_MIN, _TINY_MAX = 2, 8
_OWN_MAX = 48  # of a whole name: a character of another alphabet may be two Latin letters
WORDS_LOOKED_FOR = 24  # alone, and as many with the word behind
CANDIDATES_MAX = (
    2_000  # ordinary names have a handful; the commonest of the lists, with a slip, 1,700
)


class Matcher:
    """The names of the lists, to be asked about one name at a time, in milliseconds."""

    def __init__(self, listed: Iterable[tuple[UUID, str]]) -> None:
        rows = [(entry, text, read_name(text)) for entry, text in listed]
        self._entries = [row[0] for row in rows]
        self._texts = [row[1] for row in rows]
        self._names = [row[2] for row in rows]
        self._common = frozenset(_common(self._names))
        self._letters = np.array([_letters(_telling(one)) for one in self._names], dtype=np.int32)
        self._all_letters = np.array([_letters(one) for one in self._names], dtype=np.int32)
        self._index(self._names)
        self._spaceless = _spaceless(self._names)
        self._tiny = _tiny(self._texts, self._names)

    def __len__(self) -> int:
        return len(self._names)

    def find(self, text: str) -> list[Match]:
        """The entries that a name may be, best first, each by the nearest of its names."""
        name = read_name(text)
        best: dict[UUID, tuple[int, int]] = {}
        tiny = self._tiny_like(text, name)
        nearest = self._candidates(name)[:CANDIDATES_MAX]
        for place in dict.fromkeys([*nearest, *sorted(tiny)]):
            score = compare(name, self._names[place], self._common)
            if place in tiny:
                score = max(score, POSSIBLE_FROM)
            entry = self._entries[place]
            if score >= POSSIBLE_FROM and score > best.get(entry, (0, 0))[0]:
                best[entry] = (score, place)
        found = [
            Match(entry, self._texts[place], score, strength_of(score))
            for entry, (score, place) in best.items()
        ]
        return sorted(found, key=lambda one: (-one.score, one.name, one.entry_id))

    def _index(self, names: Sequence[Name]) -> None:
        """Words to names as three arrays: hashes of words and their remains, to words, to names."""
        stands: dict[Word, list[int]] = defaultdict(list)
        together: dict[Word, list[int]] = defaultdict(list)
        for place, name in enumerate(names):
            for word in set(name):
                stands[word].append(place)
            for pair in set(pairwise(name)):
                together[joined(*pair)].append(place)
        hashes: list[int] = []
        places: list[int] = []
        self._starts = np.zeros(len(stands) + len(together) + 1, dtype=np.int64)
        self._tells = np.zeros(len(stands) + len(together), dtype=bool)
        lists: list[list[int]] = []
        self._vocabulary = [*stands, *together]
        self._singles = len(stands)
        self._known: dict[Word, list[int]] = {}
        for number, (word, keys) in enumerate(_keyed(stands, together)):
            found = (stands if number < len(stands) else together)[word]
            hashes.extend(keys)
            places.extend([number] * len(keys))
            lists.append(found)
            self._starts[number + 1] = self._starts[number] + len(found)
            self._tells[number] = word.sound not in self._common
        order = np.argsort(np.array(hashes, dtype=np.int64), kind="stable")
        self._hashes = np.array(hashes, dtype=np.int64)[order]
        self._words = np.array(places, dtype=np.int32)[order]
        self._stands = np.array([one for found in lists for one in found], dtype=np.int32)

    def _candidates(self, name: Name) -> list[int]:
        """Names of which one has all telling words of the other, give or take a short one.

        Those with the most letters in common with it first, as a share of both.
        """
        words = _telling(name)
        covered = np.zeros(len(self._names), dtype=np.int32)
        units = np.zeros(len(self._names), dtype=np.int32)
        telling = np.zeros(len(self._names), dtype=bool)
        together = _looked_for(joined(*pair) for pair in pairwise(name))
        alone = _looked_for(word for word in name if word in words or word.is_name)
        for word, times in [*alone.items(), *together.items()]:
            near = self._near(word)
            if word in together:  # where the list has two words as well, each was looked for
                near = [one for one in near if one < self._singles]
            if not near:
                continue
            found = np.unique(np.concatenate([self._of(one) for one in near]))
            covered[found] += times * len(word.plain)
            units[found] += 1
            for one in near:
                if self._tells[one]:
                    telling[self._of(one)] = True
        letters = _letters(words)
        apart = 1 + letters // 5
        alike = np.abs(self._letters - letters) <= apart
        alike |= np.abs(self._all_letters - _letters(name)) <= apart
        part = (units > 1) & (telling | (units >= SURE))
        least = np.minimum(self._letters, letters)
        enough = covered >= least - np.where(least > 8, 3, 1)
        found = np.flatnonzero((covered > 0) & enough & (alike | part))
        theirs = self._all_letters[found]
        share = np.minimum(covered[found], theirs) / (theirs + _letters(name))
        nearest = found[np.argsort(-share, kind="stable")]
        return list(dict.fromkeys([*self._same_spaceless(name), *map(int, nearest)]))

    def _same_spaceless(self, name: Name) -> list[int]:
        plain = without_spaces(name)
        keys = ("p", plain), ("s", fold(plain))
        return [place for key in keys for place in self._spaceless.get(key, ())]

    def _tiny_like(self, text: str, name: Name) -> set[int]:
        """Short names that are this one but for one slip anywhere, by the letters of all their
        words: a word of two or three letters bears no slip by itself. A name of one letter is
        what a slip left of two."""
        own = _forms(text, name, least=1)
        places = {
            place for one in own for key in _less_one(one) for place in self._tiny.get(key, ())
        }
        return {
            place
            for place in places
            if any(
                is_slip_of_all(mine, theirs)
                for mine in own
                for theirs in _forms(self._texts[place], self._names[place])
            )
        }

    def _near(self, word: Word) -> list[int]:
        """Numbers of the listed words at most one slip away; remembered, since words come again."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            known = [
                one
                for one in self._reached(word)
                if is_slip(word, self._vocabulary[one], bears_short=True)
            ]
            self._known[word] = known
        return known

    def _reached(self, word: Word) -> list[int]:
        keys = np.array(list(_keys(word)), dtype=np.int64)
        low = np.searchsorted(self._hashes, keys, side="left")
        high = np.searchsorted(self._hashes, keys, side="right")
        found = [self._words[a:b] for a, b in zip(low, high, strict=True) if a < b]
        return [int(one) for one in np.unique(np.concatenate(found))] if found else []

    def _of(self, word: int) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        return self._stands[self._starts[word] : self._starts[word + 1]]


def _telling(name: Name) -> Name:
    """The words of a name that are not light; where each is, those spelt out, or else all."""
    telling = tuple(word for word in name if not word.is_light)
    return telling or tuple(word for word in name if word.is_name) or name


def _letters(name: Name) -> int:
    return sum(len(word.plain) for word in name)


def _looked_for(words: Iterable[Word]) -> dict[Word, int]:
    """Words of two letters or more and how often each is there; the longest, if they are many."""
    counted = Counter(word for word in words if len(word.plain) > 1)
    longest = sorted(counted, key=lambda word: -len(word.plain))[:WORDS_LOOKED_FOR]
    return {word: counted[word] for word in longest}


def _spaceless(names: Sequence[Name]) -> Mapping[tuple[str, str], Sequence[int]]:
    """Where names are by their letters without spaces, begun with each word, and by the sound."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        texts = list(turned(name))
        for key in {("p", text) for text in texts} | {("s", fold(text)) for text in texts[:1]}:
            found[key].append(place)
    return dict(found)


def _tiny(texts: Sequence[str], names: Sequence[Name]) -> Mapping[str, Sequence[int]]:
    """Where short names are, by what is left of them without one letter."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, (text, name) in enumerate(zip(texts, names, strict=True)):
        for key in {key for one in _forms(text, name) for key in _less_one(one)}:
            found[key].append(place)
    return dict(found)


def _forms(text: str, name: Name, *, least: int = _TINY_MIN) -> Sequence[str]:
    """A short name without its spaces: in plain letters; and in its own, up to longer ones, where
    those are others, since what is one slip there may be more in plain letters."""
    plain, own = without_spaces(name), "".join(filter(str.isalnum, text[: 2 * _OWN_MAX]))
    forms = [plain] if least <= len(plain) <= _TINY_MAX else []
    if not own.isascii() and least <= len(own) <= _OWN_MAX:
        forms.append(own)
    return forms


def _less_one(text: str) -> set[str]:
    return {text[:n] + text[n + 1 :] for n in range(len(text) + 1)}


def _common(names: Sequence[Name]) -> Iterator[str]:
    counted = Counter(sound for name in names for sound in {word.sound for word in name})
    return (sound for sound, count in counted.items() if count >= _COMMON_FROM)


def _keyed(stands: Iterable[Word], together: Iterable[Word]) -> Iterator[tuple[Word, set[int]]]:
    for word in stands:
        yield word, _keys(word)
    for word in together:
        yield word, {hash(("p", word.plain)), hash(("s", word.sound))}


def _keys(word: Word) -> set[int]:
    """Hashes of a word and of what is left of it without one letter, by letters and by sounds."""
    return {
        hash((mark, text[:n] + text[n + 1 :]))
        for mark, text in (("p", word.plain), ("s", word.sound))
        for n in range(len(text) + 1)
    }
