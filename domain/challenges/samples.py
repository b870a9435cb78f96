"""Account states of a platform as figures for the rules: minor units, without credit."""

from decimal import Decimal
from functools import lru_cache

from domain.accounts.trading import AccountState
from domain.challenges.values import EquitySampled
from domain.kernel.money import scale_of


def sample_of(state: AccountState) -> EquitySampled:
    """The figures of one state."""
    balance, equity = minor_of(state)
    return EquitySampled(state.as_of, balance, equity, state.source)


def minor_of(state: AccountState) -> tuple[int, int]:
    """Balance and equity in minor units, halves to even. Credit is the broker's money: no rule
    counts it."""
    units = _units(state.currency)
    own = state.equity - state.credit if state.credit else state.equity
    return round(state.balance * units), round(own * units)


@lru_cache(maxsize=256)
def _units(currency: str) -> Decimal:
    """Minor units in one unit of the currency."""
    return Decimal(10) ** scale_of(currency)
