"""GraphQL types bound to declared entities: loaders and connections follow, none is written.

A worked example, `schema/clients/types.py` (see `domain.reads` for the declaration under it)::

    ClientStatus = strawberry.enum(values.ClientStatus, description="Where a client stands.")

    @bound("client", "A person or company with a relationship to the brand.", needs="clients:read")
    class Client(Node):
        reference: str = value("Number that staff quote.")
        version: int = value("Counts changes; send it back as `expectedVersion`.")
        status: ClientStatus = value("Where the client stands.")
        created_at: datetime = value("When the client registered.")
        name: str | None = value("Full name.")
        email: str | None = value("E-mail, masked without `clients:pii`.")
        masked: list[str] = masked_fields("Fields that you see masked.")
        balance: Money = money("What the client has.", "balance_minor", "currency")
        owner: Annotated["Staff", strawberry.lazy("schema.access.types")] | None = one(
            "Who looks after the client.")
        accounts: Connection[Annotated["Account", strawberry.lazy("schema.accounts.types")]] = many(
            "Trading accounts.", filter=AccountFilter, order=AccountOrder)

    @strawberry.input(description="Which clients to list; all conditions hold.")
    class ClientFilter:
        status: Choice[ClientStatus] | None = condition("Where the client stands.")
        created_at: DateTimeFilter | None = condition("When the client registered.")
        owner: IdFilter | None = condition("Who looks after the client.", id_of="staff")
        search: SearchFilter | None = condition("Part of a name, an e-mail or a phone number.")

    ClientOrder = order_input("Client", {"CREATED_AT": "When registered.", "NAME": "By name."})

    @strawberry.type
    class ClientQueries:
        clients: Connection[Client] = connection(
            "client", "Clients of the brand.", needs="clients:read",
            filter=ClientFilter, order=ClientOrder)

A field reads the entity's field of its own name. `computed` names what it reads. Names are checked
against the declarations by `schema.shared.assemble` at start-up; a wrong one fails it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Annotated, Any, Final, TypeVar, cast

import strawberry
from strawberry.utils.str_converters import to_camel_case

from domain.kernel.ids import encode_id
from domain.reads import Counted, Page, Record
from domain.reads.declare import Selection
from schema.shared.context import Context
from schema.shared.page import After, Before, First, Last, PageView, page_of
from schema.shared.permission import mark, public
from schema.shared.scalars import Money
from schema.shared.selection import (
    READS,
    PageAsked,
    Reads,
    Types,
    asked,
    page_asked,
    selection_of,
)

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Info = strawberry.Info[Context[Any], None]
LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class Follows:
    """In a field's metadata: the relation it follows (its own name when None) or the root list.

    `filter` and `order` are the inputs it takes; start-up checks them against the declarations.
    """

    relation: str | None = None
    entity: str | None = None
    filter: Any = None
    order: Any = None


def field(
    description: str,
    *,
    needs: str | None = None,
    reads: Sequence[str] = (),
    cost: int | None = None,
) -> Callable[[F], F]:
    """Makes a resolver a field, typed. On a bound type `reads` names the record's fields it uses.

    `needs` is a permission or "public", and may be left out where the type has a mark.
    """
    metadata: dict[str, Any] = {READS: Reads(fields=tuple(reads))}
    if cost is not None:
        metadata["cost"] = cost

    def decorate(resolver: F) -> F:
        made: Any = strawberry.field(
            resolver=resolver, description=description, directives=mark(needs), metadata=metadata
        )
        return cast("F", made)

    return decorate


def subscription(description: str, *, needs: str) -> Callable[[F], F]:
    """Makes an async generator a subscription field, typed. `needs` is a permission or "public"."""

    def decorate(resolver: F) -> F:
        made: Any = strawberry.subscription(
            resolver=resolver, description=description, directives=mark(needs)
        )
        return cast("F", made)

    return decorate


@strawberry.interface(
    description="An object with a global id, see `node(id:)`.", directives=public()
)
class Node:
    @field("Global id of the object. Opaque: store it, don't read it.")
    def id(self) -> strawberry.ID:
        record: Any = self
        return strawberry.ID(encode_id(record.entity, record.key))

    @classmethod
    def resolve_type(cls, record: Any, info: Any, _abstract: Any) -> str:
        """The type of a record is the type bound to its entity."""
        types: Types = info.context.reading.types
        return types.name_of(record.entity)


def bound(
    entity: str, description: str, *, needs: str, name: str | None = None
) -> Callable[[type[T]], type[T]]:
    """Makes a class the type of an entity. `needs` holds for each field; "public" is possible."""

    def decorate(cls: type[T]) -> type[T]:
        def is_type_of(record: Any, _info: Any) -> bool:
            return isinstance(record, Record) and record.entity == entity

        cls.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined] # read by Strawberry
        made = strawberry.type(cls, name=name, description=description, directives=mark(needs))
        made.__entity__ = entity  # type: ignore[attr-defined] # read by `bind`
        return made

    return decorate


def value(
    description: str,
    *,
    reads: str | None = None,
    needs: str | None = None,
    deprecated: str | None = None,
) -> Any:
    """A field that shows a field of the record: the one of its name, or the one `reads` names."""
    if reads is not None:
        return computed(description, lambda record: getattr(record, reads), reads=(reads,))
    return strawberry.field(
        description=description, directives=mark(needs), deprecation_reason=deprecated
    )


def computed(
    description: str,
    how: Callable[[Any], Any],
    *,
    reads: Sequence[str],
    needs: str | None = None,
) -> Any:
    """A field worked out from a record's fields, which `reads` must name."""

    def resolve(self: Any) -> Any:
        return how(self)

    return strawberry.field(
        resolver=resolve,
        description=description,
        directives=mark(needs),
        metadata={READS: Reads(fields=tuple(reads))},
    )


