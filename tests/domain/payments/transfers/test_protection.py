"""Negative balances made good where the jurisdiction protects, once per event, and proofs that
the ledger has what platforms have."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from domain.accounts.ports import PlatformRefused
from domain.accounts.tables import platform_request
from domain.accounts.trading import BalanceKind
from domain.accounts.values import RequestKind
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.reconciliation.tables import balance_proof, discrepancy
from domain.payments.transfers import rules
from domain.payments.transfers.rounds import protect_balances, prove_day, tell_doubtful


async def fall_to(till, amount: str) -> None:
    """What losses beyond everything leave; the account's half is known here afterwards."""
    await till.platform.balance_op(
        till.account.login, kind=BalanceKind.CORRECTION, amount=D(amount), comment="loss",
        op_id=f"loss-{amount}",
    )  # fmt: skip
    await till.record()
    await till.consume()


def protected(till, superuser, *, policy: str = '{"negative_balance_protection": true}') -> None:
    """Put the brand's legal entity under a jurisdiction of its own with this policy."""
    code = f"J{till.brand.id.hex[:12]}"
    superuser.execute(
        "insert into jurisdiction (code, version, name, policy) values (%s, 1, %s, %s)",
        (code, code, policy),
    )
    superuser.execute(
        "update legal_entity set jurisdiction = %s where id = %s",
        (code, till.brand.legal_entity_id),
    )
    superuser.commit()


async def protect(till) -> int:
    return await protect_balances(till.database, lambda _: till.platform, till.brand.id)


async def prove(till) -> int:
    return await prove_day(till.database, lambda _: till.platform, till.brand.id)


def requests(till) -> list[Any]:
    rows = till.make.rows(platform_request, till.brand)
    return [row for row in rows if row.kind == RequestKind.BALANCE]


async def test_137_20_below_zero_is_made_good_once(till, superuser):
    protected(till, superuser)
    await fall_to(till, "-137.20")
    before = await till.booked()
    assert (before["trading"], before["clearing"]) == (-13_720, 13_720)
    assert [await protect(till) for _ in range(3)] == [1, 0, 0]
    assert await till.booked() == before
    await till.settle()
    assert await till.booked() == {"clearing": 13_720, "nbp": -13_720}
    (state,) = await till.platform.account_states([till.account.login])
    assert state.balance == 0
    assert await protect(till) == 0
    assert [row.status for row in requests(till)] == ["DONE"]


async def test_another_fall_is_another_event(till, superuser):
    protected(till, superuser)
    for _ in range(2):
        await fall_to(till, f"-{100 + len(requests(till))}")
        assert await protect(till) == 1
        await till.settle()
    assert (await till.booked())["nbp"] == -20_100
    assert [row.status for row in requests(till)] == ["DONE", "DONE"]


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param("{}", id="nothing said"),
        pytest.param('{"negative_balance_protection": false}', id="not protected"),
    ],
)
async def test_elsewhere_the_debt_stays(till, superuser, policy: str):
    protected(till, superuser, policy=policy)
    await fall_to(till, "-137.20")
    assert await protect(till) == 0
    assert requests(till) == []


@pytest.mark.parametrize(
    "columns", [{"kind": "DEMO"}, {"status": "CLOSED"}], ids=["demo", "closed"]
)
async def test_only_open_live_accounts_are_protected(till, superuser, columns: dict[str, str]):
    protected(till, superuser)
    await fall_to(till, "-137.20")
    for name, value in columns.items():
        superuser.execute(
            f"update trading_account set {name} = %s where id = %s", [value, till.account.id]
        )
    superuser.commit()
    assert await protect(till) == 0


async def test_nothing_is_made_good_while_a_position_is_open(till, superuser):
    protected(till, superuser)
    await fall_to(till, "-137.20")
    till.make.position(till.account)
    assert await protect(till) == 0


async def test_a_refused_correction_is_released_and_shown(till, superuser):
    """Money came in between: the platform does not lift a balance that is not below zero."""
    protected(till, superuser)
    await fall_to(till, "-137.20")
    assert await protect(till) == 1
    await fall_to(till, "200")
    await till.settle()
    assert "nbp" not in await till.booked()
    assert [row.status for row in requests(till)] == ["REFUSED"]
    assert [row.state for row in till.make.rows(ledger_transfer, till.brand)][-1] == "VOID"
    (found,) = till.make.rows(discrepancy, till.brand)
    assert (found.kind, found.facts) == ("PLATFORM_DIFFERS", {"reason_code": "INVALID_AMOUNT"})


