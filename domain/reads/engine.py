"""The reader of one operation: plain batch functions over one read-only connection.

An object is read once per operation: a second look at it fetches only what is still missing.
Every function is one statement however many keys it is given, none when there is nothing to ask.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy.sql import Executable

from domain.reads import statements
from domain.reads.declare import Selection, Viewer
from domain.reads.keyset import Cursors, Filters, Page, Plan
from domain.reads.record import Record
from domain.reads.registry import Linked, LinkedRelation, Registry
from domain.reads.shape import (
    Narrowing,
    Question,
    check_open,
    narrowing_of,
    question_of,
    scopes_of,
)

COUNT_CAP = 10_000
GROUPS_CAP = 1_000


class Connection(Protocol):
    """Where statements run: one snapshot, one statement at a time. The reader keeps what it asks,
    so that it need not be worked out anew."""

    async def kept_rows(
        self, statement: Any, parameters: Mapping[str, Any], /
    ) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of rows; when not `exact`, `value` is the cap and there are more."""

    value: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """A group of rows: the values it is grouped by, how many there are, and over them the sums
    and the least values that were asked for (None where every row has none)."""

    by: tuple[Any, ...]
    count: int
    sums: tuple[Any, ...] = ()
    least: tuple[Any, ...] = ()


class PageResult:
    """A page of records, with exact knowledge of whether rows lie on either side."""

    __slots__ = ("_cursors", "_plan", "_sorts", "_viewer", "has_next", "has_previous", "records")

    def __init__(self, records: list[Record], sorts: list[tuple[Any, ...]], **known: Any) -> None:
        self.records = records
        self._sorts = sorts
        self.has_previous: bool = known["has_previous"]
        self.has_next: bool = known["has_next"]
        self._plan: Plan = known["plan"]
        self._cursors: Cursors = known["cursors"]
        self._viewer: Viewer = known["viewer"]

    def cursor(self, index: int) -> str:
        """The cursor of a row of the page."""
        return self._cursors.write(self._plan, self._viewer.brand_id, self._sorts[index])


