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
