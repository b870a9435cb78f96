"""Connections after Relay: pages of records, with a count that is counted only when asked.

`Connection[Client]` is `ClientConnection` in the SDL. Filters are inputs whose fields are one of
the small comparison inputs below; orders are `{field direction}` with an enum per type.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import partial
from typing import Annotated, Any, Final, Generic, TypeVar

import strawberry
from strawberry import UNSET

from domain.kernel.ids import decode_id_of
from domain.reads import Counted, Page, PageResult, Record
from schema.shared.permission import public
from schema.shared.scalars import Count, CountPrecision, Cursor

T = TypeVar("T")
E = TypeVar("E")
ID_OF: Final = "id_of"
NUMBER: Final = "number"
_DIGITS_MAX = 18


@strawberry.type(description="Where a page lies in its list.", directives=public())
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede this page.")
    start_cursor: Cursor | None = strawberry.field(description="Cursor of the page's first row.")
    end_cursor: Cursor | None = strawberry.field(description="Cursor of the page's last row.")


@strawberry.type(name="Edge", description="A row of a page with its cursor.", directives=public())
class Edge(Generic[T]):
    cursor: Cursor = strawberry.field(description="The row's position in the list.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(name="Connection", description="A page of a list.", directives=public())
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The page's rows with their cursors.")
    nodes: list[T] = strawberry.field(description="The page's rows.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")
    total_count: Count = strawberry.field(
        description="How many rows the list has, counted up to 10,000 and only when asked."
    )


class EdgeView:
    """An edge whose cursor is made when it is asked."""

    __slots__ = ("_at", "_page", "node")

    def __init__(self, page: PageResult, at: int) -> None:
        self._page = page
        self._at = at
        self.node = page.records[at]

    @property
    def cursor(self) -> str:
        return self._page.cursor(self._at)


class PageInfoView:
    """What `PageInfo` shows of a page."""

    __slots__ = ("_page", "has_next_page", "has_previous_page")

    def __init__(self, page: PageResult) -> None:
        self._page = page
        self.has_next_page = page.has_next
        self.has_previous_page = page.has_previous

    @property
    def start_cursor(self) -> str | None:
        return self._page.cursor(0) if self._page.records else None

    @property
    def end_cursor(self) -> str | None:
        last = len(self._page.records) - 1
        return None if last < 0 else self._page.cursor(last)


class PageView:
    """What a connection field resolves to. `page` is None when no part of the page was asked."""

    __slots__ = ("_count", "_page")

    def __init__(self, page: PageResult | None, count: Callable[[], Awaitable[Counted]]) -> None:
        self._page = page
        self._count = count

    @property
    def page(self) -> PageResult:
        assert self._page is not None, "the selection asked for rows"
        return self._page

    @property
    def nodes(self) -> list[Record]:
        return self.page.records

    @property
    def edges(self) -> list[EdgeView]:
        return [EdgeView(self.page, at) for at in range(len(self.page.records))]

    @property
    def page_info(self) -> PageInfoView:
        return PageInfoView(self.page)

    @property
    def total_count(self) -> Awaitable[Count]:
        return self._counted()

    async def _counted(self) -> Count:
        counted = await self._count()
        exact = CountPrecision.EXACT if counted.exact else CountPrecision.AT_LEAST
        return Count(value=counted.value, precision=exact)


@strawberry.enum(description="Which way a list is sorted; a null counts as the largest value.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Smallest, oldest or A first.")
    DESC = strawberry.enum_value("DESC", description="Largest, newest or Z first.")


def _op(description: str, name: str | None = None) -> Any:
    return strawberry.field(description=description, default=UNSET, name=name)


_EQ, _IN = "Is this.", "Is one of these, at most 100."
_GTE, _LT = "Is this or more.", "Is less than this."


@strawberry.input(name="Filter", description="Compares a value of a closed list.")
class Choice(Generic[E]):
    eq: E | None = _op(_EQ)
    in_: list[E] | None = _op(_IN, "in")


@strawberry.input(name="IdFilter", description="Compares the id of an object.")
class IdFilter:
    eq: strawberry.ID | None = _op(_EQ)
    in_: list[strawberry.ID] | None = _op(_IN, "in")


@strawberry.input(name="TextFilter", description="Compares a short text, exactly.")
class TextFilter:
    eq: str | None = _op(_EQ)
    in_: list[str] | None = _op(_IN, "in")


@strawberry.input(name="SearchFilter", description="Looks for a part of a text.")
class SearchFilter:
    contains: str | None = _op("Has this within, whatever the case; at least 2 characters.")


@strawberry.input(name="TagFilter", description="Looks into a list of short texts.")
class TagFilter:
    contains: str | None = _op("Has this in the list, exactly.")


@strawberry.input(name="BooleanFilter", description="Compares a yes or no.")
class BooleanFilter:
    eq: bool | None = _op(_EQ)


@strawberry.input(name="IntFilter", description="Compares a whole number.")
class IntFilter:
    eq: int | None = _op(_EQ)
    in_: list[int] | None = _op(_IN, "in")
    gte: int | None = _op(_GTE)
    lt: int | None = _op(_LT)


@strawberry.input(name="DecimalFilter", description="Compares a decimal number.")
class DecimalFilter:
    gte: Decimal | None = _op(_GTE)
    lt: Decimal | None = _op(_LT)


@strawberry.input(name="DateFilter", description="Compares a calendar date.")
class DateFilter:
    eq: date | None = _op(_EQ)
    gte: date | None = _op(_GTE)
    lt: date | None = _op(_LT)


@strawberry.input(name="DateTimeFilter", description="Compares an instant.")
class DateTimeFilter:
    gte: datetime | None = _op("At this instant or later.")
    lt: datetime | None = _op("Before this instant.")


def condition(description: str, *, id_of: str | None = None, is_number: bool = False) -> Any:
    """A field of a filter input; `id_of` names the entity whose ids an `IdFilter` takes, and
    `is_number` says that a `TextFilter` takes digits, which are stored as a number."""
    metadata: dict[str, Any] = {ID_OF: id_of} if id_of else {NUMBER: True} if is_number else {}
    return strawberry.field(description=description, default=UNSET, metadata=metadata)


def order_input(type_name: str, fields: Mapping[str, str]) -> type[Any]:
    """The input `<Type>Order` and its enum `<Type>OrderField`, from what each field means."""
    values = {
        name: strawberry.enum_value(name, description=meaning) for name, meaning in fields.items()
    }
    made = Enum(f"{type_name}OrderField", values)  # type: ignore[misc] # members known at run time
    about = f"What a list of `{type_name}` can be sorted by."
    enum = strawberry.enum(made, description=about)
    namespace = {
        "__module__": __name__,
        "__annotations__": {"field": enum, "direction": OrderDirection},
        "field": strawberry.field(description="What to sort by."),
        "direction": strawberry.field(description="Which way.", default=OrderDirection.ASC),
    }
    cls = type(f"{type_name}Order", (), namespace)
    return strawberry.input(cls, description=f"How a list of `{type_name}` is sorted.")


def order_text(order: Any) -> str:
    """An order input as the read engine says it: `NAME` or `-NAME`."""
    if order is None:
        return ""
    name = str(order.field.value)
    return f"-{name}" if order.direction is OrderDirection.DESC else name


def filter_values(given: Any) -> dict[str, dict[str, Any]]:
    """A filter input as the read engine takes it; ids become keys, unknown ones match nothing."""
    found: dict[str, dict[str, Any]] = {}
    if given is None or given is UNSET:
        return found
    for field in given.__strawberry_definition__.fields:
        comparison = getattr(given, field.python_name)
        if comparison is None or comparison is UNSET:
            continue
        ops = {
            each.python_name.rstrip("_"): _plain(value)
            for each in comparison.__strawberry_definition__.fields
            if (value := getattr(comparison, each.python_name)) is not UNSET
        }
        read = _reader_of(field.metadata)
        if ops:
            found[field.python_name] = _keys(read, ops) if read else ops
    return found


def _reader_of(metadata: Mapping[Any, Any]) -> Callable[[str], Any] | None:
    """How the texts of a comparison become what is stored; None when they are stored as texts."""
    if metadata.get(NUMBER):
        return _number
    id_of = metadata.get(ID_OF)
    return None if id_of is None else partial(decode_id_of, id_of)


def _number(text: str) -> int | None:
    """A whole number as one writes it, without sign or leading zeros."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
    return int(text) if is_number and text == str(int(text)) else None


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, Enum) and not isinstance(value, StrEnum) else value


