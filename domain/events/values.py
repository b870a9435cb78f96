"""What travels in a feed: rows of the log, what a reader asked for, and what it is given."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from domain.kernel.errors import Forbidden
from tenants.context import ActorKind, Scope
from tenants.work import ReadWork


class Topic(StrEnum):
    """Nouns that events are about."""

    ACCOUNT = "ACCOUNT"
    CHALLENGE = "CHALLENGE"
    CLIENT = "CLIENT"
    COMPLIANCE = "COMPLIANCE"
    DEPOSIT = "DEPOSIT"
    IB = "IB"
    LEAD = "LEAD"
    LEDGER = "LEDGER"
    PAYMENT = "PAYMENT"
    SCREENING = "SCREENING"


class InboxState(StrEnum):
    """What became of a notice: RECEIVED until a job has acted on it; UNKNOWN names nothing of ours
    and staff have been told."""

    RECEIVED = "RECEIVED"
    HANDLED = "HANDLED"
    UNKNOWN = "UNKNOWN"


class ResetReason(StrEnum):
    """Why a feed cannot go on from where its reader is."""

    EXPIRED = "EXPIRED"
    OVERFLOW = "OVERFLOW"
    RESTORED = "RESTORED"


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the log. Shared by every socket of the process: nobody changes the payload.

    `size` is its approximate weight in a queue, in bytes.
    """

    seq: int
    at: datetime
    topic: str
    kind: str
    version: int
    client_id: UUID | None
    ib_path: str
    object_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    payload: Mapping[str, Any]
    size: int = 256

    @property
    def concerns(self) -> UUID | None:
        """The client this is about, also when only staff may see it (then the payload says so)."""
        if self.client_id is not None:
            return self.client_id
        named = self.payload.get("client_id")
        return UUID(named) if isinstance(named, str) else None


@dataclass(frozen=True, slots=True)
class Feed:
    """What a reader asked for: events of some topics, narrowed by kind, client or object.

    `about` matches the event's object, or the id that its payload carries under `about_key` (so
    that a deal's event is found by its account). `name` is the API's field: cursors are bound to
    the feed and its filter. `every_topic` says that `topics` are all the reader may see, whatever
    they are at the moment; its cursors outlive a change of rights. `needs` is a permission beside
    those of the topics.
    """

    name: str
    topics: frozenset[str]
    kinds: frozenset[str] | None = None
    client_id: UUID | None = None
    about: UUID | None = None
    about_key: str = ""
    every_topic: bool = False
    needs: str | None = None

    def tag(self) -> bytes:
        """The bytes by which cursors are bound to this feed."""
        kinds = "*" if self.kinds is None else ",".join(sorted(self.kinds))
        topics = "*" if self.every_topic else ",".join(sorted(self.topics))
        parts = (self.name, topics, kinds, self.client_id, self.about)
        return "|".join(map(str, (*parts, self.about_key))).encode()

    def accepts(self, row: EventRow) -> bool:
        """Whether the reader asked for this event; `queries.page` says the same in SQL."""
        if row.topic not in self.topics:
            return False
        if self.kinds is not None and row.kind not in self.kinds:
            return False
        if self.client_id is not None and row.client_id != self.client_id:
            return False
        return self.about is None or row.object_id == self.about or self._mentions(row)

    def _mentions(self, row: EventRow) -> bool:
        return bool(self.about_key) and row.payload.get(self.about_key) in self.spellings()

    def spellings(self) -> tuple[str, ...]:
        """How a payload may write the id of `about`."""
        return () if self.about is None else (str(self.about), self.about.hex)


class Reach(Protocol):
    """Which clients somebody may see, where neither a column of the event nor a permission says."""

    moves: frozenset[tuple[str, str]]
    """Topic and kind of the events after which a client may be within another's reach."""

    def is_limited(self, scope: Scope) -> bool:
        """Whether the scope reaches some of the brand's clients only."""
        ...

    async def reached(self, work: ReadWork, client_ids: Collection[UUID]) -> frozenset[UUID]:
        """Those of the clients that the work's scope reaches in its snapshot."""
        ...


@dataclass(frozen=True, slots=True)
class Audience:
    """Which permission each topic takes, and which kinds take another one on top.

    Whatever topic is not named here is shown to nobody. `reach` limits staff who may see some
    clients only. `owned` are topics whose payloads say in `owner_id` whose a thing was: without the
    permission named there one is told of one's own.
    """

    topics: Mapping[str, str]
    kinds: Mapping[tuple[str, str], str] = field(default_factory=dict)
    reach: "Reach | None" = None
    owned: Mapping[str, str] = field(default_factory=dict)

    def visible(self, scope: Scope) -> frozenset[str]:
        """The topics that the scope may read."""
        return frozenset(
            topic for topic, needed in self.topics.items() if needed in scope.permissions
        )

    def require(self, scope: Scope, feed: Feed) -> None:
        """Refuses with FORBIDDEN a feed with a topic, or a need, that is beyond the scope."""
        if feed.needs is not None and feed.needs not in scope.permissions:
            raise Forbidden("FORBIDDEN", f"You need the permission {feed.needs}.")
        for topic in sorted(feed.topics):
            if self.topics.get(topic) not in scope.permissions:
                raise Forbidden("FORBIDDEN", f"You may not follow {topic} events.")

    def admits(self, scope: Scope, row: EventRow) -> bool:
        """Whether the scope may see this event: by topic, by kind, and by whose it is."""
        if self.topics.get(row.topic) not in scope.permissions:
            return False
        extra = self.kinds.get((row.topic, row.kind))
        allowed = extra is None or extra in scope.permissions
        return allowed and _within(scope, row) and self._is_own(scope, row)

    def _is_own(self, scope: Scope, row: EventRow) -> bool:
        needed = self.owned.get(row.topic)
        if needed is None or needed in scope.permissions:
            return True
        return scope.actor.id is not None and row.payload.get("owner_id") == str(scope.actor.id)

    def is_move(self, row: EventRow) -> bool:
        """Whether a client may be within another's reach after this event."""
        return self.reach is not None and (row.topic, row.kind) in self.reach.moves


def _within(scope: Scope, row: EventRow) -> bool:
    """The row scope of row-level security, once more in Python for what is fanned out."""
    if scope.client_id is not None:
        own = row.client_id == scope.client_id
    else:
        own = scope.actor.kind is not ActorKind.CLIENT
    if scope.ib_path is not None:
        return own and bool(scope.ib_path) and row.ib_path.startswith(scope.ib_path)
    return own and scope.actor.kind is not ActorKind.IB


@dataclass(frozen=True, slots=True)
class Happened:
    """An event with the cursor behind it."""

    cursor: str
    at: datetime
    row: EventRow


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing to tell up to `cursor`. `high_water` is the newest position known to this process:
    what lies between the two is still to come."""

    cursor: str
    at: datetime
    high_water: str


@dataclass(frozen=True, slots=True)
class Reset:
    """The feed ends here. Resume from `cursor`; for EXPIRED and RESTORED events are missing, so
    read the state anew first. `oldest` is the oldest position that can be resumed from."""

    cursor: str
    at: datetime
    reason: ResetReason
    oldest: str


Entry = Happened | Heartbeat | Reset
