"""Deposits through the schema: once, by right, in their brand, or never; its worker runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from domain.clients.values import ClientStatus
from domain.kernel.errors import Invalid
from domain.kernel.ids import encode_id, new_uuid
from domain.payments.commands.save_method import MethodPlan, TermsPlan, save_method
from domain.payments.ledger.tables import ledger_account
from domain.payments.tables import payment, payment_step, psp_connection
from domain.payments.values import MethodKind, PaymentDirection
from schema.root import build
from schema.shared.context import Context
from tenants.context import Scope, system_scope
from tenants.tables import audit, event
from tenants.work import Database
from tests.domain.payments.deposits.conftest import door, live, psp, queue
from tests.domain.payments.deposits.desk import Desk
from tests.factories import Brand, Factory, rights_of, scope_of
from tests.psp import RunningPsp
from tests.schema.people import SECRET, Answer

__all__ = ["door", "live", "psp", "queue"]

CREATE = """mutation($input: DepositCreateInput!) { depositCreate(input: $input) {
  deposit { id reference status amount { amount currencyCode } fee { amount }
    next { ... on RedirectStep { url } } wallet { currencyCode available { amount } } }
  replayed errors { code path message } } }"""
CANCEL = """mutation($input: DepositCancelInput!) { depositCancel(input: $input) {
  deposit { id status version actions { name allowed reasonCode } }
  replayed errors { code path } } }"""
METHODS = """query($direction: PaymentDirection!, $clientId: ID, $amount: MoneyInput) {
  paymentMethods(direction: $direction, clientId: $clientId, amount: $amount) {
    currencyCode min { amount } max { amount } fee { amount } available unavailableReason
    method { name kind } } }"""
Asks = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True)
class _Services:
    allow_local_pages: bool


@pytest.fixture(scope="session")
def assembled() -> Any:
    return build(SECRET)


@pytest.fixture
def ask(assembled: Any, database: Database, count_statements: Any) -> Asks:
    """`await ask(document, scope, **variables)`; `local=True` as in development."""

    async def asking(
        document: str, scope: Scope, *, local: bool = False, **variables: Any
    ) -> Answer:
        context = Context(
            scope=scope, database=database, reading=assembled.reading, services=_Services(local)
        )
        with count_statements() as counted:
            result = await assembled.schema.execute(
                document, variable_values=variables, context_value=context
            )
        await context.close()
        return Answer(result.data, list(result.errors or []), counted.total)

    return asking


@pytest_asyncio.fixture
async def desk(live: Desk) -> AsyncIterator[Desk]:
    """A desk with its worker running, so that deposits are started while a caller waits."""

    async def run() -> None:
        while True:
            await live.work()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(run())
    yield live
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def given(desk: Desk, key: str = "k1", **changed: Any) -> dict[str, Any]:
    values = {
        "idempotencyKey": key,
        "amount": {"amount": "100.00", "currencyCode": "EUR"},
        "methodId": encode_id("payment_method", desk.method_id),
        "returnUrl": f"https://{desk.brand.host}/thanks",
    }
    return {"input": values | changed}


def rows(desk: Desk) -> dict[str, int]:
    tables = (payment, payment_step, ledger_account, event, audit)
    return {table.name: len(desk.make.rows(table, desk.brand)) for table in tables}


async def test_a_client_begins_a_deposit_and_is_sent_to_the_page(
    desk: Desk, ask: Asks, psp: RunningPsp
) -> None:
    scope, before = scope_of(desk.brand, client=desk.client), rows(desk)
    body = (await ask(CREATE, scope, **given(desk))).only()
    deposit = body["deposit"]
    assert body["errors"] == []
    assert (deposit["status"], body["replayed"]) == ("PENDING", False)
    assert deposit["amount"] == {"amount": "100.00", "currencyCode": "EUR"}
    assert deposit["next"]["url"].startswith(f"{psp.url}/checkout/pay_")
    assert deposit["wallet"] == {"currencyCode": "EUR", "available": {"amount": "0.00"}}
    assert {name: count - before[name] for name, count in rows(desk).items()} == {
        "payment": 1, "payment_step": 2, "ledger_account": 1, "event": 2, "audit": 1,
    }  # fmt: skip


async def test_what_a_deposit_costs_in_statements(
    live: Desk, ask: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the looks of the wait, whose number is a matter of time."""

    async def at_once(*_: Any) -> None:
        return None

    monkeypatch.setattr("schema.payments.deposits.started", at_once)
    scope = scope_of(live.brand, client=live.client)
    first = await ask(CREATE, scope, **given(live))
    again = await ask(CREATE, scope, **given(live))
    assert first.only()["deposit"] == again.only()["deposit"]
    assert (first.statements, again.statements) == (16, 5)


