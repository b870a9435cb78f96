"""Answers and the stream tell of the same order: whoever is first tells it, once, in any order."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest

from domain.accounts.carry_out import carry_out
from domain.accounts.commands.cancel_order import cancel_order
from domain.accounts.commands.change_passwords import change_passwords
from domain.accounts.commands.place_order import place_order
from domain.accounts.commands.record_deals import AccountRow, record_deals
from domain.accounts.commands.record_order import record_order
from domain.accounts.commands.record_outcome import Outcome, record_outcome
from domain.accounts.rules import OrderWish
from domain.accounts.tables import platform_request, trade_order
from domain.accounts.trading import Deal, DealReason, Order, OrderChange, Passwords
from domain.accounts.values import (
    AccountKind,
    DealEntry,
    OrderStatus,
    OrderType,
    RequestStatus,
    Side,
)
from tenants.context import system_scope
from tenants.secrets import Vault
from tenants.tables import event
from tenants.work import Database
from tests.factories import Account, Brand, Factory, scope_of

LIMIT = OrderWish("EURUSD", OrderType.LIMIT, Side.BUY, D("0.10"), price=D("1.05"))
NOW = datetime(2026, 5, 4, tzinfo=UTC)


class Desk:
    """One order of an account, and what is said of it."""

    def __init__(self, make: Factory, brand: Brand, worker: Database, account: Account) -> None:
        self.make, self.brand, self.worker, self.account = make, brand, worker, account
        self.scope = system_scope(brand.id)
        self.order_id = self.request_id = UUID(int=0)

    @property
    def known(self) -> AccountRow:
        one = self.account
        return AccountRow(one.id, one.login, one.client_id, one.ib_path, "USD", AccountKind.LIVE)

    async def place(self, database: Database) -> None:
        scope = scope_of(self.brand, "dealing")
        done = await database.write(scope, lambda w: place_order(w, self.account.id, LIMIT))
        self.order_id = UUID(done.value["order"])
        self.request_id = UUID(done.value["request"])

    async def answer(self, ended: RequestStatus, /, **facts: Any) -> None:
        outcome = Outcome(ended, facts)
        await self.worker.write(self.scope, lambda w: record_outcome(w, self.request_id, outcome))

    async def stream(self, state: str, *, ours: bool = True, **changed: Any) -> None:
        order = Order(
            "77", self.account.login, self.order_id.hex if ours else "", "EURUSD",
            OrderType.LIMIT, Side.BUY, D("0.1"), D("1.05"), None, None, NOW,
        )  # fmt: skip
        change = OrderChange(self.account.login, replace(order, **changed), state, NOW)
        await self.worker.write(self.scope, lambda w: record_order(w, self.known, change))

    async def fill(self, *, ours: bool = True, times: int = 1) -> None:
        deal = Deal(
            "900", "1", self.account.login, NOW, DealEntry.IN, DealReason.PENDING, "EURUSD",
            Side.BUY, D("0.1"), D("1.04999"), "5", "77", D(0), D(0), D(0), D(0), D(0),
            self.order_id.hex if ours else None, None, "",
        )  # fmt: skip
        known = {self.account.login: self.known}
        for _ in range(times):
            await self.worker.write(
                self.scope,
                lambda w: record_deals(w, self.account.server_id, known, [deal], {}),
            )

    def order(self) -> Any:
        rows = self.make.rows(trade_order, self.brand)
        (found,) = [row for row in rows if row.id == self.order_id]
        return found

    def events(self) -> list[str]:
        return [row.kind for row in self.make.rows(event, self.brand)][1:]


@pytest.fixture
async def desk(make: Factory, brand: Brand, database: Database, worker_database: Database) -> Desk:
    make.symbol("EURUSD")
    made = Desk(make, brand, worker_database, make.account(brand, make.client(brand)))
    await made.place(database)
    return made


PLACED = {"status": OrderStatus.PLACED, "ext_id": "77"}


async def test_an_order_filled_before_its_answer_is_known_is_filled(desk: Desk) -> None:
    await desk.stream("PLACED")
    await desk.fill(times=2)
    await desk.stream("FILLED")
    await desk.answer(RequestStatus.DONE, **PLACED)
    order = desk.order()
    assert (order.status, order.ext_id, order.filled_price) == ("FILLED", "77", D("1.04999"))
    assert desk.events() == ["order_placed", "deal_opened", "order_filled"]


async def test_an_order_is_known_by_its_ticket_too(desk: Desk) -> None:
    """Orders on platforms that do not carry our id."""
    await desk.stream("CANCELLED", ours=False)
    assert desk.order().status == "SENDING", "the ticket is not known yet"
    await desk.answer(RequestStatus.DONE, **PLACED)
    await desk.fill(ours=False)
    assert desk.order().status == "FILLED"
    await desk.stream("CANCELLED", ours=False)
    assert desk.order().status == "FILLED", "what has ended stays as it ended"
    assert desk.events() == ["order_placed", "deal_opened", "order_filled"]


async def test_an_unknown_outcome_never_takes_back_what_is_known(desk: Desk) -> None:
    await desk.answer(RequestStatus.UNKNOWN)
    assert desk.order().status == "UNKNOWN"
    await desk.stream("PLACED")
    await desk.answer(RequestStatus.UNKNOWN)
    assert desk.order().status == "PLACED"
    await desk.answer(RequestStatus.DONE, **PLACED)
    assert (desk.order().status, desk.events()) == ("PLACED", ["order_placed"])


async def test_moves_are_told_once_whoever_asked(desk: Desk) -> None:
    await desk.answer(RequestStatus.DONE, **PLACED)
    for _ in range(2):
        await desk.stream("CHANGED", price=D("1.06"), sl=D("1.01"))
    order = desk.order()
    assert (order.status, order.price, order.stop_loss) == ("PLACED", D("1.06"), D("1.01"))
    await desk.stream("NO_SUCH_STATE")
    assert desk.events() == ["order_placed", "order_changed"]


async def test_an_order_that_is_not_ours_is_not_shown(desk: Desk) -> None:
    await desk.answer(RequestStatus.DONE, **PLACED)
    for stranger in ("", "no id", UUID(int=5).hex):
        await desk.stream("CANCELLED", order_id="78", client_order_id=stranger)
    assert (desk.order().status, len(desk.make.rows(trade_order, desk.brand))) == ("PLACED", 1)


async def test_a_cancel_in_doubt_leaves_the_order_waiting(desk: Desk, database: Database) -> None:
    await desk.answer(RequestStatus.DONE, **PLACED)
    scope = scope_of(desk.brand, "dealing")
    done = await database.write(scope, lambda w: cancel_order(w, desk.order_id))
    desk.request_id = UUID(done.value["request"])
    await desk.answer(RequestStatus.UNKNOWN)
    assert desk.order().status == "PLACED"
    await desk.answer(RequestStatus.REFUSED)
    assert desk.order().status == "PLACED"
    assert desk.events() == ["order_placed", "cancel_requested", "request_refused"]


async def test_passwords_sealed_with_another_key_are_refused(
    make: Factory, brand: Brand, database: Database, worker_database: Database
) -> None:
    account = make.account(brand, make.client(brand))
    asked = await database.write(
        scope_of(brand, "support"),
        lambda w: change_passwords(
            w, Vault(bytes(32)), account.id, Passwords("Main-0ne", "Look-0ne")
        ),
    )
    request = UUID(asked.value["request"])
    other = Vault(bytes([1] * 32))
    await carry_out(worker_database, lambda _: None, brand.id, request, vault=other)  # type: ignore[arg-type,return-value] # never called
    (row,) = make.rows(platform_request, brand)
    assert (row.status, row.reason_code, row.arguments) == ("REFUSED", "SECRET_UNREADABLE", {})
