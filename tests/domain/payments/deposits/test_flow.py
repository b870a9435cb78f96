"""A deposit from the client's wish to the wallet: over a real PSP, its notices and the jobs."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from domain.events.tables import inbox
from domain.kernel.money import Money
from domain.payments.deposits import jobs, queries
from domain.payments.deposits.commands.settle_deposit import settle_deposit
from domain.payments.notices import ACT, resume_notices
from domain.payments.ports import OutcomeUnknown, PspUnavailable
from sandbox.psp.signing import sign
from tenants.context import system_scope
from tenants.tables import audit
from tests.domain.events.conftest import until
from tests.domain.payments.deposits.conftest import opened
from tests.domain.payments.deposits.desk import SECRET, Desk, state
from tests.factories import Brand, Factory
from tests.psp import RunningPsp

WALLET = {"CLIENT_WALLET EUR": 10_000, "PSP_CLEARING EUR": -10_000}


def kept(desk: Desk) -> list[str]:
    """The states of the notices in the inbox, in the order they came."""
    rows = sorted(desk.make.rows(inbox, desk.brand), key=lambda row: row.received_at)
    return [row.state for row in rows]


async def started(desk: Desk, amount_minor: int = 10_000) -> tuple[UUID, str]:
    """A deposit that is at its PSP; its id and the PSP's."""
    one = await desk.create(amount_minor)
    assert await desk.work() == 1
    row = desk.payment(one)
    assert row.status == "PENDING"
    return one, row.ext_id


async def test_a_deposit_is_paid_on_the_page_and_ends_in_the_wallet(
    live: Desk, psp: RunningPsp
) -> None:
    one, psp_id = await started(live)
    row = live.payment(one)
    assert row.checkout_url == f"{psp.url}/checkout/{psp_id}"
    assert row.expires_at is not None
    await psp.controls.pay(psp_id)
    await until(lambda: len(kept(live)) == 1)
    await live.work()
    assert await live.books() == WALLET
    assert kept(live) == ["HANDLED"]
    assert live.payment(one).source_label is not None
    assert live.events() == ["deposit_created", "deposit_pending", "deposit_settled"]


async def test_duplicated_shuffled_and_forged_notices_have_one_effect(
    live: Desk, psp: RunningPsp
) -> None:
    await psp.controls.faults(
        duplicate_notices=4, shuffle_notices=True, forge_notices=1.0, delay_notices_ms=[0, 50]
    )
    one, psp_id = await started(live)
    await psp.controls.authorise(psp_id)
    await psp.controls.pay(psp_id, amount="60.00")
    await psp.controls.pay(psp_id, amount="40.00")
    await until(lambda: len(kept(live)) == 3)
    await live.work()
    assert set(kept(live)) == {"HANDLED"}
    assert await live.books() == WALLET
    assert live.payment(one).status == "SETTLED"
    assert live.events().count("deposit_created") == 1
    assert len(live.make.rows(inbox, live.brand)) == 3, "one row per event"


async def test_a_deposit_declined_or_expired_at_the_psp_ends(live: Desk, psp: RunningPsp) -> None:
    one, psp_id = await started(live)
    other, other_psp_id = await started(live)
    await psp.controls.fail(psp_id)
    await psp.controls.expire(other_psp_id)
    await until(lambda: len(kept(live)) == 2)
    await live.work()
    rows = live.payment(one), live.payment(other)
    assert [(row.status, row.reason_code) for row in rows] == [
        ("FAILED", "CARD_DECLINED"), ("EXPIRED", None),
    ]  # fmt: skip
    assert live.postings() == []


async def test_a_refusal_of_the_psp_ends_the_deposit(live: Desk, psp: RunningPsp) -> None:
    await psp.controls.faults(refuse=1.0)
    one = await live.create()
    await live.work()
    row = live.payment(one)
    assert (row.status, row.reason_code, row.ext_id) == ("FAILED", "PROVIDER_REFUSED", None)


async def test_a_start_whose_answer_died_is_found_and_not_made_again(
    live: Desk, psp: RunningPsp, superuser: Any
) -> None:
    one = await live.create()
    await live.consume()
    ((name, args),) = live.queued()
    await psp.controls.faults(drop_answer=1.0, forget_keys=True)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await live.handle(name, args)
    assert live.payment(one).status == "CREATED"
    await psp.controls.faults(forget_keys=True)
    await live.handle(name, args, attempt=2)
    await live.handle(name, args, attempt=3)
    rows = superuser.execute(
        "select id from sandbox.psp_payment where reference = %s", [one.hex]
    ).fetchall()
    assert rows == [(live.payment(one).ext_id,)]


# Nobody tells -----------------------------------------------------------------------------------


