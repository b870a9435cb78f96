"""Money is an integer of minor units with a currency; decimals exist only at the edge.

Scales follow ISO 4217 and, for coins, the network's own unit (ETH 18). One amount has at most 15
digits before the point, so that sums of very many fit `numeric(38,0)`; conversions run in a context
of 60 digits, since the default of 28 would round 38-digit sums silently.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, localcontext

from domain.kernel.errors import Invalid

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
WHOLE_DIGITS = 15
_PLAIN = re.compile(r"-?[0-9]{1,38}(\.[0-9]{1,18})?", re.ASCII)

# ISO 4217 minor units where they are not two, and the coins this product knows by their networks'
# own units. A code is never given another scale: amounts are kept in its minor units.
_SCALES = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
         "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
    "BTC": 8, "USDT": 6, "USDC": 6, "ETH": 18,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency. Sums across currencies do not exist."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        assert self.currency == other.currency, "sums across currencies do not exist"
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)


def scale_of(currency: str) -> int:
    """Decimals of a currency's minor unit: USD 2, JPY 0, BTC 8."""
    return _SCALES.get(currency, 2)


def most_minor(currency: str) -> int:
    """The largest amount there is, either way: a quadrillion whole units less one minor unit."""
    return int(10 ** (WHOLE_DIGITS + scale_of(currency))) - 1


def odd_scales() -> Mapping[str, int]:
    """The currencies whose minor unit has not two decimals, for statements that write amounts."""
    return _SCALES


def parse_decimal(text: str) -> Decimal:
    """A plain decimal number. Refuses exponents, NaN, signs of plus and more than 18 decimals.

    Refusals: INVALID.
    """
    if not _PLAIN.fullmatch(text):
        raise Invalid("INVALID", "Write a plain decimal number such as 12.50.")
    return Decimal(text)


def to_minor(amount: Decimal, currency: str, *, path: tuple[str, ...] = ()) -> int:
    """Minor units of an amount that the currency can hold exactly.

    Refusals: INVALID when the amount has more decimals than the currency or too many digits.
    """
    scale = scale_of(currency)
    with localcontext(EXACT):
        scaled = amount.scaleb(scale)
        whole = scaled.to_integral_value()
        if scaled != whole:
            raise Invalid("INVALID", f"{currency} has {scale} decimals.", path=path)
        if abs(whole) > most_minor(currency):
            message = f"An amount of {currency} has at most {WHOLE_DIGITS} digits"
            tail = "." if scale == 0 else " before the point."
            raise Invalid("INVALID", message + tail, path=path)
    return int(whole)


def round_to_minor(amount: Decimal, currency: str) -> int:
    """Minor units nearest to an amount, halves to even: for figures a platform reports."""
    with localcontext(EXACT):
        return int(amount.scaleb(scale_of(currency)).to_integral_value(ROUND_HALF_EVEN))


def round_down_to_minor(amount: Decimal, currency: str) -> int:
    """Whole minor units within an amount above zero: for what is given out at a price."""
    with localcontext(EXACT):
        return int(amount.scaleb(scale_of(currency)).to_integral_value(ROUND_DOWN))


def from_minor(amount_minor: int, currency: str) -> Decimal:
    """The decimal amount with exactly the currency's decimals."""
    with localcontext(EXACT):
        return Decimal(amount_minor).scaleb(-scale_of(currency))
