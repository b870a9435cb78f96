"""Scalars: one exact text form each way, and refusals without the value."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import Invalid
from schema.shared.scalars import (
    SCALARS,
    URL,
    CountryCode,
    CurrencyCode,
    Cursor,
    Money,
    MoneyInput,
    parse_day,
    parse_decimal,
    parse_instant,
    parse_url,
    show_decimal,
    show_instant,
)
from tests.schema.shared.conftest import Ask


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_survive(value: datetime) -> None:
    text = show_instant(value)
    assert len(text) == 27
    assert text.endswith("Z")
    assert parse_instant(text) == value


def test_instants_are_shown_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert show_instant(datetime(2026, 1, 1, 1, tzinfo=east)) == "2025-12-31T23:00:00.000000Z"
    assert parse_instant("2026-01-01t01:00:00.5+02:00") == datetime(
        2025, 12, 31, 23, 0, 0, 500_000, tzinfo=UTC
    )
    with pytest.raises(ValueError, match="time zone"):
        show_instant(datetime(2026, 1, 1))  # noqa: DTZ001 - what must be refused


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:01Z", "2026-01-01T00:00:00.1234567Z", "0001-01-01T00:00:00+14:00",
        "٢026-01-01T00:00:00Z", "", 1_700_000_000, 1.5, True, None, [], "2026-01-01T00:00:00Z\n",
    ],
)  # fmt: skip
def test_what_is_no_instant(wrong: Any) -> None:
    with pytest.raises(GraphQLError, match="RFC 3339"):
        parse_instant(wrong)


@given(st.dates())
def test_days_survive(value: date) -> None:
    assert parse_day(SCALARS[date].serialize(value)) == value  # type: ignore[misc]


@pytest.mark.parametrize("wrong", ["2026-02-30", "20260228", "2026-2-3", 5, None, "2026-01-01T"])
def test_what_is_no_day(wrong: Any) -> None:
    with pytest.raises(GraphQLError, match="date"):
        parse_day(wrong)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, max_value=10**9))
def test_decimals_survive(value: Decimal) -> None:
    if abs(value) < 10**19:
        assert parse_decimal(show_decimal(value)) == value


@pytest.mark.parametrize(
    "wrong",
    [1, 1.5, True, None, "1e5", "NaN", "Infinity", "+1", " 1", "1.", ".5", "1,5", "0x1", "١",
     "1" * 39, "0." + "1" * 19, "--1", ""],
)  # fmt: skip
def test_what_is_no_decimal(wrong: Any) -> None:
    with pytest.raises(GraphQLError, match="decimal as a string"):
        parse_decimal(wrong)


def test_decimals_are_shown_plainly() -> None:
    assert show_decimal(Decimal("1E+3")) == "1000"
    assert show_decimal(Decimal("1E-18")) == "0." + "0" * 17 + "1"
    assert show_decimal(7) == "7"
    wrong: Any
    for wrong in (1.5, True, Decimal("NaN"), Decimal("1E-19")):
        with pytest.raises(ValueError, match="decimal"):
            show_decimal(wrong)


@pytest.mark.parametrize(
    ("scalar", "good", "bad"),
    [
        (CurrencyCode, ["USD", "BTC", "USDT"], ["usd", "US", "", 5, "USD\n", "UŚD"]),
        (CountryCode, ["CY"], ["cy", "CYP", "", None]),
        (Cursor, ["abc"], ["", "a" * 16_385, 5]),
        (URL, ["https://a.example/x?y=1"],
         ["javascript:alert(1)", "//a", "https://", "https://u:p@a.b/", "https://[x", "a b", 5,
          "https://a.b/ c", "https://a.b/" + "c" * 2_048]),
    ],
)  # fmt: skip
def test_texts_with_a_shape(scalar: Any, good: list[str], bad: list[Any]) -> None:
    parse: Any = SCALARS[scalar].parse_value
    for text in good:
        assert parse(text) == text
    for wrong in bad:
        with pytest.raises(GraphQLError):
            parse(wrong)


def test_urls() -> None:
    assert parse_url("http://localhost:3000/") == "http://localhost:3000/"


def test_money() -> None:
    assert Money.of(1250, "USD") == Money(
        amount=Decimal("12.50"), currency_code=CurrencyCode("USD")
    )
    given_ = MoneyInput(amount=Decimal("12.5"), currency_code=CurrencyCode("USD"))
    assert given_.to_amount("input", "amount").amount_minor == 1250
    wrong = MoneyInput(amount=Decimal("0.001"), currency_code=CurrencyCode("USD"))
    with pytest.raises(Invalid) as refused:
        wrong.to_amount("input", "fee")
    assert refused.value.path == ("input", "fee", "amount")


async def test_floats_are_refused_in_literals_and_variables(ask: Ask) -> None:
    assert (await ask('{ echo(amount: "0.1", at: "2026-01-01T00:00:00Z") }')).data == {
        "echo": "0.1 2026-01-01 00:00:00+00:00"
    }
    for literal in ("0.1", "1", "true", "null", '"1e3"'):
        assert (await ask(f"{{ echo(amount: {literal}) }}")).codes == ["BAD_USER_INPUT"]
    for value in (0.1, 1, True, None, "1e3"):
        answer = await ask("query ($a: Decimal!) { echo(amount: $a) }", a=value)
        assert answer.data is None
        assert len(answer.errors) == 1
