"""Where a client's identity stands, its cases and documents, bound to their declarations."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from uuid import UUID

import strawberry

from domain.clients.actions import Possible
from domain.clients.values import ClientKind, ClientStatus
from domain.compliance.identity import values
from domain.compliance.identity.actions import case_actions, client_actions
from domain.compliance.identity.links import LinkUse, PaperLinks
from domain.compliance.identity.rules import room_for, tiers_of
from domain.compliance.identity.terms import read_policy
from domain.compliance.identity.values import CaseStatus, DocumentStatus, KycPolicy, Tier
from domain.reads import select
from schema.compliance.enums import (
    KycCaseStatus,
    KycDecisionSource,
    KycDocumentKind,
    KycDocumentStatus,
    KycFlag,
    KycMethod,
    KycProposalStatus,
    KycStatus,
    RiskLevel,
)
from schema.shared.action import Action
from schema.shared.bind import Info, Node, bound, computed, field, listed, one, value
from schema.shared.permission import public
from schema.shared.redirect import RedirectStep
from schema.shared.scalars import URL, CurrencyCode, Money
from tenants.context import ActorKind

if TYPE_CHECKING:
    from schema.access.types import Staff
    from schema.clients.types import Client

StaffRef = Annotated["Staff", strawberry.lazy("schema.access.types")]
ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]
CaseRef = Annotated["KycCase", strawberry.lazy("schema.compliance.types")]
_TOTALS = select("by_currency")


class PaperServices(Protocol):
    """What documents need of the application."""

    @property
    def papers(self) -> PaperLinks: ...


@strawberry.type(description="Something that a client can be asked to prove.", directives=public())
class KycRequirement:
    code: str = strawberry.field(description="Its name, such as `IDENTITY`; see `kycCaseSubmit`.")
    title: str = strawberry.field(description="What to call it, in English.")
    how: KycMethod = strawberry.field(description="How it is met.")
    max_age_days: int | None = strawberry.field(
        description="How old a document may be at most; null where its age says nothing."
    )


@strawberry.type(
    description="How much a client may pay in, over its lifetime, in one currency. What it pays in "
    "in another one uses up the same share.",
    directives=public(),
)
class KycLimit:
    currency_code: CurrencyCode = strawberry.field(description="The currency.")
    deposits: Money = strawberry.field(description="How much in all.")
    remaining: Money = strawberry.field(description="How much is left.")


@strawberry.type(
    description="A part of the score that a client's risk is computed from.", directives=public()
)
class RiskPart:
    name: str = strawberry.field(description="What counts, such as `country`.")
    points: int = strawberry.field(description="How much.")


@strawberry.type(description="A client's computed risk, with its parts.", directives=public())
class RiskScore:
    points: int = strawberry.field(description="The sum.")
    level: RiskLevel = strawberry.field(description="What it means.")
    parts: list[RiskPart] = strawberry.field(description="What it is made of, by name.")


KycNext = Annotated[
    RedirectStep,
    strawberry.union("KycNext", description="What the client does next. Expect other types."),
]


@bound("kyc", "How far a client's identity is proven, and what follows.", needs="kyc:read")
class KycState:
    status: KycStatus = value("Where the client stands.")
    tier: int = computed(
        "How far: the higher, the more is allowed. 0 is everybody's.",
        lambda record: record.tier,
        reads=("tier",),
    )
    decided_at: datetime | None = value("When something was last decided.")
    changes_at: datetime | None = value(
        "When a proof lapses by itself; null while none does.", reads="due_at"
    )
    cases: list[CaseRef] = listed("Its proofs, newest first.", order="-CREATED_AT")
    documents: list[Annotated["KycDocument", strawberry.lazy("schema.compliance.types")]] = listed(
        "Its documents, newest first.", order="-CREATED_AT"
    )

    @field(
        "What the next tier asks for that is not proven; empty at the highest one, and where "
        "nothing is asked.",
        reads=("missing", "policy", "client_kind", "tier"),
    )
    def missing(self) -> list[KycRequirement]:
        record: Any = self
        policy = _policy(record)
        return [] if policy is None else [_requirement(policy, one) for one in _missing(record)]

    @field(
        "How much may be paid in, by currency; null where any amount may.",
        reads=("policy", "client_kind", "tier"),
        cost=10,
    )
    async def limits(self, info: Info) -> list[KycLimit] | None:
        record: Any = self
        tier = _tier(record)
        if tier is None or tier.deposits is None:
            return None
        used = await _used(info, record.key)
        return [
            KycLimit(
                currency_code=CurrencyCode(currency),
                deposits=Money.of(limit, currency),
                remaining=Money.of(room_for(tier, used, currency) or 0, currency),
            )
            for currency, limit in sorted(tier.deposits.items())
        ]

    @field(
        "What the client's identity lets it do now.",
        reads=("policy", "client_kind", "client_status", "tier", "missing", "is_held"),
        cost=10,
    )
    async def actions(self, info: Info) -> list[Action]:
        record: Any = self
        tier = _tier(record)
        bounded = tier is not None and tier.deposits is not None
        return _shown(
            client_actions(
                ClientStatus(record.client_status),
                tier,
                await _used(info, record.key) if bounded else {},
                _missing(record),
                info.context.scope.permissions,
                is_held=record.is_held,
            )
        )

    @field(
        "How risky the client is computed to be; `Client.risk` is at least that, unless staff "
        "lowered it since.",
        needs="clients:risk",
        reads=("risk_points", "risk_level", "risk_parts"),
    )
    def risk(self) -> RiskScore:
        record: Any = self
        parts = record.risk_parts or {}
        return RiskScore(
            points=record.risk_points,
            level=RiskLevel(record.risk_level),
            parts=[RiskPart(name=name, points=parts[name]) for name in sorted(parts)],
        )


@bound("kyc_document", "A document of a client. Its bytes are encrypted.", needs="kyc:read")
class KycDocument(Node):
    kind: KycDocumentKind = value("What it is.")
    name: str = value("The name of the file.")
    media_type: str = value("Its type, such as `image/jpeg`.")
    size: int = value("Its size in bytes.")
    status: KycDocumentStatus = value("Whether it has come.")
    issued_on: date | None = value("When it was issued.")
    expires_on: date | None = value("Its last day.")
    created_at: datetime = value("When it was announced.")
    stored_at: datetime | None = value("When it came.")
    case: CaseRef | None = one("The proof that it is part of.")
    client: ClientRef = one("Whose it is.", needs="clients:read")

    @field(
        "Where to open it; null before it has come. The address is good for 10 minutes and for you "
        "alone, and opening it stands in the audit trail.",
        needs="kyc:documents",
        reads=("status",),
        cost=5,
    )
    def url(self, info: Info) -> URL | None:
        record: Any = self
        if record.status != DocumentStatus.STORED:
            return None
        services: PaperServices = info.context.services
        link = services.papers.make(
            info.context.scope, record.key, LinkUse.DOWNLOAD, now=info.context.now()
        )
        return URL(f"{info.context.origin}/files/{link}")


@bound("kyc_decision", "Something that was said about a proof. Never changed.", needs="kyc:list")
class KycVerdict(Node):
    source: KycDecisionSource = value("Who said it.")
    outcome: KycCaseStatus = value("What.")
    labels: list[str] = value("Why, in the vendor's words.")
    flags: list[KycFlag] = computed(
        "What was found.", lambda record: [KycFlag(one) for one in record.flags], reads=("flags",)
    )
    comment: str | None = value("What was written for the file.")
    client_message: str | None = value("What the client was told.")
    decided_at: datetime = value("When, by the clock of who said it: the newest one holds.")
    recorded_at: datetime = value("When we learned of it.")
    noticed_at: datetime | None = value("When the notice came in that led to it.")
    proposed_by: StaffRef | None = one("Who proposed it.", needs="staff:read")
    decided_by: StaffRef | None = one("Who decided it.", needs="staff:read")


@bound("kyc_proposal", "A decision that takes a second person.", needs="kyc:list")
class KycProposal(Node):
    status: KycProposalStatus = value("What became of it.")
    outcome: KycCaseStatus = value("What is proposed.")
    reason: str = value("Why.")
    client_message: str | None = value("What the client is to be told.")
    proposed_at: datetime = value("When.")
    proposed_by: StaffRef = one("By whom.", needs="staff:read")
    reviewed_at: datetime | None = value("When a second person looked.")
    review_reason: str | None = value("What the second person wrote.")
    reviewed_by: StaffRef | None = one("Who that was.", needs="staff:read")


@bound("kyc_case", "The proof of one requirement by one client.", needs="kyc:read")
class KycCase(Node):
    reference: str = value("The number to quote, such as `K-000123`.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    requirement: str = value("What is proven, such as `IDENTITY`.")
    how: KycMethod = value("How.")
    status: KycCaseStatus = value("Where it stands.")
    message: str | None = value("What the client is told about it.", reads="client_message")
    created_at: datetime = value("When it was begun.")
    updated_at: datetime = value("When it last changed.")
    decided_at: datetime | None = value("When it was decided, by the clock of who decided.")
    expires_at: datetime | None = value("When it lapses.")
    client: ClientRef = one("Whose it is.", needs="clients:read")
    documents: list[KycDocument] = listed("Its documents, newest first.", order="-CREATED_AT")
    labels: list[str] = computed(
        "Why the vendor decided as it did, in its words.",
        lambda record: list(record.labels),
        reads=("labels",),
        needs="kyc:list",
    )
    flags: list[KycFlag] = computed(
        "What the vendor found.",
        lambda record: [KycFlag(one) for one in record.flags],
        reads=("flags",),
        needs="kyc:list",
    )
    decisions: list[KycVerdict] = listed(
        "Everything that was said, in the order of who said it.",
        order="DECIDED_AT",
        needs="kyc:list",
    )
    proposals: list[KycProposal] = listed(
        "What people proposed, oldest first.", order="PROPOSED_AT", needs="kyc:list"
    )

    @field("What the client does next; null when it is not its turn.", reads=("status", "page_url"))
    def next(self) -> KycNext | None:
        record: Any = self
        waits = record.status == CaseStatus.AWAITING_DOCS
        return RedirectStep(url=URL(record.page_url)) if waits and record.page_url else None

    @field(
        "What you can decide about it now.",
        needs="kyc:list",
        reads=("status", "maker_ids", "proposed_by"),
    )
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        scope = info.context.scope
        return _shown(
            case_actions(
                CaseStatus(record.status),
                makers=record.maker_ids,
                proposed_by=record.proposed_by,
                viewer=scope.actor.id,
                is_staff=scope.actor.kind is ActorKind.STAFF,
                permissions=scope.permissions,
            )
        )


def _policy(record: Any) -> KycPolicy | None:
    """What the client's legal entity asks for."""
    stored = record.policy
    return None if stored is None else read_policy(stored["version"], stored["rules"])


