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

An entity whose rows are of several kinds has a type for each, behind an interface, and all of them
are read by one statement::

    @bound_interface("Money on its way.", needs="payments:read")
    class Payment(Node):
        amount: Money = money("How much.", "amount_minor", "currency")

    @bound("payment", "Money in.", needs="payments:read", when=("kind", "DEPOSIT"))
    class Deposit(Payment):
        credited: Money | None = money("What arrived.", "credited_minor", "credited_currency")

A field reads the entity's field of its own name. `computed` names what it reads. Names are checked
against the declarations by `schema.shared.assemble` at start-up; a wrong one fails it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import strawberry
from strawberry.utils.str_converters import to_camel_case

from domain.kernel.ids import encode_id
from domain.reads import Record
from domain.reads.tree import Amount, Capped, KeyText, Precision, Shown, Value
from schema.shared.follow import Info, connection, fetch, fetch_below, listed, many, one
from schema.shared.permission import mark, public
from schema.shared.scalars import Count, CountPrecision, Money
from schema.shared.selection import READS, MaskedNames, Parts, Reads, Shows, Types

__all__ = [
    "Info",
    "Node",
    "bound",
    "bound_interface",
    "capped",
    "computed",
    "connection",
    "fetch",
    "fetch_below",
    "field",
    "listed",
    "many",
    "masked_fields",
    "money",
    "one",
    "subscription",
    "value",
]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def field(
    description: str,
    *,
    needs: str | None = None,
    reads: Sequence[str] = (),
    cost: int | None = None,
    most: int | None = None,
    name: str | None = None,
    shows: Shows | None = None,
) -> Callable[[F], F]:
    """Makes a resolver a field, typed. On a bound type `reads` names the record's fields it uses.

    `needs` is a permission or "public", and may be left out where the type has a mark. `most` is
    the length that a list never exceeds, for what it costs. `name` is for names that Python has
    taken. `shows` says what the resolver does, for compiled plans.
    """
    metadata: dict[str, Any] = {READS: Reads(fields=tuple(reads), shows=shows)}
    metadata |= {key: told for key, told in (("cost", cost), ("most", most)) if told is not None}

    def decorate(resolver: F) -> F:
        made: Any = strawberry.field(
            resolver=resolver,
            name=name,
            description=description,
            directives=mark(needs),
            metadata=metadata,
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
    @field("Global id of the object. Opaque: store it, don't read it.", shows=KeyText(""))
    def id(self) -> strawberry.ID:
        record: Any = self
        return strawberry.ID(encode_id(record.entity, record.key))

    @classmethod
    def resolve_type(cls, record: Any, info: Any, _abstract: Any) -> str:
        """The type of a record is the type bound to its entity, or to its kind of it."""
        types: Types = info.context.reading.types
        return types.name_of(record)


def bound(
    entity: str,
    description: str,
    *,
    needs: str,
    name: str | None = None,
    when: tuple[str, str] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Makes a class the type of an entity. `needs` holds for each field; "public" is possible.

    `when` says for which rows: those whose field has that value; all where it is left out.
    """

    def decorate(cls: type[T]) -> type[T]:
        def is_type_of(record: Any, _info: Any) -> bool:
            if not isinstance(record, Record) or record.entity != entity:
                return False
            return when is None or getattr(record, when[0]) == when[1]

        cls.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined] # read by Strawberry
        made = strawberry.type(cls, name=name, description=description, directives=mark(needs))
        made.__entity__ = entity  # type: ignore[attr-defined] # read by `assemble.bind`
        made.__when__ = when  # type: ignore[attr-defined] # read by `assemble.bind`
        return made

    return decorate


def bound_interface(description: str, *, needs: str) -> Callable[[type[T]], type[T]]:
    """Makes a class the interface of types that `bound(…, when=…)` tells apart."""

    def decorate(cls: type[T]) -> type[T]:
        return strawberry.interface(cls, description=description, directives=mark(needs))

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
        return computed(
            description,
            lambda record: getattr(record, reads),
            reads=(reads,),
            needs=needs,
            shows=Shown(reads),
        )
    return strawberry.field(
        description=description, directives=mark(needs), deprecation_reason=deprecated
    )


def computed(
    description: str,
    how: Callable[[Any], Any],
    *,
    reads: Sequence[str],
    needs: str | None = None,
    shows: Shows | None = None,
) -> Any:
    """A field worked out from a record's fields, which `reads` must name.

    `shows` says the same as `how` where a compiled plan can write it too.
    """

    def resolve(self: Any) -> Any:
        return how(self)

    return strawberry.field(
        resolver=resolve,
        description=description,
        directives=mark(needs),
        metadata={READS: Reads(fields=tuple(reads), shows=shows)},
    )


def money(
    description: str,
    amount: str,
    currency: str,
    *,
    present: str | None = None,
    needs: str | None = None,
) -> Any:
    """A `Money` from a field of minor units and a field of the currency.

    It is null when the field `present` is: that of the minor units where nothing else is said.
    """
    deciding = present or amount

    def shown(record: Any) -> Money | None:
        if getattr(record, deciding) is None:
            return None
        return Money.of(int(getattr(record, amount)), getattr(record, currency))

    parts: dict[str, Value] = {"amount": Amount(amount, currency), "currencyCode": Shown(currency)}
    return computed(
        description,
        shown,
        reads=(amount, currency),
        needs=needs,
        shows=Parts(parts, deciding),
    )


def capped(description: str, counted: str, cap: int, *, needs: str | None = None) -> Any:
    """A `Count` from a field that was counted no further than one past `cap`."""

    def shown(record: Any) -> Count:
        found = getattr(record, counted)
        exact = CountPrecision.EXACT if found <= cap else CountPrecision.AT_LEAST
        return Count(value=min(found, cap), precision=exact)

    words = (CountPrecision.EXACT.name, CountPrecision.AT_LEAST.name)
    parts: dict[str, Value] = {
        "value": Capped(counted, cap),
        "precision": Precision(counted, cap, *words),
    }
    return computed(description, shown, reads=(counted,), needs=needs, shows=Parts(parts, counted))


def masked_fields(description: str) -> Any:
    """The names of the fields that the viewer sees masked, as the API writes them."""
    return computed(
        description,
        lambda record: [to_camel_case(each) for each in record.masked_fields],
        reads=(),
        shows=MaskedNames(),
    )
