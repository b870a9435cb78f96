"""Verdicts on accounts and orders: each refusal, both sides of each limit."""

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import rules
from domain.accounts.rules import GroupTerms, OpenWish, OrderWish, SymbolTerms
from domain.accounts.trading import Passwords
from domain.accounts.values import (
    AccountAccess,
    AccountKind,
    AccountStatus,
    OrderStatus,
    OrderType,
    Side,
)
from domain.clients.values import ClientStatus
from domain.kernel.errors import DomainError

GROUPS = [
    GroupTerms("demo-usd", AccountKind.DEMO, "USD", 500, swap_free=False),
    GroupTerms("demo-usd-free", AccountKind.DEMO, "USD", 500, swap_free=True),
    GroupTerms("live-eur", AccountKind.LIVE, "EUR", 200, swap_free=False),
]
EURUSD = SymbolTerms("EURUSD", 5, D("0.01"), D("50"), D("0.01"))


def code_of(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        call()
    return caught.value.code


def opened(wish: OpenWish, **changed: Any) -> rules.Terms:
    facts = {"leverage_cap": 100, "client_status": ClientStatus.ACTIVE, "open_accounts": 0}
    return rules.decide_open(wish, GROUPS, **{**facts, **changed})


@pytest.mark.parametrize(
    ("kind", "cap", "most"),
    [
        (AccountKind.LIVE, 1_000, 200),  # the group
        (AccountKind.LIVE, 100, 100),  # the jurisdiction
        (AccountKind.LIVE, None, 200),
        (AccountKind.EVALUATION, 100, 100),  # no such group yet
    ],
)
def test_nothing_is_offered_that_cannot_be_opened(
    kind: AccountKind, cap: int | None, most: int
) -> None:
    rules.decide_offer(OpenWish(kind, "EUR", most), GROUPS, leverage_cap=cap)
    with pytest.raises(DomainError) as refusal:
        rules.decide_offer(OpenWish(kind, "EUR", most + 1), GROUPS, leverage_cap=cap)
    assert refusal.value.code == "LEVERAGE_TOO_HIGH"
    rules.decide_offer(OpenWish(AccountKind.EVALUATION, "EUR", 9_999), GROUPS, leverage_cap=None)


def test_open_takes_the_group_and_the_highest_leverage_allowed() -> None:
    terms = opened(OpenWish(AccountKind.DEMO, "USD"))
    assert terms == rules.Terms("demo-usd", 100, D(10_000))
    free = opened(OpenWish(AccountKind.DEMO, "USD", leverage=30, swap_free=True))
    assert free == rules.Terms("demo-usd-free", 30, D(10_000))
    live = opened(OpenWish(AccountKind.LIVE, "EUR"), leverage_cap=1000)
    assert live == rules.Terms("live-eur", 200, None)


@pytest.mark.parametrize(
    ("wish", "changed", "code"),
    [
        (OpenWish(AccountKind.EVALUATION, "USD"), {}, "KIND_UNAVAILABLE"),
        (OpenWish(AccountKind.LIVE, "USD"), {}, "CURRENCY_UNAVAILABLE"),
        (OpenWish(AccountKind.LIVE, "EUR", swap_free=True), {}, "CURRENCY_UNAVAILABLE"),
        (OpenWish(AccountKind.LIVE, "EUR", leverage=101), {}, "LEVERAGE_TOO_HIGH"),
        (OpenWish(AccountKind.LIVE, "EUR", leverage=0), {}, "INVALID"),
        (OpenWish(AccountKind.LIVE, "EUR", initial_balance=D(1)), {}, "INVALID"),
        (OpenWish(AccountKind.DEMO, "USD", initial_balance=D(0)), {}, "INVALID"),
        (OpenWish(AccountKind.DEMO, "USD", initial_balance=D(1_000_001)), {}, "INVALID"),
        (
            OpenWish(AccountKind.DEMO, "USD"),
            {"client_status": ClientStatus.REGISTERED},
            "EMAIL_NOT_VERIFIED",
        ),
        (
            OpenWish(AccountKind.DEMO, "USD"),
            {"client_status": ClientStatus.RESTRICTED},
            "CLIENT_RESTRICTED",
        ),
        (OpenWish(AccountKind.DEMO, "USD"), {"open_accounts": 20}, "ACCOUNT_LIMIT"),
    ],
)
def test_open_is_refused(wish: OpenWish, changed: dict[str, Any], code: str) -> None:
    assert code_of(lambda: opened(wish, **changed)) == code


def test_open_accepts_the_limits_themselves() -> None:
    most = OpenWish(AccountKind.DEMO, "USD", leverage=100, initial_balance=D(1_000_000))
    assert opened(most, open_accounts=19).initial_balance == D(1_000_000)


def order(**changed: Any) -> OrderWish:
    facts: dict[str, Any] = {
        "symbol": "EURUSD", "type": OrderType.MARKET, "side": Side.BUY, "lots": D("0.10"),
    }  # fmt: skip
    return OrderWish(**{**facts, **changed})


def decided(
    wish: OrderWish,
    status: AccountStatus = AccountStatus.ACTIVE,
    access: AccountAccess = AccountAccess.FULL,
) -> None:
    rules.decide_order(wish, EURUSD, status=status, access=access)


@pytest.mark.parametrize(
    "wish",
    [
        order(),
        order(lots=D("0.01")),
        order(lots=D(50)),
        order(stop_loss=D("1.05"), take_profit=D("1.2")),
        order(type=OrderType.LIMIT, price=D("1.10000")),
        order(type=OrderType.STOP, price=D("1.1"), stop_loss=D("1.05"), take_profit=D("1.2")),
        order(
            type=OrderType.LIMIT, side=Side.SELL, price=D("1.1"), stop_loss=D("1.2"),
            take_profit=D("1.0"),
        ),
    ],
)  # fmt: skip
def test_order_is_accepted(wish: OrderWish) -> None:
    decided(wish)
    assert wish.lots > 0


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (order(lots=D("0.001")), "LOTS_INVALID"),
        (order(lots=D("0.015")), "LOTS_INVALID"),
        (order(lots=D("50.01")), "LOTS_INVALID"),
        (order(price=D("1.1")), "PRICE_INVALID"),
        (order(type=OrderType.LIMIT), "PRICE_INVALID"),
        (order(type=OrderType.LIMIT, price=D("1.100001")), "PRICE_INVALID"),
        (order(type=OrderType.LIMIT, price=D(0)), "PRICE_INVALID"),
        (order(stop_loss=D("-1")), "PRICE_INVALID"),
        (order(take_profit=D("1.0000001")), "PRICE_INVALID"),
        (order(type=OrderType.LIMIT, price=D("1.1"), stop_loss=D("1.1")), "PRICE_INVALID"),
        (order(type=OrderType.LIMIT, price=D("1.1"), take_profit=D("1.0")), "PRICE_INVALID"),
    ],
)
def test_order_is_refused(wish: OrderWish, code: str) -> None:
    assert code_of(lambda: decided(wish)) == code


