"""A context reads from one lazy snapshot, and from a new one after each write."""

from typing import Any, cast
from uuid import UUID

import pytest

from domain.kernel.clock import FixedClock
from domain.kernel.errors import Refused
from schema.shared.assemble import Assembled
from schema.shared.context import Context, viewer_of
from tenants.context import ANONYMOUS, Actor, ActorKind, Scope
from tenants.work import Database, Done
from tests.domain.reads.test_reads_engine import START

SCOPE = Scope(
    brand_id=UUID(int=1),
    actor=Actor(ActorKind.IB, UUID(int=2)),
    permissions=frozenset({"a:read"}),
    ib_path="aa/",
    request_id="r1",
)


class Work:
    closed = 0

    async def close(self) -> None:
        self.closed += 1


class Books:
    """Stands for the database: hands out works and runs commands."""

    def __init__(self) -> None:
        self.works: list[Work] = []

    def read(self, _scope: Scope) -> Work:
        self.works.append(Work())
        return self.works[-1]

    async def write(self, scope: Scope, command: Any, *, repeat: Any = None) -> Done[Any]:
        return Done(await command((scope, repeat)))


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def context(books: Books, assembled: Assembled) -> Context[None]:
    return Context(
        scope=SCOPE,
        database=cast("Database", books),
        reading=assembled.reading,
        services=None,
        clock=FixedClock(START),
    )


async def test_it_says_who_asks(context: Context[None]) -> None:
    assert context.request_id == "r1"
    assert context.now() == START
    assert not context.is_anonymous
    viewer = viewer_of(SCOPE)
    assert (viewer.id, viewer.ib_path, viewer.permissions) == (UUID(int=2), "aa/", {"a:read"})
    assert viewer_of(Scope(brand_id=UUID(int=1), actor=ANONYMOUS)).id is None


async def test_one_snapshot_until_a_write(context: Context[None], books: Books) -> None:
    reader = context.reader
    assert context.reader is reader
    assert len(books.works) == 1

    async def command(given: Any) -> Any:
        return given[0]

    done = await context.write(command)
    assert done.value is SCOPE
    assert books.works[0].closed == 1
    assert context.reader is not reader

    async def refused(_given: Any) -> Any:
        raise Refused("NO", "No.")

    with pytest.raises(Refused):
        await context.write(refused)
    assert [work.closed for work in books.works] == [1, 1]
    await context.close()
    await context.close()
    assert [work.closed for work in books.works] == [1, 1]


async def test_nothing_is_opened_for_nothing(context: Context[None], books: Books) -> None:
    await context.close()
    assert books.works == []
