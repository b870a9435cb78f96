"""Where an account stands by its rules, now and after a trade that was not made yet."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry

from domain.accounts import values as accounts
from domain.accounts.queries import (
    find_server,
    list_currency_pairs,
)
from domain.accounts.rules import SymbolTerms, decide_lots
from domain.challenges import rule_states as judged
from domain.challenges import values
from domain.challenges.lifecycle import JUDGED
from domain.challenges.newest import newest_of
from domain.challenges.queries import find_contract, list_positions
from domain.challenges.rules import evaluate
from domain.challenges.values import EquitySampled, Exposure, PhaseState, RuleSet
from domain.kernel.errors import Invalid
from domain.kernel.money import scale_of
from domain.payments.transfers.prices import ask_price
from domain.payments.transfers.rules import CROSS, choose_route
from domain.payments.transfers.values import Pair
from schema.accounts.enums import Side
from schema.accounts.prices import PlatformServices
from schema.challenges.enums import RuleKind, RuleStatus
from schema.shared.bind import Info, field
from schema.shared.permission import public
from schema.shared.scalars import Money

_Symbol = Annotated[str, strawberry.argument(description="What would be traded.")]
_Side = Annotated[Side, strawberry.argument(description="Buy or sell.")]
_Lots = Annotated[
    Decimal,
    strawberry.argument(
        description="How many lots, within the symbol's limits and steps; 0 for what is open."
    ),
]
_Move = Annotated[
    Decimal,
    strawberry.argument(description="How far its price moves then, such as -0.0050."),
]


@strawberry.type(
    description="Where an account stands by one rule. Money is null where a rule is about days.",
    directives=public(),
)
class RuleState:
    rule: RuleKind = strawberry.field(description="The rule.")
    status: RuleStatus = strawberry.field(description="Where it stands.")
    time_zone: str = strawberry.field(description="Whose calendar its days follow.")
    limit: Money | None = strawberry.field(description="The floor, or the balance to reach.")
    current: Money | None = strawberry.field(description="The figure that is held against it.")
    distance: Money | None = strawberry.field(
        description="What is left to a floor (below zero: broken), or beyond a target (below "
        "zero: still missing)."
    )
    after_reset: Money | None = strawberry.field(
        description="The floor that the next reset would set by the figures of now."
    )
    next_reset_at: datetime | None = strawberry.field(description="When the next day begins.")
    next_reset_local: str | None = strawberry.field(
        description="The same by the zone's wall clock, with its distance from UTC."
    )
    ends_at: datetime | None = strawberry.field(description="When the time is over.")
    days_required: int | None = strawberry.field(description="Days that must count.")
    days_done: int | None = strawberry.field(description="Days that count so far.")
    as_of: datetime = strawberry.field(description="When the account's figures were so.")
    phase: strawberry.Private[Any]

    @field(
        "The distance after a price moved, with a trade in it that was not made yet and with what "
        "is open in it: below zero is a breach. Null for rules that no move changes at once. "
        "Prices in other currencies are asked of the platform.",
        cost=20,
    )
    async def what_if(
        self, info: Info, *, symbol: _Symbol, side: _Side, lots: _Lots, move: _Move
    ) -> Money | None:
        phase: Standing = self.phase
        contract_size, rate, held = await _terms(info, phase, symbol, lots)
        exposure = Exposure(
            side=accounts.Side[side.name],
            lots=lots,
            move=move,
            contract_size=contract_size,
            rate=rate,
            scale=scale_of(phase.currency),
            held_lots=held,
        )
        rule = values.RuleKind[self.rule.name]
        distance = judged.what_if(phase.rules, phase.state, rule, exposure)
        return None if distance is None else Money.of(distance, phase.currency)

    @classmethod
    def of(cls, one: values.RuleState, phase: "Standing") -> Self:
        """A rule's state as callers see it."""

        def money(amount: int | None) -> Money | None:
            return None if amount is None else Money.of(amount, phase.currency)

        local = one.next_reset_local
        return cls(
            rule=RuleKind(one.rule.value),
            status=RuleStatus(one.status.value),
            time_zone=one.time_zone,
            limit=money(one.limit_minor),
            current=money(one.current_minor),
            distance=money(one.distance_minor),
            after_reset=money(one.after_reset_minor),
            next_reset_at=one.next_reset_at,
            next_reset_local=None if local is None else local.isoformat(timespec="minutes"),
            ends_at=one.ends_at,
            days_required=one.days_required,
            days_done=one.days_done,
            as_of=phase.state.seen_at,
            phase=phase,
        )


class Standing:
    """A phase with its rules and what they remember, the newest figures counted."""

    def __init__(self, record: Any) -> None:
        self.currency: str = record.currency
        self.server_id: UUID = record.server_id
        self.account_id: UUID = record.account_id
        self.is_open = record.status in JUDGED
        self.rules: RuleSet
        self.state: PhaseState
        self.rules, self.state = newest_of(record)

    def see(self, sample: EquitySampled) -> None:
        """Count newer figures, as the engine does, while the phase is open."""
        if self.is_open:
            self.state, _ = evaluate(self.rules, self.state, sample)

    def shown(self) -> list[RuleState]:
        """One state for each rule."""
        return [RuleState.of(one, self) for one in judged.rule_states(self.rules, self.state)]


async def _terms(
    info: Info, phase: Standing, symbol: str, lots: Decimal
) -> tuple[Decimal, Decimal, Decimal]:
    """Units in a lot, money of the account for one unit of the quote currency, net lots open.

    The snapshot is given back before the platform is asked. Refusals: BAD_USER_INPUT, also for
    lots that no order could have.
    """
    work, context = info.context.work, info.context
    found = await find_contract(work, phase.server_id, symbol)
    if found is None:
        raise Invalid("BAD_USER_INPUT", "The account has no such symbol.", path=("symbol",))
    if lots:
        _check_lots(lots, found)
    held = Decimal(0)
    for row in await list_positions(work, phase.account_id):
        if row.symbol == symbol:
            held += row.lots if row.side == accounts.Side.BUY else -row.lots
    size, quoted = Decimal(found.contract_size), found.quote_currency
    if quoted == phase.currency:
        return size, Decimal(1), held
    among = sorted({quoted, phase.currency, CROSS})
    pairs = await list_currency_pairs(work, phase.server_id, among)
    made = [Pair(one.name, one.base_currency, one.quote_currency) for one in pairs]
    route = choose_route(made, quoted, phase.currency)
    server = await find_server(work, phase.server_id)
    await context.refresh()
    services: PlatformServices = context.services
    price = await ask_price(services.platforms.connect(server), route)
    return size, price.mid, held


def _check_lots(lots: Decimal, symbol: Any) -> None:
    """As an order of so many lots would be refused, in the code that queries have."""
    limits = SymbolTerms(
        symbol.name, symbol.digits, symbol.lots_min, symbol.lots_max, symbol.lots_step
    )
    try:
        decide_lots(lots, limits)
    except Invalid as refused:
        raise Invalid("BAD_USER_INPUT", refused.message, path=("lots",)) from None
