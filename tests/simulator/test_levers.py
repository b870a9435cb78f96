"""What `sandboxAdvance` moves on a simulator that really listens: a price, and its refusals."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette

from api.levers import OutsideLevers
from domain.kernel.errors import DomainError
from tests.simulator.conftest import served


async def test_a_price_is_shown_and_an_unknown_symbol_refused(app: Starlette) -> None:
    async with served(app) as socket:
        told: Any = SimpleNamespace(simulator_socket=socket)
        moved = OutsideLevers(told)
        await moved.show_price("EURUSD", bid=Decimal("1.05000"), ask=Decimal("1.05020"))
        shown = app.state.engine.prices.quote("EURUSD")
        assert (shown.bid, shown.ask) == (Decimal("1.05000"), Decimal("1.05020"))
        with pytest.raises(DomainError) as caught:
            await moved.show_price("NOSUCH", bid=Decimal(1), ask=Decimal(2))
        assert (caught.value.code, caught.value.path) == (
            "SANDBOX_REFUSED", ("input", "move", "price"),
        )  # fmt: skip
        assert caught.value.message == "It was refused: UNKNOWN_SYMBOL: There is no NOSUCH."


@pytest.mark.parametrize(
    ("bid", "ask"),
    [
        ("1.050001", "1.05020"), ("1.05000", "1.050201"), ("0.00001", "1.05020"),
        ("1.05000", "99999999"), ("0.10000", "0.10010"), ("1.06", "1.05"),
    ],
)  # fmt: skip
async def test_a_price_that_can_not_follow_the_last_is_refused(
    app: Starlette, bid: str, ask: str
) -> None:
    async with served(app) as socket:
        told: Any = SimpleNamespace(simulator_socket=socket)
        moved = OutsideLevers(told)
        await moved.show_price("EURUSD", bid=Decimal("1.05000"), ask=Decimal("1.05020"))
        with pytest.raises(DomainError) as caught:
            await moved.show_price("EURUSD", bid=Decimal(bid), ask=Decimal(ask))
        assert caught.value.code == "SANDBOX_REFUSED"
        assert "INVALID_PRICE" in caught.value.message
        assert app.state.engine.prices.quote("EURUSD").bid == Decimal("1.05000")
