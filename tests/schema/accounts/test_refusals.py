"""Each refusal of each mutation on accounts: its code, its path, and nothing left behind."""

from typing import Any

import pytest
from sqlalchemy import update

from domain.accounts import tables as accounts
from domain.clients.tables import client as client_table
from domain.kernel.ids import encode_id
from tenants import tables
from tests.factories import Factory, rights_of, scope_of
from tests.schema.accounts.desk import ScriptedPlatform, Stage, pending_order
from tests.schema.accounts.test_mutations import CASES, Case
from tests.schema.people import Ask

BY_NAME = {case.name: case for case in CASES}


async def refused(
    ask: Ask, stage: Stage, case: Case, **changed: Any
) -> tuple[str, tuple[str, ...]]:
    """Code and path of the one refusal, to staff that may do everything."""
    scope = scope_of(
        stage.brand, "brand_admin", permissions=rights_of("brand_admin") | {case.right}
    )
    answer = await ask(case.document, scope, input=case.input(stage, **changed))
    ((code, path),) = answer.refused()
    return code, tuple(path[1:])


def set_account(make: Factory, stage: Stage, **columns: Any) -> None:
    table = accounts.trading_account
    where = (table.c.brand_id == stage.brand.id, table.c.id == stage.account.id)
    make.run(stage.brand, update(table).where(*where).values(**columns))


@pytest.mark.parametrize(
    ("name", "changed", "code", "path"),
    [
        ("accountOpen", {"kind": "FUNDED_LIVE"}, "KIND_UNAVAILABLE", ("kind",)),
        ("accountOpen", {"currencyCode": "EUR"}, "CURRENCY_UNAVAILABLE", ("currencyCode",)),
        ("accountOpen", {"leverage": 501}, "LEVERAGE_TOO_HIGH", ("leverage",)),
        ("accountOpen", {"leverage": 0}, "INVALID", ("leverage",)),
        ("accountOpen", {"initialBalance": "0"}, "INVALID", ("initialBalance",)),
        ("accountLeverageChange", {"leverage": 501}, "LEVERAGE_TOO_HIGH", ("leverage",)),
        ("accountLeverageChange", {"leverage": 0}, "INVALID", ("leverage",)),
        ("accountLeverageChange", {"expectedVersion": 9}, "VERSION_CONFLICT", ("expectedVersion",)),
        ("accountAccessChange", {"expectedVersion": 9}, "VERSION_CONFLICT", ("expectedVersion",)),
        ("accountAccessChange", {"reason": "  "}, "INVALID", ("reason",)),
        ("accountAccessChange", {"reason": "x" * 501}, "INVALID", ("reason",)),
        ("accountAccessChange", {"access": "NO_TRADING"}, "POSITIONS_OPEN", ("access",)),
        ("accountAccessChange", {"access": "NO_LOGIN"}, "POSITIONS_OPEN", ("access",)),
        ("orderPlace", {"symbol": "NOPE"}, "SYMBOL_UNKNOWN", ("symbol",)),
        ("orderPlace", {"lots": "0.001"}, "LOTS_INVALID", ("lots",)),
        ("orderPlace", {"price": "1.1"}, "PRICE_INVALID", ("price",)),
        ("orderPlace", {"stopLoss": "1.1000001"}, "PRICE_INVALID", ("stopLoss",)),
        ("orderModify", {"price": None}, "PRICE_INVALID", ("price",)),
        ("orderModify", {"price": "1.0600001"}, "PRICE_INVALID", ("price",)),
        ("orderModify", {"price": "1.03"}, "PRICE_INVALID", ("stopLoss",)),
        ("orderModify", {"takeProfit": "1.05"}, "PRICE_INVALID", ("takeProfit",)),
        ("positionModify", {"stopLoss": "-1"}, "PRICE_INVALID", ("stopLoss",)),
        ("positionModify", {"takeProfit": "1.1000001"}, "PRICE_INVALID", ("takeProfit",)),
        ("positionClose", {"lots": "0.11"}, "LOTS_INVALID", ("lots",)),
        ("positionClose", {"lots": "0.001"}, "LOTS_INVALID", ("lots",)),
    ],
)
async def test_impossible_input_is_refused(
    name: str, changed: dict[str, Any], code: str, path: tuple[str, ...], ask: Ask, make: Factory,
    stage: Stage, platform: ScriptedPlatform,
) -> None:  # fmt: skip
    written = (accounts.platform_request, tables.event, tables.audit, accounts.trading_account)
    before = [make.rows(table, stage.brand) for table in written]
    assert await refused(ask, stage, BY_NAME[name], **changed) == (code, path)
    assert [make.rows(table, stage.brand) for table in written] == before
    assert platform.calls == []


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - {"accountOpen", "orderCancel"}))
async def test_an_account_that_is_not_open_does_nothing(
    name: str, ask: Ask, make: Factory, stage: Stage
) -> None:
    set_account(make, stage, status="OPENING")
    assert (await refused(ask, stage, BY_NAME[name]))[0] == "ACCOUNT_NOT_ACTIVE"


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        ("CLOSE_ONLY", {"positionModify", "positionClose"}),
        ("NO_TRADING", set()),
        ("NO_LOGIN", set()),
    ],
)
async def test_access_says_what_may_be_traded(
    access: str, allowed: set[str], ask: Ask, make: Factory, stage: Stage
) -> None:
    set_account(make, stage, access=access)
    trades = {"orderPlace", "orderModify", "positionModify", "positionClose"}
    for name in sorted(trades - allowed):
        assert await refused(ask, stage, BY_NAME[name]) == ("TRADING_DISABLED", ())
    scope = scope_of(stage.brand, client=stage.client)
    for name in sorted(allowed):
        case = BY_NAME[name]
        assert (await ask(case.document, scope, input=case.input(stage))).only()["errors"] == []


