"""Amounts are whole minor units; what a currency can't hold exactly is refused and says why."""

from decimal import Decimal

import pytest

from domain.kernel.errors import Invalid
from domain.kernel.money import from_minor, most_minor, scale_of, to_minor


@pytest.mark.parametrize(
    ("currency", "scale"),
    [("USD", 2), ("EUR", 2), ("JPY", 0), ("XOF", 0), ("UGX", 0), ("KWD", 3), ("IQD", 3),
     ("CLF", 4), ("USDT", 6), ("BTC", 8), ("ETH", 18)],
)  # fmt: skip
def test_each_currency_has_its_scale(currency: str, scale: int) -> None:
    assert scale_of(currency) == scale
    assert to_minor(Decimal(7), currency) == 7 * 10**scale
    assert from_minor(7 * 10**scale, currency) == Decimal(7)


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("0.001", "EUR", "EUR has 2 decimals."),
        ("0.1", "JPY", "JPY has 0 decimals."),
        ("1" + "0" * 15, "EUR", "An amount of EUR has at most 15 digits before the point."),
        ("-" + "9" * 38, "EUR", "An amount of EUR has at most 15 digits before the point."),
        ("1" + "0" * 15, "ETH", "An amount of ETH has at most 15 digits before the point."),
        ("1" + "0" * 15, "JPY", "An amount of JPY has at most 15 digits."),
    ],
    ids=["decimals", "none", "digits", "negative", "a coin", "without decimals"],
)
def test_what_is_no_amount_is_refused_and_says_why(amount: str, currency: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        to_minor(Decimal(amount), currency)
    assert refused.value.message == told


def test_the_largest_amount_is_one() -> None:
    most = Decimal("9" * 15 + ".99")
    assert to_minor(most, "EUR") == most_minor("EUR") == 10**17 - 1
    assert from_minor(10**17 - 1, "EUR") == most


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD", "BTC", "ETH"])
def test_a_hundred_thousand_of_the_largest_amounts_fit_a_sum(currency: str) -> None:
    assert 100_000 * most_minor(currency) < 10**38
