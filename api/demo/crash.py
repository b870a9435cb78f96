"""`backdesk demo crash`: `kill -9` of Postgres in the middle of deposits; what is lost is nothing.

Two brands' clients pay in, one deposit after another, each under a key; sockets watch. Postgres is
killed half-way and comes back by the supervisor. Whoever got no answer asks again under the same
key; sockets that were cut go on from their cursor. In the end every deposit is there once, each
was told once, and the books hold.
"""

import asyncio
import secrets
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from os import kill
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api import database
from api.demo.asking import Asker, Json, Unanswered, read_demo
from api.demo.paying import DEPOSIT, METHODS, STATUS
from api.demo.sandbox import ControlRefused, SandboxControls
from api.embedded import postmaster
from api.embedded.problems import SetupError
from api.ledger import verify_ledgers
from api.settings import Settings

PAYERS = ("aurora/client", "borealis/client")
DEPOSITS = 12
"""How many each of them makes."""
AGAIN_S = 0.2
PATIENCE_S = 120.0
LIVE_BEHIND = """subscription($after: Cursor) { depositEvents(after: $after) { __typename
  ... on FeedItem { cursor } ... on DepositEvent { kind depositId } } }"""


@dataclass
class Payer:
    """One client of the story: what it was promised, and what its socket told."""

    who: str
    currency: str
    ids: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    told: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    cursor: str | None = None


async def crash(settings: Settings, console: Console) -> bool:
    """Tell the story; True when nothing was lost or doubled. Refuses what can't be killed."""
    if settings.cluster is None:
        raise SetupError("this database is not ours to kill", "unset DATABASE_URL")
    told = read_demo(settings)
    database.running(settings)
    payers = [Payer(PAYERS[0], "EUR"), Payer(PAYERS[1], "USD")]
    async with Asker(told) as asker, _paying_by_themselves(settings):
        watching = [asyncio.create_task(_watch(asker, one)) for one in payers]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await _until(lambda: all(one.cursor for one in payers))
                run = f"crash-{secrets.token_hex(4)}"
                paying = [asyncio.create_task(_pay_in(asker, one, run)) for one in payers]
                await _until(lambda: sum(len(one.ids) for one in payers) >= DEPOSITS // 2)
                await _kill_postgres(settings, console, told)
                await asyncio.gather(*paying)
                await _until(lambda: all(_is_told(one) for one in payers))
                settled = [await _settled(asker, one) for one in payers]
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
    _show(payers, settled, console)
    urls = database.running(settings)
    clean = await asyncio.to_thread(verify_ledgers, urls, None, console)
    whole = all(_is_whole(one) for one in payers) and settled == [DEPOSITS] * len(payers)
    return clean and whole


@asynccontextmanager
async def _paying_by_themselves(settings: Settings) -> AsyncIterator[None]:
    """The sandbox plays the payers meanwhile: it is not them who are tried here."""
    home = settings.home
    url = home.facts().get("sandbox_url", settings.sandbox_url)

    async def set_faults(**knobs: Any) -> None:
        while True:
            with suppress(httpx.HTTPError, ControlRefused, ValueError, KeyError):
                async with SandboxControls(url, home.secrets().sandbox_token) as controls:
                    await controls.faults(**knobs)
                return
            await asyncio.sleep(AGAIN_S)

    await set_faults(auto={"payments": "PAID"})
    try:
        yield
    finally:
        await set_faults()


async def _pay_in(asker: Asker, one: Payer, run: str) -> None:
    """Make deposits one after another; without an answer the same again, under the same key."""
    options = await _answered(asker, one, METHODS, {})
    method = next(
        each["method"]["id"]
        for each in options
        if each["method"]["kind"] == "CARD" and each["currencyCode"] == one.currency
    )
    for n in range(DEPOSITS):
        wanted = {
            "idempotencyKey": f"{run}-{n}",
            "methodId": method,
            "amount": {"amount": str(20 + n), "currencyCode": one.currency},
            "returnUrl": f"https://{one.who.partition('/')[0]}.localhost/paid",
        }
        made = await _answered(asker, one, DEPOSIT, {"input": wanted})
        one.ids[wanted["idempotencyKey"]] = made["deposit"]["id"]


async def _answered(asker: Asker, one: Payer, query: str, variables: Json) -> Any:
    """The value of the only field, asked until there is one."""
    while True:
        with suppress(Unanswered):
            answer = await asker.ask(one.who, query, variables)
            if not answer.get("errors"):
                (value,) = answer["data"].values()
                return value
        one.repeated += 1
        await asyncio.sleep(AGAIN_S)


async def _watch(asker: Asker, one: Payer) -> None:
    """Follow the payer's deposits, from the last cursor whenever the connection ends."""
    while True:
        one.connections += 1
        with suppress(Unanswered):
            async with asker.follow(one.who, LIVE_BEHIND, {"after": one.cursor}) as items:
                async for item in items:
                    one.cursor = item["cursor"]
                    if item.get("kind") == "SETTLED":
                        one.told[item["depositId"]] += 1
        await asyncio.sleep(AGAIN_S)


async def _kill_postgres(settings: Settings, console: Console, told: Json) -> None:
    """Kill it without warning and wait until the API says that it is ready again."""
    assert settings.cluster is not None, "asked before"
    found = postmaster.find(settings.cluster.place.data)
    if found is None:
        raise SetupError("the database does not run", "start it with: backdesk run")
    kill(found.pid, signal.SIGKILL)
    killed = time.monotonic()
    console.print(Text(f"✗ kill -9 {found.pid}: Postgres is gone, in the middle of deposits"))
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        ready = False
        while not ready:
            await asyncio.sleep(AGAIN_S)
            with suppress(httpx.TransportError):
                answer = await client.get(f"{told['url']}/health/ready")
                ready = answer.status_code == httpx.codes.OK
                ready = ready and _pid(settings) not in (None, found.pid)
    console.print(Text(f"✓ ready again after {time.monotonic() - killed:.1f} s"))


def _pid(settings: Settings) -> int | None:
    assert settings.cluster is not None, "asked before"
    found = postmaster.find(settings.cluster.place.data)
    return None if found is None else found.pid


async def _until(holds: Any) -> None:
    while not holds():  # noqa: ASYNC110 - other processes are at work: only looking tells
        await asyncio.sleep(AGAIN_S / 4)


def _is_told(one: Payer) -> bool:
    return len(one.ids) == DEPOSITS and set(one.ids.values()) <= one.told.keys()


def _is_whole(one: Payer) -> bool:
    """Each deposit is another one, and each was told exactly once."""
    ids = set(one.ids.values())
    return len(ids) == DEPOSITS and all(one.told[key] == 1 for key in ids)


async def _settled(asker: Asker, one: Payer) -> int:
    """How many of the deposits are settled."""
    states = [await _answered(asker, one, STATUS, {"id": key}) for key in one.ids.values()]
    return sum(state["status"] == "SETTLED" for state in states)


def _show(payers: list[Payer], settled: list[int], console: Console) -> None:
    table = Table(title="what became of the deposits", box=None, padding=(0, 2, 0, 0))
    for heading in ("who", "deposits", "settled", "told once", "asked again", "connections"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    for one, count in zip(payers, settled, strict=True):
        once = sum(one.told[key] == 1 for key in one.ids.values())
        table.add_row(
            one.who, str(len(one.ids)), str(count), str(once), str(one.repeated),
            str(one.connections),
        )  # fmt: skip
    console.print(table)
