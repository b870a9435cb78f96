"""Fields that lead from one object to others: relations, lists, connections, and loads by key.

Each works out once per operation what is asked below it, and batches with its siblings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from inspect import Parameter, Signature
from typing import Annotated, Any, Final, TypeAlias

import strawberry
from graphql import get_named_type, is_list_type
from strawberry.utils.str_converters import to_camel_case

from domain.reads import Counted, Page
from domain.reads.declare import Selection
from schema.shared.context import Context
from schema.shared.page import After, Before, First, Last, PageView, page_of
from schema.shared.permission import mark, marks_of
from schema.shared.selection import READS, PageAsked, asked, page_asked, selection_of
from tenants.context import Scope

Info = strawberry.Info[Context[Any], None]

LISTED: Final = 100
_NULL: Final = b"null"
Filters: TypeAlias = Mapping[str, Mapping[str, Any]]
Only: TypeAlias = Callable[[Scope], Filters]


class Way(StrEnum):
    """How a field leads on: to one object, to a plain list, or to a connection."""

    ONE = "one"
    LISTED = "listed"
    PAGED = "paged"


@dataclass(frozen=True, slots=True)
class Follows:
    """In a field's metadata: the relation it follows (its own name when None) or the root list.

    `filter` and `order` are the inputs it takes; start-up checks them against the declarations.
    `sorted_by` is the order of a plain list, `only` what a root list adds to the caller's filter.
    """

    way: Way
    relation: str | None = None
    entity: str | None = None
    filter: Any = None
    order: Any = None
    sorted_by: str = ""
    only: Only | None = None


def one(description: str, *, relation: str | None = None, needs: str | None = None) -> Any:
    """The object a relation leads to, by default the relation of the field's own name."""

    async def resolve(self: Any, info: Info) -> Any:
        name = relation or info.python_name
        key = getattr(self, f"_to_{name}")
        if key is None:
            return None
        target = info.context.reading.registry[self.entity].relations[name].target.name
        return await info.context.related_one(self.entity, name, key, wanted(info, target))

    return _following(resolve, description, Follows(Way.ONE, relation), needs)


def listed(
    description: str, *, relation: str | None = None, order: str = "", needs: str | None = None
) -> Any:
    """A plain list of what a relation leads to: for lists that stay short, at most 100."""

    async def resolve(self: Any, info: Info) -> Any:
        name = relation or info.python_name
        target = info.context.reading.registry[self.entity].relations[name].target.name
        page = await info.context.related_many(
            self.entity,
            name,
            getattr(self, f"_to_{name}"),
            page=listed_page(over),
            want=wanted(info, target),
        )
        return page.records

    over = Follows(Way.LISTED, relation, sorted_by=order)
    return _following(resolve, description, over, needs)


def _following(resolve: Any, description: str, over: Follows, needs: str | None) -> Any:
    return strawberry.field(
        resolver=resolve, description=description, directives=mark(needs), metadata={READS: over}
    )


def listed_page(over: Follows) -> Page:
    """The page that a plain list shows."""
    return Page(first=LISTED, order=over.sorted_by)


def many(
    description: str,
    *,
    relation: str | None = None,
    filter: Any = None,
    order: Any = None,
    needs: str | None = None,
) -> Any:
    """A connection over a relation to many."""

    async def resolve(self: Any, info: Info, **arguments: Any) -> PageView:
        context, name = info.context, relation or info.python_name
        key = getattr(self, f"_to_{name}")
        link = context.reading.registry[self.entity].relations[name]
        asked = _page_asked(info, link.target.name)
        page = page_of(arguments, asked.page_info)

        async def count() -> Counted:
            return await context.count_related(self.entity, name, key, page.filter)

        if not asked.rows:
            return PageView(None, count)
        found = await context.related_many(self.entity, name, key, page=page, want=asked.want)
        return PageView(found, count)

    over = Follows(Way.PAGED, relation, filter=filter, order=order)
    return _paged(resolve, description, needs, over)


def connection(
    entity: str,
    description: str,
    *,
    needs: str,
    filter: Any = None,
    order: Any = None,
    only: Only | None = None,
) -> Any:
    """A connection over all rows of an entity that the viewer may see: a root field.

    `only` adds conditions of the field's own, whatever the caller's filter says.
    """

    async def resolve(self: Any, info: Info, **arguments: Any) -> PageView:
        context = info.context
        asked = _page_asked(info, entity)
        page = narrowed(page_of(arguments, asked.page_info), over, context.scope)

        async def count() -> Counted:
            return await context.reader.count(entity, page.filter)

        if not asked.rows:
            return PageView(None, count)
        return PageView(await context.reader.connection(entity, page, asked.want), count)

    over = Follows(Way.PAGED, entity=entity, filter=filter, order=order, only=only)
    return _paged(resolve, description, needs, over)