async def test_a_repetition_is_the_first_answer_and_another_body_is_refused(
    desk: Desk, ask: Asks
) -> None:
    scope = scope_of(desk.brand, client=desk.client)
    first = (await ask(CREATE, scope, **given(desk))).only()
    before = rows(desk)
    same = {"amount": {"amount": "100.0", "currencyCode": "EUR"}}
    again = (await ask(CREATE, scope, **given(desk, **same))).only()
    assert (again["deposit"], again["replayed"]) == (first["deposit"], True)
    other = {"amount": {"amount": "100.01", "currencyCode": "EUR"}}
    assert (await ask(CREATE, scope, **given(desk, **other))).refused() == [
        ("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])
    ]
    assert rows(desk) == before


async def test_racing_twins_make_one_deposit(desk: Desk, ask: Asks) -> None:
    scope = scope_of(desk.brand, client=desk.client)
    answers = await asyncio.gather(*(ask(CREATE, scope, **given(desk)) for _ in range(5)))
    ids = {one.only()["deposit"]["id"] for one in answers}
    assert len(ids) == 1
    assert rows(desk)["payment"] == 1


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        pytest.param({"amount": {"amount": "9.99", "currencyCode": "EUR"}},
                     ("BELOW_MINIMUM", ["input", "amount"]), id="too-small"),
        pytest.param({"amount": {"amount": "10000.01", "currencyCode": "EUR"}},
                     ("ABOVE_MAXIMUM", ["input", "amount"]), id="too-large"),
        pytest.param({"amount": {"amount": "0", "currencyCode": "EUR"}},
                     ("INVALID", ["input", "amount", "amount"]), id="nothing"),
        pytest.param({"amount": {"amount": "-100", "currencyCode": "EUR"}},
                     ("INVALID", ["input", "amount", "amount"]), id="negative"),
        pytest.param({"amount": {"amount": "10.001", "currencyCode": "EUR"}},
                     ("INVALID", ["input", "amount", "amount"]), id="a-third-decimal"),
        pytest.param({"amount": {"amount": "100", "currencyCode": "JPY"}},
                     ("METHOD_UNAVAILABLE", ["input", "methodId"]), id="another-currency"),
        pytest.param({"methodId": encode_id("payment_method", new_uuid())},
                     ("NOT_FOUND", ["input", "methodId"]), id="unknown-method"),
        pytest.param({"methodId": "nonsense"},
                     ("NOT_FOUND", ["input", "methodId"]), id="malformed-method"),
        pytest.param({"walletId": encode_id("wallet", new_uuid())},
                     ("NOT_FOUND", ["input", "walletId"]), id="unknown-wallet"),
        pytest.param({"returnUrl": "https://evil.example/thanks"},
                     ("INVALID", ["input", "returnUrl"]), id="another-page"),
        pytest.param({"returnUrl": "http://localhost:3000/thanks"},
                     ("INVALID", ["input", "returnUrl"]), id="a-local-page"),
    ],
)  # fmt: skip
async def test_a_refusal_leaves_nothing_behind(
    live: Desk, ask: Asks, changed: dict[str, Any], refusal: tuple[str, list[str]]
) -> None:
    before = rows(live)
    scope = scope_of(live.brand, client=live.client)
    assert (await ask(CREATE, scope, **given(live, **changed))).refused() == [refusal]
    assert rows(live) == before


