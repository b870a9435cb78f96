"""`sandboxAdvance`: moves what it says once, in a sandbox only, by whoever has the right."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.kernel.errors import Refused
from domain.kernel.ids import encode_id, new_uuid
from domain.payments.sandbox import PayerDoes
from domain.payments.tables import payment
from schema.root import build
from schema.shared.context import Context
from tenants.context import Scope
from tenants.tables import audit, brand_state
from tenants.work import Database
from tests.domain.payments.till import Till
from tests.factories import Brand, Factory, scope_of
from tests.schema.people import SECRET

ADVANCE = """mutation($input: SandboxAdvanceInput!) { sandboxAdvance(input: $input) {
  now replayed errors { code path } } }"""
Ask = Callable[..., Awaitable[Any]]
DAY = 86_400


@dataclass
class Outside:
    """What was moved outside, and whether it says no."""

    moved: list[tuple[Any, ...]] = field(default_factory=list)
    refuses: bool = False

    async def show_price(self, symbol: str, *, bid: Decimal, ask: Decimal) -> None:
        self._judge()
        self.moved.append((symbol, bid, ask))

    async def let_payer(self, ext_id: str, does: PayerDoes) -> None:
        self._judge()
        self.moved.append((ext_id, does))

    def _judge(self) -> None:
        if self.refuses:
            raise Refused("SANDBOX_REFUSED", "It was refused: UNKNOWN_SYMBOL.")


@dataclass(frozen=True)
class _Services:
    levers: Outside


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture(scope="session")
def assembled() -> Any:
    return build(SECRET)


@pytest.fixture
def ask(assembled: Any, database: Database, outside: Outside) -> Ask:
    """`await ask(scope, key, clockSeconds=60)`: the payload, or the top-level errors' codes."""

    async def asking(scope: Scope, key: str, **move: Any) -> Any:
        context = Context(
            scope=scope, database=database, reading=assembled.reading, services=_Services(outside)
        )
        given = {"input": {"idempotencyKey": key, "move": move}}
        result = await assembled.schema.execute(
            ADVANCE, variable_values=given, context_value=context
        )
        await context.close()
        if result.errors:
            return [error.extensions["code"] for error in result.errors]
        return result.data["sandboxAdvance"]

    return asking


def codes(told: Any) -> list[str]:
    return [one["code"] for one in told["errors"]]


def refusal(told: Any) -> tuple[str, list[str]]:
    """The only refusal: its code and the field it names."""
    (one,) = told["errors"]
    return one["code"], one["path"]


async def test_the_clock_moves_once_by_what_is_asked(ask: Ask, brand: Brand, make: Factory) -> None:
    scope = scope_of(brand, "brand_admin")
    first = await ask(scope, "k1", clockSeconds=30 * DAY)
    again = await ask(scope, "k1", clockSeconds=30 * DAY)
    assert (first["replayed"], again["replayed"]) == (False, True)
    (state,) = make.rows(brand_state, brand)
    assert state.clock_offset_ms == 30 * DAY * 1000
    back = await ask(scope, "k2", clockSeconds=-29 * DAY)
    moved = datetime.fromisoformat(first["now"]) - datetime.fromisoformat(back["now"])
    assert timedelta(days=28, hours=23) < moved <= timedelta(days=29)
    actions = [row.action for row in make.rows(audit, brand)]
    assert actions.count("sandbox.clock") == 2


async def test_a_year_is_the_most(ask: Ask, brand: Brand, make: Factory) -> None:
    scope = scope_of(brand, "brand_admin")
    too_far = ("INVALID", ["input", "move", "clockSeconds"])
    assert refusal(await ask(scope, "k1", clockSeconds=367 * DAY)) == too_far
    assert codes(await ask(scope, "k2", clockSeconds=300 * DAY)) == []
    assert refusal(await ask(scope, "k3", clockSeconds=300 * DAY)) == too_far
    assert make.rows(brand_state, brand)[0].clock_offset_ms == 300 * DAY * 1000


