"""A withdrawal holds exactly what it takes, goes back to its source; a refusal leaves nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.clients.values import ClientRisk, ClientStatus
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.disputes.jobs import record
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.withdrawals.plan import preview
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter


async def test_the_worked_example_goes_back_to_its_sources_and_to_the_bank(counter: Counter):
    card = await counter.deposit(60_000)
    skrill = await counter.deposit(40_000, counter.wallet)
    till = counter.till
    profit = till.house(LedgerAccountKind.TRADING_RESULT)
    await till.move(profit, till.wallet(counter.client), 50_000)
    bank = await counter.destination()
    key = await counter.request("1500", bank)
    assert counter.shown_legs(key) == [
        ("REFUND", 60_000, "HELD"),
        ("REFUND", 40_000, "HELD"),
        ("PAYOUT", 50_000, "HELD"),
    ]
    assert [leg.deposit_id for leg in counter.legs(key)] == [card, skrill, None]
    assert [leg.destination_id for leg in counter.legs(key)] == [None, None, bank]
    assert counter.open_holds() == [40_000, 50_000, 60_000]
    assert await counter.money() == (150_000, 150_000, 100_000)
    assert counter.row(key).status == "REQUESTED"
    assert counter.told() == ["withdrawal_requested"]


async def test_a_small_one_of_low_risk_is_approved_at_once(counter: Counter):
    await counter.deposit(50_000)
    key = await counter.request("500")
    assert (counter.row(key).status, counter.approvals(key)) == ("APPROVED", [])
    assert counter.row(key).expires_at is None
    assert counter.told() == ["withdrawal_approved"]


@pytest.mark.parametrize(
    ("amount", "risk", "levels"),
    [
        ("500.01", ClientRisk.LOW, ["BACK_OFFICE"]),
        ("5000.01", ClientRisk.LOW, ["BACK_OFFICE", "FINANCE"]),
        ("50000.01", ClientRisk.LOW, ["BACK_OFFICE", "FINANCE", "COMPLIANCE"]),
        ("1", ClientRisk.HIGH, ["BACK_OFFICE", "COMPLIANCE"]),
    ],
)
async def test_the_chain_follows_amount_and_risk(till: Till, amount, risk, levels):
    counter = Counter(till).open(risk=risk)
    await counter.deposit(6_000_000)
    key = await counter.request(amount)
    assert counter.approvals(key) == [(1, level, "PENDING") for level in levels]
    assert counter.row(key).risk == risk


async def test_the_fee_is_held_on_top(counter: Counter):
    await counter.deposit(60_000)
    counter.terms(counter.card, fixed=100, bps=10)
    key = await counter.request("501")
    assert counter.row(key).fee_minor == 151
    assert counter.open_holds() == [151, 50_100]
    with pytest.raises(DomainError) as refused:
        await counter.request("98.00")
    assert refused.value.code == "INSUFFICIENT_FUNDS"


async def test_what_is_on_its_way_is_not_promised_twice(counter: Counter):
    await counter.deposit(60_000)
    till = counter.till
    await till.move(till.house(), till.wallet(counter.client), 60_000)
    first = await counter.request("501")
    bank = await counter.destination()
    second = await counter.request("501", bank)
    assert counter.shown_legs(first) == [("REFUND", 50_100, "HELD")]
    assert counter.shown_legs(second) == [("REFUND", 9_900, "HELD"), ("PAYOUT", 40_200, "HELD")]


async def test_racing_withdrawals_never_use_a_deposit_twice(counter: Counter):
    """The client's deposits are locked by each: what is left of one is what the others left."""
    await counter.deposit(60_000)
    till = counter.till
    await till.move(till.house(), till.wallet(counter.client), 240_000)
    bank = await counter.destination()
    keys = await asyncio.gather(*(counter.request("200", bank) for _ in range(8)))
    legs = [leg for key in keys for leg in counter.legs(key)]
    back = sum(int(leg.amount_minor) for leg in legs if leg.kind == "REFUND")
    assert (back, sum(int(leg.amount_minor) for leg in legs)) == (60_000, 160_000)
    assert await counter.money() == (300_000, 160_000, 60_000)


async def test_racing_withdrawals_never_hold_more_than_there_is(counter: Counter):
    await counter.deposit(60_000)
    results = await asyncio.gather(
        *(counter.request("100") for _ in range(10)), return_exceptions=True
    )
    refused = [one.code for one in results if isinstance(one, DomainError)]
    assert refused == ["INSUFFICIENT_FUNDS"] * 4
    assert await counter.money() == (60_000, 60_000, 60_000)


async def test_a_deposit_past_its_days_goes_to_the_destination(counter: Counter):
    await counter.deposit(60_000, settled_at=datetime.now(UTC) - timedelta(days=181))
    bank = await counter.destination()
    key = await counter.request("501", bank)
    assert counter.shown_legs(key) == [("PAYOUT", 50_100, "HELD")]


