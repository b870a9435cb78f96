"""Payout destinations: sealed, in the client's own name, once, and cold before they are used."""

import asyncio
from datetime import timedelta

import pytest

from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.payments.tables import payment_policy, payout_destination
from domain.payments.withdrawals.commands.create_destination import (
    DestinationWish,
    create_destination,
    place_of,
)
from domain.payments.withdrawals.commands.remove_destination import remove_destination
from tenants.tables import audit
from tests.domain.payments.withdrawals.counter import IBAN, VAULT, Counter


def rows(counter: Counter):
    return counter.till.make.rows(payout_destination, counter.till.brand)


async def create(counter: Counter, **changed):
    wish = {
        "client_id": counter.client.id,
        "method_id": counter.bank,
        "holder_name": counter.client.name,
        "account": IBAN,
    } | changed
    scope = counter.as_client()
    return await counter.do(scope, lambda w: create_destination(w, VAULT, DestinationWish(**wish)))


async def test_the_account_is_sealed_and_shown_masked(counter: Counter, superuser):
    await create(counter, holder_name=counter.client.name.upper())
    (row,) = rows(counter)
    assert row.label == "DE •••• 3000"
    assert row.holder_name == counter.client.name
    opened = VAULT.open(place_of(row.brand_id, row.id), row.account_cipher)
    assert opened == b"DE89370400440532013000"
    assert row.usable_from - row.created_at == timedelta(hours=24)
    for table in ("payout_destination", "audit", "event"):
        found = superuser.execute(
            f"select count(*) from {table} t where t.brand_id = %s and t::text like %s",
            [row.brand_id, "%370400440532013000%"],
        ).fetchone()
        assert found == (0,)
    kept = counter.till.make.rows(audit, counter.till.brand)
    assert [one.action for one in kept] == ["destination.create"]


async def test_the_brand_says_how_long_it_cools(counter: Counter):
    counter.till.make.insert(
        payment_policy, counter.till.brand, cooling_off_hours=2, fx_spread_bps=0,
        fx_quote_seconds=15, withdrawal_days=1, clearing_hours=24, dispute_closes_trading=True,
    )  # fmt: skip
    await create(counter)
    (row,) = rows(counter)
    assert row.usable_from - row.created_at == timedelta(hours=2)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"holder_name": "Somebody Else"}, "HOLDER_DIFFERS"),
        ({"account": "DE88 3704 0044 0532 0130 00"}, "ACCOUNT_INVALID"),
        ({"account": "not an iban"}, "ACCOUNT_INVALID"),
        ({"account": "D" * 300}, "ACCOUNT_INVALID"),
        ({"account": ""}, "ACCOUNT_INVALID"),
        ({"method_id": new_uuid()}, "NOT_FOUND"),
        ({"client_id": new_uuid()}, "NOT_FOUND"),
    ],
    ids=["third party", "check digits", "text", "long", "empty", "method", "client"],
)
async def test_what_can_not_be_is_refused_and_leaves_nothing(counter: Counter, changed, code):
    with pytest.raises(DomainError) as refused:
        await create(counter, **changed)
    assert refused.value.code == code
    assert rows(counter) == []
    assert counter.till.make.rows(audit, counter.till.brand) == []


async def test_a_card_is_no_destination_and_a_wallet_is_an_address(counter: Counter):
    with pytest.raises(DomainError) as refused:
        await create(counter, method_id=counter.card, account="4242424242424242")
    assert refused.value.code == "METHOD_UNAVAILABLE"
    with pytest.raises(DomainError) as refused:
        await create(counter, method_id=counter.wallet, account="no address")
    assert refused.value.code == "ACCOUNT_INVALID"
    await create(counter, method_id=counter.wallet, account=" Alma@Wallet.example ")
    assert [row.label for row in rows(counter)] == ["a•••@wallet.example"]


async def test_an_account_is_there_once_and_cools_again_after_it_was_removed(counter: Counter):
    made = await create(counter)
    with pytest.raises(DomainError) as refused:
        await create(counter, account=IBAN.replace(" ", "").lower())
    assert refused.value.code == "DESTINATION_EXISTS"
    (first,) = rows(counter)
    for _ in range(2):
        await counter.do(counter.as_client(), lambda w: remove_destination(w, first.id))
    again = await create(counter)
    assert again != made
    assert sorted(row.status for row in rows(counter)) == ["ACTIVE", "REMOVED"]
    other = Counter(counter.till).open()
    await create(other, method_id=counter.bank)


async def test_twins_that_race_add_one(counter: Counter):
    results = await asyncio.gather(*(create(counter) for _ in range(6)), return_exceptions=True)
    refused = [one for one in results if isinstance(one, DomainError)]
    assert [one.code for one in refused] == ["DESTINATION_EXISTS"] * 5
    assert [row.status for row in rows(counter)] == ["ACTIVE"]


async def test_one_that_waits_to_be_paid_is_not_removed(counter: Counter):
    await counter.deposit(60_000)
    bank = await counter.destination()
    till = counter.till
    await till.move(till.house(), till.wallet(counter.client), 60_000)
    await counter.request("1000", bank)
    with pytest.raises(DomainError) as refused:
        await counter.do(counter.as_client(), lambda w: remove_destination(w, bank))
    assert refused.value.code == "DESTINATION_IN_USE"


async def test_a_foreign_one_is_not_there(counter: Counter):
    bank = await counter.destination()
    other = Counter(counter.till).open()
    for key in (bank, new_uuid()):
        with pytest.raises(DomainError) as refused:
            await counter.do(other.as_client(), lambda w, key=key: remove_destination(w, key))
        assert refused.value.code == "NOT_FOUND"
    assert [row.status for row in rows(counter)] == ["ACTIVE"]
