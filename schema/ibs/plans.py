"""Commission plans: what they say, as it is shown and as it is typed."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

import strawberry

from domain.ibs import values
from domain.ibs.commissions.errors import TermsWrong
from domain.ibs.commissions.terms import from_json
from domain.ibs.commissions.values import Component, Gates, Rate, SymbolGroup, Terms
from schema.ibs.enums import IbCloseBy, IbComponentKind, IbConvention
from schema.shared.bind import Node, bound, computed, many, one, value
from schema.shared.page import Connection, TextFilter, condition, order_input
from schema.shared.permission import public
from schema.shared.scalars import CurrencyCode, Money, MoneyInput


def _shown(description: str) -> Any:
    return strawberry.field(description=description)


def _typed(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


@strawberry.type(description="Symbols that are paid for alike.", directives=public())
class IbSymbolGroup:
    name: str = _shown("What rates call it.")
    symbols: list[str] = _shown("Its symbols; `*` is every symbol that no other group names.")


@strawberry.type(description="Money per lot of a symbol or a symbol group.", directives=public())
class IbRate:
    per_lot: Decimal = _shown("Money per lot, in the plan's currency.")
    symbol: str | None = _shown("The symbol; it goes before its group.")
    group: str | None = _shown("The symbol group.")


@strawberry.type(description="One thing that a plan pays for.", directives=public())
class IbPlanComponent:
    name: str = _shown("Its name; components of a line's plans belong together by it.")
    kind: IbComponentKind = _shown("What it pays for.")
    rates: list[IbRate] = _shown("Its rates; a symbol without one earns nothing.")
    shares: list[Decimal] = _shown(
        "In a pool: percent for the introducer, the one above, and so on; else empty."
    )
    max_lots: Decimal | None = _shown("The most lots of a deal that are paid for.")
    max_amount: Money | None = _shown("The most money for a deal, all tiers together.")


@strawberry.type(description="Which deals are paid for at all.", directives=public())
class IbPlanGates:
    min_seconds: int = _shown("The least seconds that the position was open.")
    min_pips: Decimal = _shown("The least pips that the price moved, either way.")
    close_by: IbCloseBy = _shown("What two positions that close each other count.")
    pays_hedged: bool = _shown("Whether deals count while the account held both ways.")
    pays_own_accounts: bool = _shown("Whether an introducing broker's own deals count.")


@strawberry.type(
    description="What a version of a plan says. The gates of the plan nearest to the client hold "
    "for the whole line.",
    directives=public(),
)
class IbPlanTerms:
    currency_code: CurrencyCode = _shown("What its rates are counted in.")
    convention: IbConvention = _shown("How a line shares.")
    hold_days: int = _shown("Days from the deal until its accruals are payable.")
    gates: IbPlanGates = _shown("Which deals are paid for.")
    symbol_groups: list[IbSymbolGroup] = _shown("Its symbol groups.")
    components: list[IbPlanComponent] = _shown("What it pays for.")

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Terms as they were stored."""
        if stored is None:
            return None
        terms = from_json(dict(stored))
        gates = terms.gates
        return cls(
            currency_code=CurrencyCode(terms.currency),
            convention=IbConvention(terms.convention.value),
            hold_days=terms.hold_days,
            gates=IbPlanGates(
                min_seconds=gates.min_seconds,
                min_pips=gates.min_pips,
                close_by=IbCloseBy(gates.close_by.value),
                pays_hedged=gates.pays_hedged,
                pays_own_accounts=gates.pays_own_accounts,
            ),
            symbol_groups=[
                IbSymbolGroup(name=one.name, symbols=list(one.symbols)) for one in terms.groups
            ],
            components=[_component(one, terms.currency) for one in terms.components],
        )


def _component(one: Component, currency: str) -> IbPlanComponent:
    return IbPlanComponent(
        name=one.name,
        kind=IbComponentKind(one.kind.value),
        rates=[
            IbRate(per_lot=rate.per_lot, symbol=rate.symbol, group=rate.group) for rate in one.rates
        ],
        shares=list(one.shares),
        max_lots=one.max_lots,
        max_amount=None if one.max_minor is None else Money.of(one.max_minor, currency),
    )


IbPlanOrder = order_input("IbPlan", {"NAME": "By name.", "CREATED_AT": "When it was made."})
IbPlanVersionOrder = order_input("IbPlanVersion", {"NUMBER": "By number."})
_PlanRef = Annotated["IbPlan", strawberry.lazy("schema.ibs.plans")]