async def _nothing(counter: Counter, before: tuple[int, int, int], code: str, error: DomainError):
    assert error.code == code
    assert await counter.money() == before
    assert counter.told() == []
    assert counter.open_holds() == []


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", "INVALID"),
        ("-1", "INVALID"),
        ("600.01", "INSUFFICIENT_FUNDS"),
    ],
)
async def test_an_impossible_amount_leaves_nothing_behind(counter: Counter, amount, code):
    await counter.deposit(60_000)
    before = await counter.money()
    with pytest.raises(DomainError) as refused:
        await counter.request(amount)
    await _nothing(counter, before, code, refused.value)


async def test_more_than_there_is_leaves_nothing_behind(counter: Counter):
    await counter.deposit(60_000)
    bank = await counter.destination()
    before = await counter.money()
    with pytest.raises(DomainError) as refused:
        await counter.request("700", bank)
    await _nothing(counter, before, "INSUFFICIENT_FUNDS", refused.value)


async def test_a_new_destination_cools_off_first(counter: Counter):
    await counter.deposit(60_000)
    bank = await counter.destination(is_cool=False)
    before = await counter.money()
    with pytest.raises(DomainError) as refused:
        await counter.request("501", bank)
    await _nothing(counter, before, "DESTINATION_COOLING_OFF", refused.value)


async def test_limits_of_the_method_hold(counter: Counter):
    await counter.deposit(60_000)
    counter.terms(counter.card, most=50_000)
    for amount, code in (("9.99", "AMOUNT_TOO_LOW"), ("500.01", "AMOUNT_TOO_HIGH")):
        with pytest.raises(DomainError) as refused:
            await counter.request(amount)
        assert refused.value.code == code


@pytest.mark.parametrize("status", [ClientStatus.RESTRICTED, ClientStatus.REGISTERED])
async def test_a_client_who_may_not_begin_anything_does_not(till: Till, status):
    counter = Counter(till).open(status=status)
    await counter.deposit(60_000)
    with pytest.raises(DomainError) as refused:
        await counter.request("100", scope=counter.as_staff())
    assert refused.value.code in ("CLIENT_RESTRICTED", "EMAIL_NOT_VERIFIED")
    assert counter.told() == []


async def test_while_a_deposit_is_disputed_nothing_leaves(counter: Counter):
    await counter.deposit(20_000)
    deposit = counter.till.payment(counter.client, 10_000, method_id=counter.card)
    stated = counter.till.disputed(deposit, "OPEN", version=1)
    await record(counter.till.database, counter.till.brand.id, counter.till.connection_id, stated)
    with pytest.raises(DomainError) as refused:
        await counter.request("50")
    assert refused.value.code in ("WITHDRAWALS_BLOCKED", "CLIENT_RESTRICTED")


async def test_nobody_withdraws_from_another_wallet(counter: Counter):
    await counter.deposit(60_000)
    other = Counter(counter.till).open()
    with pytest.raises(DomainError) as foreign:
        await counter.request("10", scope=other.as_client())
    wish_id = new_uuid()
    counter_wallet = counter.wallet_id
    counter.wallet_id = lambda: wish_id  # type: ignore[method-assign] # an id of nothing
    with pytest.raises(DomainError) as unknown:
        await counter.request("10")
    counter.wallet_id = counter_wallet  # type: ignore[method-assign] # as it was
    assert (foreign.value.code, foreign.value.path) == (unknown.value.code, unknown.value.path)
    assert foreign.value.code == "NOT_FOUND"


async def test_a_foreign_destination_is_none(counter: Counter):
    await counter.deposit(60_000)
    other = Counter(counter.till).open()
    theirs = await other.destination()
    for destination in (theirs, new_uuid()):
        with pytest.raises(DomainError) as refused:
            await counter.request("501", destination)
        assert refused.value.code == "NOT_FOUND"


async def test_the_preview_says_what_would_happen_and_does_nothing(counter: Counter):
    await counter.deposit(60_000)
    till = counter.till
    wallet_id: UUID = counter.wallet_id()
    async with till.database.read(counter.as_client()) as work:
        told = await preview(work, wallet_id, Money(50_100, "USD"), None)
        more = await preview(work, wallet_id, Money(60_001, "USD"), None)
        other = await preview(work, wallet_id, Money(50_100, "EUR"), None)
    assert told.plan is not None
    assert [part.amount_minor for part in told.plan.parts] == [50_100]
    assert (told.plan.fee_minor, told.plan.levels, told.refusal) == (0, ("BACK_OFFICE",), None)
    assert more.refusal is not None
    assert more.refusal.code == "INSUFFICIENT_FUNDS"
    assert other.refusal is not None
    assert other.refusal.code == "CURRENCY_MISMATCH"
    assert await counter.money() == (60_000, 0, 60_000)
    key = await counter.request("501")
    assert [int(leg.amount_minor) for leg in counter.legs(key)] == [50_100]
