"""From the order to the challenge, and back: whose money is where at each step."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update

from domain.accounts.tables import platform_grant
from domain.challenges.commands.close_program import close_program
from domain.challenges.commands.order_challenge import order_challenge
from domain.challenges.commands.refund_order import refund_order
from domain.challenges.commands.start_challenge import start_challenge
from domain.challenges.errors import (
    NotRefundable,
    PriceChanged,
    ProgramChanged,
    ProgramClosed,
    WalletNotYours,
)
from domain.challenges.jobs import resume
from domain.challenges.lifecycle import FromWallet
from domain.challenges.tables import challenge, challenge_phase, program, program_version
from domain.kernel.errors import Busy, Conflict, NotFound, Refused
from domain.kernel.money import Money
from domain.payments.ledger.errors import InsufficientFunds
from tenants.work import WriteWork
from tests.domain.challenges.firm import NET, TAX, TOTAL, Firm, plan, wallet
from tests.factories import scope_of

SOLD = {
    "PROP_FEE_REVENUE USD": NET,
    "TAX_PAYABLE USD": TAX,
    "PSP_CLEARING USD": -(NET + TAX),
}
# Not `pg_stat_activity`: within a transaction that stays as it was when it was first read.
WAITS_FOR_ME = text(
    "select pid from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))"
)


async def test_a_paid_order_is_revenue_and_tax_and_becomes_a_challenge(firm: Firm) -> None:
    made = await firm.order()
    order = firm.the_order(made["order"])
    assert (order.status, order.net_minor, order.tax_minor) == ("AWAITING_PAYMENT", NET, TAX)
    assert (order.tax_bps, order.tax_label, order.country) == (1_900, "VAT 19 %", "CY")
    assert await firm.desk.books() == {}
    await firm.hear(made["payment"])
    assert await firm.desk.books() == {
        "PURCHASE_PREPAID USD": TOTAL.amount_minor,
        "PSP_CLEARING USD": -TOTAL.amount_minor,
    }
    await firm.react()
    assert await firm.desk.books() == SOLD
    assert firm.the_order(made["order"]).status == "PAID"
    bought = firm.challenge(made["order"])
    assert (bought.status, bought.program_number, bought.phase_count) == ("ACTIVE", 1, 2)
    (phase,) = firm.rows(challenge_phase)
    assert (phase.status, phase.number, phase.start_minor) == ("PENDING_ACCOUNT", 1, 100_000_00)
    (sold,) = firm.rows(program_version)
    assert phase.rules == sold.phases[0]["rules"], "the phase has a copy of its own"
    assert phase.account_id is not None
    assert firm.events() == [
        "program_published", "order_created", "order_paid", "challenge_started",
    ]  # fmt: skip


async def test_the_same_news_twice_starts_one_challenge(firm: Firm) -> None:
    made = await firm.order()
    for version in (2, 2, 3):
        await firm.hear(made["payment"], version=version)
        await firm.react()
    assert len(firm.rows(challenge)) == 1
    assert await firm.desk.books() == SOLD


async def test_a_part_of_the_price_buys_nothing_until_the_rest_comes(firm: Firm) -> None:
    made = await firm.order()
    await firm.hear(made["payment"], received=Money(300_00, "USD"))
    await firm.react()
    assert firm.the_order(made["order"]).status == "AWAITING_PAYMENT"
    assert firm.rows(challenge) == []
    await firm.hear(made["payment"], version=3)
    await firm.react()
    assert firm.the_order(made["order"]).status == "PAID"
    assert await firm.desk.books() == SOLD


async def test_money_in_another_currency_buys_nothing_and_waits_for_staff(firm: Firm) -> None:
    made = await firm.order()
    await firm.hear(made["payment"], received=Money(600_00, "EUR"))
    await firm.react()
    assert firm.the_order(made["order"]).status == "AWAITING_PAYMENT"
    assert await firm.desk.books() == {"SUSPENSE EUR": 600_00, "PSP_CLEARING EUR": -600_00}
    assert [one[0] for one in firm.desk.discrepancies()] == ["CURRENCY_DIFFERS"]


async def test_an_order_nobody_pays_ends_and_late_money_brings_it_back(firm: Firm) -> None:
    made = await firm.order()
    await firm.hear(made["payment"], "EXPIRED", received=None)
    await firm.react()
    assert firm.the_order(made["order"]).status == "CANCELLED"
    await firm.hear(made["payment"], version=3)
    await firm.react()
    assert firm.the_order(made["order"]).status == "PAID"
    assert len(firm.rows(challenge)) == 1


async def test_a_wallet_is_spent_only_when_its_owner_says_so(firm: Firm) -> None:
    mine = await wallet(firm, 1_000_00)
    made = await firm.order()
    assert (await firm.desk.books())["CLIENT_WALLET USD"] == 1_000_00, "a method is not a wallet"
    staff = scope_of(firm.desk.brand, "brand_admin")
    wish = firm.wish(pay=FromWallet(mine), client_id=firm.desk.client.id)
    with pytest.raises(WalletNotYours):
        await firm.write(lambda work: order_challenge(work, wish), scope=staff)
    other = firm.desk.make.client(firm.desk.brand)
    with pytest.raises(NotFound):
        await firm.order_from(mine, other)
    made = await firm.order_from(mine)
    assert firm.the_order(made["order"]).status == "PAID"
    assert await firm.desk.books() == {
        "CLIENT_WALLET USD": 1_000_00 - TOTAL.amount_minor,
        "PROP_FEE_REVENUE USD": NET,
        "TAX_PAYABLE USD": TAX,
        "PSP_CLEARING USD": -1_000_00,
    }
    await firm.react()
    assert firm.challenge(made["order"]).status == "ACTIVE"


async def test_a_wallet_with_too_little_buys_nothing(firm: Firm) -> None:
    mine = await wallet(firm, 100_00)
    with pytest.raises(InsufficientFunds):
        await firm.order_from(mine)
    assert (await firm.desk.books())["CLIENT_WALLET USD"] == 100_00


async def test_nobody_pays_what_he_has_not_seen(firm: Firm) -> None:
    with pytest.raises(PriceChanged):
        await firm.order(total=Money(NET, "USD"))
    await firm.publish(plan(price=600_00))
    with pytest.raises(ProgramChanged):
        await firm.order()
    await firm.write(lambda work: close_program(work, firm.program_id))
    with pytest.raises(ProgramClosed):
        await firm.order(program_version=2)
    with pytest.raises(NotFound):
        await firm.order(program_id=UUID(int=7))


@pytest.mark.parametrize("leverage", [501, 100_000])
async def test_what_no_account_can_be_opened_with_is_not_sold(firm: Firm, leverage: int) -> None:
    events = firm.events()
    odd = replace(plan(code="wild"), leverage=leverage)
    with pytest.raises(Refused) as refusal:
        await firm.publish(odd)
    assert (refusal.value.code, refusal.value.path) == ("LEVERAGE_TOO_HIGH", ("input", "leverage"))
    assert (len(firm.rows(program)), firm.events()) == (1, events)
    await firm.publish(replace(odd, leverage=500))


async def test_who_bought_an_earlier_version_goes_on_by_it(firm: Firm) -> None:
    order_id = await firm.buy()
    await firm.publish(plan(price=900_00))
    (phase,) = firm.rows(challenge_phase)
    first = next(row for row in firm.rows(program_version) if row.number == 1)
    assert phase.rules == first.phases[0]["rules"]
    assert firm.challenge(order_id).program_number == 1


async def test_a_refund_takes_back_revenue_and_tax_and_ends_the_challenge(firm: Firm) -> None:
    made = await firm.order()
    await firm.hear(made["payment"])
    await firm.react()
    staff = scope_of(firm.desk.brand, "brand_admin")

    async def refund(version: int | None) -> None:
        await firm.write(
            lambda work: refund_order(
                work, made["order"], reason="He asked in time.", expected_version=version
            ),
            scope=staff,
        )

    with pytest.raises(Conflict):
        await refund(1)
    await refund(2)
    assert firm.the_order(made["order"]).status == "REFUNDING"
    assert firm.challenge(made["order"]).status == "CANCELLED"
    (phase,) = firm.rows(challenge_phase)
    assert (phase.status, phase.closing) == ("CANCELLED", "WAITING")
    assert await firm.desk.books() == {
        "PURCHASE_PREPAID USD": TOTAL.amount_minor,
        "PSP_CLEARING USD": -TOTAL.amount_minor,
    }
    with pytest.raises(NotRefundable):
        await refund(None)
    await firm.hear(made["payment"], "REFUNDED", refunded_minor=TOTAL.amount_minor, version=5)
    await firm.react()
    assert firm.the_order(made["order"]).status == "REFUNDED"
    assert await firm.desk.books() == {}


async def test_what_came_from_a_wallet_is_back_there_at_once(firm: Firm) -> None:
    mine = await wallet(firm, 1_000_00)
    made = await firm.order_from(mine)
    await firm.write(
        lambda work: refund_order(work, made["order"], reason="Enough.", expected_version=None)
    )
    assert firm.the_order(made["order"]).status == "REFUNDED"
    assert (await firm.desk.books())["CLIENT_WALLET USD"] == 1_000_00
    await firm.react()
    assert firm.rows(challenge) == [], "nothing begins that was given back"


async def meanwhile(
    work: WriteWork, other: Callable[[], Coroutine[Any, Any, Any]]
) -> asyncio.Task[Any]:
    """Begin something else before the work ends; back when it is done, or waits for the work."""

    async def insist() -> Any:
        while True:
            try:
                return await other()
            except Busy:  # the lock was not had in time on a slow machine: asked again, as told
                continue

    task = asyncio.create_task(insist())
    async with asyncio.timeout(30):
        while not task.done() and not await work.rows(WAITS_FOR_ME):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return task


async def test_an_order_given_back_while_its_challenge_begins_ends_it(firm: Firm) -> None:
    mine = await wallet(firm, 1_000_00)
    order_id = (await firm.order_from(mine))["order"]

    async def give_back() -> None:
        await firm.write(
            lambda work: refund_order(work, order_id, reason="Enough.", expected_version=None)
        )

    async def begin(work: WriteWork) -> asyncio.Task[None]:
        await start_challenge(work, order_id)
        return await meanwhile(work, give_back)

    await (await firm.write(begin))
    assert firm.the_order(order_id).status == "REFUNDED"
    assert firm.challenge(order_id).status == "CANCELLED", "nobody has both"
    assert [one.status for one in firm.rows(challenge_phase)] == ["CANCELLED"]


async def test_money_the_psp_gave_back_by_itself_ends_the_challenge(firm: Firm) -> None:
    made = await firm.order()
    await firm.hear(made["payment"])
    await firm.react()
    await firm.hear(made["payment"], "REFUNDED", refunded_minor=TOTAL.amount_minor, version=5)
    await firm.react()
    assert firm.the_order(made["order"]).status == "REFUNDED"
    assert firm.challenge(made["order"]).status == "CANCELLED"
    assert await firm.desk.books() == {}


def grant(firm: Firm, groups: list[str]) -> None:
    """Let the brand's accounts be of these groups."""
    desk = firm.desk
    statement = update(platform_grant).where(platform_grant.c.brand_id == desk.brand.id)
    desk.make.run(desk.brand, statement.values(groups=groups))


