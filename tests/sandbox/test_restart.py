"""What was acknowledged is there after any death: of the PSP, of its database connections."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from api.demo.sandbox import SandboxControls
from api.embedded import Endpoints
from tests import postgres
from tests.psp import CONTROL_TOKEN, RunningPsp, running_psp
from tests.sandbox.listener import SECRET, Listener, free_port, listening
from tests.sandbox.merchant import (
    API_KEY,
    CURRENCIES,
    Caller,
    payout_body,
    registered,
    spoken,
    until,
)

PROGRAM = """
import asyncio, sys
from sandbox.app import run
asyncio.run(run(sys.argv[1], port=int(sys.argv[2]), control_token=sys.argv[3]))
"""


@asynccontextmanager
async def process(endpoints: Endpoints, port: int) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """The PSP as a process of its own, once it answers; ended at the end."""
    words = [sys.executable, "-c", PROGRAM, endpoints.url("sandbox"), str(port), CONTROL_TOKEN]
    started = subprocess.Popen(words)  # noqa: ASYNC220 - starting takes no time
    try:
        async with SandboxControls(f"http://127.0.0.1:{port}", CONTROL_TOKEN) as controls:

            async def answers() -> bool:
                assert started.poll() is None
                try:
                    return bool(await controls.current_faults())
                except httpx.TransportError:
                    return False

            await until(answers, "the process answers")
        yield started
    finally:
        started.terminate()
        started.wait(10)


async def pay_out_until_it_dies(
    caller: Caller, acknowledged: dict[str, str], enough: asyncio.Event
) -> None:
    """Payouts, each under its own key, until the process is gone."""
    for number in range(100_000):
        body = payout_body(reference=f"wd-{number}")
        try:
            answer = await caller.call("POST", "/payouts", body, key=f"key-{number}")
        except httpx.TransportError:
            return
        acknowledged[f"wd-{number}"] = answer.text
        if len(acknowledged) == 30:
            enough.set()


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_it_acknowledged(psp_database: Endpoints) -> None:
    acknowledged: dict[str, str] = {}
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with listening() as heard, spoken(url) as caller:
        async with process(psp_database, port) as first:
            await set_up(url, heard)
            enough = asyncio.Event()
            paying = asyncio.create_task(pay_out_until_it_dies(caller, acknowledged, enough))
            await enough.wait()
            os.kill(first.pid, signal.SIGKILL)
            await paying
        assert heard.notices == []
        async with process(psp_database, port):
            for reference, answer in acknowledged.items():
                number = reference.removeprefix("wd-")
                body = payout_body(reference=reference)
                again = await caller.call("POST", "/payouts", body, key=f"key-{number}")
                assert again.text == answer
                assert again.headers["idempotent-replayed"] == "true"
            # Settled by itself although the process that had promised it died.
            await heard.until(
                lambda notices: (
                    {notice.told["object"]["reference"] for notice in notices}
                    >= acknowledged.keys()
                )
            )
            assert all(notice.is_signed() for notice in heard.notices)
            assert await count_payouts(psp_database) - len(acknowledged) in (0, 1)


async def set_up(url: str, heard: Listener) -> None:
    async with SandboxControls(url, CONTROL_TOKEN) as controls:
        await controls.put_merchant(
            "aurora",
            api_key=API_KEY,
            notice_url=heard.url,
            notice_secrets=[SECRET],
            currencies=CURRENCIES,
        )
        # Long enough that none is settled before the kill.
        await controls.faults(payout_delay_ms=4_000)


async def count_payouts(endpoints: Endpoints) -> int:
    with postgres.superuser(endpoints) as connection:
        row = connection.execute("select count(*) from sandbox.psp_payout").fetchone()
    assert row is not None
    return int(row[0])


async def test_a_notice_that_was_under_way_comes_after_a_restart(
    psp_database: Endpoints, heard: Listener
) -> None:
    heard.status = 503
    async with running_psp(psp_database) as psp, registered(psp, heard.url) as caller:
        paid = await caller.paid(psp)
        tried = await heard.count(1)
    heard.status = 200
    seen = len(heard.notices)
    async with running_psp(psp_database):
        again = await heard.count(seen + 1)
    assert {notice.id for notice in again} == {tried[0].id}
    assert again[-1].told["object"]["id"] == paid["id"]


async def test_everything_is_there_after_a_restart(
    psp_database: Endpoints, heard: Listener
) -> None:
    by_hand = {"auto": {"payouts": None, "refunds": None}}
    async with (
        running_psp(psp_database, faults=by_hand) as psp,
        registered(psp, heard.url) as caller,
    ):
        paid, payout = await caller.paid(psp), await caller.payout()
        path = f"/payments/{paid['id']}/refunds"
        refund = await caller.ok("POST", path, {"reference": "r", "amount": "1"})
        dispute = await psp.controls.dispute(paid["id"], amount="5")
        items = [await caller.see(item) for item in (paid, payout, refund, dispute)]
    async with running_psp(psp_database, faults=by_hand) as psp, spoken(psp.url) as caller:
        found = [await caller.see(item) for item in items]
        found[0]["checkout_url"] = items[0]["checkout_url"]  # on another port now
        assert found == items


async def test_a_lost_database_is_said_and_outlived(
    caller: Caller, psp: RunningPsp, psp_database: Endpoints, heard: Listener
) -> None:
    body = payout_body(reference="wd-cut")
    for number in range(5):
        with postgres.superuser(psp_database) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and usename like '%sandbox'"
            )
        answer = await caller.call("POST", "/payouts", body, key="k")
        assert answer.status_code in (201, 503), (number, answer.text)

    async def answered() -> bool:
        return (await caller.call("POST", "/payouts", body, key="k")).status_code == 201

    await until(answered, "an answer")
    assert len((await caller.ok("GET", "/payouts?reference=wd-cut"))["payouts"]) == 1
    await psp.controls.settle_payout(
        (await caller.ok("POST", "/payouts", body, key="k"))["id"], status="PAID"
    )
    await heard.count(1)


async def test_a_taken_port_is_refused(psp: RunningPsp, psp_database: Endpoints) -> None:
    port = int(psp.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        async with running_psp(psp_database, port=port):
            raise AssertionError("two listen on one port")
