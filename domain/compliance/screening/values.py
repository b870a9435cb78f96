"""Closed lists of screening, and what a list, a name and a match are made of."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID


class SanctionsList(StrEnum):
    """OFAC: the SDN list of the US Treasury. UN: the consolidated list of the Security Council."""

    OFAC = "OFAC"
    UN = "UN"


class ListedKind(StrEnum):
    """What is listed; UNKNOWN where a list tells no more than names."""

    INDIVIDUAL = "INDIVIDUAL"
    ENTITY = "ENTITY"
    VESSEL = "VESSEL"
    AIRCRAFT = "AIRCRAFT"
    UNKNOWN = "UNKNOWN"


class NameKind(StrEnum):
    """How a listed name came: as the entry's own, as an alias, or in its own script."""

    PRIMARY = "PRIMARY"
    ALIAS = "ALIAS"
    ORIGINAL_SCRIPT = "ORIGINAL_SCRIPT"


class HitStrength(StrEnum):
    """STRONG: the same name but for order, spacing or spelling in another script; money waits until
    somebody has looked. POSSIBLE: near enough to be looked at."""

    STRONG = "STRONG"
    POSSIBLE = "POSSIBLE"


class Disposition(StrEnum):
    """What people decided. CLEARING: one would clear a STRONG hit or a TRUE_MATCH, another must."""

    OPEN = "OPEN"
    FALSE_POSITIVE = "FALSE_POSITIVE"
    TRUE_MATCH = "TRUE_MATCH"
    CLEARING = "CLEARING"


@dataclass(frozen=True, slots=True)
class ListedName:
    """A name as it is to be compared, given name first."""

    text: str
    kind: NameKind


@dataclass(frozen=True, slots=True)
class Entry:
    """Who or what a list names. `ref` is the list's own number of it."""

    ref: str
    kind: ListedKind
    program: str
    remarks: str
    names: tuple[ListedName, ...]

    @property
    def primary(self) -> str:
        return self.names[0].text


@dataclass(frozen=True, slots=True)
class PublishedList:
    """A list as it was published on a day."""

    code: SanctionsList
    published_on: date
    entries: tuple[Entry, ...]

    @property
    def name_count(self) -> int:
        return sum(len(entry.names) for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Match:
    """The best of an entry's names for a screened one; `score` is of 100."""

    entry_id: UUID
    name: str
    score: int
    strength: HitStrength