async def test_a_price_is_shown_once(ask: Ask, brand: Brand, outside: Outside) -> None:
    scope = scope_of(brand, "brand_admin")
    price = {"symbol": "EURUSD", "bid": "1.05", "ask": "1.06"}
    for key in ("k1", "k1", "k2"):
        assert codes(await ask(scope, key, price=price)) == []
    assert outside.moved == [("EURUSD", Decimal("1.05"), Decimal("1.06"))] * 2
    for key, wrong, about in (("k3", {"bid": "1.07"}, "ask"), ("k5", {"bid": "0"}, "bid")):
        crossed = await ask(scope, key, price=price | wrong)
        assert refusal(crossed) == ("INVALID", ["input", "move", "price", about])
    assert len(outside.moved) == 2
    outside.refuses = True
    assert codes(await ask(scope, "k4", price=price | {"symbol": "X"})) == ["SANDBOX_REFUSED"]


async def test_a_payer_pays_or_declines(
    ask: Ask, brand: Brand, make: Factory, database: Database, outside: Outside
) -> None:
    till = Till(make, database, brand).open()
    row = till.payment(make.client(brand), 10_000, ext_id="pay_1")
    scope = scope_of(brand, "brand_admin")
    asked = {"paymentId": encode_id("payment", row["id"])}
    for key, payer in (("k1", "SETTLE"), ("k2", "DECLINE"), ("k2", "DECLINE")):
        assert codes(await ask(scope, key, payment=asked | {"payer": payer})) == []
    assert outside.moved == [("pay_1", PayerDoes.SETTLE), ("pay_1", PayerDoes.DECLINE)]
    unknown = {"paymentId": encode_id("payment", new_uuid()), "payer": "SETTLE"}
    where = ["input", "move", "payment", "paymentId"]
    assert refusal(await ask(scope, "k3", payment=unknown)) == ("NOT_FOUND", where)
    misread = unknown | {"paymentId": "client_1"}
    assert refusal(await ask(scope, "k5", payment=misread)) == ("NOT_FOUND", where)
    fresh = till.payment(make.client(brand), 10_000, ext_id=None)
    waiting = {"paymentId": encode_id("payment", fresh["id"]), "payer": "SETTLE"}
    assert refusal(await ask(scope, "k4", payment=waiting)) == ("NOT_AT_PSP", where)
    assert len(make.rows(payment, brand)) == 2


async def test_another_brands_payment_does_not_exist(
    ask: Ask, brand: Brand, brand_b: Brand, make: Factory, database: Database, outside: Outside
) -> None:
    row = Till(make, database, brand_b).open().payment(make.client(brand_b), 100, ext_id="pay_2")
    asked = {"paymentId": encode_id("payment", row["id"]), "payer": "SETTLE"}
    assert codes(await ask(scope_of(brand, "brand_admin"), "k1", payment=asked)) == ["NOT_FOUND"]
    assert outside.moved == []


async def test_a_brand_that_serves_people_is_not_moved(
    ask: Ask, make: Factory, outside: Outside
) -> None:
    served = make.brand(sandbox=False)
    scope = scope_of(served, "brand_admin")
    price = {"symbol": "EURUSD", "bid": "1.05", "ask": "1.06"}
    assert codes(await ask(scope, "k1", clockSeconds=60)) == ["SANDBOX_ONLY"]
    assert codes(await ask(scope, "k2", price=price)) == ["SANDBOX_ONLY"]
    payer = {"paymentId": encode_id("payment", new_uuid()), "payer": "SETTLE"}
    assert codes(await ask(scope, "k3", payment=payer)) == ["SANDBOX_ONLY"]
    assert outside.moved == []


@pytest.mark.parametrize("role", ["sales", "finance", "support", "auditor"])
async def test_denied_without_the_permission(
    ask: Ask, brand: Brand, make: Factory, role: str
) -> None:
    assert await ask(scope_of(brand, role), "k1", clockSeconds=60) == ["FORBIDDEN"]
    assert make.rows(brand_state, brand)[0].clock_offset_ms == 0
