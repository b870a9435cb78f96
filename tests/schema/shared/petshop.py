"""A schema over the zoo of `tests.domain.reads`: bound types, connections, a mutation."""

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from domain.kernel.errors import Invalid, NotFound, Refused
from domain.kernel.ids import decode_id_of
from schema.shared.bind import (
    Info,
    Node,
    bound,
    computed,
    connection,
    fetch,
    fetch_below,
    field,
    listed,
    many,
    masked_fields,
    money,
    one,
    subscription,
    value,
)
from schema.shared.errors import mutation, payload, result
from schema.shared.nodes import NodeQueries
from schema.shared.page import (
    Connection,
    DateTimeFilter,
    IntFilter,
    SearchFilter,
    TagFilter,
    condition,
    order_input,
)
from schema.shared.scalars import Money

Petshop = "tests.schema.shared.petshop"


@bound("vet", "A doctor of animals.", needs="vets:read")
class Vet(Node):
    name: str = value("The doctor's name.")


@bound("visit", "A visit of a pet.", needs="people:read")
class Visit(Node):
    at: datetime = value("When.")


@strawberry.input(description="Which pets.")
class PetFilter:
    weight: IntFilter | None = condition("How heavy.")


PetOrder = order_input("Pet", {"WEIGHT": "By weight."})


@bound("pet", "Somebody's animal.", needs="people:read")
class Pet(Node):
    name: str = value("What it answers to.")
    weight: int | None = value("In kilograms.")
    price: Money | None = money("What it cost.", "weight", "coin")
    person: Annotated["Person", strawberry.lazy(Petshop)] | None = one("Whose it is.")
    passport: Annotated["Passport", strawberry.lazy(Petshop)] | None = one("Its papers.")
    visits: Connection[Visit] = many("When it was here.")


@bound("passport", "Papers of a pet.", needs="people:read")
class Passport(Node):
    number: str = value("Number on the papers.")


@bound("person", "Somebody with pets.", needs="people:read")
class Person(Node):
    name: str = value("What to call them.")
    e_mail: str | None = value("Masked for most.", reads="email")
    score: Decimal | None = value("How good.", needs="people:score")
    joined_at: datetime = value("Since when.")
    masked: list[str] = masked_fields("What is masked for you.")
    loud: str = computed("Name and rank.", lambda r: f"{r.shout}{r.rank}", reads=("shout", "rank"))
    vet: Vet | None = one("Who looks after their pets.")
    pets: Connection[Pet] = many("Their pets.", filter=PetFilter, order=PetOrder)
    beasts: list[Pet] = listed("All their pets.", relation="pets", order="WEIGHT")


@strawberry.input(description="Which people.")
class PersonFilter:
    rank: IntFilter | None = condition("Rank.")
    joined_at: DateTimeFilter | None = condition("Since when.")
    tags: TagFilter | None = condition("Tags.")
    search: SearchFilter | None = condition("Part of a name or e-mail.")


PersonOrder = order_input("Person", {"JOINED_AT": "By age here.", "NAME": "By name.", "EMAIL": "!"})


@strawberry.type
class Query(NodeQueries):
    people: Connection[Person] = connection(
        "person", "People.", needs="people:read", filter=PersonFilter, order=PersonOrder
    )

    @field("One person.", needs="people:read")
    async def person(self, info: Info, id: strawberry.ID) -> Person | None:
        key = decode_id_of("person", id)
        found: Person | None = None if key is None else await fetch(info, "person", key)
        return found

    @field("Echo.", needs="public")
    async def echo(self, amount: Decimal, at: datetime | None = None) -> str:
        return f"{amount} {at}"

    @field("Refuses.", needs="public")
    async def refuse(self) -> str:
        raise Refused("CLOSED", "The shop is closed.", path=("opening_hours",))


@strawberry.input(description="What to say.")
class PetRenameInput:
    new_name: str = strawberry.field(description="The name.")


@payload(errors={"INVALID": "That is no name.", "TOO_LATE": "It is used to its name."})
class PetRenamePayload:
    name: str | None = result("The name it has now.")


@payload(errors={"NOT_FOUND": "No such pet."})
class PetPatPayload:
    pet: Pet | None = result("The pet, as it is now.")


@strawberry.type
class Mutation:
    @mutation("Pats a pet.", needs="pets:write")
    async def pet_pat(self, info: Info, id: strawberry.ID) -> PetPatPayload:
        key = decode_id_of("pet", id)
        found = None if key is None else await fetch_below(info, "pet", "pet", key)
        if found is None:
            raise NotFound(path=("id",))
        return PetPatPayload(pet=found)

    @mutation("Gives a pet another name.", needs="pets:write")
    async def pet_rename(self, info: Info, input: PetRenameInput) -> PetRenamePayload:
        if input.new_name == "":
            raise Invalid("INVALID", "Give a name.", path=("new_name",))
        if input.new_name == "bug":
            raise Invalid("ELSE", "Not in the enum.")
        return PetRenamePayload(name=input.new_name)


@strawberry.type
class Subscription:
    @subscription("Counts.", needs="ticks:watch")
    async def ticks(self, info: Info) -> AsyncGenerator[int, None]:
        yield 1