def _tier(record: Any) -> Tier | None:
    policy = _policy(record)
    if policy is None:
        return None
    tiers = tiers_of(policy, ClientKind(record.client_kind))
    number: int = record.tier
    return tiers[min(number, len(tiers) - 1)]


def _missing(record: Any) -> list[str]:
    """Codes of what the next tier asks for; before anything was begun, all of it."""
    policy = _policy(record)
    if policy is None:
        return []
    if record.missing is not None:
        return [one for one in record.missing if one in policy.requirements]
    tiers = tiers_of(policy, ClientKind(record.client_kind))
    return sorted(tiers[1].requires) if len(tiers) > 1 else []


def _requirement(policy: KycPolicy, code: str) -> KycRequirement:
    found: values.Requirement = policy.requirements[code]
    return KycRequirement(
        code=found.code,
        title=found.title,
        how=KycMethod(found.how.value),
        max_age_days=found.max_age_days,
    )


async def _used(info: Info, client_id: UUID) -> Mapping[str, int]:
    """What a client has paid in and is paying in; siblings are read in one statement."""
    found = await info.context.load("deposit_total", client_id, _TOTALS)
    totals = {} if found is None or found.by_currency is None else found.by_currency
    return {currency: int(minor) for currency, minor in totals.items()}


def _shown(possible: tuple[Possible, ...]) -> list[Action]:
    return [
        Action(name=one.name, allowed=one.allowed, reason_code=one.reason_code) for one in possible
    ]
