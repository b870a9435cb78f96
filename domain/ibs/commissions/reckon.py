"""A case reckoned: the verdict on its deal, in money. Used when it is judged, and by a replay."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.accounts.queries import AnyWork
from domain.ibs.commissions.figures import Figure, FxRate, figure_of, pair_of
from domain.ibs.commissions.gather import Case, Seen
from domain.ibs.commissions.queries import find_rate, find_rate_at
from domain.ibs.commissions.rules import judge
from domain.ibs.commissions.values import Earned
from domain.ibs.values import Judgement

_SAME: Final = FxRate(Decimal(1))


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a deal came to. `seen` says which rates were taken."""

    judgement: Judgement
    seen: Seen
    figures: tuple[Figure, ...] = ()
    inverted: tuple[UUID, ...] = ()


async def reckon(work: AnyWork, case: Case) -> Reckoned:
    """Judge a case and convert what was earned; WAITING_FOR_RATE while a rate is missing."""
    verdict = judge(case.deal, case.line)
    if verdict.judgement is not Judgement.ACCRUED:
        return Reckoned(verdict.judgement, case.seen, inverted=verdict.inverted)
    rates = await _rates(work, case, verdict.earned)
    if rates is None:
        return Reckoned(Judgement.WAITING_FOR_RATE, case.seen)
    governing = next(one.plan for one in case.line if one.plan is not None)
    figures = tuple(
        figure_of(case.deal, one, governing, rates[_pair(one)]) for one in verdict.earned
    )
    taken = {pair: rate.at for pair, rate in rates.items() if rate.at is not None}
    seen = replace(case.seen, rates=taken)
    return Reckoned(Judgement.ACCRUED, seen, figures, verdict.inverted)


async def _rates(work: AnyWork, case: Case, earned: Sequence[Earned]) -> dict[str, FxRate] | None:
    """The rate of each pair; None when one is not known."""
    rates: dict[str, FxRate] = {}
    for one in earned:
        pair, base, quote = _pair(one), one.plan.terms.currency, one.member.currency
        if pair in rates:
            continue
        rate = await _rate(work, base, quote, case.deal.at, case.seen.rates.get(pair))
        if rate is None:
            return None
        rates[pair] = rate
    return rates


async def _rate(
    work: AnyWork, base: str, quote: str, at: datetime, taken: datetime | None
) -> FxRate | None:
    if base == quote:
        return _SAME
    if taken is not None:
        row = await find_rate(work, base, quote, taken)
    else:
        row = await find_rate_at(work, base, quote, at)
    return None if row is None else FxRate(row.rate, row.at, row.source)


def _pair(one: Earned) -> str:
    return pair_of(one.plan.terms.currency, one.member.currency)
