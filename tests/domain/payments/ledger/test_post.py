"""Posting: zero in each currency, floors, each key once, holds resolved once, nothing half-done."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money, most_minor
from domain.payments.ledger.post import post
from domain.payments.ledger.values import (
    AccountKey,
    LedgerAccountKind,
    Leg,
    Posted,
    Transfer,
    TransferState,
)
from tenants.connection import sqlstate
from tenants.tables import brand_state
from tenants.work import WriteWork
from tests.domain.payments.ledger.books import BANK, Books, held, moved, released


@pytest.fixture
def lies(superuser, books):
    """`lies(account)`: what is posted and held; without: how many transfers, postings, events."""

    def look(account=None):
        if account is not None:
            return superuser.execute(
                "select posted::bigint, pending_out::bigint, pending_in::bigint"
                " from ledger_account where id = %s",
                [account],
            ).fetchone()
        return superuser.execute(
            "select (select count(*) from ledger_transfer where brand_id = %(b)s),"
            " (select count(*) from ledger_posting where brand_id = %(b)s),"
            " (select count(*) from event where brand_id = %(b)s and topic = 'LEDGER')",
            {"b": books.brand.id},
        ).fetchone()

    return look


async def refused(books: Books, code: str, *transfers: Transfer) -> None:
    with pytest.raises(DomainError) as refusal:
        await books.post(*transfers)
    assert refusal.value.code == code


async def broken(books: Books, state: str, *transfers: Transfer) -> None:
    """Refused by the database, as the bug it is."""
    with pytest.raises(DBAPIError) as error:
        await books.post(*transfers)
    assert sqlstate(error.value) == state


async def test_a_transfer_moves_money_once_however_often_it_is_posted(books, lies):
    bank, (wallet,) = await books.open(1)
    first = await books.post(moved(bank, wallet, 500, key="deposit:1"))
    again = await books.post(moved(bank, wallet, 500, key="deposit:1"))
    assert [one.replayed for one in (*first, *again)] == [False, True]
    assert first[0].id == again[0].id
    assert (lies(wallet), lies()) == ((500, 0, 0), (1, 2, 1))


async def test_a_given_id_is_replayed_like_any_other(books, lies):
    """The caller's own id under its own key: no second event, no second posting."""
    bank, (wallet,) = await books.open(1)
    one = moved(bank, wallet, 500, key="mine", id=new_uuid())
    assert [(await books.post(one))[0].replayed for _ in range(2)] == [False, True]
    assert (lies(wallet), lies()) == ((500, 0, 0), (1, 2, 1))


async def test_an_id_of_another_transfer_is_refused(books, lies):
    bank, (wallet,) = await books.open(1)
    key = new_uuid()
    await books.post(moved(bank, wallet, 500, key="a", id=key))
    await broken(books, "LG011", moved(bank, wallet, 500, key="b", id=key))
    assert (lies(wallet), lies()) == ((500, 0, 0), (1, 2, 1))


async def test_twenty_racing_twins_make_one_transfer(books, lies):
    bank, (wallet,) = await books.open(1)
    done = await asyncio.gather(
        *(books.post(moved(bank, wallet, 500, key="twin")) for _ in range(20))
    )
    assert len({one[0].id for one in done}) == 1
    assert sum(not one[0].replayed for one in done) == 1
    assert (lies(wallet), lies()) == ((500, 0, 0), (1, 2, 1))


@pytest.mark.parametrize(
    "other",
    [
        lambda bank, wallet: moved(bank, wallet, 501, key="k"),
        lambda bank, wallet: moved(wallet, bank, 500, key="k"),
        lambda bank, wallet: held(bank, wallet, 500, key="k"),
        lambda bank, wallet: moved(bank, wallet, 500, key="k", source="psp", external_id="1"),
    ],
    ids=["amount", "direction", "state", "outside name"],
)
async def test_other_content_under_a_key_is_refused(books, lies, other):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="k"))
    await refused(books, "TRANSFER_KEY_REUSED", other(bank, wallet))
    # Also beside a new one, which then is not there either.
    fresh = moved(bank, wallet, 1, key="fresh")
    await refused(books, "TRANSFER_KEY_REUSED", fresh, other(bank, wallet))
    assert (lies(wallet), lies()) == ((500, 0, 0), (1, 2, 1))