def narrowed(page: Page, over: Follows, scope: Scope) -> Page:
    """The page with a root list's own conditions; those of the caller still hold, on the same
    field too."""
    if over.only is None:
        return page
    conditions = over.only(scope)
    both = {
        name: {**page.filter.get(name, {}), **conditions.get(name, {})}
        for name in {**page.filter, **conditions}
    }
    for name, own in conditions.items():
        asked = page.filter.get(name, {})
        if "in" in own and "in" in asked:
            both[name]["in"] = [each for each in asked["in"] if each in own["in"]]
    return replace(page, filter=both)


def _paged(resolve: Any, description: str, needs: str | None, over: Follows) -> Any:
    """The field with the arguments of a connection, those for filter and order when there are."""
    takes: dict[str, Any] = {"first": First, "last": Last, "after": After, "before": Before}
    if over.filter is not None:
        takes["filter"] = _argument(over.filter, "Only rows for which all of this holds.")
    if over.order is not None:
        takes["order_by"] = _argument(over.order, "How the list is sorted.")
    field = strawberry.field(
        description=description, directives=mark(needs), metadata={READS: over}
    )
    return field(_with_arguments(resolve, takes))


def _argument(type_: Any, description: str) -> Any:
    return Annotated[type_ | None, strawberry.argument(description=description)]


def _with_arguments(resolve: Any, takes: Mapping[str, Any]) -> Any:
    """The same resolver, declaring arguments that are only known here."""
    kinds = Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY
    fixed = [Parameter("self", kinds[0]), Parameter("info", kinds[0], annotation=Info)]
    named = [Parameter(name, kinds[1], annotation=annotation) for name, annotation in takes.items()]
    resolve.__signature__ = Signature([*fixed, *named])
    return resolve


def wanted(info: Info, entity: str) -> Selection:
    """What is asked of `entity` below this field; worked out once per operation."""
    raw = info._raw_info
    known = info.context.selections
    key = (entity, *map(id, raw.field_nodes))
    if key not in known:
        known[key] = selection_of(raw, info.context.reading.types, entity, raw.field_nodes)
    found: Selection = known[key]
    return found


def _page_asked(info: Info, entity: str) -> PageAsked:
    raw = info._raw_info
    known = info.context.selections
    key = ("page", entity, *map(id, raw.field_nodes))
    if key not in known:
        known[key] = page_asked(raw, info.context.reading.types, entity, raw.field_nodes)
    found: PageAsked = known[key]
    return found


def may_see(info: Info, entity: str) -> bool:
    """Whether the viewer has what every type of an entity takes: for unions and `node`, where no
    field of that type has been judged yet."""
    types = info.context.reading.types.by_entity[entity].types.values()
    marks = marks_of(info._raw_info.schema)
    return not any(marks.types[each.name] - info.context.scope.permissions for each in types)


async def fetch(info: Info, entity: str, key: Any) -> Any:
    """The record behind a field that returns `entity`, with what is asked of it; None if hidden.

    For root fields and payloads: `return await fetch(info, "client", client_id)`. In a payload
    the selection lies one level down: see `fetch_below`.
    """
    return await info.context.load(entity, key, wanted(info, entity))


async def fetch_below(info: Info, field: str, entity: str, key: Any) -> Any:
    """The object for the field `field` of the payload that this mutation returns, None if hidden.

    It is for the payload alone: a record to be read by the executor, or what a plan made of it.
    """
    raw, context = info._raw_info, info.context
    payload_type: Any = get_named_type(raw.return_type)
    name = to_camel_case(field)
    below = [node for node in asked(raw, payload_type, raw.field_nodes) if node.name.value == name]
    shown = payload_type.fields[name].type
    # A plan writes what is asked under one key, and of one object.
    keys = {(node.alias or node.name).value for node in below}
    if context.weave is not None and len(keys) == 1 and not is_list_type(shown):
        # Nobody asks for a connection while holding another.
        await context.refresh()
        woven = await context.weave(below, get_named_type(shown).name, entity, key)
        if woven is not None:
            return None if woven.data == _NULL else woven
    want = selection_of(raw, context.reading.types, entity, below)
    return await context.load(entity, key, want)
