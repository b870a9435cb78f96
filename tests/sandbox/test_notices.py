"""Notices: signed, about every change, at least once, in no order, through failures."""

import asyncio
from collections import Counter

import orjson

from tests.psp import RunningPsp
from tests.sandbox.contract import PSP
from tests.sandbox.listener import SECRET, Listener, free_port, listening
from tests.sandbox.merchant import API_KEY, CURRENCIES, Caller, registered


def told(heard: Listener, key: str) -> list[int]:
    """The versions that were told of one object, sorted."""
    objects = [notice.told["object"] for notice in heard.notices]
    return sorted(each["version"] for each in objects if each["id"] == key)


async def test_a_change_is_told_signed_and_without_amounts(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    paid = await caller.paid(psp)
    (notice,) = await heard.count(1)
    PSP.check(PSP.schema("Notice"), notice.told, "notice")
    assert notice.told == {
        "id": notice.id,
        "type": "payment.updated",
        "created_at": "2026-03-04T12:00:00.000000Z",
        "object": {
            "id": paid["id"],
            "type": "payment",
            "reference": paid["reference"],
            "version": 2,
        },
    }
    assert notice.is_signed()
    assert not notice.is_signed("whsec_other")


async def test_every_version_after_the_first_is_told_once(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    paid = await caller.paid(psp)
    dispute = await psp.controls.dispute(paid["id"], amount="10")
    await psp.controls.close_dispute(dispute["id"], outcome="WON")
    refund = await psp.controls.refund(paid["id"], amount="5")
    payout = await caller.payout()
    await psp.controls.settle_payout(payout["id"], status="PAID")
    await heard.count(8)
    assert await pending(psp) == 0
    assert told(heard, paid["id"]) == [2, 3, 4, 5]
    assert told(heard, dispute["id"]) == [1, 2]
    assert told(heard, refund["id"]) == [1]
    assert told(heard, payout["id"]) == [2]
    assert len(heard.notices) == len({notice.id for notice in heard.notices}) == 8
    types = {(n.told["object"]["type"], n.told["type"]) for n in heard.notices}
    kinds = ("payment", "refund", "payout", "dispute")
    assert types == {(kind, f"{kind}.updated") for kind in kinds}


async def pending(psp: RunningPsp) -> int:
    """Notices that still wait, once those under way are settled."""
    while psp.psp.sender.is_busy:  # noqa: ASYNC110 - the end of an attempt is the event
        await asyncio.sleep(0)
    async with psp.psp.store.begin() as connection:
        query = "select count(*) from sandbox.psp_notice where next_at is not null"
        count: int = await connection.fetchval(query)
        return count


async def test_a_notice_is_sent_until_it_is_taken(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    heard.status = 500
    await caller.paid(psp)
    tries = await heard.count(3)
    assert len({notice.id for notice in tries}) == 1
    assert tries[1].at - tries[0].at <= 0.5 + 0.3
    assert tries[2].at - tries[1].at >= 0.4
    heard.status = 204
    await heard.count(4)
    assert await pending(psp) == 0
    assert len(heard.notices) == 4


async def test_a_merchant_that_is_away_hears_it_later(caller: Caller, psp: RunningPsp) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/notices"
    await psp.controls.put_merchant(
        "aurora", api_key=API_KEY, notice_url=url, notice_secrets=[SECRET], currencies=CURRENCIES
    )
    paid = await caller.paid(psp)
    async with listening(port) as late:
        (notice,) = await late.count(1)
        assert notice.told["object"]["id"] == paid["id"]


async def test_a_rotated_secret_signs_beside_the_old_one(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    await psp.controls.put_merchant(
        "aurora",
        api_key=API_KEY,
        notice_url=heard.url,
        notice_secrets=["whsec_new", SECRET],
        currencies=CURRENCIES,
    )
    await caller.paid(psp)
    (notice,) = await heard.count(1)
    assert notice.is_signed("whsec_new")
    assert notice.is_signed(SECRET)
    assert notice.signature.count("v1=") == 2


async def test_each_merchant_hears_its_own(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    async with (
        listening() as theirs,
        registered(psp, theirs.url, name="boreal", api_key="sk_of_another_one") as other,
    ):
        ours, foreign = await caller.paid(psp), await other.paid(psp)
        await theirs.count(1)
        await heard.count(1)
        assert (told(theirs, foreign["id"]), told(theirs, ours["id"])) == ([2], [])
        assert (told(heard, ours["id"]), told(heard, foreign["id"])) == ([2], [])


async def test_duplicates_are_the_same_notice(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    await psp.controls.faults(duplicate_notices=4)
    for _ in range(3):
        await caller.paid(psp)
    notices = await heard.count(15)
    assert await pending(psp) == 0
    assert sorted(Counter(notice.id for notice in notices).values()) == [5, 5, 5]
    assert all(notice.is_signed() for notice in heard.notices)


async def test_forgeries_come_beside_the_real_one(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    await psp.controls.faults(forge_notices=1)
    await caller.paid(psp)
    notices = await heard.count(2)
    assert await pending(psp) == 0
    assert [notice.is_signed() for notice in notices] == [False, True]
    assert notices[0].body == notices[1].body
    await psp.controls.faults(forge_notices=0.5, seed=3)
    for _ in range(20):
        await caller.paid(psp)
    await heard.until(lambda all_of: sum(notice.is_signed() for notice in all_of) == 21)
    assert await pending(psp) == 0
    forged = sum(not notice.is_signed() for notice in heard.notices) - 1
    assert 4 <= forged <= 16


async def test_shuffled_notices_come_out_of_order(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    await psp.controls.faults(shuffle_notices=True)
    made = await caller.payment(method="bank")
    for _ in range(12):
        await psp.controls.pay(made["id"], amount="1")
    notices = await heard.count(12)
    versions = [notice.told["object"]["version"] for notice in notices]
    assert sorted(versions) == list(range(2, 14))
    assert versions != sorted(versions)


async def test_delayed_notices_wait(caller: Caller, psp: RunningPsp, heard: Listener) -> None:
    await psp.controls.faults(delay_notices_ms=[300, 350])
    started = asyncio.get_running_loop().time()
    await caller.paid(psp)
    (notice,) = await heard.count(1)
    assert notice.at - started >= 0.3


async def test_cleared_notices_are_never_sent(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    await psp.controls.faults(delay_notices_ms=[60_000, 60_000])
    await caller.paid(psp)
    await caller.paid(psp)
    assert await psp.controls.clear() == 2
    assert await psp.controls.clear() == 0
    await psp.controls.faults()
    last = await caller.paid(psp)
    await heard.count(1)
    assert await pending(psp) == 0
    assert [notice.told["object"]["id"] for notice in heard.notices] == [last["id"]]


async def test_a_notice_is_given_up_after_a_day(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    heard.status = 500
    await caller.paid(psp)
    await heard.count(1)
    async with psp.psp.store.begin() as connection:
        aged = "update sandbox.psp_notice set created_at = created_at - interval '25 hours'"
        await connection.execute(aged)
    while await pending(psp):  # noqa: ASYNC110 - the next attempt is its last
        await asyncio.sleep(0.02)
    async with psp.psp.store.begin() as connection:
        row = await connection.fetchrow("select attempts, delivered_at from sandbox.psp_notice")
    assert row["attempts"] == len(heard.notices)
    assert row["delivered_at"] is None


async def test_the_body_is_what_is_signed(caller: Caller, psp: RunningPsp, heard: Listener) -> None:
    await caller.paid(psp, reference="dep-é")
    (notice,) = await heard.count(1)
    assert orjson.loads(notice.body)["object"]["reference"] == "dep-é"
    assert notice.is_signed()
