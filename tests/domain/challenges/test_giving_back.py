"""A purchase that is given back or charged back, over a PSP that listens and its signed notices."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import update

from domain.challenges import jobs
from domain.challenges.commands.refund_order import begin_refund, refund_order
from domain.challenges.errors import NotRefundable
from domain.challenges.tables import challenge, challenge_order
from domain.compliance.screening.values import Disposition
from domain.events.jobs import JobRegistry, JobRun
from domain.events.tables import inbox
from domain.payments.adapters.registry import open_psp
from domain.payments.disputes import jobs as disputes
from domain.payments.notices import NoticeKind
from domain.payments.ports import OutcomeUnknown, PspUnavailable
from domain.payments.values import PspKind
from tests.domain.challenges.firm import NET, TAX, TOTAL, Firm
from tests.domain.events.conftest import until
from tests.domain.payments.deposits.conftest import door, live, psp
from tests.domain.payments.deposits.desk import Desk
from tests.factories import scope_of
from tests.psp import RunningPsp
from tests.sanctions import hit, put

__all__ = ["door", "live", "psp"]

# Accounts are closed on a platform, which these tests have not.
RUN = {"payments.start_deposit", "payments.notice", "payments.pull_deposit", jobs.REFUND}
SOLD = {
    "PROP_FEE_REVENUE USD": NET,
    "TAX_PAYABLE USD": TAX,
    "PSP_CLEARING USD": -TOTAL.amount_minor,
}


@dataclass
class Shop:
    """A challenge that was paid for on the PSP's page."""

    firm: Firm
    psp: RunningPsp
    order_id: UUID
    psp_id: str

    async def settle(self) -> list[str]:
        """Consume and run every job until nothing is left to do; the names of what ran."""
        both, ran = JobRegistry(), []
        both.include(self.firm.registry())
        both.include(self.firm.desk.registry())
        kinds = {one.name: one for one in both}
        while True:
            await self.firm.desk.consume()
            await self.firm.react()
            taken = [one for one in self.firm.desk.queued() if one[0] in RUN]
            if not taken:
                return ran
            for name, args in taken:
                run = JobRun(name, self.firm.desk.brand.id, args["key"], 1, self.firm.desk.worker)
                await kinds[name].handle(run, args["args"])
                ran.append(name)

    async def give_back(self, *, to_wallet: bool = False) -> None:
        """A member of staff gives the order back."""
        await self.firm.write(
            lambda work: refund_order(
                work,
                self.order_id,
                reason="Within fourteen days.",
                expected_version=None,
                to_wallet=to_wallet,
            ),
            scope=scope_of(self.firm.desk.brand, "brand_admin"),
        )

    @property
    def status(self) -> str:
        return str(self.firm.the_order(self.order_id).status)

    @property
    def challenge(self) -> str:
        return str(self.firm.challenge(self.order_id).status)

    async def books(self) -> dict[str, int]:
        return dict(await self.firm.desk.books())


@pytest_asyncio.fixture
async def shop(live: Desk, psp: RunningPsp) -> Shop:
    """Somebody bought a challenge, and its first phase waits for its account."""
    live.handlers[NoticeKind.DISPUTE] = disputes.handle_notice
    firm = await Firm(live).open()
    made = await firm.order()
    shop = Shop(firm, psp, made["order"], "")
    assert await shop.settle() == ["payments.start_deposit"]
    shop.psp_id = live.payment(made["payment"]).ext_id
    await psp.controls.pay(shop.psp_id)
    await until(lambda: heard(live) == 1)
    await shop.settle()
    assert (shop.status, shop.challenge) == ("PAID", "ACTIVE")
    assert await shop.books() == SOLD
    return shop


def heard(desk: Desk) -> int:
    """How many notices have come."""
    return len(desk.make.rows(inbox, desk.brand))


async def test_the_psp_gives_it_back_once_and_the_order_ends_by_what_it_says(shop: Shop) -> None:
    await shop.give_back()
    assert (shop.status, shop.challenge) == ("REFUNDING", "CANCELLED")
    assert jobs.REFUND in await shop.settle()
    async with asyncio.timeout(30):
        while shop.status != "REFUNDED":  # the PSP takes its time, and tells by a notice
            await shop.settle()
    assert await shop.books() == {}
    refunds = await shop.firm.desk.adapter.find_refund_by_reference(shop.order_id.hex)
    assert refunds is not None
    assert refunds.amount == TOTAL
    await again(shop)
    paid = await shop.firm.desk.adapter.find_payment(shop.psp_id)
    assert paid is not None
    assert paid.refunded == TOTAL, "once, however often the job runs"
    assert await shop.books() == {}


