"""The client, staff notes and the timeline, bound to `domain.clients.reads`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.clients import values
from domain.clients.actions import actions_of
from domain.clients.events import summarise
from schema.access.actors import Actor, find_actor
from schema.accounts.filters import AccountFilter, AccountOrder
from schema.challenges.filters import ChallengeFilter, ChallengeOrder
from schema.clients.enums import ClientKind, ClientRisk, ClientStatus
from schema.clients.inputs import NoteOrder, TimelineFilter, TimelineOrder
from schema.compliance.screening_filters import ScreeningHitFilter, ScreeningHitOrder
from schema.events.types import EventTopic
from schema.payments.filters import (
    PaymentFilter,
    PaymentOrder,
    PayoutDestinationFilter,
    PayoutDestinationOrder,
)
from schema.shared.action import Action
from schema.shared.bind import (
    Info,
    Node,
    bound,
    computed,
    field,
    listed,
    many,
    masked_fields,
    one,
    value,
)
from schema.shared.page import Connection
from schema.shared.scalars import CountryCode

if TYPE_CHECKING:
    from schema.access.types import LegalEntity, Staff
    from schema.accounts.types import Account
    from schema.challenges.types import Challenge
    from schema.clients.leads import Lead
    from schema.compliance.screening import ScreeningHit
    from schema.compliance.types import KycState
    from schema.ibs.types import Ib
    from schema.payments.types import Payment
    from schema.payments.wallets import PayoutDestination, Wallet

StaffRef = Annotated["Staff", strawberry.lazy("schema.access.types")]
EntityRef = Annotated["LegalEntity", strawberry.lazy("schema.access.types")]
AccountRef = Annotated["Account", strawberry.lazy("schema.accounts.types")]
IbRef = Annotated["Ib", strawberry.lazy("schema.ibs.types")]
KycRef = Annotated["KycState", strawberry.lazy("schema.compliance.types")]
LeadRef = Annotated["Lead", strawberry.lazy("schema.clients.leads")]
WalletRef = Annotated["Wallet", strawberry.lazy("schema.payments.wallets")]
ChallengeRef = Annotated["Challenge", strawberry.lazy("schema.challenges.types")]
PaymentRef = Annotated["Payment", strawberry.lazy("schema.payments.types")]
DestinationRef = Annotated["PayoutDestination", strawberry.lazy("schema.payments.wallets")]
HitRef = Annotated["ScreeningHit", strawberry.lazy("schema.compliance.screening")]
ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]


@bound("note", "What staff wrote about a client. Never changed or removed.", needs="notes:read")
class Note(Node):
    body: str = value("The text.")
    created_at: datetime = value("When it was written.")
    author: StaffRef | None = one(
        "Who wrote it; null for programs and operators.", needs="staff:read"
    )
    client: ClientRef = one("The client it is about.", needs="clients:read")


@bound("timeline_item", "Something that happened to a client.", needs="timeline:read")
class TimelineItem:
    topic: EventTopic = computed(
        "What it is about.", lambda item: EventTopic(item.topic), reads=("topic",)
    )
    kind: str = value(
        "What happened, in the past tense, such as `registered`. Expect kinds you don't know."
    )
    occurred_at: datetime = value("When it happened.")
    summary: str = computed(
        "One sentence for people, in English.",
        lambda item: summarise(item.topic, item.kind, item.payload),
        reads=("topic", "kind", "payload"),
    )

    @field(
        "Who did it; null for somebody who had not signed in, and for whom you may not see.",
        reads=("actor_kind", "actor_id"),
    )
    async def actor(self, info: Info) -> Actor | None:
        record: Any = self
        found: Actor | None = await find_actor(info, record.actor_kind, record.actor_id)
        return found


@bound("client", "A person or company that trades with the brand.", needs="clients:read")
class Client(Node):
    reference: str = value("The number to quote on the telephone, such as `C-000123`.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    kind: ClientKind = value("What the client is.")
    status: ClientStatus = value("Where the client stands.")
    created_at: datetime = value("When the client registered.")
    email_verified_at: datetime | None = value("When the e-mail address was last proved.")
    name: str = value("Full name, masked without `clients:names`.")
    email: str = value("E-mail address, masked without `clients:pii`.")
    phone: str | None = value("Phone number as in E.164, masked without `clients:pii`.")
    country: CountryCode = value("Country of residence; it decides the legal entity.")
    language: str = value("Language to write to the client in, such as `en`.")
    tags: list[str] = value("Staff's labels, sorted; empty without `notes:read`.")
    masked_fields: list[str] = masked_fields("Names of the fields that you see masked.")
    legal_entity: EntityRef = one("The legal entity that contracts with the client.")
    owner: StaffRef | None = one(
        "The member of staff who looks after the client.", needs="staff:read"
    )
    ib: IbRef | None = one(
        "Who introduced the client; null outside your own subtree.", needs="ibs:read"
    )
    lead: LeadRef | None = one(
        "What it was before it registered, with where it came from; null for who was no lead.",
        needs="leads:read",
    )
    accounts: Connection[AccountRef] = many(
        "Trading accounts, newest first.",
        filter=AccountFilter,
        order=AccountOrder,
        needs="accounts:read",
    )
    kyc: KycRef = one("How far its identity is proven, and what follows.", needs="kyc:read")
    challenges: Connection[ChallengeRef] = many(
        "Challenges that it bought, newest first.",
        filter=ChallengeFilter,
        order=ChallengeOrder,
        needs="challenges:list",
    )
    risk: ClientRisk = value("How closely its money is looked at.", needs="clients:risk")
    wallets: list[WalletRef] = listed(
        "Its money, a wallet for each currency it has had.", order="CURRENCY", needs="wallets:read"
    )
    payments: Connection[PaymentRef] = many(
        "Deposits, withdrawals and transfers, newest first.",
        filter=PaymentFilter,
        order=PaymentOrder,
        needs="payments:list",
    )
    payout_destinations: Connection[DestinationRef] = many(
        "Where its money can be paid out to, newest first.",
        filter=PayoutDestinationFilter,
        order=PayoutDestinationOrder,
        needs="destinations:read",
    )
    notes: Connection[Note] = many(
        "Staff notes, newest first.", order=NoteOrder, needs="notes:read"
    )
    timeline: Connection[TimelineItem] = many(
        "What happened, newest first.",
        filter=TimelineFilter,
        order=TimelineOrder,
        needs="timeline:read",
    )

    screening: Connection[HitRef] = many(
        "What its name matched on sanctions lists, newest first.",
        filter=ScreeningHitFilter,
        order=ScreeningHitOrder,
        needs="screening:read",
    )

    @field("What you can do with the client now.", reads=("status",))
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        possible = actions_of(values.ClientStatus(record.status), info.context.scope.permissions)
        return [
            Action(name=one.name, allowed=one.allowed, reason_code=one.reason_code)
            for one in possible
        ]
