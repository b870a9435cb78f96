"""Programs, purchases, challenges, phases and breaches, bound to their declarations."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from domain.challenges.explain import explain_breach
from domain.challenges.purchase_rules import PHASES_MAX
from schema.accounts.enums import QuoteSource, Side, StateSource
from schema.challenges.enums import (
    ChallengePurchaseStatus,
    ChallengeStatus,
    ClosingStatus,
    PhaseStatus,
    ProgramStatus,
    RuleKind,
)
from schema.challenges.rule_states import RuleState, Standing
from schema.challenges.rules import PhaseRules
from schema.payments.types import Deposit
from schema.payments.wallets import Wallet
from schema.shared.bind import (
    Info,
    Node,
    bound,
    computed,
    field,
    listed,
    money,
    one,
    value,
)
from schema.shared.explanation import Explanation
from schema.shared.permission import public
from schema.shared.scalars import CountryCode, Money

if TYPE_CHECKING:
    from schema.accounts.types import Account
    from schema.clients.types import Client

ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]
AccountRef = Annotated["Account", strawberry.lazy("schema.accounts.types")]
ProgramRef = Annotated["ChallengeProgram", strawberry.lazy("schema.challenges.types")]
PhaseRef = Annotated["ChallengePhase", strawberry.lazy("schema.challenges.types")]
ChallengeRef = Annotated["Challenge", strawberry.lazy("schema.challenges.types")]


@strawberry.type(description="A phase as a program sells it.", directives=public())
class ProgramPhase:
    number: int = strawberry.field(description="Its place, from 1.")
    name: str = strawberry.field(description="What traders call it.")
    rules: PhaseRules = strawberry.field(description="Its rules.")


@bound(
    "program_version",
    "What a program sold from some time on. Never changes: a challenge goes on by the version it "
    "was bought with.",
    needs="programs:read",
)
class ChallengeProgramVersion(Node):
    number: int = value("Counts from 1.")
    name: str = value("What it was called.")
    balance: Money = money("What an account begins with.", "balance_minor", "currency")
    price: Money = money("What it costs, without tax.", "price_minor", "currency")
    leverage: int = value("Leverage n of 1:n of its accounts.")
    published_at: datetime = value("When it went on sale.")
    program: ProgramRef = one("The program.")

    @field("Its phases, in their order.", reads=("phases", "currency"), most=PHASES_MAX)
    def phases(self) -> list[ProgramPhase]:
        record: Any = self
        return [
            ProgramPhase(
                number=n, name=told["name"], rules=PhaseRules.of(told["rules"], record.currency)
            )
            for n, told in enumerate(record.phases, 1)
        ]


@bound("program", "A challenge that is sold.", needs="programs:read")
class ChallengeProgram(Node):
    code: str = value("The brand's own name of it, such as `two-step-100k`.")
    name: str = value("What traders call it.")
    status: ProgramStatus = value("Whether it is sold.")
    version: int = value("The number of the version that is sold.")
    current_version: ChallengeProgramVersion = one(
        "The version that is sold: its price, its account, its phases with their rules."
    )
    versions: list[ChallengeProgramVersion] = listed(
        "What was ever sold under it, the newest first.", order="-NUMBER"
    )


@bound(
    "challenge_order",
    "A challenge that was ordered: what it costs with tax, and how it is paid.",
    needs="challenges:read",
)
class ChallengePurchase(Node):
    reference: str = value("The number to quote, such as `P-100001`.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    status: ChallengePurchaseStatus = value("Where it stands.")
    net: Money = money("The price without tax.", "net_minor", "currency")
    tax: Money = money("The tax on it.", "tax_minor", "currency")
    total: Money = money("What is paid.", "total_minor", "currency")
    tax_label: str = value("What the tax is called; empty without one.")
    tax_percent: Decimal = computed(
        "The tax as a percentage.", lambda row: Decimal(row.tax_bps) / 100, reads=("tax_bps",)
    )
    country: CountryCode = value("Whose tax it is.")
    reason_code: str | None = value(
        "Why it failed, or why the payment provider refuses to give it back. Expect codes you "
        "don't know."
    )
    created_at: datetime = value("When it was made.")
    paid_at: datetime | None = value("When it was paid in full.")
    client: ClientRef = one("Who ordered.", needs="clients:read")
    program_version: ChallengeProgramVersion = one("What was ordered.", needs="programs:read")
    payment: Deposit | None = one(
        "The payment at a payment provider: send the payer to its `next`. Null for what was paid "
        "from a wallet.",
        needs="payments:read",
    )
    wallet: Wallet | None = one(
        "The wallet that its owner chose to pay from.", needs="wallets:read"
    )
    challenge: ChallengeRef | None = one(
        "What it became; null until it is paid and for some seconds after: `challengeEvents` tells."
    )


@strawberry.type(description="A price that was there when a rule was broken.", directives=public())
class EvidencePrice:
    symbol: str = strawberry.field(description="What was priced.")
    bid: Decimal = strawberry.field(description="Price to sell at.")
    ask: Decimal = strawberry.field(description="Price to buy at.")
    at: datetime = strawberry.field(description="When it was shown.")
    recorded_at: datetime | None = strawberry.field(
        description="The time inside the recording, by which anybody can look it up there."
    )
    source: QuoteSource = strawberry.field(description="Where the platform has it from.")

    @classmethod
    def of(cls, told: Any) -> Self:
        """A price as evidence keeps it, as callers see it."""
        recorded = told["recorded_at"]
        return cls(
            symbol=told["symbol"],
            bid=Decimal(told["bid"]),
            ask=Decimal(told["ask"]),
            at=datetime.fromisoformat(told["at"]),
            recorded_at=None if recorded is None else datetime.fromisoformat(recorded),
            source=QuoteSource(told["source"]),
        )


@strawberry.type(description="What was open when a rule was broken.", directives=public())
class EvidencePosition:
    ticket: str = strawberry.field(description="The platform's number of it.")
    symbol: str = strawberry.field(description="What was held.")
    side: Side = strawberry.field(description="Long or short.")
    lots: Decimal = strawberry.field(description="Size in lots.")
    open_price: Decimal = strawberry.field(description="Price it was opened at.")

    @classmethod
    def of(cls, told: Any) -> Self:
        """A position as evidence keeps it, as callers see it."""
        return cls(
            ticket=told["ticket"],
            symbol=told["symbol"],
            side=Side(told["side"]),
            lots=Decimal(told["lots"]),
            open_price=Decimal(told["open_price"]),
        )


@bound(
    "breach",
    "A rule that was broken: the figures of the tick that broke it, kept for ever.",
    needs="challenges:read",
)
class Breach(Node):
    rule: RuleKind = value("The rule.")
    time_zone: str = value("Whose calendar the day follows.", reads="zone")
    day: date = value("The day there.")
    floor: Money = money("The floor that was broken.", "floor_minor", "currency")
    equity: Money = money("The equity that broke it, without credit.", "equity_minor", "currency")
    balance: Money = money("The balance then.", "balance_minor", "currency")
    anchor: Money = money("What the day's loss was counted from.", "anchor_minor", "currency")
    peak: Money = money("What a trailing floor followed.", "peak_minor", "currency")
    at: datetime = value("When the rule was broken.")
    seen_at: datetime = value(
        "The platform's instant of the figures; earlier than `at` when a day's new floor came "
        "above them."
    )
    source: StateSource = value("How the figures became known.")
    suspicion: str | None = value(
        "What a second look at the prices found, where they did not agree.",
        needs="liquidation:manage",
    )
    verified_at: datetime | None = value("When the platform said that nothing is open any more.")
    disabled_at: datetime | None = value("When the account could not be traded on any more.")
    phase: PhaseRef = one("The phase.")
    account: AccountRef | None = one("The account.", needs="accounts:read")

    @field("The prices of what was open, at that tick.", reads=("prices",))
    def prices(self) -> list[EvidencePrice]:
        record: Any = self
        return [EvidencePrice.of(told) for told in record.prices]

    @field("What was open, as the platform's stream had told by then.", reads=("positions",))
    def positions(self) -> list[EvidencePosition]:
        record: Any = self
        return [EvidencePosition.of(told) for told in record.positions or ()]

    @field(
        "Why, from this evidence and no more than you may know.",
        reads=(
            "rule", "zone", "day", "currency", "floor_minor", "equity_minor", "balance_minor",
            "anchor_minor", "peak_minor", "at", "seen_at", "source", "prices", "positions",
            "second_prices", "suspicion", "verified_at", "phase_id", "account_id",
            "program_number", "rules",
        ),
    )  # fmt: skip
    def explanation(self, info: Info) -> Explanation:
        return Explanation.of(explain_breach(self), info.context.scope)


@bound(
    "challenge_phase", "A phase of a challenge, on an account of its own.", needs="challenges:read"
)
class ChallengePhase(Node):
    number: int = value("Its place, from 1.")
    name: str = value("What traders call it.")
    status: PhaseStatus = value("Where it stands.")
    version: int = value("Counts changes.")
    start_balance: Money = money("What it began with.", "start_minor", "currency")
    reason_code: str | None = value(
        "Why its account can't be opened yet, or why it was called off."
    )
    closing: ClosingStatus | None = value("How far its account is closed; null while it goes on.")
    started_at: datetime | None = value("When it could first be traded.")
    ended_at: datetime | None = value("When it was decided.")
    account: AccountRef | None = one("The account it is traded on.", needs="accounts:read")
    breach: Breach | None = one("The rule that was broken.")
    challenge: ChallengeRef = one("The challenge.")

    @field("The rules it was bought with.", reads=("rules", "currency"))
    def snapshot(self) -> PhaseRules:
        record: Any = self
        return PhaseRules.of(record.rules, record.currency)

    @field("When its time is over; null without a limit.", reads=("state",))
    def ends_at(self) -> datetime | None:
        record: Any = self
        told = record.state and record.state["ends_at"]
        return None if told is None else datetime.fromisoformat(told)

    @field(
        "Where it stands by each rule, by the newest figures of its account; empty before it "
        "began. Follow `ruleStates` for live ones.",
        reads=(
            "rules", "state", "figures", "currency", "server_id", "account_id", "status",
        ),
    )  # fmt: skip
    def rules(self) -> list[RuleState]:
        record: Any = self
        return [] if record.state is None else Standing(record).shown()


@bound("challenge", "A challenge that a client bought.", needs="challenges:read")
class Challenge(Node):
    reference: str = value("The number to quote, such as `E-100001`.")
    version: int = value("Counts changes.")
    status: ChallengeStatus = value("Where it stands.")
    program_version: int = value(
        "The number of the version of its program that it goes on by.", reads="program_number"
    )
    phase_count: int = value("How many phases it has.")
    created_at: datetime = value("When it began.")
    updated_at: datetime = value("When its status last changed.")
    client: ClientRef = one("Whose it is.", needs="clients:read")
    program: ChallengeProgram = one("What was bought.", needs="programs:read")
    purchase: ChallengePurchase = one("The order that it was.", relation="order")
    phases: list[ChallengePhase] = listed("Its phases so far, in their order.", order="NUMBER")
    current: ChallengePhase | None = one("The last of its phases so far.")
    breach: Breach | None = one("The rule that was broken.")