async def test_money_held_meanwhile_waits_and_the_round_tries_again(shop: Shop) -> None:
    await shop.give_back()
    desk = shop.firm.desk
    found = hit(desk.make, desk.brand, desk.client)
    assert jobs.REFUND in await shop.settle()
    assert (shop.status, shop.firm.the_order(shop.order_id).refund_sent_at) == ("REFUNDING", None)
    assert await desk.adapter.find_refund_by_reference(shop.order_id.hex) is None
    put(desk.make, desk.brand, found, Disposition.FALSE_POSITIVE)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    desk.make.run(desk.brand, update(challenge_order).values(updated_at=long_ago))
    assert await jobs.resume(desk.worker, desk.brand.id) >= 1
    async with asyncio.timeout(60):
        while shop.status != "REFUNDED":
            await shop.settle()
    assert await shop.books() == {}


async def test_a_try_without_a_verdict_is_only_searched_while_the_money_is_held(
    shop: Shop,
) -> None:
    await shop.give_back()
    desk = shop.firm.desk
    await shop.firm.write(lambda work: begin_refund(work, shop.order_id))
    found = hit(desk.make, desk.brand, desk.client)
    await again(shop)
    assert shop.status == "REFUNDING"
    assert await desk.adapter.find_refund_by_reference(shop.order_id.hex) is None
    put(desk.make, desk.brand, found, Disposition.FALSE_POSITIVE)
    await again(shop)
    assert await desk.adapter.find_refund_by_reference(shop.order_id.hex) is not None


async def again(shop: Shop) -> None:
    """The job runs again after all is done."""
    kinds = {one.name: one for one in shop.firm.registry()}
    await kinds[jobs.REFUND].handle(run_of(shop), {"order_id": str(shop.order_id)})


def run_of(shop: Shop) -> JobRun:
    return JobRun(jobs.REFUND, shop.firm.desk.brand.id, "again", 2, shop.firm.desk.worker)


async def test_a_refund_the_psp_refuses_stays_with_us_and_is_told(shop: Shop) -> None:
    await shop.psp.controls.refund(shop.psp_id, amount="1.00")
    await shop.give_back()
    await shop.settle()
    assert (shop.status, shop.challenge) == ("REFUNDING", "CANCELLED")
    assert shop.firm.the_order(shop.order_id).reason_code is not None
    assert shop.firm.events().count("order_refund_failed") == 1
    await again(shop)
    assert shop.firm.events().count("order_refund_failed") == 1, "said once"
    await shop.give_back()
    assert jobs.REFUND in await shop.settle(), "staff may have it tried again"
    assert shop.status == "REFUNDING"
    assert shop.firm.events().count("order_refund_failed") == 2, "and hear of each try"


async def failing(shop: Shop) -> None:
    """A refund that the PSP took on and that came to nothing."""
    await shop.psp.controls.faults(auto={"refunds": "FAILED"})
    await shop.give_back()
    async with asyncio.timeout(30):
        while shop.firm.the_order(shop.order_id).reason_code is None:
            await shop.settle()
            await again(shop)  # the round, much later
    order = shop.firm.the_order(shop.order_id)
    assert (order.status, order.refund_sent_at) == ("REFUNDING", None)


async def test_a_refund_that_came_to_nothing_is_made_anew_when_staff_ask_again(shop: Shop) -> None:
    await failing(shop)
    first = await shop.firm.desk.adapter.find_refund_by_reference(shop.order_id.hex)
    assert first is not None
    await shop.psp.controls.faults()
    await again(shop)
    assert shop.firm.events().count("order_refund_failed") == 1
    assert await shop.firm.desk.adapter.find_refund_by_reference(f"{shop.order_id.hex}-2") is None
    await shop.give_back()
    async with asyncio.timeout(30):
        while shop.status != "REFUNDED":
            await shop.settle()
            await again(shop)
    assert shop.firm.the_order(shop.order_id).reason_code is None
    paid = await shop.firm.desk.adapter.find_payment(shop.psp_id)
    assert paid is not None
    assert paid.refunded == TOTAL
    assert await shop.books() == {}


async def test_what_the_psp_refuses_may_end_in_the_clients_wallet(shop: Shop) -> None:
    with pytest.raises(NotRefundable):
        await shop.give_back(to_wallet=True)
    await failing(shop)
    await shop.give_back(to_wallet=True)
    order = shop.firm.the_order(shop.order_id)
    assert (order.status, order.reason_code) == ("REFUNDED", None)
    await shop.psp.controls.faults()
    await again(shop)
    assert await shop.firm.desk.adapter.find_refund_by_reference(f"{shop.order_id.hex}-2") is None
    assert await shop.books() == {
        "CLIENT_WALLET USD": TOTAL.amount_minor,
        "PSP_CLEARING USD": -TOTAL.amount_minor,
    }
    with pytest.raises(NotRefundable):
        await shop.give_back(to_wallet=True)