async def test_an_account_that_may_not_be_opened_is_told_and_tried_again(firm: Firm) -> None:
    grant(firm, ["demo", "live"])
    await firm.buy()
    (phase,) = firm.rows(challenge_phase)
    assert (phase.account_id, phase.reason_code) == (None, "KIND_UNAVAILABLE")
    assert await resume(firm.desk.worker, firm.desk.brand.id) == 0
    assert firm.events().count("account_refused") == 1
    grant(firm, ["demo", "live", "evaluation"])
    assert await resume(firm.desk.worker, firm.desk.brand.id) == 1
    (phase,) = firm.rows(challenge_phase)
    assert (phase.account_id is None, phase.reason_code) == (False, None)


async def test_no_account_is_asked_for_what_is_given_back_meanwhile(firm: Firm) -> None:
    grant(firm, ["demo", "live"])
    order_id = await firm.buy()
    grant(firm, ["demo", "live", "evaluation"])

    async def give_back(work: WriteWork) -> asyncio.Task[int]:
        await refund_order(work, order_id, reason="Enough.", expected_version=None)
        return await meanwhile(work, lambda: resume(firm.desk.worker, firm.desk.brand.id))

    assert await (await firm.write(give_back)) == 0
    (phase,) = firm.rows(challenge_phase)
    assert (phase.status, phase.account_id) == ("CANCELLED", None)
    assert firm.challenge(order_id).status == "CANCELLED"