async def test_what_was_refused_once_is_asked_again(till, superuser, monkeypatch):
    """The same deal, another attempt: the platform refused once for a reason that passed."""
    protected(till, superuser)
    await fall_to(till, "-137.20")
    lift = till.platform.balance_op

    async def refuse(*_args: Any, **_named: Any) -> None:
        raise PlatformRefused("MARKET_CLOSED", "Not now.")

    monkeypatch.setattr(till.platform, "balance_op", refuse)
    assert await protect(till) == 1
    await till.settle()
    assert await protect(till) == 0, "not at once"
    monkeypatch.setattr(till.platform, "balance_op", lift)
    monkeypatch.setattr(rules, "_AGAIN", timedelta(0))
    assert await protect(till) == 1
    await till.settle()
    assert (await till.booked())["nbp"] == -13_720
    assert [row.status for row in requests(till)] == ["REFUSED", "DONE"]
    (found,) = till.make.rows(discrepancy, till.brand)
    assert (found.status, found.subject) == (
        "RESOLVED", f"negative-balance:{till.account.id.hex}"
    )  # fmt: skip
    assert await protect(till) == 0


def proofs(till) -> Sequence[Any]:
    return till.make.rows(balance_proof, till.brand)


async def test_equal_is_proven_once_a_day(till):
    wallet = await till.fill("USD", 50_000)
    await till.transfer(wallet, till.account.id, "500")
    await till.settle()
    assert [await prove(till), await prove(till)] == [0, 0]
    (row,) = proofs(till)
    assert (row.ledger_minor, row.platform_minor, row.attempts) == (50_000, 50_000, 1)
    assert row.day == datetime.now(UTC).date()
    assert till.make.rows(discrepancy, till.brand) == []


async def test_a_deal_on_its_way_is_no_difference(till):
    await till.platform.balance_op(
        till.account.login, kind=BalanceKind.DEPOSIT, amount=D(5), comment="", op_id="x"
    )
    assert [await prove(till) for _ in range(4)] == [0] * 4
    assert till.make.rows(discrepancy, till.brand) == []
    await till.record()
    await till.consume()
    assert await prove(till) == 0
    (row,) = proofs(till)
    assert (row.ledger_minor, row.platform_minor, row.attempts) == (500, 500, 5)


async def test_a_lasting_difference_is_told_at_the_third_look(till, superuser):
    """A deal that the stream reader skipped: its cursor is past it and no row was made."""
    await till.platform.balance_op(
        till.account.login, kind=BalanceKind.DEPOSIT, amount=D(5), comment="", op_id="x"
    )
    deals, cursor = await till.platform.deals_since("")
    assert len(deals) == 1
    superuser.execute(
        "insert into platform_cursor (server_id, cursor, updated_at) values (%s, %s, now())"
        " on conflict (server_id) do update set cursor = excluded.cursor",
        (till.brand.server_id, cursor),
    )
    superuser.commit()
    try:
        assert [await prove(till) for _ in range(3)] == [0, 0, 1]
    finally:
        superuser.execute("delete from platform_cursor")
        superuser.commit()
    (found,) = till.make.rows(discrepancy, till.brand)
    assert (found.kind, found.subject) == (
        "PLATFORM_DIFFERS", f"account:{till.account.id.hex}"
    )  # fmt: skip
    assert (found.expected_minor, found.actual_minor, found.currency) == (0, 500, "USD")


async def test_an_outcome_that_nobody_can_say_is_told(till, superuser):
    wallet = await till.fill("USD", 50_000)
    payment = await till.transfer(wallet, till.account.id, "500")
    assert await tell_doubtful(till.database, till.brand.id) == 0
    superuser.execute(
        "update payment set created_at = created_at - interval '31 minutes' where id = %s",
        [payment],
    )
    superuser.commit()
    assert [await tell_doubtful(till.database, till.brand.id) for _ in range(2)] == [1, 1]
    (found,) = till.make.rows(discrepancy, till.brand)
    assert (found.kind, found.payment_id, found.version) == ("OUTCOME_UNKNOWN", payment, 1)
    await till.settle()
    (found,) = till.make.rows(discrepancy, till.brand)
    assert (found.status, found.resolved_by) == ("RESOLVED", None), "the platform said it"