async def test_a_paid_deposit_whose_notices_never_came_is_found_by_the_poll(
    live: Desk, psp: RunningPsp
) -> None:
    one, psp_id = await started(live)
    await psp.controls.faults(delay_notices_ms=[600_000, 600_000])
    await psp.controls.pay(psp_id)
    assert await live.poll() == 0, "too young to ask about"
    live.age(one, timedelta(minutes=2))
    assert await live.poll() == 1
    assert await live.poll() == 0, "not again at once"
    await live.work()
    assert await live.books() == WALLET
    assert await live.poll() == 0


async def test_a_deposit_that_never_started_is_started_by_the_poll(
    live: Desk, psp: RunningPsp
) -> None:
    one = await live.create()
    await live.consume()
    live.queued()
    live.age(one, timedelta(minutes=2))
    await live.poll()
    await live.work()
    assert live.payment(one).status == "PENDING"


async def test_a_deposit_that_never_started_expires_after_an_hour(
    live: Desk, psp: RunningPsp, superuser: Any
) -> None:
    one = await live.create()
    await live.consume()
    live.queued()
    live.age(one, timedelta(minutes=61))
    await live.poll()
    await live.work()
    row = live.payment(one)
    assert (row.status, row.reason_code) == ("EXPIRED", "PSP_UNAVAILABLE")
    found = superuser.execute("select 1 from sandbox.psp_payment where reference = %s", [one.hex])
    assert found.fetchall() == []


async def test_a_deposit_about_which_nobody_can_say_anything_is_told_to_staff(desk: Desk) -> None:
    """The PSP is away: nothing is given up, and after an hour staff know."""
    one = await desk.create()
    await desk.consume()
    desk.queued()
    for age, told in ((timedelta(minutes=2), 0), (timedelta(minutes=60), 1)):
        desk.age(one, age)
        desk.polls = jobs.Polls()
        await desk.poll()
        with pytest.raises(PspUnavailable):
            await desk.work()
        assert len(desk.discrepancies()) == told
    assert desk.discrepancies() == [("OUTCOME_UNKNOWN", "OPEN", 10_000, None, "EUR")]
    assert desk.payment(one).status == "CREATED"
    scope = system_scope(desk.brand.id)
    answer = state(one, "PENDING")
    await desk.database.write(
        scope, lambda work: settle_deposit(work, one, desk.connection_id, answer)
    )
    assert desk.discrepancies() == [("OUTCOME_UNKNOWN", "RESOLVED", 10_000, None, "EUR")]


