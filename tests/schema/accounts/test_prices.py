"""Price history comes from the platform: shown exactly, bounded, refused with a reason."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.accounts.trading import Interval
from tests.factories import Brand, rights_of, scope_of
from tests.schema.accounts.desk import ScriptedPlatform, Stage
from tests.schema.people import Ask

HISTORY = """query ($id: ID!, $symbol: String!, $interval: PriceInterval!, $from: DateTime!,
  $to: DateTime) { priceHistory(accountId: $id, symbol: $symbol, interval: $interval, from: $from,
  to: $to) { at open high low close askClose } }"""
FROM = "2026-05-04T10:00:00.000000Z"


def span(stage: Stage, **changed: str) -> dict[str, str]:
    given = {"symbol": "EURUSD", "interval": "M1", "from": FROM, "to": "2026-05-04T18:20:00Z"}
    return {"id": stage.ids["accountId"]} | given | changed


async def test_bars_are_shown_as_the_platform_tells_them(
    ask: Ask, stage: Stage, platform: ScriptedPlatform
) -> None:
    answer = await ask(HISTORY, scope_of(stage.brand, client=stage.client), **span(stage))
    price = dict.fromkeys(["open", "high", "low", "close"], "1.10000")
    assert answer.only() == [price | {"at": FROM, "askClose": "1.10010"}]
    ((_, (symbol, start, end, interval)),) = platform.calls
    assert (symbol, interval, (end - start).total_seconds()) == ("EURUSD", Interval.M1, 500 * 60)
    assert answer.statements == 3  # account, symbol, server


@pytest.mark.parametrize(
    "changed",
    [
        {"to": FROM},
        {"to": "2026-05-04T18:20:01Z"},
        {"interval": "D1", "to": "2028-05-04T00:00:00Z"},
        {"symbol": "NOPE"},
    ],
)
async def test_nonsense_never_reaches_the_platform(
    changed: dict[str, str], ask: Ask, stage: Stage, platform: ScriptedPlatform
) -> None:
    own = scope_of(stage.brand, client=stage.client)
    assert (await ask(HISTORY, own, **span(stage, **changed))).codes == ["BAD_USER_INPUT"]
    assert platform.calls == []


async def test_a_foreign_account_has_no_prices(
    ask: Ask, stage: Stage, platform: ScriptedPlatform, brand_b: Brand
) -> None:
    admin = scope_of(brand_b, "brand_admin")
    assert (await ask(HISTORY, admin, **span(stage))).only() == []
    assert (await ask(HISTORY, admin, **span(stage, id="account_1"))).only() == []
    lacking = rights_of("client") - {"quotes:read"}
    denied = scope_of(stage.brand, client=stage.client, permissions=lacking)
    assert set((await ask(HISTORY, denied, **span(stage))).codes) == {"FORBIDDEN"}
    assert platform.calls == []


async def test_a_platform_that_refuses_or_is_silent(
    ask: Ask, stage: Stage, platform: ScriptedPlatform, engine: AsyncEngine, monkeypatch: Any
) -> None:
    own = scope_of(stage.brand, client=stage.client)
    platform.refusal = "RANGE_TOO_LARGE"
    assert (await ask(HISTORY, own, **span(stage))).codes == ["BAD_USER_INPUT"]
    monkeypatch.setattr("schema.accounts.prices.PATIENCE_S", 0.3)
    platform.refusal, platform.silent = None, True
    asking = asyncio.create_task(ask(HISTORY, own, **span(stage)))
    while len(platform.calls) < 2:  # noqa: ASYNC110 - the call is made by another task
        await asyncio.sleep(0.01)
    assert engine.sync_engine.pool.checkedout() == 0, "nothing is held while the platform is asked"  # type: ignore[attr-defined] # of a queue pool
    assert (await asking).codes == ["UNAVAILABLE"]