async def test_an_outside_name_belongs_to_one_transfer(books, lies):
    bank, (wallet,) = await books.open(1)
    named = {"source": "psp", "external_id": "tx-1"}
    await books.post(moved(bank, wallet, 500, key="a", **named))
    await refused(books, "EXTERNAL_ID_REUSED", moved(bank, wallet, 500, key="b", **named))
    assert lies() == (1, 2, 1)


async def test_old_and_new_in_one_call_move_only_the_new(books, lies):
    bank, (a, b) = await books.open(2)
    await books.post(moved(bank, a, 100, key="1"), moved(bank, b, 100, key="2"))
    batch = [moved(bank, a, 100, key="1"), moved(a, b, 30, key="3"), moved(bank, b, 100, key="2")]
    assert [one.replayed for one in await books.post(*batch)] == [True, False, True]
    assert (lies(a), lies(b), lies()) == ((70, 0, 0), (130, 0, 0), (3, 6, 3))


async def test_twice_in_one_call_is_once(books, lies):
    bank, (wallet,) = await books.open(1)
    twins = [moved(bank, wallet, 500, key="k") for _ in range(2)]
    done = await books.post(*twins)
    assert [one.replayed for one in done] == [False, True]
    assert (lies(wallet), lies()) == ((500, 0, 0), (1, 2, 1))
    key = new_uuid()
    twins = [moved(bank, wallet, 500, key="given", id=key) for _ in range(2)]
    assert [one.replayed for one in await books.post(*twins)] == [False, True]
    assert (lies(wallet), lies()) == ((1_000, 0, 0), (2, 4, 2))


async def test_a_wallet_never_goes_below_zero(books, lies):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    await refused(books, "INSUFFICIENT_FUNDS", moved(wallet, bank, 501, key="out"))
    assert (lies(wallet), lies()) == ((500, 0, 0), (1, 2, 1))
    await books.post(moved(wallet, bank, 500, key="out"))
    assert lies(wallet) == (0, 0, 0)


async def test_several_transfers_on_one_wallet_are_judged_together(books, superuser, lies):
    bank, (a, b) = await books.open(2)
    await books.post(
        moved(bank, a, 100, key="1"), moved(a, b, 60, key="2"), moved(a, bank, 40, key="3")
    )
    behind = superuser.execute(
        "select balance_after::bigint from ledger_posting where account_id = %s"
        " order by recorded_at, transfer_id, n",
        [a],
    ).fetchall()
    assert behind == [(100,), (40,), (0,)]
    over = [moved(bank, a, 10, key="4"), moved(a, b, 11, key="5")]
    await refused(books, "INSUFFICIENT_FUNDS", *over)
    assert (lies(a), lies(b), lies()) == ((0, 0, 0), (60, 0, 0), (3, 6, 3))


async def test_what_is_no_transfer_is_refused(books, lies):
    bank, (wallet,) = await books.open(1)
    (euros,) = await books.accounts([AccountKey.of(LedgerAccountKind.BANK, "EUR")])
    usd, eur = Money(500, "USD"), Money(-500, "EUR")
    await broken(books, "LG002", Transfer("a", "TEST", [Leg(wallet, usd), Leg(bank, -usd + -usd)]))
    await broken(books, "LG002", Transfer("a", "TEST", [Leg(wallet, usd), Leg(euros, eur)]))
    await broken(books, "LG002", Transfer("a", "TEST"))
    hold = [Leg(wallet, usd), Leg(euros, eur)]
    await broken(books, "LG002", Transfer("a", "TEST", hold, state=TransferState.PENDING))
    await broken(books, "LG004", moved(bank, new_uuid(), 5, key="a"))
    await broken(books, "LG004", moved(bank, euros, 5, key="a"))
    assert lies() == (0, 0, 0)


async def test_a_closed_account_takes_nothing(books, superuser, lies):
    bank, (wallet, other) = await books.open(2)
    superuser.execute("update ledger_account set closed_at = now() where id = %s", [wallet])
    await broken(books, "LG004", moved(bank, wallet, 5, key="a"))
    await broken(books, "LG004", moved(bank, other, 5, key="b"), held(bank, wallet, 5, key="c"))
    assert lies() == (0, 0, 0)


async def test_a_hold_is_resolved_once_and_never_beyond_itself(books, lies):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    hold = (await books.post(held(wallet, bank, 300, key="h")))[0].id
    assert lies(wallet) == (500, 300, 0)
    await refused(books, "INSUFFICIENT_FUNDS", moved(wallet, bank, 201, key="out"))
    await broken(books, "LG005", moved(wallet, bank, 301, key="p", resolves=hold))
    await books.post(moved(wallet, bank, 200, key="p", resolves=hold))
    await refused(books, "HOLD_RESOLVED", released(hold, key="v"))
    await refused(books, "HOLD_RESOLVED", moved(wallet, bank, 100, key="q", resolves=hold))
    assert (lies(wallet), lies()) == ((300, 0, 0), (3, 4, 3))


