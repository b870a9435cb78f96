"""Account states of a platform as figures for the rules: minor units, without credit."""

from decimal import ROUND_HALF_EVEN, Decimal

from domain.accounts.trading import AccountState
from domain.challenges.values import EquitySampled
from domain.kernel.money import scale_of


def sample_of(state: AccountState) -> EquitySampled:
    """The figures of one state. Credit is the broker's money: no rule counts it."""
    scale = scale_of(state.currency)
    return EquitySampled(
        at=state.as_of,
        balance_minor=_minor(state.balance, scale),
        equity_minor=_minor(state.equity - state.credit, scale),
        source=state.source,
    )


def _minor(amount: Decimal, scale: int) -> int:
    return int(amount.scaleb(scale).to_integral_value(ROUND_HALF_EVEN))