@bound(
    "ib_plan_version",
    "A version of a commission plan; it never changes, so that what closed under it can be "
    "reckoned again.",
    needs="plans:read",
)
class IbPlanVersion(Node):
    number: int = value("Counts from 1.")
    from_at: datetime = value("From when it holds, until the next one does.")
    created_at: datetime = value("When it was published.")
    terms: IbPlanTerms = computed(
        "What it says.", lambda record: IbPlanTerms.of(record.terms), reads=("terms",)
    )
    plan: _PlanRef | None = one("Its plan.")


@bound("ib_plan", "A commission plan.", needs="plans:read")
class IbPlan(Node):
    name: str = value("What it is called, unique in the brand.")
    version: int = value("The newest version; send it back as `expectedVersion`.")
    created_at: datetime = value("When it was made.")
    number: int | None = value("The version in force now; null before the first begins.")
    terms: IbPlanTerms | None = computed(
        "What holds now; null before the first version begins.",
        lambda record: IbPlanTerms.of(record.terms),
        reads=("terms",),
    )
    versions: Connection[IbPlanVersion] = many("Its versions.", order=IbPlanVersionOrder)


@strawberry.input(description="Which plans to list; all conditions hold.")
class IbPlanFilter:
    name: TextFilter | None = condition("Its name.")


@strawberry.input(description="Symbols that are paid for alike.")
class IbSymbolGroupInput:
    name: str = _typed("What rates call it, at most 40 characters.")
    symbols: list[str] = _typed("Its symbols; `*` is every symbol that no other group names.")


@strawberry.input(description="Money per lot; exactly one of symbol and group.")
class IbRateInput:
    per_lot: Decimal = _typed("Money per lot, in the plan's currency; at most 8 decimals.")
    symbol: str | None = _typed("A symbol; it goes before its group.", default=None)
    group: str | None = _typed("A symbol group.", default=None)


@strawberry.input(description="One thing that a plan pays for.")
class IbPlanComponentInput:
    name: str = _typed("Its name; the same in plans of one line.")
    kind: IbComponentKind = _typed("What it pays for.", default=IbComponentKind.REBATE_PER_LOT)
    rates: list[IbRateInput] = _typed("1 to 200 rates.")
    shares: list[Decimal] = _typed(
        "In a pool: percent from the introducer upwards, 100 in all.", default_factory=list
    )
    max_lots: Decimal | None = _typed("The most lots of a deal that are paid for.", default=None)
    max_amount: MoneyInput | None = _typed(
        "The most money for a deal, all tiers together, in the plan's currency.", default=None
    )


@strawberry.input(description="Which deals are paid for at all.")
class IbPlanGatesInput:
    min_seconds: int = _typed("The least seconds that a position was open.", default=0)
    min_pips: Decimal = _typed("The least pips that the price moved.", default=Decimal(0))
    close_by: IbCloseBy = _typed(
        "What two positions that close each other count.", default=IbCloseBy.ONCE
    )
    pays_hedged: bool = _typed("Whether hedged deals count.", default=True)
    pays_own_accounts: bool = _typed(
        "Whether an introducing broker's own deals count.", default=False
    )


@strawberry.input(description="What a version of a plan is to say.")
class IbPlanTermsInput:
    currency_code: CurrencyCode = _typed("What its rates are counted in.")
    convention: IbConvention = _typed("How a line shares.")
    hold_days: int = _typed("Days from the deal until its accruals are payable.", default=0)
    gates: IbPlanGatesInput = _typed("Which deals are paid for.", default_factory=IbPlanGatesInput)
    symbol_groups: list[IbSymbolGroupInput] = _typed("At most 50 groups.", default_factory=list)
    components: list[IbPlanComponentInput] = _typed("1 to 10 components.")

    def terms(self) -> Terms:
        """What the command judges. Refusals: INVALID for an amount of another currency."""
        gates = self.gates
        return Terms(
            self.currency_code,
            values.Convention(str(self.convention.value)),
            tuple(self._component(one) for one in self.components),
            tuple(SymbolGroup(one.name, tuple(one.symbols)) for one in self.symbol_groups),
            Gates(
                gates.min_seconds,
                gates.min_pips,
                values.CloseBy(str(gates.close_by.value)),
                gates.pays_hedged,
                gates.pays_own_accounts,
            ),
            self.hold_days,
        )

    def _component(self, one: IbPlanComponentInput) -> Component:
        cap = one.max_amount
        if cap is not None and cap.currency_code != self.currency_code:
            raise TermsWrong("components", "A cap is counted in the plan's currency.")
        return Component(
            one.name,
            values.ComponentKind(str(one.kind.value)),
            tuple(Rate(rate.per_lot, rate.symbol, rate.group) for rate in one.rates),
            tuple(one.shares),
            one.max_lots,
            None if cap is None else cap.to_amount("input", "terms", "components").amount_minor,
        )