async def test_what_resolves_touches_no_other_wallet(books, lies):
    bank, (a, b) = await books.open(2)
    await books.post(moved(bank, a, 100, key="a"), moved(bank, b, 100, key="b"))
    hold = (await books.post(held(a, bank, 50, key="h")))[0].id
    await broken(books, "LG005", moved(b, bank, 50, key="p", resolves=hold))
    assert (lies(a), lies(b)) == ((100, 50, 0), (100, 0, 0))


async def test_only_a_hold_is_resolved(books, lies):
    bank, (wallet,) = await books.open(1)
    posted = (await books.post(moved(bank, wallet, 500, key="in")))[0].id
    await broken(books, "LG008", released(posted, key="v"))
    await broken(books, "23503", released(new_uuid(), key="w"))
    assert lies() == (1, 2, 1)


async def test_twenty_resolve_one_hold_at_once(books, lies):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    hold = (await books.post(held(wallet, bank, 300, key="h")))[0].id
    ways = [
        moved(wallet, bank, 300, key=f"p{n}", resolves=hold)
        if n % 2
        else released(hold, key=f"{n}")
        for n in range(20)
    ]
    done = await asyncio.gather(*(books.post(one) for one in ways), return_exceptions=True)
    won = [n for n, one in enumerate(done) if isinstance(one, list)]
    assert len(won) == 1
    codes = [one.code for one in done if isinstance(one, DomainError)]
    assert codes == ["HOLD_RESOLVED"] * 19
    assert lies(wallet) == ((200, 0, 0) if won[0] % 2 else (500, 0, 0))


async def test_a_hold_and_what_resolves_it_may_come_together(books, lies):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 300, key="in"))
    hold = held(wallet, bank, 300, key="h", id=new_uuid())
    await books.post(hold, moved(wallet, bank, 300, key="p", resolves=hold.id))
    assert (lies(wallet), lies()) == ((0, 0, 0), (3, 4, 3))


@pytest.mark.parametrize("days_ahead", [0, 90], ids=["real clock", "sandbox clock"])
async def test_an_expired_hold_is_released_and_not_posted(books, make, lies, days_ahead):
    """By the clock of the brand, which the sandbox may have moved."""
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    hold = await _held_for(books, timedelta(days=1), held(wallet, bank, 300, key="h"))
    await broken(books, "LG010", released(hold, key="e", state=TransferState.EXPIRED))
    later = {"clock_offset_ms": days_ahead * 86_400_000}
    if days_ahead:
        make.run(books.brand, brand_state.update().values(later).where(
            brand_state.c.brand_id == books.brand.id))  # fmt: skip
        await refused(books, "HOLD_EXPIRED", moved(wallet, bank, 300, key="p", resolves=hold))
        await books.post(released(hold, key="e", state=TransferState.EXPIRED))
    else:
        await books.post(moved(wallet, bank, 300, key="p", resolves=hold))
    assert lies(wallet) == ((500, 0, 0) if days_ahead else (200, 0, 0))


async def test_a_hold_without_an_end_never_expires(books, lies):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    hold = (await books.post(held(wallet, bank, 300, key="h")))[0].id
    await broken(books, "LG010", released(hold, key="e", state=TransferState.EXPIRED))
    await books.post(released(hold, key="v"))
    assert lies(wallet) == (500, 0, 0)


async def test_four_hundred_opposite_transfers_meet_no_deadlock(books, superuser, lies):
    _, (a, b) = await books.open(2)
    bank, _ = await books.open(0)
    await books.post(moved(bank, a, 10_000, key="a"), moved(bank, b, 10_000, key="b"))
    before = superuser.execute("select deadlocks from pg_stat_database where datname ="
                               " current_database()").fetchone()  # fmt: skip
    pairs = [moved(*((a, b) if n % 2 else (b, a)), 10, key=f"x{n}") for n in range(400)]
    done = await asyncio.gather(*(books.post(one) for one in pairs))
    assert [one[0].replayed for one in done] == [False] * 400
    assert (lies(a), lies(b)) == ((10_000, 0, 0), (10_000, 0, 0))
    superuser.execute("select pg_stat_force_next_flush()")
    after = superuser.execute("select deadlocks from pg_stat_database where datname ="
                              " current_database()").fetchone()  # fmt: skip
    assert after == before