@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param(ClientStatus.RESTRICTED, "CLIENT_RESTRICTED", id="restricted"),
        pytest.param(ClientStatus.REGISTERED, "EMAIL_NOT_VERIFIED", id="not-verified"),
    ],
)
async def test_a_client_who_may_not_act_does_not_deposit(
    live: Desk, ask: Asks, make: Factory, status: ClientStatus, code: str
) -> None:
    client = make.client(live.brand, status=status)
    scope = scope_of(live.brand, client=client)
    assert (await ask(CREATE, scope, **given(live))).refused() == [(code, [])]
    (option, *_) = (await ask(METHODS, scope, direction="DEPOSIT")).only()
    assert (option["available"], option["unavailableReason"]) == (False, code)


async def test_a_local_page_will_do_in_development(desk: Desk, ask: Asks) -> None:
    scope = scope_of(desk.brand, client=desk.client)
    page = {"returnUrl": "http://localhost:3000/thanks"}
    body = (await ask(CREATE, scope, local=True, **given(desk, **page))).only()
    assert body["errors"] == []


async def test_nobody_deposits_for_a_client_out_of_reach(
    live: Desk, ask: Asks, make: Factory, brand_b: Brand
) -> None:
    other, foreign = make.client(live.brand), make.client(brand_b)
    scope = scope_of(live.brand, client=live.client)
    before = rows(live)
    for key, one in (("k1", other), ("k2", foreign)):
        whose = {"clientId": encode_id("client", one.id)}
        assert (await ask(CREATE, scope, **given(live, key, **whose))).refused() == [
            ("NOT_FOUND", ["input", "clientId"])
        ]
    powerless = scope_of(
        live.brand, client=live.client, permissions=rights_of("client") - {"deposits:create"}
    )
    for document, asked in ((CREATE, given(live)), (CANCEL, cancelling(new_uuid()))):
        assert (await ask(document, powerless, **asked)).codes == ["FORBIDDEN"]
    assert rows(live) == before


def cancelling(payment_id: Any, key: str = "c1") -> dict[str, Any]:
    shown = payment_id if isinstance(payment_id, str) else encode_id("payment", payment_id)
    return {"input": {"idempotencyKey": key, "depositId": shown}}


async def test_a_deposit_is_cancelled_while_nobody_has_paid(
    live: Desk, ask: Asks, make: Factory
) -> None:
    one = await live.create()
    scope = scope_of(live.brand, client=live.client)
    stranger = scope_of(live.brand, client=make.client(live.brand))
    refused = [("NOT_FOUND", ["input", "depositId"])]
    assert (await ask(CANCEL, stranger, **cancelling(one))).refused() == refused
    body = (await ask(CANCEL, scope, **cancelling(one))).only()
    assert body["deposit"]["status"] == "CANCELLED"
    assert body["deposit"]["actions"] == [
        {"name": "depositCancel", "allowed": False, "reasonCode": "DEPOSIT_NOT_CANCELLABLE"}
    ]
    again = (await ask(CANCEL, scope, **cancelling(one))).only()
    assert (again["replayed"], again["errors"]) == (True, [])
    assert (await ask(CANCEL, scope, **cancelling(one, "c2"))).refused() == [
        ("DEPOSIT_NOT_CANCELLABLE", ["input", "depositId"])
    ]
    assert live.events() == ["deposit_created", "deposit_cancelled"]
    await live.work()
    assert live.payment(one).status == "CANCELLED", "it is not started any more"
    assert live.payment(one).ext_id is None


# How one can pay ------------------------------------------------------------------------------