async def test_those_that_wait_for_their_turn_hold_no_others_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many deposits nobody pays, the newest is asked about in time."""
    for module in (jobs, queries):
        monkeypatch.setattr(module, "SILENT_PAGE", 2)
    several = [await desk.create() for _ in range(5)]
    for one in several[:4]:
        desk.age(one, timedelta(hours=3))
    assert [await desk.poll() for _ in range(3)] == [2, 2, 0]
    desk.age(several[4], timedelta(minutes=2))
    assert await desk.poll() == 1
    asked = [args["args"]["payment_id"] for name, args in desk.queued() if name == jobs.PULL]
    assert asked == [*map(str, several)]


# The PSP gives money back -----------------------------------------------------------------------


async def test_a_refund_that_the_psp_makes_by_itself_is_taken_back(
    live: Desk, psp: RunningPsp
) -> None:
    one, psp_id = await started(live)
    await psp.controls.pay(psp_id)
    await psp.controls.refund(psp_id, amount="30.00")
    await until(lambda: len(kept(live)) == 3)
    await live.work()
    assert await live.books() == {"CLIENT_WALLET EUR": 7_000, "PSP_CLEARING EUR": -7_000}
    assert set(kept(live)) == {"HANDLED"}, "payment, payment, refund: all of them ours"
    assert live.payment(one).status == "PARTLY_REFUNDED"
    assert live.discrepancies() == []


# The door ---------------------------------------------------------------------------------------


def notice(psp_id: str, event_id: str = "evt_1", kind: str = "payment") -> bytes:
    about = {"id": psp_id, "type": kind, "reference": "r", "version": 2}
    return orjson.dumps({"id": event_id, "type": f"{kind}.updated", "object": about})


async def send(
    door: str, desk: Desk, body: bytes, *, secret: str = SECRET, to: str = "", **how: Any
) -> int:
    at = how.pop("at", None) or int(time.time())
    headers = {"Sandbox-Signature": sign([secret], body, at=at)} | how.pop("headers", {})
    endpoint = to or f"{desk.brand.id.hex}_{desk.connection_id.hex}"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{door}/{endpoint}", content=body, headers=headers)
    return answer.status_code


async def test_a_proven_notice_is_kept_once_and_acted_on_once(live: Desk, door: str) -> None:
    _, psp_id = await started(live)
    for _ in range(5):
        assert await send(door, live, notice(psp_id)) == 200
    assert kept(live) == ["RECEIVED"]
    (row,) = live.make.rows(inbox, live.brand)
    assert (row.provider, row.raw, row.verified_with) == ("sandbox", notice(psp_id), "0")
    assert await live.work() == 1
    assert kept(live) == ["HANDLED"]
    assert await send(door, live, notice(psp_id)) == 200
    assert await live.work() == 0


@pytest.mark.parametrize("how", ["forged", "old", "unsigned"])
async def test_an_unproven_notice_leaves_one_line_and_nothing_else(
    live: Desk, door: str, how: str
) -> None:
    _, psp_id = await started(live)
    before = live.events("NOTICE")
    given: dict[str, Any] = {
        "forged": {"secret": "whsec_of_nobody"},
        "old": {"at": 1_700_000_000},
        "unsigned": {"headers": {"Sandbox-Signature": ""}},
    }[how]
    for _ in range(3):
        assert await send(door, live, notice(psp_id), **given) == 401
    assert kept(live) == []
    assert live.events("NOTICE") == before
    denied = [row for row in live.make.rows(audit, live.brand) if row.outcome == "DENIED"]
    assert [row.action for row in denied] == [f"notice:{live.connection_id.hex}"]


async def test_only_a_connection_that_is_there_has_a_door(
    live: Desk, door: str, brand_b: Brand
) -> None:
    body, brand, connection = notice("pay_1"), live.brand.id.hex, live.connection_id.hex
    for endpoint in (
        f"{brand_b.id.hex}_{connection}", f"{brand}_{brand}", f"{connection}_{brand}", connection,
        f"{brand}-{connection}", f"{brand.upper()}_{connection}",
    ):  # fmt: skip
        assert await send(door, live, body, to=endpoint) == 404, endpoint
    other = door.replace("/sandbox", "/stripe")
    assert await send(other, live, body) == 404
    assert kept(live) == []


async def test_a_notice_too_large_is_cut_off_while_it_comes(live: Desk, door: str) -> None:
    assert await send(door, live, b"x" * (64 * 1024 + 1)) == 413

    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 4096

    url = f"{door}/{live.brand.id.hex}_{live.connection_id.hex}"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, content=endless())
    assert answer.status_code == 413
    assert await send(door, live, b"x" * 64 * 1024) == 200, "the largest that is taken"
    assert kept(live) == ["RECEIVED"]


async def test_a_body_that_names_another_brands_payment_reaches_nobody(
    live: Desk, make: Factory, brand_b: Brand, psp: RunningPsp, door: str
) -> None:
    """The path and the secret say whose it is; the PSP is asked with that brand's key."""
    other = Desk(make, live.database, live.worker, brand_b, live.queue, psp.url)
    await opened(other, psp, door)
    theirs, psp_id = await started(other)
    await psp.controls.faults(delay_notices_ms=[600_000, 600_000])
    await psp.controls.pay(psp_id)
    assert await send(door, live, notice(psp_id)) == 200
    await live.work()
    assert kept(live) == ["UNKNOWN"]
    assert live.discrepancies() == [("UNKNOWN_PAYMENT", "OPEN", None, None, None)]
    assert other.payment(theirs).status == "PENDING"
    assert (await live.books(), await other.books()) == ({}, {})
    assert kept(other) == []

    async def steal(work: Any) -> bool:
        state = await other.adapter.find_payment(psp_id)
        assert state is not None
        return await settle_deposit(work, theirs, live.connection_id, state)

    stolen = await live.worker.write(system_scope(live.brand.id), steal)
    assert stolen.value is False
    await other.close()


async def test_a_notice_whose_job_gave_up_is_acted_on_later(
    live: Desk, psp: RunningPsp, door: str
) -> None:
    one, psp_id = await started(live)
    await psp.controls.faults(delay_notices_ms=[600_000, 600_000])
    await psp.controls.pay(psp_id)
    assert await send(door, live, notice(psp_id)) == 200
    await live.consume()
    ((name, args),) = live.queued()
    await psp.controls.faults(answer_500=1.0)
    with pytest.raises(PspUnavailable):
        await live.handle(name, args)
    assert kept(live) == ["RECEIVED"]
    assert await resume_notices(live.worker, live.brand.id) == 0, "its job still tries"
    older = inbox.update().where(inbox.c.brand_id == live.brand.id)
    live.make.run(live.brand, older.values(received_at=inbox.c.received_at - timedelta(minutes=11)))
    await psp.controls.faults()
    assert await resume_notices(live.worker, live.brand.id) == 1
    ((again, _),) = live.queued()
    assert again == ACT
    await live.handle(name, args)
    assert kept(live) == ["HANDLED"]
    assert live.payment(one).credited_minor == Money(10_000, "EUR").amount_minor
