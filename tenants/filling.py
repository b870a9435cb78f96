"""Rows in numbers, made by the database out of their row numbers.

A statement says `ID(kind, n)` for the id of a brand's row `n` of a kind, `CHANCE(n, salt)` for a
whole number that only seed, brand, row and salt decide, `PICK(list, n, salt)` for one of a bound
list, `CALLED(letter, n)` for a reference. Ids sort by row number, as ids of their age do. The same
seed makes the same rows on every machine.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from tenants.work import WriteWork

SINCE = "2024-01-01T00:00:00Z"
"""When the first rows came."""
DAYS = 700
"""How many days later the last of them did."""

_BRAND_BITS, _SEED_DIGITS = 12, 12
_MACROS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"PICK\((\w+), ([^,()]+), (\d+)\)"),
        r"(:\1)[1 + cast(CHANCE(\2, \3) % cardinality(:\1) as int)]",
    ),
    (
        re.compile(r"CHANCE\(([^,()]+), (\d+)\)"),
        r"(hashint8extended(cast(\1 as bigint), :chance + \2) & 9223372036854775807)",
    ),
    (
        re.compile(r"ID\((\d+), ([^,()]+)\)"),
        r"cast(lpad(to_hex(cast(\2 as bigint)), 12, '0') || '70' || lpad(to_hex(\1), 2, '0')"
        r" || :tail as uuid)",
    ),
    (
        re.compile(r"CALLED\((\w), ([^,()]+)\)"),
        r"'\1-' || lpad(cast(\2 as text), greatest(length(cast(\2 as text)), 6), '0')",
    ),
    (
        re.compile(r"CAME\(([^,()]+)\)"),
        rf"(timestamptz '{SINCE}' + \1 * interval '{DAYS} days' / cast(:whole as bigint))",
    ),
)
ID: Any = PgUUID(as_uuid=True)
IDS: Any = ARRAY(ID)
TEXTS: Any = ARRAY(Text())
NUMBER: Any = BigInteger()
_TYPES: dict[str, Any] = {
    "brand_id": ID,
    "tail": Text(),
    **dict.fromkeys(("chance", "first", "last", "whole"), NUMBER),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows `first` to `last` of the `whole` that a brand gets. `number` tells brands apart."""

    seed: int
    number: int
    first: int
    last: int
    whole: int

    def __post_init__(self) -> None:
        assert 0 <= self.number < 1 << _BRAND_BITS, "ids have room for so many brands"
        assert 0 <= self.seed < 16**_SEED_DIGITS, "ids have room for such a seed"

    @property
    def begins(self) -> bool:
        """Whether these are the first rows of their brand."""
        return self.first == 1


def filling(statement: str, **types: Any) -> TextClause:
    """The statement with its words written out and its values typed: as `types` says, lists to
    pick from and all others as text."""
    lists = dict.fromkeys(re.findall(r"PICK\((\w+),", statement), TEXTS)
    for pattern, said in _MACROS:
        statement = pattern.sub(said, statement)
    known = {**_TYPES, **lists, **types}
    made = text(statement)
    return made.bindparams(
        *(bindparam(name, type_=known.get(name, Text())) for name in made._bindparams)
    )


async def fill(work: WriteWork, statement: TextClause, stretch: Stretch, **given: Any) -> Any:
    """Run a filling statement for a stretch of the work's brand; its rows."""
    values = {
        "brand_id": work.scope.brand_id,
        "tail": f"a{stretch.number:03x}{stretch.seed:012x}",
        "chance": stretch.seed << _BRAND_BITS | stretch.number,
        "first": stretch.first,
        "last": stretch.last,
        "whole": stretch.whole,
        **given,
    }
    asked = {name: value for name, value in values.items() if name in statement._bindparams}
    return await work.rows(statement, asked)


def id_of(stretch: Stretch, kind: int, n: int) -> UUID:
    """The id that a statement calls `ID(kind, n)`."""
    return UUID(f"{n:012x}70{kind:02x}a{stretch.number:03x}{stretch.seed:012x}")
