"""What every mutation that asks a platform promises: once, by right, in its brand, or never."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from sqlalchemy import Table

from domain.accounts import tables as accounts
from domain.kernel.ids import encode_id, new_uuid
from tenants import tables
from tests.declared import brand_tables
from tests.factories import Brand, Factory, rights_of, scope_of
from tests.schema.accounts.desk import ScriptedPlatform, Stage
from tests.schema.people import Ask

MAIN, INVESTOR = "Main-Passw0rd-Zq", "Look-0nly-Passw"
ACCOUNT = "account { id status access leverage version }"
ORDER = "order { id status price stopLoss takeProfit filledPrice ticket reasonCode }"
POSITION = "position { id stopLoss takeProfit }"


@dataclass(frozen=True)
class Case:
    """A mutation with input that succeeds, and what it leaves: rows by table."""

    name: str
    right: str
    about: str
    given: dict[str, Any]
    other: dict[str, Any]
    shows: str = ACCOUNT
    result: dict[str, Any] = field(default_factory=dict)
    rows: dict[Table, int] = field(default_factory=dict)

    @property
    def document(self) -> str:
        title = self.name[0].upper() + self.name[1:]
        return (
            f"mutation ($input: {title}Input!) {{ {self.name}(input: $input) {{"
            f" {self.shows} replayed errors {{ code path message }} }} }}"
        )

    def input(self, stage: Stage, key: str = "k1", **changed: Any) -> dict[str, Any]:
        whose = {self.about: stage.ids[self.about]}
        return {"idempotencyKey": key} | whose | self.given | changed


EVENT, AUDIT = tables.event, tables.audit
CASES = (
    Case(
        "accountOpen", "accounts:open", "clientId",
        {"kind": "DEMO", "currencyCode": "USD", "leverage": 50}, {"leverage": 51},
        result={"status": "ACTIVE", "access": "FULL", "leverage": 50, "version": 2},
        rows={accounts.trading_account: 1, tables.brand_counter: 1, EVENT: 2, AUDIT: 2},
    ),
    Case(
        "accountLeverageChange", "accounts:leverage", "accountId", {"leverage": 20},
        {"leverage": 21}, result={"leverage": 20, "version": 2}, rows={EVENT: 2, AUDIT: 2},
    ),
    Case(
        "accountAccessChange", "accounts:access", "accountId",
        {"access": "CLOSE_ONLY", "reason": "Asked to pause."}, {"access": "FULL"},
        result={"access": "CLOSE_ONLY", "version": 2}, rows={EVENT: 2, AUDIT: 2},
    ),
    Case(
        "accountPasswordChange", "accounts:password", "accountId",
        {"mainPassword": MAIN, "investorPassword": INVESTOR}, {"mainPassword": MAIN + "1"},
        result={"status": "ACTIVE", "version": 1}, rows={EVENT: 2, AUDIT: 1},
    ),
    Case(
        "orderPlace", "orders:place", "accountId",
        {"symbol": "EURUSD", "side": "BUY", "lots": "0.10"}, {"lots": "0.11"}, ORDER,
        result={"status": "FILLED", "filledPrice": "1.10002", "ticket": "t1"},
        rows={accounts.trade_order: 1, EVENT: 2, AUDIT: 1},
    ),
    Case(
        "orderModify", "orders:place", "orderId", {"price": "1.06", "takeProfit": "1.2"},
        {"price": "1.07"}, ORDER,
        result={"status": "PLACED", "price": "1.06", "stopLoss": "1.04", "takeProfit": "1.2"},
        rows={EVENT: 2, AUDIT: 1},
    ),
    Case(
        "orderCancel", "orders:place", "orderId", {}, {}, ORDER,
        result={"status": "CANCELLED"}, rows={EVENT: 2, AUDIT: 1},
    ),
    Case(
        "positionModify", "orders:place", "positionId",
        {"stopLoss": "1.01", "takeProfit": None}, {"stopLoss": "1.02"}, POSITION,
        result={"stopLoss": "1.01", "takeProfit": None}, rows={EVENT: 2, AUDIT: 1},
    ),
    Case(
        "positionClose", "orders:close", "positionId", {"lots": "0.04"}, {"lots": "0.05"},
        result={"status": "ACTIVE"}, rows={EVENT: 1, AUDIT: 1},
    ),
)  # fmt: skip
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
ASKS: dict[Table, int] = {accounts.platform_request: 1, tables.idempotency: 1}


def counts(make: Factory, *brands: Brand) -> dict[tuple[str, int], int]:
    """Rows of every table of each brand."""
    return {
        (table.name, number): len(make.rows(table, brand))
        for number, brand in enumerate(brands)
        for table in brand_tables()
    }


def grown(before: dict[Any, int], after: dict[Any, int]) -> dict[str, int]:
    return {key[0]: after[key] - before[key] for key in after if after[key] != before[key]}


def expected(case: Case) -> dict[str, int]:
    return {table.name: more for table, more in (ASKS | case.rows).items()}


def may(brand: Brand, case: Case, *, lacking: str = "") -> Any:
    rights = (rights_of("brand_admin") | {case.right}) - {lacking}
    return scope_of(brand, "brand_admin", permissions=rights)


@EACH
async def test_it_is_done_and_shown_and_leaves_exactly_its_rows(
    case: Case, ask: Ask, make: Factory, stage: Stage, brand_b: Brand
) -> None:
    before = counts(make, stage.brand, brand_b)
    done = (await ask(case.document, may(stage.brand, case), input=case.input(stage))).only()
    assert done.pop("errors") == []
    assert done.pop("replayed") is False
    (shown,) = done.values()
    assert shown | case.result == shown
    assert grown(before, counts(make, stage.brand, brand_b)) == expected(case)
    (request,) = make.rows(accounts.platform_request, stage.brand)
    assert (request.status, request.arguments) == ("DONE", {})


@EACH
async def test_a_repeated_key_is_done_once(
    case: Case, ask: Ask, make: Factory, stage: Stage, platform: ScriptedPlatform
) -> None:
    scope, given = may(stage.brand, case), case.input(stage)
    before = counts(make, stage.brand)
    first = (await ask(case.document, scope, input=given)).only()
    calls = len(platform.calls)
    again = (await ask(case.document, scope, input=given)).only()
    assert (first.pop("replayed"), again.pop("replayed")) == (False, True)
    assert again == first
    other = await ask(case.document, scope, input=given | (case.other or {case.about: "x_1"}))
    code = "IDEMPOTENCY_KEY_REUSED" if case.other else "NOT_FOUND"
    assert [one["code"] for one in other.only()["errors"]] == [code]
    assert grown(before, counts(make, stage.brand)) == expected(case)
    assert len(platform.calls) == calls


@EACH
async def test_racing_twins_are_done_once(
    case: Case, ask: Ask, make: Factory, stage: Stage
) -> None:
    before = counts(make, stage.brand)
    scope, given = may(stage.brand, case), case.input(stage)
    twins = await asyncio.gather(*(ask(case.document, scope, input=given) for _ in range(3)))
    told = [one.only() for one in twins]
    assert sorted(one["replayed"] for one in told) == [False, True, True]
    assert [one["errors"] for one in told] == [[], [], []]
    assert grown(before, counts(make, stage.brand)) == expected(case)


@EACH
async def test_without_the_right_or_the_brand_nothing_happens(
    case: Case, ask: Ask, make: Factory, stage: Stage, brand_b: Brand
) -> None:
    before = counts(make, stage.brand, brand_b)
    given = case.input(stage)
    for scope, code in (
        (may(stage.brand, case, lacking=case.right), "FORBIDDEN"),
        (scope_of(stage.brand), "UNAUTHENTICATED"),
    ):
        denied = await ask(case.document, scope, input=given)
        assert set(denied.codes) == {code}
    assert counts(make, stage.brand, brand_b) == before
    ids = ["x_1", encode_id(case.about.removesuffix("Id"), new_uuid()), stage.ids["clientId"]]
    told = [
        await ask(case.document, may(stage.brand, case), input=given | {case.about: one})
        for one in (ids if case.about != "clientId" else ids[:2])
    ]
    told.append(await ask(case.document, may(brand_b, case), input=given))
    stranger = scope_of(
        stage.brand,
        client=make.client(stage.brand),
        permissions=rights_of("client") | {case.right},
    )
    told.append(await ask(case.document, stranger, input=given))
    messages = {one.only()["errors"][0]["message"] for one in told}
    assert {tuple(path) for one in told for _, path in one.refused()} == {("input", case.about)}
    assert {code for one in told for code, _ in one.refused()} == {"NOT_FOUND"}
    assert len(messages) == 1, "a foreign id and an unknown one look the same"
    left = grown(before, counts(make, stage.brand, brand_b))
    left.pop("client")
    left.pop("client_search")
    assert left.keys() <= {"idempotency"}


@pytest.mark.parametrize("case", [c for c in CASES if c.name not in ("accountOpen", "orderPlace")],
                         ids=lambda case: case.name)  # fmt: skip
async def test_what_the_platform_refuses_is_told(
    case: Case, ask: Ask, make: Factory, stage: Stage, platform: ScriptedPlatform
) -> None:
    platform.refusal = "MARKET_CLOSED"
    orders = make.rows(accounts.trade_order, stage.brand)
    for _ in range(2):
        answer = await ask(case.document, may(stage.brand, case), input=case.input(stage))
        assert answer.refused() == [("PLATFORM_REFUSED", [])]
        assert "MARKET_CLOSED" in answer.only()["errors"][0]["message"]
    events = [row.kind for row in make.rows(tables.event, stage.brand)]
    assert events[-1] == "request_refused"
    assert len(events) == 2
    assert make.rows(accounts.trade_order, stage.brand) == orders
    (account,) = make.rows(accounts.trading_account, stage.brand)
    assert (account.version, account.access, account.leverage) == (1, "FULL", 100)


@EACH
async def test_a_lost_answer_is_a_state_and_no_failure(
    case: Case, ask: Ask, make: Factory, stage: Stage, platform: ScriptedPlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("domain.accounts.waiting.PATIENCE_S", 0.3)
    platform.lost = True
    done = (await ask(case.document, may(stage.brand, case), input=case.input(stage))).only()
    assert done["errors"] == []
    (request,) = make.rows(accounts.platform_request, stage.brand)
    assert request.status == "UNKNOWN"
    if case.name == "orderPlace":
        assert done["order"]["status"] == "UNKNOWN"
    elif case.shows == ORDER:
        assert done["order"]["status"] == "PLACED", "an order that waits goes on waiting"


async def test_passwords_reach_the_platform_and_stay_nowhere(
    ask: Ask, make: Factory, stage: Stage, platform: ScriptedPlatform, caplog: Any
) -> None:
    (case,) = (one for one in CASES if one.name == "accountPasswordChange")
    scope = scope_of(stage.brand, client=stage.client)
    caplog.set_level(0)
    platform.silent = True
    asking = asyncio.create_task(ask(case.document, scope, input=case.input(stage)))
    while not platform.calls:  # noqa: ASYNC110 - the call is made by another task
        await asyncio.sleep(0.01)
    assert (platform.passwords[-1].main, platform.passwords[-1].investor) == (MAIN, INVESTOR)
    (waiting,) = make.rows(accounts.platform_request, stage.brand)
    assert list(waiting.arguments) == ["sealed"]
    assert (await asking).only()["errors"] == []
    again = await ask(case.document, scope, input=case.input(stage))
    assert again.only()["replayed"] is True
    kept = "\n".join(repr(row) for table in brand_tables() for row in make.rows(table, stage.brand))
    for secret in (MAIN, INVESTOR):
        assert secret not in kept
        assert secret not in caplog.text
    (row,) = make.rows(tables.idempotency, stage.brand)
    assert orjson.loads(row.answer).keys() == {"account", "request"}


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"mainPassword": "short1A"}, "PASSWORD_WEAK", "mainPassword"),
        ({"mainPassword": "alllower1case"}, "PASSWORD_WEAK", "mainPassword"),
        ({"investorPassword": "NoDigitsHere"}, "PASSWORD_WEAK", "investorPassword"),
        ({"investorPassword": "Aa1" + "x" * 30}, "PASSWORD_WEAK", "investorPassword"),
        ({"investorPassword": "With space 1"}, "PASSWORD_WEAK", "investorPassword"),
        ({"investorPassword": MAIN}, "PASSWORDS_EQUAL", "investorPassword"),
    ],
)
async def test_passwords_are_judged(
    changed: dict[str, str], code: str, path: str, ask: Ask, make: Factory, stage: Stage
) -> None:
    (case,) = (one for one in CASES if one.name == "accountPasswordChange")
    given = case.input(stage, **changed)
    answer = await ask(case.document, scope_of(stage.brand, "support"), input=given)
    assert answer.refused() == [(code, ["input", path])]
    assert make.rows(accounts.platform_request, stage.brand) == []