def test_order_needs_an_active_account_with_full_access() -> None:
    assert code_of(lambda: decided(order(), status=AccountStatus.OPENING)) == "ACCOUNT_NOT_ACTIVE"
    for access in set(AccountAccess) - {AccountAccess.FULL}:
        assert code_of(lambda a=access: decided(order(), access=a)) == "TRADING_DISABLED"


def test_close_takes_all_or_a_part_on_the_step() -> None:
    rules.decide_close(None, D("1"), EURUSD)
    rules.decide_close(D("1"), D("1"), EURUSD)
    assert code_of(lambda: rules.decide_close(D("1.01"), D("1"), EURUSD)) == "LOTS_INVALID"
    assert code_of(lambda: rules.decide_close(D("0.005"), D("1"), EURUSD)) == "LOTS_INVALID"


AMOUNTS = st.integers(-(10**15), 10**15)


@given(AMOUNTS, AMOUNTS, st.integers(0, 10**15))
def test_withdrawable_is_never_negative_and_never_credit(b: int, free: int, credit: int) -> None:
    out = rules.withdrawable(balance=b, free_margin=free, credit=credit)
    assert out >= 0
    assert out <= max(b, 0)
    assert out + credit <= max(free, credit)


def test_margin_level_is_equity_over_margin() -> None:
    assert rules.margin_level_percent(equity=10_000_00, margin=3_616_67) == D("276.50")
    assert rules.margin_level_percent(equity=100, margin=0) is None


