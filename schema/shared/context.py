"""The context of one operation: who asks, a lazy snapshot to read from, loaders, ports.

Nothing touches the database before the first field that needs it. Loaders and caches live here and
end with the operation. After a write the snapshot is given back, so that what a mutation returns
is what it wrote.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from strawberry.dataloader import DataLoader

from domain.kernel.clock import Clock, SystemClock
from domain.reads import Counted, Cursors, Page, PageResult, Reader, Record, Registry, Viewer
from domain.reads.declare import Selection
from schema.shared.selection import Types
from schema.shared.woven import Weave
from tenants.context import ActorKind, Scope
from tenants.repeat import Repeat
from tenants.work import Command, Database, Done, ReadWork

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """What all operations share for reading; made once at start-up by `schema.shared.bind`."""

    registry: Registry
    types: Types
    cursors: Cursors


def viewer_of(scope: Scope) -> Viewer:
    """The reader's view of a scope."""
    return Viewer(
        brand_id=scope.brand_id,
        permissions=scope.permissions,
        id=scope.actor.id,
        client_id=scope.client_id,
        ib_path=scope.ib_path,
    )


@dataclass(slots=True, kw_only=True)
class Context(Generic[S]):
    """One per operation; for a subscription, `refresh` before each event.

    `services` is the frozen dataclass of ports that the application wires. `weave` is set where a
    mutation's payload may be shown by compiled plans.
    """

    scope: Scope
    database: Database
    reading: Reading
    services: S
    clock: Clock = field(default_factory=SystemClock)
    throttle_keys: Sequence[str] = ()
    last_event_id: str | None = None
    reached_at: Callable[[], str] = str
    selections: dict[Hashable, Any] = field(default_factory=dict)
    weave: Weave | None = None
    _work: ReadWork | None = None
    _is_over: bool = False
    _reader: Reader | None = None
    _loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def request_id(self) -> str:
        return self.scope.request_id

    @property
    def origin(self) -> str:
        """Where the caller reached us, such as `https://api.example`, for addresses that lead back
        here."""
        return self.reached_at()

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody has signed in."""
        return self.scope.actor.kind is ActorKind.ANONYMOUS

    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()

    @property
    def work(self) -> ReadWork:
        """The operation's snapshot; its connection is taken at the first statement."""
        assert not self._is_over, "the operation is over"
        if self._work is None:
            self._work = self.database.read(self.scope)
        return self._work

    @property
    def reader(self) -> Reader:
        """The engine over that snapshot. Resolvers use `load` and its siblings, which batch."""
        if self._reader is None:
            self._reader = Reader(
                self.work,
                self.reading.registry,
                viewer=viewer_of(self.scope),
                cursors=self.reading.cursors,
            )
        return self._reader

    async def load(self, entity: str, key: Any, want: Selection) -> Any:
        """A record, or None; all loads of a tick are one statement per entity."""

        async def batch(keys: list[tuple[Any, Selection]]) -> list[Record | None]:
            whole = Selection()
            for _, each in keys:
                whole |= each
            return await self.reader.load(entity, [key for key, _ in keys], whole)

        return await self._loader(("load", entity), batch).load((key, want))

    async def related_one(self, entity: str, relation: str, key: Any, want: Selection) -> Any:
        """The one record a relation leads to from `key`, or None."""
        link = self.reading.registry[entity].relations[relation]
        if link.by_key:
            return await self.load(link.target.name, key, want)

        async def batch(keys: list[Any]) -> list[Record | None]:
            return await self.reader.related_one(entity, relation, keys, want)

        return await self._loader(("one", entity, relation, want), batch).load(key)

    async def related_many(
        self, entity: str, relation: str, key: Any, *, page: Page, want: Selection
    ) -> PageResult:
        """A page of what a relation leads to; one statement for all parents of a tick."""

        async def batch(keys: list[Any]) -> list[PageResult]:
            return await self.reader.related_many(entity, relation, keys, page=page, want=want)

        kind = ("many", entity, relation, _frozen(page), want)
        found: PageResult = await self._loader(kind, batch).load(key)
        return found

    async def count_related(
        self, entity: str, relation: str, key: Any, filters: Mapping[str, Any]
    ) -> Counted:
        """How many a relation leads to; one statement for all parents of a tick."""

        async def batch(keys: list[Any]) -> list[Counted]:
            return await self.reader.count_related(entity, relation, keys, filters=filters)

        kind = ("count", entity, relation, _frozen_value(filters))
        found: Counted = await self._loader(kind, batch).load(key)
        return found

    async def write(self, command: Command[T], *, repeat: Repeat | None = None) -> Done[T]:
        """Run a command in its own transaction; later reads of this operation see what it wrote.

        The snapshot is given back first: nobody asks for a connection while holding another.
        """
        await self.refresh()
        try:
            return await self.database.write(self.scope, command, repeat=repeat)
        finally:
            await self.refresh()

    async def refresh(self) -> None:
        """Forget what was read; the next read opens a new snapshot."""
        work, self._work, self._reader = self._work, None, None
        self._loaders.clear()
        if work is not None:
            await work.close()

    @property
    def is_holding(self) -> bool:
        """Whether there is a snapshot to give back."""
        return self._work is not None

    async def close(self) -> None:
        """Give the connection back; a resolver left running can't take another one.

        Harmless when nothing was read, and when called twice.
        """
        self._is_over = True
        await self.refresh()

    def _loader(
        self, kind: Hashable, batch: Callable[[list[Any]], Awaitable[Sequence[Any]]]
    ) -> DataLoader[Any, Any]:
        known = self._loaders.get(kind)
        if known is None:
            known = self._loaders[kind] = DataLoader(load_fn=batch)
        return known


def _frozen(page: Page) -> Hashable:
    return (
        page.first, page.last, page.after, page.before,
        _frozen_value(page.filter), page.order, page.neighbours,
    )  # fmt: skip


def _frozen_value(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return tuple(sorted((key, _frozen_value(each)) for key, each in value.items()))
    if isinstance(value, list):
        return tuple(_frozen_value(each) for each in value)
    hashable: Hashable = value
    return hashable