@pytest.mark.parametrize("name", ["orderModify", "orderCancel"])
@pytest.mark.parametrize("status", ["SENDING", "UNKNOWN", "FILLED", "REJECTED", "CANCELLED"])
async def test_only_an_order_that_waits_is_moved_or_cancelled(
    name: str, status: str, ask: Ask, make: Factory, stage: Stage
) -> None:
    order = pending_order(make, stage.account, status=status)
    found = await refused(ask, stage, BY_NAME[name], orderId=encode_id("order", order))
    assert found == ("ORDER_NOT_PENDING", ())


@pytest.mark.parametrize("name", ["orderModify", "positionModify"])
async def test_a_change_says_what_to_change(name: str, ask: Ask, stage: Stage) -> None:
    case = BY_NAME[name]
    given = {"idempotencyKey": "k", case.about: stage.ids[case.about]}
    scope = scope_of(stage.brand, client=stage.client)
    assert (await ask(case.document, scope, input=given)).refused() == [("INVALID", ["input"])]


async def test_what_is_left_out_stays(ask: Ask, stage: Stage, platform: ScriptedPlatform) -> None:
    scope = scope_of(stage.brand, client=stage.client)
    order, held = BY_NAME["orderModify"], BY_NAME["positionModify"]
    given = {"idempotencyKey": "1", "orderId": stage.ids["orderId"], "stopLoss": None}
    done = (await ask(order.document, scope, input=given)).only()["order"]
    assert (done["price"], done["stopLoss"], done["takeProfit"]) == ("1.05", None, None)
    for key, levels in (("1", {"stopLoss": "1.01"}), ("2", {"takeProfit": "1.3"})):
        given = {"idempotencyKey": key, "positionId": stage.ids["positionId"]} | levels
        done = (await ask(held.document, scope, input=given)).only()["position"]
    assert (done["stopLoss"], done["takeProfit"]) == ("1.01", "1.3")
    assert [name for name, _ in platform.calls] == ["modify_order"] + ["modify_position"] * 2