def _keys(read: Callable[[str], Any], ops: Mapping[str, Any]) -> dict[str, Any]:
    """Texts as keys. A malformed one, or another type's id, is no error: nothing has it."""
    given = [ops["eq"]] if "eq" in ops else []
    if None in given or ops.get("in", ()) is None:
        return dict(ops)
    keys: dict[str, Any] = {}
    if "in" in ops:
        known = (read(each) for each in ops["in"] if each is not None)
        keys["in"] = [key for key in known if key is not None]
    if given:
        key = read(given[0])
        keys["in" if key is None else "eq"] = [] if key is None else key
    return keys


First = Annotated[
    int | None, strawberry.argument(description="How many rows from the start, 1–100.")
]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, 1–100.")]
After = Annotated[Cursor | None, strawberry.argument(description="Only rows after this cursor.")]
Before = Annotated[Cursor | None, strawberry.argument(description="Only rows before this cursor.")]


def page_of(arguments: Mapping[str, Any], page_info: frozenset[str]) -> Page:
    """The page that a connection field's arguments ask for.

    Rows beyond the cursors are looked for only when the answer shows them.
    """
    backward = arguments.get("last") is not None
    beyond = "hasNextPage" if backward else "hasPreviousPage"
    return Page(
        first=arguments.get("first"),
        last=arguments.get("last"),
        after=arguments.get("after"),
        before=arguments.get("before"),
        filter=filter_values(arguments.get("filter")),
        order=order_text(arguments.get("order_by")),
        neighbours=beyond in page_info,
    )
