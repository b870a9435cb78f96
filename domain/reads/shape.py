"""From a page and a viewer to the shape of a statement, and the values it will be sent with.

A shape is hashable and holds no value of a caller, so that equal shapes share one statement.
Everything a caller may not ask is refused here, before any statement exists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.kernel.errors import Forbidden, Invalid
from domain.reads.declare import Op, PartSearch, RowScope, Selection, Viewer
from domain.reads.keyset import BAD_INPUT, Cursors, Filters, Page, Plan
from domain.reads.registry import Linked, kind_of

MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a filter; its value is in a bind, or a word of the column's own few."""

    field: str
    op: Op
    bind: str
    word: str | None = None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which rows count: row scopes that apply (own and through others) and the caller's filter."""

    scopes: tuple[tuple[str, int], ...]
    conditions: tuple[Condition, ...] = ()
    search: bool = False

    @property
    def is_all(self) -> bool:
        """Whether all rows count, for whoever asks."""
        return not (self.scopes or self.conditions or self.search)

    @property
    def is_steady(self) -> bool:
        """Whether no value of a caller decides how many rows are left."""
        return not self.search and all(each.word is not None for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Sort:
    """Name and direction of an order, as the plan of cursors knows it."""

    name: str
    descending: bool

    @property
    def label(self) -> str:
        return f"-{self.name}" if self.descending else self.name


@dataclass(frozen=True, slots=True)
class PageShape:
    """All that decides the text of a page's statement.

    `after` and `before` say for each sort value of the cursor whether it is null.
    """

    entity: str
    fields: tuple[str, ...]
    relations: tuple[str, ...]
    narrowing: Narrowing
    sort: Sort
    backward: bool
    after: tuple[bool, ...] | None
    before: tuple[bool, ...] | None
    neighbours: bool
    parent: tuple[str, str] | None = None


def narrowing_of(one: Linked, filters: Filters, viewer: Viewer) -> tuple[Narrowing, dict[str, Any]]:
    """The rows a viewer may see that pass a filter, with the binds of the filter's values.

    Refusals: BAD_USER_INPUT for what the entity doesn't offer, FORBIDDEN for a masked column.
    """
    conditions: list[Condition] = []
    binds: dict[str, Any] = {}
    search = False
    for name in sorted(filters):
        if name == "search" and one.declared.search is not None:
            search = True
            binds |= _search_binds(one, filters[name], viewer)
            continue
        for op, value in sorted(filters[name].items()):
            condition = _condition(one, name, op, len(conditions))
            _check_open(one, name, viewer)
            _check_value(condition, value)
            conditions.append(condition)
            binds[condition.bind] = value
    return Narrowing(scopes_of(one, viewer), tuple(conditions), search), binds


def scopes_of(one: Linked, viewer: Viewer) -> tuple[tuple[str, int], ...]:
    """Which declared row scopes narrow this viewer, those of entities passed through included."""
    found: list[tuple[str, int]] = []
    for index, scope in enumerate(one.declared.scopes):
        if isinstance(scope, RowScope):
            if scope.applies_to(viewer):
                found.append((one.name, index))
        else:
            found.extend(scopes_of(one.relations[scope.relation].target, viewer))
    return tuple(found)


def sort_of(one: Linked, order: str, viewer: Viewer) -> Sort:
    """The order of a page; the entity's default when none is asked.

    Refusals: BAD_USER_INPUT for an unknown order, FORBIDDEN for one over a masked column.
    """
    asked = order or one.declared.default_order or next(iter(one.orders), "")
    name, descending = asked.removeprefix("-"), asked.startswith("-")
    if name and name not in one.orders:
        raise Invalid(BAD_INPUT, f"There is no order {name}.", path=("orderBy",))
    if any(one.is_hidden(each, viewer) for each in one.orders.get(name, ())):
        raise _hidden(name)
    return Sort(name, descending)


def plan_of(one: Linked, sort: Sort) -> Plan:
    """What cursors of this sort are bound to."""
    kinds = (
        *(kind_of(each) or "" for each in one.orders.get(sort.name, ())),
        kind_of(one.key) or "",
    )
    return Plan(one.name, sort.label, kinds)


@dataclass(frozen=True, slots=True)
class Question:
    """A page asked of one entity: its shape and the values of this call."""

    shape: PageShape
    binds: Mapping[str, Any]
    plan: Plan
    size: int


def question_of(
    one: Linked,
    page: Page,
    want: Selection,
    *,
    viewer: Viewer,
    cursors: Cursors,
    parent: tuple[str, str] | None = None,
) -> Question:
    """What to send for a page. Refusals: BAD_USER_INPUT, FORBIDDEN; see the parts."""
    size = page.size()
    narrowing, binds = narrowing_of(one, page.filter, viewer)
    sort = sort_of(one, page.order, viewer)
    plan = plan_of(one, sort)
    nulls: dict[str, tuple[bool, ...] | None] = {"a": None, "b": None}
    for prefix, cursor in (("a", page.after), ("b", page.before)):
        if cursor is not None:
            values = cursors.read(plan, viewer.brand_id, cursor)
            binds |= {f"{prefix}{at}": value for at, value in enumerate(values)}
            nulls[prefix] = tuple(value is None for value in values)
    shape = PageShape(
        entity=one.name,
        fields=tuple(sorted(want.fields)),
        relations=tuple(sorted(want.relations)),
        narrowing=narrowing,
        sort=sort,
        backward=page.backward,
        after=nulls["a"],
        before=nulls["b"],
        neighbours=page.neighbours,
        parent=parent,
    )
    return Question(shape, {**viewer.binds(), **binds, "size": size + 1}, plan, size)


def _condition(one: Linked, name: str, op: str, index: int) -> Condition:
    declared = one.filters.get(name)
    if declared is None or op not in declared.ops:
        raise Invalid(BAD_INPUT, f"There is no filter {name}.{op}.", path=("filter", name))
    return Condition(name, Op(op), f"f{index}")


def _check_open(one: Linked, name: str, viewer: Viewer) -> None:
    if one.is_hidden(one.filters[name].column, viewer):
        raise _hidden(name)


def _check_value(condition: Condition, value: Any) -> None:
    path = ("filter", condition.field, condition.op.value)
    if value is None:
        raise Invalid(BAD_INPUT, "Leave a condition out instead of giving null.", path=path)
    if condition.op is Op.IN and (None in value or len(value) > MAX_LISTED):
        raise Invalid(BAD_INPUT, f"List up to {MAX_LISTED} values, none of them null.", path=path)
    for each in value if condition.op is Op.IN else (value,):
        if isinstance(each, str) and not is_storable(each):
            raise Invalid(BAD_INPUT, "That text has characters that no text here has.", path=path)


def is_storable(text: str) -> bool:
    """Whether Postgres could hold a text at all: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def check_open(one: Linked, fields: Iterable[str], viewer: Viewer) -> None:
    """Refusals: FORBIDDEN when one of the fields is masked for the viewer: counts would tell it."""
    for name in fields:
        if one.is_hidden(one.fields[name].source, viewer):
            raise _hidden(name)


def _search_binds(one: Linked, asked: Mapping[str, Any], viewer: Viewer) -> dict[str, Any]:
    search = one.declared.search
    assert search is not None, "called for entities with a search"
    text = asked.get("contains")
    path = ("filter", "search", "contains")
    if set(asked) != {"contains"} or not isinstance(text, str):
        raise Invalid(BAD_INPUT, "A search says what the text contains.", path=path)
    term = search.normalise(text)
    if len(term) < search.shortest or not is_storable(term):
        raise Invalid(BAD_INPUT, f"Search for at least {search.shortest} characters.", path=path)
    masked = set(one.masked_for(viewer))
    clear = [name for name in search.covers if name not in masked]
    by_field = isinstance(search, PartSearch) or search.kind is not None
    if not clear or (not by_field and len(clear) < len(search.covers)):
        raise _hidden("search")
    return {"term": term, "clear": clear}


def _hidden(name: str) -> Forbidden:
    return Forbidden("FORBIDDEN", f"{name} reads a field that is masked for you.")
