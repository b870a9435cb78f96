"""Verdicts on transfers and conversions, with the worked numbers of the domain facts (D4)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts.trading import Quote, QuoteSource
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money, most_minor
from domain.payments.transfers import rules
from domain.payments.transfers.values import Attempt, End, Hop, Pair
from domain.payments.values import TransferEndKind

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
CLIENT, OTHER = new_uuid(), new_uuid()
WALLET, ACCOUNT = TransferEndKind.WALLET, TransferEndKind.ACCOUNT
PAIRS = [Pair("EURUSD", "EUR", "USD"), Pair("USDJPY", "USD", "JPY"), Pair("EURJPYx", "EUR", "JPY")]


def end(kind: TransferEndKind, currency: str = "USD", client: UUID = CLIENT) -> End:
    return End(kind, client, currency, new_uuid())


def refusal(run) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(DomainError) as refused:
        run()
    return refused.value.code, refused.value.path


def taken(run) -> bool:
    """Whether it is not refused."""
    try:
        run()
    except DomainError:
        return False
    return True


def test_the_worked_conversion_gives_its_numbers():
    made = rules.convert(Money(100_000, "EUR"), "USD", mid=D("1.0850"), spread_bps=100)
    assert (made.rate, made.to_minor, made.spread_minor) == (D("1.07415"), 107_415, 1_085)
    assert made.mid_minor == 108_500


@pytest.mark.parametrize(
    ("amount", "mid", "got", "spread"),
    [
        pytest.param(1, "1.5", 1, 1, id="1.5, the mid goes to even"),
        pytest.param(1, "2.5", 2, 0, id="2.5"),
        pytest.param(3, "1.5", 4, 0, id="4.5"),
        pytest.param(1, "1.99", 1, 1, id="1.99"),
    ],
)
def test_parts_of_a_cent_stay_here(amount: int, mid: str, got: int, spread: int):
    made = rules.convert(Money(amount, "EUR"), "USD", mid=D(mid), spread_bps=0)
    assert (made.to_minor, made.spread_minor) == (got, spread)


def test_scales_of_both_currencies_count():
    made = rules.convert(Money(100_000, "EUR"), "JPY", mid=D("163.255"), spread_bps=100)
    assert (made.to_minor, made.mid_minor) == (161_622, 163_255)
    back = rules.convert(Money(100_000, "JPY"), "USD", mid=D("0.0066"), spread_bps=0)
    assert back.to_minor == 66_000


@given(
    amount=st.integers(1, most_minor("USD")),
    mid=st.decimals("0.000001", "100000", places=6),
    spread=st.integers(0, 9_999),
)
def test_nothing_is_lost_or_made_in_a_conversion(amount: int, mid: D, spread: int):
    try:
        made = rules.convert(Money(amount, "USD"), "EUR", mid=mid, spread_bps=spread)
    except DomainError:
        return
    assert made.from_minor == amount
    assert made.to_minor > 0
    assert made.spread_minor >= 0
    assert made.mid_minor == made.to_minor + made.spread_minor
    assert made.to_minor <= amount * mid, "never better than the market"


@given(
    amount=st.integers(1, most_minor("EUR")),
    prices=st.lists(st.decimals("0.00001", "100000", places=5), min_size=1, max_size=3),
    parts=st.integers(1, 50),
    spread=st.integers(0, 500),
)
def test_no_way_round_ever_gains(amount: int, prices: list[D], parts: int, spread: int):
    """There by some symbols and back by the same, whole or cut into parts."""
    quotes = {f"S{n}": quoted(f"S{n}", str(price), str(price)) for n, price in enumerate(prices)}
    there = [Hop(symbol, is_inverted=False) for symbol in quotes]
    back = [Hop(hop.symbol, is_inverted=True) for hop in reversed(there)]
    mids = [rules.price_of(route, quotes, now=NOW).mid for route in (there, back)]
    ended = 0
    for n in range(parts):
        part = amount // parts + (n < amount % parts)
        try:
            out = rules.convert(Money(part, "EUR"), "USD", mid=mids[0], spread_bps=spread)
            home = rules.convert(Money(out.to_minor, "USD"), "EUR", mid=mids[1], spread_bps=0)
        except DomainError:
            continue  # too small to come to anything: it stays where it is
        ended += home.to_minor
    assert ended <= amount


@given(mid=st.decimals("0.00001", "100000", places=5), spread=st.integers(0, 500))
def test_the_smallest_amount_is_told_and_is_enough(mid: D, spread: int):
    def convert(minor: int) -> int:
        return rules.convert(Money(minor, "USD"), "EUR", mid=mid, spread_bps=spread).to_minor

    try:
        convert(1)
    except DomainError as refused:
        least = int(D(refused.message.split()[3]) * 100)
        assert convert(least) >= 1
        assert refusal(lambda: convert(least - 1)) == ("AMOUNT_TOO_LOW", ("input", "amount"))


def test_a_conversion_into_more_than_an_amount_is_refused():
    most = most_minor("USD")
    made = rules.convert(Money(most, "USD"), "EUR", mid=D("0.9"), spread_bps=0)
    assert made.to_minor == most * 9 // 10
    told = refusal(lambda: rules.convert(Money(most, "EUR"), "USD", mid=D("1.1"), spread_bps=5_000))
    assert told == ("AMOUNT_TOO_HIGH", ("input", "amount")), "with the spread it is too much"


def test_a_conversion_into_nothing_is_refused():
    convert = rules.convert
    told = refusal(lambda: convert(Money(1, "JPY"), "EUR", mid=D("0.001"), spread_bps=0))
    assert told == ("AMOUNT_TOO_LOW", ("input", "amount"))


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        pytest.param(Money(0, "USD"), "INVALID", id="zero"),
        pytest.param(Money(-1, "USD"), "INVALID", id="below"),
        pytest.param(Money(1, "EUR"), "CURRENCY_MISMATCH", id="other currency"),
    ],
)
def test_amounts_are_above_zero_in_the_currency_that_leaves(amount: Money, code: str):
    assert refusal(lambda: rules.decide_amount(amount, "USD")) == (code, ("input", "amount"))
    rules.decide_amount(Money(1, "USD"), "USD")


@pytest.mark.parametrize(("wanted", "code"), [("USD", "INVALID"), ("JPY", "CURRENCY_UNAVAILABLE")])
def test_wallets_are_converted_to_what_the_brand_offers(wanted: str, code: str):
    offered = ["USD", "EUR"]
    told = refusal(lambda: rules.decide_currency(wanted, "USD", offered))
    assert told == (code, ("input", "toCurrency"))
    rules.decide_currency("EUR", "USD", offered)


@pytest.mark.parametrize(
    ("source", "target", "has_quote", "code"),
    [
        pytest.param(end(WALLET), end(ACCOUNT, client=OTHER), False, "INVALID", id="other client"),
        pytest.param(end(ACCOUNT), end(ACCOUNT), False, "INVALID", id="two accounts"),
        pytest.param(end(WALLET), end(WALLET), False, "INVALID", id="same wallet"),
        pytest.param(end(WALLET), end(ACCOUNT), True, "INVALID", id="needless quote"),
        pytest.param(
            end(ACCOUNT), end(WALLET, "EUR"), False, "CURRENCY_MISMATCH", id="from account"
        ),
        pytest.param(end(ACCOUNT), end(WALLET, "EUR"), True, "CURRENCY_MISMATCH", id="with quote"),
        pytest.param(end(WALLET, "EUR"), end(WALLET), False, "QUOTE_REQUIRED", id="no quote"),
        pytest.param(end(WALLET, "EUR"), end(ACCOUNT), False, "QUOTE_REQUIRED", id="to account"),
    ],
)
def test_ends_that_do_not_fit(source: End, target: End, has_quote: bool, code: str):
    assert refusal(lambda: rules.decide_ends(source, target, has_quote=has_quote))[0] == code


@pytest.mark.parametrize(
    ("source", "target", "has_quote"),
    [
        pytest.param(end(WALLET), end(ACCOUNT), False, id="onto an account"),
        pytest.param(end(ACCOUNT), end(WALLET), False, id="off an account"),
        pytest.param(end(WALLET, "EUR"), end(WALLET), True, id="converted"),
        pytest.param(end(WALLET, "EUR"), end(ACCOUNT), True, id="converted onto an account"),
    ],
)
def test_ends_that_fit(source: End, target: End, has_quote: bool):
    assert taken(lambda: rules.decide_ends(source, target, has_quote=has_quote))
    # A quote is needed exactly where something is converted.
    code = refusal(lambda: rules.decide_ends(source, target, has_quote=not has_quote))[0]
    assert code == ("QUOTE_REQUIRED" if has_quote else "INVALID")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        pytest.param({"kind": "DEMO"}, "ACCOUNT_NOT_LIVE", id="demo"),
        pytest.param({"kind": "EVALUATION"}, "ACCOUNT_NOT_LIVE", id="prop"),
        pytest.param({"status": "CLOSED"}, "ACCOUNT_NOT_ACTIVE", id="closed"),
        pytest.param({"access": "NO_LOGIN"}, "ACCOUNT_LOCKED", id="locked"),
    ],
)
def test_accounts_that_take_no_money(columns: dict[str, str], code: str):
    row = {"kind": "LIVE", "status": "ACTIVE", "access": "FULL"} | columns
    path = ("input", "to")
    assert refusal(lambda: rules.decide_account(SimpleNamespace(**row), path=path))[0] == code


@pytest.mark.parametrize("access", ["FULL", "CLOSE_ONLY", "NO_TRADING"])
def test_accounts_that_take_money(access: str):
    row = SimpleNamespace(kind="LIVE", status="ACTIVE", access=access)
    path = ("input", "to")
    assert taken(lambda: rules.decide_account(row, path=path))
    row.kind = "DEMO"
    assert refusal(lambda: rules.decide_account(row, path=path)) == ("ACCOUNT_NOT_LIVE", path)


def test_an_account_gives_what_is_withdrawable():
    state = SimpleNamespace(balance_minor=1_000, free_margin_minor=900, credit_minor=100)
    rules.decide_leaving(Money(800, "USD"), state)
    told = refusal(lambda: rules.decide_leaving(Money(801, "USD"), state))
    assert told[0] == "INSUFFICIENT_FUNDS"
    rules.decide_leaving(Money(10**9, "USD"), None)


QUOTE = {
    "client_id": CLIENT, "from_minor": 100, "from_currency": "EUR", "to_currency": "USD",
    "used_by": None, "expires_at": NOW + timedelta(seconds=1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        pytest.param({}, None, id="good"),
        pytest.param({"client_id": OTHER}, "QUOTE_MISMATCH", id="other client"),
        pytest.param({"from_minor": 101}, "QUOTE_MISMATCH", id="other amount"),
        pytest.param({"from_currency": "JPY"}, "QUOTE_MISMATCH", id="other source"),
        pytest.param({"to_currency": "JPY"}, "QUOTE_MISMATCH", id="other target"),
        pytest.param({"used_by": OTHER}, "QUOTE_USED", id="used"),
        pytest.param({"expires_at": NOW}, "QUOTE_EXPIRED", id="at its last instant"),
    ],
)
def test_a_quote_is_for_one_conversion_once_and_in_time(columns, code: str | None):
    def decide() -> None:
        rules.decide_quote(
            SimpleNamespace(**(QUOTE | columns)),
            client_id=CLIENT,
            amount=Money(100, "EUR"),
            to_currency="USD",
            now=NOW,
        )

    if code is None:
        decide()
    else:
        assert refusal(decide)[0] == code


@pytest.mark.parametrize(
    ("source", "target", "route"),
    [
        pytest.param("EUR", "USD", [("EURUSD", False)], id="direct"),
        pytest.param("USD", "EUR", [("EURUSD", True)], id="inverted"),
        pytest.param("EUR", "JPY", [("EURJPYx", False)], id="direct before crossed"),
        pytest.param("GBP", "JPY", [("GBPUSD", False), ("USDJPY", False)], id="crossed"),
    ],
)
def test_prices_go_directly_inverted_or_through_dollars(source: str, target: str, route):
    pairs = [*PAIRS, Pair("GBPUSD", "GBP", "USD")]
    found = rules.choose_route(pairs, source, target)
    assert [(hop.symbol, hop.is_inverted) for hop in found] == route


@pytest.mark.parametrize("target", ["CHF", "GBP"])
def test_what_nobody_prices_is_refused(target: str):
    pairs = [*PAIRS, Pair("EURCHFx", "CHF", "NOK")]
    assert refusal(lambda: rules.choose_route(pairs, "EUR", target))[0] == "PRICE_UNAVAILABLE"


def quoted(symbol: str, bid: str, ask: str, age_s: int = 0) -> Quote:
    at = NOW - timedelta(seconds=age_s)
    return Quote(symbol, D(bid), D(ask), at, None, QuoteSource.LIVE)


def test_a_price_is_the_product_of_its_hops_between_bid_and_ask():
    quotes = {
        "EURUSD": quoted("EURUSD", "1.0849", "1.0851", 5), "USDJPY": quoted("USDJPY", "150", "150")
    }  # fmt: skip
    route = [Hop("EURUSD", is_inverted=False), Hop("USDJPY", is_inverted=False)]
    made = rules.price_of(route, quotes, now=NOW)
    assert (made.mid, made.source) == (D("162.75"), "EURUSD USDJPY")
    assert made.at == NOW - timedelta(seconds=5)
    turned = rules.price_of([Hop("EURUSD", is_inverted=True)], quotes, now=NOW)
    assert (turned.mid, turned.source) == (D("0.921658986175115"), "1/EURUSD")


def test_a_missing_or_old_price_is_refused():
    route = [Hop("EURUSD", is_inverted=False)]
    old = {"EURUSD": quoted("EURUSD", "1", "1", 61)}
    assert refusal(lambda: rules.price_of(route, {}, now=NOW))[0] == "PRICE_UNAVAILABLE"
    assert refusal(lambda: rules.price_of(route, old, now=NOW))[0] == "PRICE_STALE"
    edge = {"EURUSD": quoted("EURUSD", "1", "1", 60)}
    assert rules.price_of(route, edge, now=NOW).mid == 1


@pytest.mark.parametrize(
    ("looks", "is_quiet", "lasts"),
    [(2, True, False), (3, True, True), (59, False, False), (60, False, True)],
)
def test_a_difference_lasts_after_three_quiet_looks(looks: int, is_quiet: bool, lasts: bool):
    assert rules.is_lasting(looks, is_quiet=is_quiet) is lasts


@pytest.mark.parametrize(
    ("refused", "since_s", "again"),
    [
        pytest.param([], 0, True, id="never asked"),
        pytest.param([True], 59, False, id="a moment ago"),
        pytest.param([True], 60, True, id="a minute ago"),
        pytest.param([True, True], 119, False, id="twice, too soon"),
        pytest.param([True, True], 120, True, id="twice"),
        pytest.param([True] * 10, 3_599, False, id="often, too soon"),
        pytest.param([True] * 10, 3_600, True, id="often, hourly"),
        pytest.param([True, False], 9_999, False, id="open or done"),
        pytest.param([True] * 32, 99_999, False, id="given up"),
    ],
)
def test_a_refused_protection_is_tried_again(refused: list[bool], since_s: int, again: bool):
    last = NOW - timedelta(seconds=since_s)
    attempts = [Attempt(last, one) for one in refused]
    assert rules.may_try_again(attempts, NOW) is again
