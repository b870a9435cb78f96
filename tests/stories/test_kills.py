"""`kill -9` of each part under a running client, Ctrl-C, and a second start: nothing is lost."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.api.embedded import processes_in, scratch_home
from tests.stories.conftest import Installation, free_port, start, stop, wait_for

NOTE = """mutation($client: ID!, $body: String!) {
  clientNoteCreate(input: {clientId: $client, body: $body}) { note { id } errors { code } } }"""
NOTES = """query($client: ID!, $after: Cursor) { node(id: $client) { ... on Client {
  notes(first: 100, after: $after) { nodes { id body } pageInfo { hasNextPage endCursor } } } } }"""
ORDER = """mutation($key: String!, $account: ID!) {
  orderPlace(input: {idempotencyKey: $key, accountId: $account, symbol: "EURUSD", side: BUY,
                     lots: "0.01"}) { order { id status } errors { code message } } }"""
DEALS = """query($account: ID!) { node(id: $account) { ... on Account {
  deals(first: 100, filter: {entry: {eq: IN}}) { nodes { ticket } } } } }"""
PURSE = """{ viewer { client { wallets { id currencyCode available { amount } }
  accounts(filter: {kind: {eq: LIVE}}) { nodes { id status } } } } }"""
TRANSFER = """mutation($key: String!, $wallet: ID!, $account: ID!, $amount: Decimal!) {
  transferCreate(input: {idempotencyKey: $key, from: {walletId: $wallet}, to: {accountId: $account},
    amount: {amount: $amount, currencyCode: "EUR"}}) {
    transfer { id } replayed errors { code } } }"""
OWN = "{ viewer { client { id accounts(filter: {kind: {eq: DEMO}}) { nodes { id } } } } }"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with scratch_home() as made:
        yield made.path


class Caller:
    """Asks until it is answered, whatever dies meanwhile."""

    def __init__(self, made: Installation, token: str) -> None:
        self.url = made.told["graphql"]
        self.client = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=15)
        self.last: Any = None

    def close(self) -> None:
        self.client.close()

    def once(self, query: str, **variables: Any) -> Any:
        """The data, or None when there was no good answer; the last one is kept to be shown."""
        try:
            answer = self.client.post(self.url, json={"query": query, "variables": variables})
            body = answer.json()
        except (httpx.HTTPError, ValueError):
            return None
        self.last = body
        return None if body.get("errors") else body["data"]

    def until_answered(self, query: str, **variables: Any) -> Any:
        try:
            return wait_for(lambda: self.once(query, **variables), "an answer")
        except AssertionError as error:
            raise AssertionError(f"{error}; the last one was {self.last}") from None


class Writer(threading.Thread):
    """Writes notes one after another and keeps its own journal of what was acknowledged."""

    def __init__(self, caller: Caller, client_id: str) -> None:
        super().__init__(daemon=True)
        self.caller, self.client_id = caller, client_id
        self.acknowledged: list[str] = []
        self.ended = threading.Event()

    def run(self) -> None:
        for n in itertools.count():
            if self.ended.is_set():
                return
            told = self.caller.once(NOTE, client=self.client_id, body=f"journal {n}")
            if told is not None and not told["clientNoteCreate"]["errors"]:
                self.acknowledged.append(told["clientNoteCreate"]["note"]["id"])


def notes_of(caller: Caller, client_id: str) -> set[str]:
    found: set[str] = set()
    after = None
    while True:
        page = caller.until_answered(NOTES, client=client_id, after=after)["node"]["notes"]
        found |= {note["id"] for note in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_what_was_acknowledged_outlives_kill_nine(home: Path) -> None:
    made = start(home, free_port())
    try:
        tokens = made.brand("aurora")["tokens"]
        with (
            closing(Caller(made, tokens["brand_admin"])) as staff,
            closing(Caller(made, tokens["client"])) as trader,
        ):
            writer, client_id = write_through_kills(made, staff, trader)
            done, refused = move(trader, "kept", "1"), move(trader, "refused", "1000000")
            left = wait_for(lambda: purse(trader), "the wallet")[2]
        pids = [child.pid for child in psutil.Process(made.process.pid).children(recursive=True)]
    finally:
        code = stop(made)
    assert code == 0
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not processes_in(home)
    again = start(home, free_port())
    try:
        assert again.told["brands"][0]["tokens"] == made.told["brands"][0]["tokens"]
        with closing(Caller(again, tokens["brand_admin"])) as staff:
            assert set(writer.acknowledged) <= notes_of(staff, client_id)
        with closing(Caller(again, tokens["client"])) as trader:
            assert (done["errors"], refused["errors"]) == ([], [{"code": "INSUFFICIENT_FUNDS"}])
            assert move(trader, "kept", "1") == done | {"replayed": True}
            assert move(trader, "refused", "1000000") == refused | {"replayed": True}
            other = move(trader, "kept", "2")
            assert other["errors"] == [{"code": "IDEMPOTENCY_KEY_REUSED"}]
            assert purse(trader)[2] == left, "a key moves money once"
    finally:
        assert stop(again) == 0


def purse(trader: Caller) -> Any:
    """The wallet in euros, the live account, and what is available; None until both are there."""
    told = trader.until_answered(PURSE)["viewer"]["client"]
    wallets = [one for one in told["wallets"] if one["currencyCode"] == "EUR"]
    accounts = [one["id"] for one in told["accounts"]["nodes"] if one["status"] == "ACTIVE"]
    if not wallets or not accounts:
        return None
    return wallets[0]["id"], accounts[0], wallets[0]["available"]["amount"]


def move(trader: Caller, key: str, amount: str) -> Any:
    """Move money onto the live account under a key; the payload."""
    wallet, account, _ = wait_for(lambda: purse(trader), "a wallet and a live account")
    given = {"key": key, "wallet": wallet, "account": account, "amount": amount}
    return trader.until_answered(TRANSFER, **given)["transferCreate"]


def write_through_kills(made: Installation, staff: Caller, trader: Caller) -> tuple[Writer, str]:
    """Kill each part in turn under a writer and an order; the journal, and whose notes they are."""
    own = trader.until_answered(OWN)["viewer"]["client"]
    account = own["accounts"]["nodes"][0]["id"]
    before = {d["ticket"] for d in deals(trader, account)}
    writer = Writer(staff, own["id"])
    writer.start()
    for n, part in enumerate(("postgres", "worker", "serve")):
        reached = len(writer.acknowledged)
        wait_for(lambda r=reached: len(writer.acknowledged) > r + 3, "writing")  # type: ignore[misc]
        order = threading.Thread(
            target=lambda key=f"kill-{n}": trader.until_answered(ORDER, key=key, account=account),
            daemon=True,
        )
        order.start()
        os.kill(made.part(part).pid, signal.SIGKILL)
        order.join(timeout=90)
        assert not order.is_alive(), f"no answer after kill -9 of {part}"
        reached = len(writer.acknowledged)
        wait_for(lambda r=reached: len(writer.acknowledged) > r + 3, f"writing after {part}")  # type: ignore[misc]
    writer.ended.set()
    writer.join(timeout=60)
    assert set(writer.acknowledged) <= notes_of(staff, own["id"])
    wait_for(lambda: len(deals(trader, account)) == len(before) + 3, "each order filled")
    time.sleep(1)  # a doubled order would show its second deal by now
    assert len(deals(trader, account)) == len(before) + 3
    return writer, own["id"]


def deals(trader: Caller, account: str) -> list[Any]:
    found: list[Any] = trader.until_answered(DEALS, account=account)["node"]["deals"]["nodes"]
    return found
