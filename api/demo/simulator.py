"""A client of the simulator's controls: for the demo, and to move a sandbox. Not for adapters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]
_SECONDS = 60.0


class PlatformControlRefused(Exception):
    """The simulator did not do it; `code` is its answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SimulatorControls:
    """Moves the simulator by hand. Close it, or use it as an async context manager.

    Every method raises PlatformControlRefused when it answers no, httpx.TransportError when
    nothing answers. Amounts are decimal text.
    """

    def __init__(self, socket: Path) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self._client = httpx.AsyncClient(
            base_url="http://simulator/v1", transport=transport, timeout=_SECONDS, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def tell_past(
        self,
        op_id: str,
        *,
        accounts: list[Json],
        transfers: list[Json],
        trades: Sequence[Json] = (),
        aims: Sequence[Json] = (),
    ) -> Json:
        """Plays accounts, money and trades of days gone by, once under `op_id`; the lows of those
        with an aim are in the answer."""
        body = {
            "accounts": accounts, "transfers": transfers, "trades": list(trades),
            "aims": list(aims),
        }  # fmt: skip
        return await self._call("POST", "/controls/past", body, op_id=op_id)

    async def set_quote(self, symbol: str, *, bid: str, ask: str) -> Json:
        """Shows a price; the market goes on from its own at the next tick."""
        body = {"symbol": symbol, "bid": bid, "ask": ask}
        return await self._call("POST", "/controls/market/quotes", body)

    async def _call(
        self, method: str, path: str, body: Json | None, *, op_id: str | None = None
    ) -> Json:
        headers = {"Idempotency-Key": op_id} if op_id else {}
        answer = await self._client.request(method, path, json=body, headers=headers)
        shown: Json = answer.json()
        if not answer.is_success:
            raise PlatformControlRefused(shown["error"]["code"], shown["error"]["message"])
        return shown