def money(description: str, amount: str, currency: str, *, needs: str | None = None) -> Any:
    """A `Money` from a field of minor units and a field of the currency; null when it is null."""

    def shown(record: Any) -> Money | None:
        minor = getattr(record, amount)
        return None if minor is None else Money.of(int(minor), getattr(record, currency))

    return computed(description, shown, reads=(amount, currency), needs=needs)


def masked_fields(description: str) -> Any:
    """The names of the fields that the viewer sees masked, as the API writes them."""
    return computed(
        description, lambda record: [to_camel_case(each) for each in record.masked_fields], reads=()
    )


def one(description: str, *, relation: str | None = None, needs: str | None = None) -> Any:
    """The object a relation leads to, by default the relation of the field's own name."""

    async def resolve(self: Any, info: Info) -> Any:
        name = relation or info.python_name
        key = getattr(self, f"_to_{name}")
        if key is None:
            return None
        target = info.context.reading.registry[self.entity].relations[name].target.name
        return await info.context.related_one(self.entity, name, key, wanted(info, target))

    return _following(resolve, description, relation, needs)


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
            page=Page(first=LISTED, order=order),
            want=wanted(info, target),
        )
        return page.records

    return _following(resolve, description, relation, needs)


def _following(resolve: Any, description: str, relation: str | None, needs: str | None) -> Any:
    return strawberry.field(
        resolver=resolve,
        description=description,
        directives=mark(needs),
        metadata={READS: Follows(relation)},
    )


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

    return _paged(resolve, description, needs, Follows(relation, filter=filter, order=order))


def connection(
    entity: str,
    description: str,
    *,
    needs: str,
    filter: Any = None,
    order: Any = None,
) -> Any:
    """A connection over all rows of an entity that the viewer may see: a root field."""

    async def resolve(self: Any, info: Info, **arguments: Any) -> PageView:
        context = info.context
        asked = _page_asked(info, entity)
        page = page_of(arguments, asked.page_info)

        async def count() -> Counted:
            return await context.reader.count(entity, page.filter)

        if not asked.rows:
            return PageView(None, count)
        return PageView(await context.reader.connection(entity, page, asked.want), count)

    return _paged(resolve, description, needs, Follows(entity=entity, filter=filter, order=order))


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
    named = [
        Parameter(name, kinds[1], default=None, annotation=annotation)
        for name, annotation in takes.items()
    ]
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


async def fetch(info: Info, entity: str, key: Any) -> Any:
    """The record behind a field that returns `entity`, with what is asked of it; None if hidden.

    For root fields and payloads: `return await fetch(info, "client", client_id)`. In a payload
    the selection lies one level down: see `fetch_below`.
    """
    return await info.context.load(entity, key, wanted(info, entity))


async def fetch_below(info: Info, field: str, entity: str, key: Any) -> Any:
    """The record for the field `field` of the payload that this mutation returns."""
    raw = info._raw_info
    payload_type: Any = raw.return_type
    while hasattr(payload_type, "of_type"):
        payload_type = payload_type.of_type
    below = [
        node
        for node in asked(raw, payload_type, raw.field_nodes)
        if node.name.value == to_camel_case(field)
    ]
    want = selection_of(raw, info.context.reading.types, entity, below)
    return await info.context.load(entity, key, want)