def test_position_levels_stay_on_the_grid() -> None:
    def decided(access: AccountAccess = AccountAccess.FULL, **levels: D | None) -> None:
        rules.decide_position_change(
            {"stop_loss": None, "take_profit": None} | levels, EURUSD,
            status=AccountStatus.ACTIVE, access=access,
        )  # fmt: skip

    decided(stop_loss=D("1.1"), take_profit=D("1.12345"))
    decided(AccountAccess.CLOSE_ONLY)
    assert code_of(lambda: decided(stop_loss=D(0))) == "PRICE_INVALID"
    assert code_of(lambda: decided(take_profit=D("1.123456"))) == "PRICE_INVALID"
    for access in rules.LOCKED:
        assert code_of(lambda a=access: decided(a)) == "TRADING_DISABLED"


def test_an_order_changes_as_it_was_placed() -> None:
    wish = order(type=OrderType.LIMIT, price=D("1.1"), stop_loss=D("1.05"))

    def decided(wish: OrderWish, access: AccountAccess = AccountAccess.FULL) -> None:
        rules.decide_order_change(wish, EURUSD, status=AccountStatus.ACTIVE, access=access)

    decided(wish)
    assert code_of(lambda: decided(order(type=OrderType.STOP))) == "PRICE_INVALID"
    assert code_of(lambda: decided(wish, AccountAccess.CLOSE_ONLY)) == "TRADING_DISABLED"


def test_only_what_is_named_changes() -> None:
    before = {"price": D(1), "stop_loss": D(2), "take_profit": None}
    after = rules.merge_levels(before, {"stop_loss": None, "take_profit": D(3)})
    assert after == {"price": D(1), "stop_loss": None, "take_profit": D(3)}
    assert code_of(lambda: rules.merge_levels(before, {})) == "INVALID"


@pytest.mark.parametrize("access", list(AccountAccess))
def test_only_an_empty_account_is_locked(access: AccountAccess) -> None:
    active = AccountStatus.ACTIVE
    rules.decide_access(access, status=active, is_exposed=False)
    locked = access in (AccountAccess.NO_TRADING, AccountAccess.NO_LOGIN)
    if locked:
        call = lambda: rules.decide_access(access, status=active, is_exposed=True)  # noqa: E731
        assert code_of(call) == "POSITIONS_OPEN"
    else:
        rules.decide_access(access, status=active, is_exposed=True)
    closed = AccountStatus.CLOSED
    call = lambda: rules.decide_access(access, status=closed, is_exposed=False)  # noqa: E731
    assert code_of(call) == "ACCOUNT_NOT_ACTIVE"


def test_a_version_is_compared_when_given() -> None:
    rules.decide_version(3, None)
    rules.decide_version(3, 3)
    assert code_of(lambda: rules.decide_version(3, 2)) == "VERSION_CONFLICT"


def test_only_waiting_orders_are_pending() -> None:
    rules.decide_is_pending(OrderStatus.PLACED)
    for status in set(OrderStatus) - {OrderStatus.PLACED}:
        assert code_of(lambda s=status: rules.decide_is_pending(s)) == "ORDER_NOT_PENDING"


def test_a_reason_has_words() -> None:
    assert rules.normalise_reason(" why ") == "why"
    assert len(rules.normalise_reason("x" * 500)) == 500
    for reason in ("", " \n", "x" * 501):
        assert code_of(lambda r=reason: rules.normalise_reason(r)) == "INVALID"


@pytest.mark.parametrize("password", ["Abcdefg1", "aB3" + "~" * 29, "!1zZ#$%^"])
def test_passwords_are_strong_enough(password: str) -> None:
    rules.decide_passwords(Passwords(password, "Other-0ne"))
    code = code_of(lambda: rules.decide_passwords(Passwords(password, password)))
    assert code == "PASSWORDS_EQUAL"


@pytest.mark.parametrize(
    "password",
    ["Abcdef1", "aB3" + "~" * 30, "abcdefg1", "ABCDEFG1", "Abcdefgh", "Abc def1", "Abcdef1\n",
     "Äbcdefg1", "Abcdefg١"],
)  # fmt: skip
def test_weak_passwords_are_refused(password: str) -> None:
    for both in (Passwords(password, "Other-0ne"), Passwords("Other-0ne", password)):
        assert code_of(lambda p=both: rules.decide_passwords(p)) == "PASSWORD_WEAK"
