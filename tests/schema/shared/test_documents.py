"""The schema as it runs: enums and unions come back, the printed form is sorted."""

import enum
from typing import Annotated

import strawberry
from graphql import build_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema_directive import Location

from schema.shared.documents import ExecutableSchema


@strawberry.enum
class Letter(enum.Enum):
    B = "B"
    A = "A"


@strawberry.type
class Zebra:
    stripes: int


@strawberry.type
class Ant:
    legs: int


Animal = Annotated[Zebra | Ant, strawberry.union("Animal")]


@strawberry.schema_directive(locations=[Location.OBJECT, Location.FIELD_DEFINITION])
class Marked:
    why: str


@strawberry.type(directives=[Marked(why="a test")])
class Query:
    @strawberry.field
    def letter(self) -> Letter:
        return Letter.A

    @strawberry.field
    def animal(self) -> Animal:
        return Zebra(stripes=9)


SCHEMA = ExecutableSchema(query=Query, config=StrawberryConfig(sort_schema=True))


async def test_enums_and_unions_are_returned() -> None:
    result = await SCHEMA.execute("{ letter animal { __typename ... on Zebra { stripes } } }")
    assert result.errors is None
    assert result.data == {"letter": "A", "animal": {"__typename": "Zebra", "stripes": 9}}


async def test_limits_hold_for_every_caller_of_the_schema() -> None:
    result = await SCHEMA.execute("{ " + "letter " * 6 + "}")
    assert result.errors is not None
    assert result.errors[0].extensions == {"code": "COST_TOO_HIGH"}


def test_the_printed_form_is_sorted() -> None:
    printed = str(SCHEMA)
    names = [line.split()[1] for line in printed.splitlines() if line.startswith(("type", "enum"))]
    assert names == sorted(names)
    assert printed.count("directive @marked") == 1
    assert build_schema(printed)
    assert printed.index("  A\n") < printed.index("  B\n")