async def test_fifty_racing_debits_take_what_is_there(books, lies):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 7_015, key="in"))
    debits = [books.post(moved(wallet, bank, 300, key=f"d{n}")) for n in range(50)]
    done = await asyncio.gather(*debits, return_exceptions=True)
    codes = [one.code for one in done if isinstance(one, DomainError)]
    assert codes == ["INSUFFICIENT_FUNDS"] * 27
    assert (lies(wallet), lies()) == ((115, 0, 0), (24, 48, 24))


async def test_openers_at_once_get_the_same_accounts(books):
    keys = [AccountKey.wallet(new_uuid(), "USD") for _ in range(10)]
    orders = [[BANK, *keys] if n % 2 else [*reversed(keys), BANK] for n in range(20)]
    found = await asyncio.gather(*(books.accounts(order) for order in orders))
    made = [dict(zip(order, ids, strict=True)) for order, ids in zip(orders, found, strict=True)]
    assert all(one == made[0] for one in made)


async def test_a_wallets_postings_follow_each_other_when_the_clock_is_set_back(
    books, superuser, lies
):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="1"))
    superuser.execute(
        "update ledger_account set posted_at = now() + interval '1 hour' where id = %s", [wallet]
    )
    await books.post(moved(wallet, bank, 100, key="2"))
    await books.post(moved(wallet, bank, 100, key="3"))
    behind = superuser.execute(
        "select balance_after::bigint from ledger_posting where account_id = %s"
        " order by recorded_at, transfer_id, n",
        [wallet],
    ).fetchall()
    assert behind == [(500,), (400,), (300,)]


async def _held_for(books: Books, span: timedelta, hold: Transfer):
    async def command(work: WriteWork) -> list[Posted]:
        ends = Transfer(hold.key, hold.kind, hold.legs, state=hold.state,
                        expires_at=work.now() + span)  # fmt: skip
        return await post(work, [ends])

    return (await books.database.write(books.scope, command)).value[0].id


@pytest.mark.parametrize("sign", [1, -1])
def test_a_leg_is_no_more_than_an_amount_can_be(sign):
    assert Leg(new_uuid(), Money(sign * most_minor("USD"), "USD")).amount.currency == "USD"
    with pytest.raises(ValueError, match="more than an amount"):
        Leg(new_uuid(), Money(sign * (most_minor("USD") + 1), "USD"))


async def test_one_alone_writes_what_it_writes_in_company(books, superuser):
    """A transfer between two accounts has a way of its own into the same rows."""
    bank, wallets = await books.open(4)
    moves = ((0, 1, 500), (1, 2, 200), (2, 1, 50), (1, 0, 100))
    written = []
    for wallet, other, alone in ((wallets[0], wallets[1], True), (wallets[2], wallets[3], False)):
        ends = (bank, wallet, other)
        given = [
            moved(ends[a], ends[b], cents, key=f"{alone}{n}", client_id=new_uuid(), reason="why",
                  source="test", external_id=f"{alone}{n}", meta={"n": n})
            for n, (a, b, cents) in enumerate(moves)
        ]  # fmt: skip
        for group in [[one] for one in given] if alone else [given]:
            done = await books.post(*group)
            assert not any(one.replayed for one in done)
        rows = superuser.execute(
            "select t.kind, t.state, t.reason, t.source, t.meta, t.client_id = any(%s) as client,"
            " t.actor_kind, t.effective_at is not null, p.n, array_position(%s, p.account_id),"
            " p.asset, p.amount::bigint, p.balance_after::bigint, p.client_id = a.client_id,"
            " p.recorded_at < coalesce(a.posted_at, 'infinity'),"
            " a.posted::bigint, a.pending_in::bigint, a.pending_out::bigint"
            " from ledger_transfer t join ledger_posting p using (brand_id)"
            " join ledger_account a on a.brand_id = t.brand_id and a.id = p.account_id"
            " where t.id = p.transfer_id and t.key like %s and t.brand_id = %s order by t.key, p.n",
            [[one.client_id for one in given], [bank, wallet, other], f"{alone}%", books.brand.id],
        ).fetchall()
        written.append(rows)
        again = await books.post(*given[:1])
        assert [one.replayed for one in again] == [True]
    alone, together = written
    assert len(alone) == 8
    assert alone == together
