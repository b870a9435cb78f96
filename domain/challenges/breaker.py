"""A brand's breaker: while it holds, accounts that broke a rule keep their positions.

Prices can be wrong, and a wrong price breaks many rules at once. Positions that were closed by one
can't be opened again: so staff look first.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.challenges.lifecycle import Breaker


def suspicion_of(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]], breaker: Breaker
) -> str | None:
    """Why the prices by which a rule was broken are doubtful: a second look moments later says
    something else by more than moves in such a time. None when they agree, or can't be compared."""
    later = {one["symbol"]: _middle(one) for one in second}
    for one in first:
        middle, again = _middle(one), later.get(one["symbol"])
        if again is None or middle <= 0:
            continue
        gap = abs(again - middle) * 10_000 / middle
        if gap > breaker.price_gap_bps:
            return f"{one['symbol']} was {middle:f} and is {again:f}"
    return None


def _middle(price: Mapping[str, Any]) -> Decimal:
    return (Decimal(price["bid"]) + Decimal(price["ask"])) / 2
