"""The feeds of deposits and payments: who hears of what, and what only staff hear."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import update

from domain.clients.tables import client as client_table
from domain.kernel.ids import encode_id, new_uuid
from domain.payments.commands.record_payment import advance
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind
from domain.payments.queries import lock_payment
from domain.payments.values import PaymentKind, PaymentStatus
from tenants.context import system_scope
from tenants.log import Event
from tests.factories import Brand, Client, Factory, scope_of
from tests.schema.payments.window import World, begin, by_client
from tests.schema.people import Ask

DEPOSITS = """subscription ($clientId: ID, $after: Cursor) {
  depositEvents(clientId: $clientId, after: $after) { __typename ... on FeedItem { cursor }
    ... on DepositEvent { kind status amount { amount } depositId payload
      deposit { id status } } } }"""
PAYMENTS = """subscription ($filter: PaymentEventFilter, $after: Cursor) {
  paymentEvents(filter: $filter, after: $after) { __typename ... on FeedItem { cursor }
    ... on PaymentEvent { kind objectId payload payment { __typename id status } } } }"""
PULL = "query ($topics: [EventTopic!]) { events(topics: $topics) { events { kind objectId } } }"


async def take(feed: AsyncIterator[Any], count: int) -> list[Any]:
    """The next events, heartbeats left out."""
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            item = await anext(feed)
            if item["__typename"] != "FeedHeartbeat":
                found.append(item)
    return found


async def started(feed: AsyncIterator[Any]) -> AsyncIterator[Any]:
    assert (await anext(feed))["__typename"] == "FeedHeartbeat"
    return feed


async def deposit(world: World, brand: Brand, client: Client) -> dict[str, Any]:
    made = await begin(world.database, client, PaymentKind.DEPOSIT, by_client(brand, client))
    world.bus.wake(brand.id)
    return made


async def settle(world: World, row: dict[str, Any]) -> None:
    async def command(work: Any) -> Any:
        locked = await lock_payment(work, row["id"])
        assert locked is not None
        changed = {"credited_minor": 10_000, "credited_currency": "USD"}
        return await advance(work, locked, PaymentStatus.SETTLED, changed=changed)

    await world.write(system_scope(row["brand_id"]), command)


def found(brand: Brand, kind: PaymentEventKind, payment_id: Any) -> Any:
    async def command(work: Any) -> None:
        payload = {"payment_id": str(payment_id)}
        work.emit(Event(PAYMENT_TOPIC, kind, object_id=new_uuid(), payload=payload))

    return command


async def test_a_deposit_is_seen_as_it_happens_and_resumed(
    world: World, make: Factory, brand: Brand
) -> None:
    client = make.client(brand)
    scope = by_client(brand, client)
    feed = await started(world.feed(DEPOSITS, scope))
    made = await deposit(world, brand, client)
    (first,) = await take(feed, 1)
    key = encode_id("payment", made["id"])
    assert (first["kind"], first["status"], first["depositId"]) == ("PENDING", "PENDING", key)
    assert first["amount"] == {"amount": "100.00"}
    assert first["payload"]["paymentId"] == key
    await feed.aclose()
    await settle(world, made)
    again = world.feed(DEPOSITS, scope, after=first["cursor"])
    (second,) = await take(again, 1)
    assert (second["kind"], second["status"]) == ("SETTLED", "SETTLED")
    assert second["deposit"] == {"id": key, "status": "SETTLED"}
    assert second["payload"]["creditedMinor"] == "10000"
    await again.aclose()


async def test_each_hears_of_its_own_deposits(world: World, make: Factory, brand: Brand) -> None:
    mine, other = make.client(brand), make.client(brand)
    where = (client_table.c.brand_id == brand.id, client_table.c.id == mine.id)
    make.run(brand, update(client_table).where(*where).values(owner_id=brand.staff["sales"]))
    narrow = {"clientId": encode_id("client", mine.id)}
    feeds = [
        await started(world.feed(DEPOSITS, by_client(brand, mine))),
        await started(world.feed(DEPOSITS, scope_of(brand, "sales"))),
        await started(world.feed(DEPOSITS, scope_of(brand, "finance"), **narrow)),
    ]
    everything = await started(world.feed(DEPOSITS, scope_of(brand, "finance")))
    not_theirs = await deposit(world, brand, other)
    theirs = await deposit(world, brand, mine)
    for feed in feeds:
        (one,) = await take(feed, 1)
        assert one["depositId"] == encode_id("payment", theirs["id"])
        await feed.aclose()
    both = await take(everything, 2)
    assert both[0]["depositId"] == encode_id("payment", not_theirs["id"])
    await everything.aclose()


async def test_payments_of_all_kinds_in_one_feed(world: World, make: Factory, brand: Brand) -> None:
    client = make.client(brand)
    finance = scope_of(brand, "finance")
    feed = await started(world.feed(PAYMENTS, finance))
    made = await deposit(world, brand, client)
    moved = await begin(world.database, client, PaymentKind.TRANSFER, by_client(brand, client))
    world.bus.wake(brand.id)
    first, second = await take(feed, 2)
    assert (first["kind"], second["kind"]) == ("DEPOSIT_PENDING", "TRANSFER_SENDING")
    assert first["payment"]["__typename"] == "Deposit"
    assert second["payment"] == {
        "__typename": "Transfer", "id": encode_id("payment", moved["id"]), "status": "SENDING",
    }  # fmt: skip
    await feed.aclose()
    narrow = {"paymentId": encode_id("payment", made["id"]), "kinds": ["DEPOSIT_SETTLED"]}
    only = await started(world.feed(PAYMENTS, finance, filter=narrow))
    await deposit(world, brand, client)
    await settle(world, made)
    (one,) = await take(only, 1)
    assert one["objectId"] == encode_id("payment", made["id"])
    await only.aclose()


async def test_what_staff_note_never_reaches_a_client(
    world: World, make: Factory, brand: Brand, ask: Ask
) -> None:
    client = make.client(brand)
    made = await deposit(world, brand, client)
    of_client = await started(world.feed(PAYMENTS, by_client(brand, client)))
    of_support = await started(world.feed(PAYMENTS, scope_of(brand, "support")))
    of_finance = await started(world.feed(PAYMENTS, scope_of(brand, "finance")))
    kinds = [
        PaymentEventKind.DISCREPANCY_FOUND, PaymentEventKind.DISCREPANCY_RESOLVED,
        PaymentEventKind.EVIDENCE_SUBMITTED, PaymentEventKind.APPROVAL_GIVEN,
    ]  # fmt: skip
    for kind in kinds:
        await world.write(system_scope(brand.id), found(brand, kind, made["id"]))
    await settle(world, made)
    assert [one["kind"] for one in await take(of_client, 1)] == ["DEPOSIT_SETTLED"]
    assert [one["kind"] for one in await take(of_support, 2)] == [
        "EVIDENCE_SUBMITTED", "DEPOSIT_SETTLED",
    ]  # fmt: skip
    told = await take(of_finance, 5)
    assert [one["kind"] for one in told] == [*(kind.name for kind in kinds), "DEPOSIT_SETTLED"]
    assert told[0]["objectId"].startswith("discrepancy_")
    assert told[0]["payment"]["id"] == encode_id("payment", made["id"])
    for feed in (of_client, of_support, of_finance):
        await feed.aclose()
    pulled = (await ask(PULL, by_client(brand, client))).only()["events"]
    assert [one["kind"] for one in pulled] == ["deposit_pending", "deposit_settled"]
    topics = await ask(PULL, by_client(brand, client), topics=["LEDGER"])
    assert topics.codes == ["FORBIDDEN"]