async def test_clients_open_for_themselves_and_what_is_theirs_to_open(
    ask: Ask, make: Factory, stage: Stage
) -> None:
    case = BY_NAME["accountOpen"]
    own = scope_of(stage.brand, client=stage.client)
    given = case.input(stage) | {"clientId": None}
    opened = (await ask(case.document, own, input=given)).only()
    assert (opened["errors"], opened["account"]["status"]) == ([], "ACTIVE")
    funded = await ask(case.document, own, input=given | {
        "kind": "FUNDED_LIVE", "idempotencyKey": "k2"
    })  # fmt: skip
    assert funded.refused() == [("KIND_UNAVAILABLE", ["input", "kind"])]
    nobody = await ask(case.document, scope_of(stage.brand, "brand_admin"), input=given)
    assert nobody.refused() == [("NOT_FOUND", ["input", "clientId"])]


@pytest.mark.parametrize(
    ("status", "code"),
    [("REGISTERED", "EMAIL_NOT_VERIFIED"), ("RESTRICTED", "CLIENT_RESTRICTED")],
)
async def test_who_may_not_begin_opens_nothing(
    status: str, code: str, ask: Ask, make: Factory, stage: Stage
) -> None:
    where = (client_table.c.brand_id == stage.brand.id, client_table.c.id == stage.client.id)
    make.run(stage.brand, update(client_table).where(*where).values(status=status))
    assert (await refused(ask, stage, BY_NAME["accountOpen"]))[0] == code


async def test_accounts_and_logins_run_out(ask: Ask, make: Factory, stage: Stage) -> None:
    case, brand = BY_NAME["accountOpen"], stage.brand
    make.insert(
        tables.brand_counter, brand, name=f"login:{brand.server_id.hex}",
        value=brand.login_from + 999,
    )  # fmt: skip
    assert (await refused(ask, stage, case))[0] == "LOGINS_EXHAUSTED"
    for _ in range(19):
        make.account(brand, stage.client)
    assert (await refused(ask, stage, case, idempotencyKey="k2"))[0] == "ACCOUNT_LIMIT"


async def test_a_refused_opening_fails_and_a_refused_order_says_why(
    ask: Ask, make: Factory, stage: Stage, platform: ScriptedPlatform
) -> None:
    platform.refusal = "NO_MONEY"
    scope = scope_of(stage.brand, client=stage.client)
    opened = BY_NAME["accountOpen"]
    done = (await ask(opened.document, scope, input=opened.input(stage))).only()
    assert (done["errors"], done["account"]["status"]) == ([], "FAILED")
    placed = BY_NAME["orderPlace"]
    done = (await ask(placed.document, scope, input=placed.input(stage))).only()
    assert done["order"]["status"] == "REJECTED"
    assert done["order"]["reasonCode"] == "NO_MONEY"


async def test_an_empty_account_is_locked_after_a_look_at_the_platform(
    ask: Ask, make: Factory, stage: Stage, platform: ScriptedPlatform
) -> None:
    case, empty = BY_NAME["accountAccessChange"], make.account(stage.brand, stage.client)
    given = {"accountId": encode_id("account", empty.id), "access": "NO_LOGIN"}
    platform.held = [object()]
    assert await refused(ask, stage, case, **given) == ("POSITIONS_OPEN", ())
    sets = [("set_access", access) for access in ("CLOSE_ONLY", "FULL")]
    assert platform.calls == sets
    platform.held, platform.calls = [], []
    scope = scope_of(stage.brand, "compliance")
    given |= {"idempotencyKey": "k2", "reason": "  Asked by phone. "}
    done = (await ask(case.document, scope, input=case.input(stage, **given))).only()
    assert done["account"]["access"] == "NO_LOGIN"
    assert platform.calls == [("set_access", access) for access in ("CLOSE_ONLY", "NO_LOGIN")]
    reasons = [row.reason for row in make.rows(tables.audit, stage.brand) if row.reason]
    assert reasons == ["Asked to pause.", "Asked by phone."]