async def test_methods_tell_limits_and_fees_before_anything_is_paid(live: Desk, ask: Asks) -> None:
    bank = MethodPlan(
        new_uuid(), live.connection_id, MethodKind.BANK, "Bank",
        [TermsPlan(PaymentDirection.DEPOSIT, "EUR", 5_000, 9_000, 100, 50),
         TermsPlan(PaymentDirection.WITHDRAWAL, "EUR", 100, 900_000)],
        countries=("CY",), position=1,
    )  # fmt: skip
    foreign = MethodPlan(
        new_uuid(), live.connection_id, MethodKind.EWALLET, "Elsewhere",
        [TermsPlan(PaymentDirection.DEPOSIT, "EUR", 100, 900_000)], countries=("DE",), position=2,
    )  # fmt: skip
    for plan in (bank, foreign):
        await live.database.write(
            system_scope(live.brand.id), lambda work, plan=plan: save_method(work, plan)
        )
    scope = scope_of(live.brand, client=live.client)
    asked = {"amount": "100.00", "currencyCode": "EUR"}
    answer = await ask(METHODS, scope, direction="DEPOSIT", amount=asked)
    shown = [
        (one["method"]["name"], one["min"]["amount"], one["max"]["amount"], one["fee"]["amount"],
         one["available"], one["unavailableReason"])
        for one in answer.only()
    ]  # fmt: skip
    assert shown == [
        ("Card", "10.00", "10000.00", "0.00", True, None),
        ("Bank", "50.00", "90.00", "1.50", False, "ABOVE_MAXIMUM"),
        ("Elsewhere", "1.00", "9000.00", "0.00", False, "COUNTRY_NOT_ALLOWED"),
    ]
    assert answer.statements == 4, "the client, its policy, methods with their terms, their names"
    out = (await ask(METHODS, scope, direction="WITHDRAWAL", amount=asked)).only()
    assert [(one["method"]["name"], one["unavailableReason"]) for one in out] == [
        ("Card", "CURRENCY_UNAVAILABLE"), ("Bank", None), ("Elsewhere", "COUNTRY_NOT_ALLOWED"),
    ]  # fmt: skip
    every = (await ask(METHODS, scope, direction="DEPOSIT")).only()
    assert [(one["method"]["name"], one["currencyCode"], one["fee"]) for one in every] == [
        ("Card", "EUR", None), ("Card", "USD", None), ("Bank", "EUR", None),
        ("Elsewhere", "EUR", None),
    ]  # fmt: skip


async def test_coins_are_not_offered_before_a_provider_takes_them(live: Desk) -> None:
    coins = MethodPlan(
        new_uuid(), live.connection_id, MethodKind.CRYPTO, "USDT on Tron",
        [TermsPlan(PaymentDirection.DEPOSIT, "USDT", 1_000_000, 9_000_000)],
    )  # fmt: skip
    with pytest.raises(Invalid, match="takes coins"):
        await live.database.write(
            system_scope(live.brand.id), lambda work: save_method(work, coins)
        )


async def test_a_paused_connection_takes_nothing_new(live: Desk, ask: Asks) -> None:
    paused = update(psp_connection).where(psp_connection.c.brand_id == live.brand.id)
    live.make.run(live.brand, paused.values(status="PAUSED"))
    scope = scope_of(live.brand, client=live.client)
    options = (await ask(METHODS, scope, direction="DEPOSIT")).only()
    assert {one["unavailableReason"] for one in options} == {"METHOD_CLOSED"}
    assert (await ask(CREATE, scope, **given(live))).refused() == [
        ("METHOD_UNAVAILABLE", ["input", "methodId"])
    ]


async def test_staff_are_told_the_methods_of_their_clients_only(
    live: Desk, ask: Asks, make: Factory, brand_b: Brand
) -> None:
    whose = {"clientId": encode_id("client", live.client.id), "direction": "DEPOSIT"}
    finance = scope_of(live.brand, "finance")
    assert len((await ask(METHODS, finance, **whose)).only()) == 2
    assert (await ask(METHODS, finance, direction="DEPOSIT")).only() == []
    assert (await ask(METHODS, scope_of(brand_b, "finance"), **whose)).only() == []
    stranger = scope_of(live.brand, client=make.client(live.brand))
    assert (await ask(METHODS, stranger, **whose)).only() == []
