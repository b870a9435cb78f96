"""Why an accrual is what it is, from what was stored with it and nothing else. Pure.

Whoever is told an amount is told what it was reckoned from: the deal, the rate and whose plan it
is from, what those below took, and which gates were passed. What those above are due is not part
of it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ibs.commissions.figures import is_pooled
from domain.kernel.explanation import INSIDE, Explanation, Fact, Source, Step
from domain.kernel.money import from_minor

OVERRIDE_RULE = "ib.rebate_per_lot.override"
POOL_RULE = "ib.rebate_per_lot.pool"
REVERSAL_RULE = "ib.reversal"
RULES_VERSION = "1"


def explain(accrual: Any) -> Explanation:
    """The explanation of an accrual or of a reversal, for every audience; see `told_to`.

    `accrual` has the columns of its row, and `plan_name` and `plan_number`.
    """
    version = f"{RULES_VERSION}, {accrual.plan_name} version {accrual.plan_number}"
    amount = _money(accrual.amount_minor, accrual.currency)
    if accrual.reverses_id is not None:
        return _reversal(accrual, version, amount)
    grounds = accrual.grounds
    pooled = is_pooled(grounds)
    which = f"{_text(accrual.lots)} lots of {grounds['deal']['symbol']}"
    return Explanation(
        summary=f"{amount} for {which} closed at tier {accrual.tier}, by {accrual.plan_name}.",
        rule=POOL_RULE if pooled else OVERRIDE_RULE,
        rule_version=version,
        inputs=tuple(_facts(accrual, grounds, pooled=pooled)),
        steps=tuple(_steps(accrual, grounds, pooled=pooled)),
    )


def _reversal(accrual: Any, version: str, amount: str) -> Explanation:
    grounds = accrual.grounds
    at = datetime.fromisoformat(grounds["at"])
    return Explanation(
        summary=f"{amount}: the platform took the deal back.",
        rule=REVERSAL_RULE,
        rule_version=version,
        inputs=(
            Fact("reversed accrual", amount, Source("ib_accrual", accrual.reverses_id)),
            Fact("cancelled deal", str(accrual.deal_id), Source("deal", accrual.deal_id)),
            Fact(
                "cancelling deal",
                grounds["ticket"],
                Source("deal", UUID(grounds["cancelled_by"])),
                at,
            ),
        ),
        steps=(Step("What a deal earned is reversed whole when its platform takes it back."),),
    )


def _facts(accrual: Any, grounds: Any, *, pooled: bool) -> Iterator[Fact]:
    deal, opening = grounds["deal"], grounds["opening"]
    closed_at = datetime.fromisoformat(deal["at"])
    source = Source("deal", accrual.deal_id)
    yield Fact("closed lots", f"{deal['closed_lots']} lots", source, closed_at)
    yield Fact("symbol", deal["symbol"], source)
    yield Fact("entry", deal["entry"], source)
    yield Fact("close price", deal["price"], source, closed_at)
    if opening is not None:
        opened = Source("deal", UUID(opening["id"]))
        at = datetime.fromisoformat(opening["at"])
        yield Fact("open price", opening["price"], opened, at)
    version = Source("ib_plan_version", accrual.plan_version_id)
    currency = accrual.plan_currency
    yield Fact("rate per lot", f"{grounds['per_lot']} {currency} by {grounds['found_by']}", version)
    if pooled:
        yield Fact("share", f"{grounds['share']} %", version)
        yield Fact("pool", _money(grounds["entitled_minor"], currency))
    else:
        yield Fact("due to the line up to here", _money(grounds["entitled_minor"], currency))
        yield Fact("due below", _money(grounds["below_minor"], currency))
    yield from _limits(grounds, currency)
    yield Fact("tier", str(accrual.tier))
    yield Fact("place in the tree", f"version {accrual.place_version}", audiences=INSIDE)
    if grounds["fx"] is not None:
        at = datetime.fromisoformat(grounds["fx"]["at"])
        pair = f"{_text(accrual.fx_rate)} {accrual.currency} per {currency}"
        yield Fact("exchange rate", pair, at=at)
        yield Fact("price source", grounds["fx"]["source"], audiences=INSIDE)
    yield Fact("hold", f"{grounds['hold_days']} days", version)


def _limits(grounds: Any, currency: str) -> Iterator[Fact]:
    """Gates and caps of the nearest plan of the line; those that ask for nothing are left out."""
    governing = grounds["governing"]
    version = Source("ib_plan_version", UUID(governing["version_id"]))
    gates = governing["gates"]
    if gates["min_seconds"]:
        yield Fact("least time open", f"{gates['min_seconds']} s", version)
    if gates["min_pips"] != "0":
        yield Fact("least move", f"{gates['min_pips']} pips", version)
    if governing["max_lots"] is not None:
        yield Fact("most lots of a deal", f"{governing['max_lots']} lots", version)
    if governing["max_minor"] is not None:
        yield Fact("most money of a deal", _money(governing["max_minor"], currency), version)


def _steps(accrual: Any, grounds: Any, *, pooled: bool) -> Iterator[Step]:
    currency, per_lot = accrual.plan_currency, grounds["per_lot"]
    lots, entitled = _text(accrual.lots), _money(grounds["entitled_minor"], currency)
    if lots != grounds["deal"]["closed_lots"]:
        yield Step(f"{grounds['deal']['closed_lots']} lots were closed and {lots} of them count.")
    yield Step("The deal passed every gate of the plan nearest to the client.")
    part = _money(accrual.plan_minor, currency)
    yield Step(f"{lots} lots × {per_lot} {currency}, rounded down and capped, is {entitled}.")
    if pooled:
        yield Step(
            f"{grounds['share']} % of {entitled} is {part}: parts are rounded down, and what that "
            "leaves is part of the largest share."
        )
    elif grounds["below_minor"] != "0":
        below = _money(grounds["below_minor"], currency)
        yield Step(f"{entitled} less {below} that is due below is {part}.")
    if grounds["fx"] is not None:
        amount = _money(accrual.amount_minor, accrual.currency)
        yield Step(f"{part} × {_text(accrual.fx_rate)}, rounded down, is {amount}.")


def _money(minor: Any, currency: str) -> str:
    return f"{from_minor(int(minor), currency)} {currency}"


def _text(number: Any) -> str:
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
