"""Why a rule was broken, from the stored evidence of it and nothing else."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.challenges.snapshot import load_rules
from domain.challenges.values import DailyBase, MaxLossKind, RuleKind, RuleSet
from domain.challenges.zones import local_of
from domain.kernel.explanation import INSIDE, Explanation, Fact, Source, Step
from domain.kernel.money import from_minor


def explain_breach(found: Any) -> Explanation:
    """The explanation of a breach; `found` has its columns, the phase's `rules` and the number of
    the program's version. Money in it is written in the account's currency."""
    rules = load_rules(found.rules)
    is_daily = found.rule == RuleKind.DAILY_LOSS
    anchor = found.anchor_minor if is_daily else found.peak_minor
    return Explanation(
        summary=f"Equity was {_money(found, found.equity_minor)}, "
        f"{'at or ' if rules.breach_at_floor else ''}below the floor of "
        f"{_money(found, found.floor_minor)}.",
        rule=str(found.rule),
        rule_version=f"program version {found.program_number}",
        inputs=_inputs(found, anchor, is_daily=is_daily),
        steps=_steps(found, rules, int(anchor), is_daily=is_daily),
    )


def _inputs(found: Any, anchor: Any, *, is_daily: bool) -> tuple[Fact, ...]:
    account = Source("account", found.account_id)
    phase = Source("challenge_phase", found.phase_id)
    seen = found.seen_at
    facts = [
        Fact("equity", _money(found, found.equity_minor), account, seen),
        Fact("balance", _money(found, found.balance_minor), account, seen),
        Fact("floor", _money(found, found.floor_minor), phase, found.at),
        Fact("anchor" if is_daily else "peak", _money(found, anchor), phase, found.at),
        Fact("day", f"{found.day.isoformat()} in {found.zone}", phase),
        Fact("source", str(found.source), account, seen),
    ]
    facts += [_price(f"price of {one['symbol']}", one) for one in found.prices]
    facts += [
        Fact(
            f"position {one['ticket']}",
            f"{one['side']} {one['lots']} {one['symbol']} at {one['open_price']}",
            account,
        )
        for one in found.positions or ()
    ]
    for one in found.second_prices or ():
        facts.append(_price(f"price of {one['symbol']}, second look", one, inside=True))
    return tuple(facts)


def _price(name: str, one: Mapping[str, Any], *, inside: bool = False) -> Fact:
    recorded = one["recorded_at"]
    source = one["source"] if recorded is None else f"{one['source']}, recorded at {recorded}"
    told = f"{one['bid']} / {one['ask']} ({source})"
    at = datetime.fromisoformat(one["at"])
    return Fact(name, told, at=at, audiences=INSIDE) if inside else Fact(name, told, at=at)


def _steps(found: Any, rules: RuleSet, anchor: int, *, is_daily: bool) -> tuple[Step, ...]:
    local = local_of(found.zone, found.seen_at).isoformat(timespec="milliseconds")
    steps = [Step(_daily(found, rules, anchor) if is_daily else _total(found, rules, anchor))]
    if found.at != found.seen_at:
        steps.append(Step(f"The floor came with the day that began at {found.at.isoformat()}."))
    gap = int(found.floor_minor) - int(found.equity_minor)
    steps.append(
        Step(
            f"At {local} ({found.zone}) equity, open profit, swap and commission included, was "
            f"{_money(found, found.equity_minor)}: {_money(found, gap)} under the floor."
        )
    )
    if found.suspicion is not None:
        steps.append(Step(f"A second look found that {found.suspicion}.", INSIDE))
    if found.verified_at is not None:
        verified = found.verified_at.isoformat(timespec="seconds")
        steps.append(Step(f"Everything was closed and read again by {verified}."))
    return tuple(steps)


def _daily(found: Any, rules: RuleSet, anchor: int) -> str:
    daily = rules.daily_loss
    assert daily is not None, "it was broken"
    loss = anchor - int(found.floor_minor)
    part = "a fixed amount"
    if daily.share.percent is not None:
        base = "the initial balance" if daily.base is DailyBase.INITIAL else "the day's anchor"
        part = f"{_plain(daily.share.percent)} % of {base}"
    return (
        f"The day's floor is its anchor, the {daily.anchor.lower()} at the reset, "
        f"{_money(found, anchor)}, less {_money(found, loss)} ({part}): "
        f"{_money(found, found.floor_minor)}."
    )


def _total(found: Any, rules: RuleSet, peak: int) -> str:
    loss = rules.max_loss
    assert loss is not None, "it was broken"
    if loss.kind is MaxLossKind.STATIC:
        return f"The floor of the maximum loss is {_money(found, found.floor_minor)} for ever."
    share = loss.share
    allowed = "a fixed amount" if share.percent is None else f"{_plain(share.percent)} %"
    follows = loss.kind.removeprefix("TRAIL_").replace("_", " ").lower()
    return (
        f"The floor of the maximum loss follows the highest {follows}, {_money(found, peak)}, at a "
        f"distance of {allowed} of the initial balance, as far as its lock lets it: "
        f"{_money(found, found.floor_minor)}."
    )


def _money(found: Any, amount: Any) -> str:
    return f"{from_minor(int(amount), found.currency):f} {found.currency}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