class Reader:
    """Reads what was declared, as one viewer, for the length of one operation."""

    def __init__(
        self, work: Connection, registry: Registry, *, viewer: Viewer, cursors: Cursors
    ) -> None:
        self._work = work
        self._registry = registry
        self._cursors = cursors
        self._seen: dict[tuple[str, Hashable], Record | None] = {}
        self.viewer = viewer

    async def load(self, entity: str, keys: Sequence[Any], want: Selection) -> list[Record | None]:
        """Objects by key, in order; None for unknown, foreign and hidden keys alike."""
        one = self._registry[entity]
        lacking = [key for key in dict.fromkeys(keys) if self._lacks(one, key, want)]
        if lacking:
            names = _names(want)
            shape = Narrowing(scopes_of(one, self.viewer))
            statement = self._registry.statement(
                ("load", entity, names, shape),
                lambda: statements.load(self._registry, one, names, shape),
            )
            found = await self._run(statement, {"keys": lacking, "size": len(lacking)})
            for key in lacking:
                self._seen[entity, key] = self._seen.get((entity, key))
            slots = statements.names_read(*names)
            for row in found:
                self._adopt(one, slots, row[1:])
        return [self._seen[entity, key] for key in keys]

    async def related_one(
        self, entity: str, relation: str, keys: Sequence[Any], want: Selection
    ) -> list[Record | None]:
        """For each of our keys the one object that refers to it, None where there is none."""
        link = self._registry[entity].relations[relation]
        if link.by_key:
            return await self.load(link.target.name, keys, want)
        one, names = link.target, _names(want)
        shape = Narrowing(scopes_of(one, self.viewer))
        statement = self._registry.statement(
            ("related_one", entity, relation, names, shape),
            lambda: statements.related_one(self._registry, link, names, shape),
        )
        distinct = list(dict.fromkeys(keys))
        rows = await self._run(statement, {"keys": distinct, "size": len(distinct)})
        slots = statements.names_read(*names)
        found = {row[0]: self._adopt(one, slots, row[1:]) for row in rows}
        return [found.get(key) for key in keys]

    async def connection(self, entity: str, page: Page, want: Selection) -> PageResult:
        """A page of an entity. Refusals: BAD_USER_INPUT, FORBIDDEN."""
        one = self._registry[entity]
        question = self._question(one, page, want)
        statement = self._registry.statement(
            question.shape, lambda: statements.connection(self._registry, question.shape)
        )
        rows = await self._run(statement, question.binds)
        return self._page(one, question, [tuple(row) for row in rows])

    async def related_many(
        self, entity: str, relation: str, keys: Sequence[Any], *, page: Page, want: Selection
    ) -> list[PageResult]:
        """The same page of children for each of our keys, in one statement."""
        link = self._registry[entity].relations[relation]
        question = self._question(link.target, page, want, link=(entity, relation))
        statement = self._registry.statement(
            question.shape, lambda: statements.related_many(self._registry, link, question.shape)
        )
        distinct = list(dict.fromkeys(keys))
        rows = await self._run(statement, {**question.binds, "keys": distinct})
        grouped = {
            parent: [tuple(row)[1:] for row in group]
            for parent, group in groupby(rows, key=lambda row: row[0])
        }
        pages = {key: self._page(link.target, question, grouped.get(key, [])) for key in distinct}
        return [pages[key] for key in keys]

    async def count(
        self, entity: str, filters: Filters | None = None, *, cap: int = COUNT_CAP
    ) -> Counted:
        """How many rows pass a filter, counted up to `cap`. Refusals as for a page."""
        one = self._registry[entity]
        shape, binds = narrowing_of(one, filters or {}, self.viewer)
        statement = self._registry.statement(
            ("count", entity, shape), lambda: statements.count(self._registry, one, shape)
        )
        rows = await self._run(statement, {**binds, "size": cap + 1})
        return _counted(rows[0][0], cap)

    async def count_related(
        self,
        entity: str,
        relation: str,
        keys: Sequence[Any],
        *,
        filters: Filters | None = None,
        cap: int = COUNT_CAP,
    ) -> list[Counted]:
        """The same for the children of each of our keys, in one statement."""
        link = self._registry[entity].relations[relation]
        shape, binds = narrowing_of(link.target, filters or {}, self.viewer)
        statement = self._registry.statement(
            ("count_related", entity, relation, shape),
            lambda: statements.count_related(self._registry, link, shape),
        )
        distinct = list(dict.fromkeys(keys))
        rows = await self._run(statement, {**binds, "keys": distinct, "size": cap + 1})
        found = {row[0]: row[1] for row in rows}
        return [_counted(found.get(key, 0), cap) for key in keys]

    async def tally(
        self,
        entity: str,
        by: Sequence[str],
        *,
        sums: Sequence[str] = (),
        least: Sequence[str] = (),
        filters: Filters | None = None,
    ) -> list[Tally]:
        """The rows that pass a filter, counted exactly by values of fields, in their order.

        For fields of few values: no more than 1,000 groups come back. Refusals as for a page.
        """
        one = self._registry[entity]
        check_open(one, (*by, *sums, *least), self.viewer)
        shape, binds = narrowing_of(one, filters or {}, self.viewer)
        asked = (tuple(by), tuple(sums), tuple(least))
        statement = self._registry.statement(
            ("tally", entity, asked, shape),
            lambda: statements.tally(self._registry, one, asked, shape),
        )
        rows = await self._run(statement, {**binds, "size": GROUPS_CAP})
        at = len(by) + 1
        return [
            Tally(
                tuple(row[: len(by)]),
                row[len(by)],
                tuple(row[at : at + len(sums)]),
                tuple(row[at + len(sums) :]),
            )
            for row in rows
        ]

    async def _run(self, statement: Executable, binds: Mapping[str, Any]) -> Sequence[Any]:
        return await self._work.kept_rows(statement, {**self.viewer.binds(), **binds})

    def _question(
        self, one: Linked, page: Page, want: Selection, link: tuple[str, str] | None = None
    ) -> Question:
        return question_of(one, page, want, viewer=self.viewer, cursors=self._cursors, parent=link)

    def _lacks(self, one: Linked, key: Any, want: Selection) -> bool:
        if (one.name, key) not in self._seen:
            return True
        record = self._seen[one.name, key]
        return record is not None and not record.loaded.issuperset(
            statements.names_read(tuple(want.fields), tuple(want.relations))
        )

    def _adopt(self, one: Linked, slots: Sequence[str], values: Sequence[Any]) -> Record:
        """The operation's one record of that key, given these values, masked where they must be."""
        key = values[0]
        record = self._seen.get((one.name, key))
        masked = one.masked_for(self.viewer)
        if record is None:
            record = one.record(key, masked)
            self._seen[one.name, key] = record
        for slot, value in zip(slots, values[1:], strict=False):
            if slot in masked and value is not None:
                mask = one.fields[slot].mask
                assert mask is not None, "only masked fields are listed"
                value = mask.how(value)
            setattr(record, slot, value)
        record.loaded.update(slots)
        return record

    def _page(self, one: Linked, question: Question, rows: list[tuple[Any, ...]]) -> PageResult:
        shape = question.shape
        flags = (False, False)
        if statements.has_flags(shape):
            if rows:
                flags = (rows[0][0], rows[0][1])
            rows = [row[2:] for row in rows if row[2] is not None]
        more = len(rows) > question.size
        rows = rows[: question.size]
        if shape.backward:
            rows.reverse()
        slots = statements.names_read(shape.fields, shape.relations)
        width = 1 + len(slots)
        return PageResult(
            [self._adopt(one, slots, row[:width]) for row in rows],
            [row[width:] for row in rows],
            has_previous=more if shape.backward else flags[0],
            has_next=more if not shape.backward else flags[1],
            plan=question.plan,
            cursors=self._cursors,
            viewer=self.viewer,
        )


def _names(want: Selection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(sorted(want.fields)), tuple(sorted(want.relations))


def _counted(value: int, cap: int) -> Counted:
    return Counted(min(value, cap), value <= cap)


__all__ = ["COUNT_CAP", "Connection", "Counted", "LinkedRelation", "PageResult", "Reader", "Tally"]
