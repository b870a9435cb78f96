"""Moves what stands outside of a sandbox: the simulator's market, payers at the sandbox PSP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx

from api.demo.sandbox import CARD, ControlRefused, SandboxControls
from api.demo.simulator import PlatformControlRefused, SimulatorControls
from api.settings import Settings
from domain.kernel.errors import Refused, Upstream
from domain.payments.sandbox import PAYER, PRICE, PayerDoes


class OutsideLevers:
    """The controls that a development installation has; elsewhere nothing answers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def show_price(self, symbol: str, *, bid: Decimal, ask: Decimal) -> None:
        async with _told(PRICE), SimulatorControls(self._settings.simulator_socket) as controls:
            await controls.set_quote(symbol, bid=f"{bid:f}", ask=f"{ask:f}")

    async def let_payer(self, ext_id: str, does: PayerDoes) -> None:
        token = self._settings.home.secrets().sandbox_token
        async with _told(PAYER), SandboxControls(self._settings.sandbox_url, token) as controls:
            if does is PayerDoes.SETTLE:
                await _pay(controls, ext_id)
            else:
                await controls.fail(ext_id)


async def _pay(controls: SandboxControls, ext_id: str) -> None:
    """Pay all of it, once: who moves a sandbox by hand has no amount to say."""
    try:
        await controls.pay(ext_id, instrument=CARD)
    except ControlRefused as no:
        if not str(no).startswith("AMOUNT_MISSING"):
            raise
        raise Refused("SANDBOX_REFUSED", "It is paid already.", path=PAYER) from no


@asynccontextmanager
async def _told(path: tuple[str, ...]) -> AsyncIterator[None]:
    try:
        yield
    except (ControlRefused, PlatformControlRefused) as no:
        message = f"It was refused: {str(no).rstrip('.')}."
        raise Refused("SANDBOX_REFUSED", message, path=path) from no
    except (httpx.TransportError, ValueError) as error:
        raise Upstream("SANDBOX_AWAY", "What stands outside does not answer.") from error