async def test_nothing_is_sent_anew_while_the_money_is_held(shop: Shop) -> None:
    await failing(shop)
    desk = shop.firm.desk
    await shop.give_back()
    hit(desk.make, desk.brand, desk.client)
    await shop.settle()
    assert await desk.adapter.find_refund_by_reference(f"{shop.order_id.hex}-2") is None
    assert shop.status == "REFUNDING"


async def test_a_challenge_that_failed_stays_so_when_its_price_is_given_back(shop: Shop) -> None:
    desk = shop.firm.desk
    desk.make.run(desk.brand, update(challenge).values(status="FAILED"))
    await shop.give_back()
    assert (shop.status, shop.challenge) == ("REFUNDING", "FAILED")


async def test_a_refusal_is_believed_after_a_try_that_never_reached_the_psp(shop: Shop) -> None:
    await shop.psp.controls.refund(shop.psp_id, amount="1.00")
    await shop.give_back()
    away = open_psp(PspKind.SANDBOX, "http://127.0.0.1:9", api_key="nobody")
    with pytest.raises(PspUnavailable):
        await jobs.give_back(run_of(shop), lambda _: away, shop.order_id)
    await away.aclose()
    assert shop.firm.the_order(shop.order_id).refund_sent_at is None
    assert shop.firm.the_order(shop.order_id).reason_code is None, "nobody has refused it yet"
    await again(shop)
    assert shop.firm.the_order(shop.order_id).reason_code == "AMOUNT_TOO_HIGH"
    assert shop.firm.events().count("order_refund_failed") == 1


async def test_a_refusal_is_not_believed_after_a_try_whose_answer_was_lost(shop: Shop) -> None:
    await shop.psp.controls.refund(shop.psp_id, amount="1.00")
    await shop.give_back()
    await shop.psp.controls.faults(drop_answer=1.0)
    with pytest.raises(OutcomeUnknown):
        await again(shop)
    sent_at = shop.firm.the_order(shop.order_id).refund_sent_at
    assert sent_at is not None
    # Out of reach afterwards: that changes nothing about the try before.
    away = open_psp(PspKind.SANDBOX, "http://127.0.0.1:9", api_key="nobody")
    with pytest.raises(OutcomeUnknown):
        await jobs.give_back(run_of(shop), lambda _: away, shop.order_id)
    await away.aclose()
    await shop.psp.controls.faults()
    with pytest.raises(OutcomeUnknown) as unknown:
        await again(shop)
    assert unknown.value.refused is not None
    order = shop.firm.the_order(shop.order_id)
    assert (order.status, order.reason_code) == ("REFUNDING", None)
    assert order.refund_sent_at == sent_at
    assert shop.firm.events().count("order_refund_failed") == 0


async def test_a_lost_dispute_takes_back_revenue_and_tax_and_ends_the_challenge(
    shop: Shop,
) -> None:
    opened = await shop.psp.controls.dispute(shop.psp_id)
    await until(lambda: heard(shop.firm.desk) >= 2)
    await shop.settle()
    assert (shop.status, shop.challenge) == ("DISPUTED", "ACTIVE")
    before = heard(shop.firm.desk)
    await shop.psp.controls.close_dispute(opened["id"], outcome="LOST")
    await until(lambda: heard(shop.firm.desk) > before)
    await shop.settle()
    assert (shop.status, shop.challenge) == ("CHARGED_BACK", "CANCELLED")
    books = await shop.books()
    assert [books.get(name, 0) for name in SOLD if not name.startswith("PSP_CLEARING")] == [0, 0]
    assert sum(books.values()) == 0
    assert not any(name.startswith("CLIENT_WALLET") for name in books), "no wallet was touched"


async def test_a_dispute_that_was_won_leaves_everything_as_it_was(shop: Shop) -> None:
    opened = await shop.psp.controls.dispute(shop.psp_id)
    await until(lambda: heard(shop.firm.desk) >= 2)
    await shop.settle()
    before = heard(shop.firm.desk)
    await shop.psp.controls.close_dispute(opened["id"], outcome="WON")
    await until(lambda: heard(shop.firm.desk) > before)
    await shop.settle()
    assert (shop.status, shop.challenge) == ("PAID", "ACTIVE")
    books = await shop.books()
    assert (books["PROP_FEE_REVENUE USD"], books["TAX_PAYABLE USD"]) == (NET, TAX)
