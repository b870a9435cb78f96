"""What feeds are made of: the items every feed shares, and the general event of the pull form."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.utils.str_converters import to_camel_case

from domain.events import values
from domain.events.stream import Pulled
from domain.kernel.ids import encode_id
from schema.shared.permission import public
from schema.shared.scalars import Cursor


@strawberry.enum(description="What an event is about. Expect values you don't know.")
class EventTopic(Enum):
    ACCOUNT = strawberry.enum_value(
        "ACCOUNT", description="Trading accounts: opened, changed, traded on."
    )
    CHALLENGE = strawberry.enum_value(
        "CHALLENGE", description="Challenges: ordered, traded, judged."
    )
    CLIENT = strawberry.enum_value("CLIENT", description="Clients: registered, verified, changed.")
    COMPLIANCE = strawberry.enum_value(
        "COMPLIANCE", description="Identities: proofs, decisions, tiers."
    )
    DEPOSIT = strawberry.enum_value("DEPOSIT", description="Deposits: what becomes of each.")
    IB = strawberry.enum_value("IB", description="Introducing brokers.")
    LEAD = strawberry.enum_value("LEAD", description="Leads: captured, given, moved on.")
    LEDGER = strawberry.enum_value("LEDGER", description="Entries of the ledger.")
    PAYMENT = strawberry.enum_value(
        "PAYMENT", description="Withdrawals, transfers, disputes and discrepancies."
    )
    SCREENING = strawberry.enum_value(
        "SCREENING", description="Names that sanctions lists have as well, for compliance."
    )


@strawberry.enum(description="Why a feed cannot go on from where you are.")
class FeedResetReason(Enum):
    EXPIRED = strawberry.enum_value(
        "EXPIRED",
        description="The cursor is older than events are kept. Events are missing: read the state "
        "anew, then resume from `oldestCursor`.",
    )
    OVERFLOW = strawberry.enum_value(
        "OVERFLOW",
        description="You read too slowly. Nothing is missing: resume from `cursor`.",
    )
    RESTORED = strawberry.enum_value(
        "RESTORED",
        description="The log was restored to an older state. Read the state anew, then resume "
        "from `oldestCursor`.",
    )


# What the object of an event is called, where it is not the topic's own noun.
_OBJECT_OF_TOPIC: Final[Mapping[str, str]] = {
    "COMPLIANCE": "kyc_case",
    "DEPOSIT": "payment",
    "LEDGER": "ledger_transfer",
    "SCREENING": "screening_hit",
}
_OBJECT_OF_KIND: Final[Mapping[tuple[str, str], str]] = {
    ("CHALLENGE", "order_cancelled"): "challenge_order",
    ("CHALLENGE", "order_charged_back"): "challenge_order",
    ("CHALLENGE", "order_created"): "challenge_order",
    ("CHALLENGE", "order_disputed"): "challenge_order",
    ("CHALLENGE", "order_paid"): "challenge_order",
    ("CHALLENGE", "order_refund_failed"): "challenge_order",
    ("CHALLENGE", "order_refunded"): "challenge_order",
    ("CHALLENGE", "order_refunding"): "challenge_order",
    ("CHALLENGE", "program_closed"): "program",
    ("CHALLENGE", "program_published"): "program",
    ("CLIENT", "note_added"): "note",
    ("IB", "accrued"): "ib_accrual",
    ("IB", "invited"): "ib_invitation",
    ("IB", "link_created"): "ib_link",
    ("IB", "reversed"): "ib_accrual",
    ("COMPLIANCE", "document_stored"): "kyc_document",
    ("COMPLIANCE", "risk_computed"): "client",
    ("COMPLIANCE", "tier_changed"): "client",
    ("LEAD", "received"): "lead_touch",
    ("PAYMENT", "debt_repaid"): "ledger_transfer",
    ("PAYMENT", "discrepancy_found"): "discrepancy",
    ("PAYMENT", "discrepancy_resolved"): "discrepancy",
    ("PAYMENT", "dispute_opened"): "dispute",
    ("PAYMENT", "dispute_under_review"): "dispute",
    ("PAYMENT", "dispute_won"): "dispute",
    ("PAYMENT", "dispute_lost"): "dispute",
    ("PAYMENT", "evidence_submitted"): "dispute",
}
# Whose ids payloads write under a shorter name.
_NOUN_OF_KEY: Final[Mapping[str, str]] = {
    "connection": "psp_connection",
    "destination": "payout_destination",
    "evidence": "dispute_evidence",
    "invitation": "ib_invitation",
    "method": "payment_method",
    "plan": "ib_plan",
    "reverses": "ib_accrual",
    "proposal": "kyc_proposal",
    "phase": "challenge_phase",
    "purchase": "challenge_order",
    "resolves": "ledger_transfer",
}


@strawberry.interface(
    description="An item of a feed. Resume from the `cursor` of the last one you handled.",
    directives=public(),
)
class FeedItem:
    cursor: Cursor = strawberry.field(
        description="The position right behind this item. Equal positions have equal cursors: "
        "dedupe by it."
    )
    occurred_at: datetime = strawberry.field(description="When it happened.")


@strawberry.type(
    description="Nothing new up to `cursor`. The first message of a feed, the one that ends its "
    "replay, and one for every 15 quiet seconds.",
    directives=public(),
)
class FeedHeartbeat(FeedItem):
    high_water: Cursor = strawberry.field(
        description="The newest position in the log. Items up to it are replay; the feed is live "
        "once `cursor` equals it."
    )

    @classmethod
    def of(cls, beat: values.Heartbeat) -> Self:
        """A heartbeat as callers see it."""
        return cls(
            cursor=Cursor(beat.cursor), occurred_at=beat.at, high_water=Cursor(beat.high_water)
        )


@strawberry.type(
    description="The last message of a feed that cannot go on; nothing is dropped silently.",
    directives=public(),
)
class FeedReset(FeedItem):
    reason: FeedResetReason = strawberry.field(description="Why, and what to do.")
    oldest_cursor: Cursor = strawberry.field(
        description="The oldest position that a feed can be resumed from."
    )

    @classmethod
    def of(cls, reset: values.Reset) -> Self:
        """A reset as callers see it."""
        return cls(
            cursor=Cursor(reset.cursor),
            occurred_at=reset.at,
            reason=FeedResetReason(reset.reason.value),
            oldest_cursor=Cursor(reset.oldest),
        )


@strawberry.type(
    description="Something that happened, in the general form of all topics.", directives=public()
)
class Event(FeedItem):
    topic: EventTopic = strawberry.field(description="What it is about.")
    kind: str = strawberry.field(
        description="What happened, in the past tense, such as `deal_closed`. Expect kinds you "
        "don't know."
    )
    version: int = strawberry.field(description="Version of the payload of this kind.")
    object_id: strawberry.ID | None = strawberry.field(description="Id of what it happened to.")
    client_id: strawberry.ID | None = strawberry.field(description="Id of the client concerned.")
    payload: JSON = strawberry.field(
        description="What was true then. An object; money is in minor units, as text."
    )

    @classmethod
    def of(cls, happened: values.Happened) -> Self:
        """An event as callers see it."""
        row = happened.row
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            topic=EventTopic(row.topic),
            kind=row.kind,
            version=row.version,
            object_id=_shown(noun_of(row.topic, row.kind), row.object_id),
            client_id=_shown("client", row.concerns),
            payload=JSON(shown_payload(row.payload)),
        )


@strawberry.type(description="A page of events, oldest first.", directives=public())
class EventPage:
    events: list[Event] = strawberry.field(description="The events.")
    cursor: Cursor = strawberry.field(
        description="Where the next page begins; also past the events that your filter hides."
    )
    has_more: bool = strawberry.field(description="Whether the log goes on behind this page.")
    reset: FeedReset | None = strawberry.field(
        description="Set when the cursor cannot be resumed from; there are no events then."
    )

    @classmethod
    def of(cls, page: Pulled) -> Self:
        """A page as callers see it."""
        return cls(
            events=[Event.of(happened) for happened in page.entries],
            cursor=Cursor(page.cursor),
            has_more=page.has_more,
            reset=None if page.reset is None else FeedReset.of(page.reset),
        )


def noun_of(topic: str, kind: str) -> str:
    """What an event's object is: the prefix of its id."""
    of_topic = _OBJECT_OF_TOPIC.get(topic, topic.lower())
    return _OBJECT_OF_KIND.get((topic, kind), of_topic)


def shown_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload in the API's spelling: `account_id: <uuid>` is `accountId: account_<hex>`."""
    return {to_camel_case(key): _shown_value(key, value) for key, value in payload.items()}


def _shown_value(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return shown_payload(value)
    if isinstance(value, list):
        return [_shown_value(key, each) for each in value]
    if key.endswith("_id") and isinstance(value, str):
        noun = key.removesuffix("_id")
        try:
            return encode_id(_NOUN_OF_KEY.get(noun, noun), UUID(value))
        except ValueError:
            return value
    return value


def _shown(noun: str, key: UUID | None) -> strawberry.ID | None:
    return None if key is None else strawberry.ID(encode_id(noun, key))
