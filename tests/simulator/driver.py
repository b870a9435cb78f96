"""Speaks the bridge wire as an outsider would: JSON in, JSON out."""

import itertools
from typing import Any

import httpx

from tests.simulator import contract

GROUP = "alpha-live-USD"


class Driver:
    """One caller of the simulator; every write gets an operation id of its own, and every answer
    must have its published shape."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self._ops = itertools.count(1)

    async def call(
        self, method: str, path: str, body: Any = None, *, op: str | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": op or f"op-{next(self._ops)}"}
        url = f"/v1{path}"
        answer = await self.client.request(method, url, json=body, headers=headers)
        if answer.headers.get("content-type") == "application/json":
            contract.check_answer(method, url.split("?")[0], answer.status_code, answer.json())
        return answer

    async def ok(
        self, method: str, path: str, body: Any = None, *, op: str | None = None
    ) -> dict[str, Any]:
        answer = await self.call(method, path, body, op=op)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def refused(self, method: str, path: str, body: Any = None) -> str:
        """The code of the refusal that is expected."""
        answer = await self.call(method, path, body)
        assert answer.status_code in (400, 404, 409), answer.text
        code: str = answer.json()["error"]["code"]
        return code

    async def ensure_group(self, name: str = GROUP, **changes: Any) -> None:
        group = {
            "name": name,
            "currency": "USD",
            "leverage_max": 500,
            "commission_per_lot": "7.00",
            "margin_call_level": "100",
            "stop_out_level": "50",
            "swap_free": False,
        }
        await self.ok("PUT", "/groups", {"groups": [group | changes]})

    async def open_account(self, login: int = 1001, **changes: Any) -> dict[str, Any]:
        body = {
            "login": login,
            "group": GROUP,
            "leverage": 30,
            "currency": "USD",
            "client_ref": f"ref-{login}",
            "passwords": {"main": "correct horse", "investor": "battery staple"},
        }
        return await self.ok("POST", "/accounts", body | changes)

    async def deposit(self, login: int, amount: str) -> str:
        body = {"kind": "DEPOSIT", "amount": amount, "comment": "test"}
        ticket: str = (await self.ok("POST", f"/accounts/{login}/balance-operations", body))[
            "ticket"
        ]
        return ticket

    async def order(self, login: int, **fields: Any) -> dict[str, Any]:
        body = {"symbol": "EURUSD", "type": "MARKET", "side": "BUY", "lots": "1.00"} | fields
        return await self.ok("POST", f"/accounts/{login}/orders", body)

    async def state(self, login: int) -> dict[str, Any]:
        states = (await self.ok("POST", "/account-states", {"logins": [login]}))["states"]
        shown: dict[str, Any] = states[0]
        return shown

    async def positions(self, login: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ok("GET", f"/accounts/{login}/positions"))[
            "positions"
        ]
        return found

    async def deals(self, after: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ok("GET", f"/deals?after={after}"))["deals"]
        return found

    async def quote(self, symbol: str, bid: str, ask: str) -> None:
        body = {"symbol": symbol, "bid": bid, "ask": ask}
        await self.ok("POST", "/controls/market/quotes", body)

    async def step(self, ticks: int = 1) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = (
            await self.ok("POST", "/controls/market/step", {"ticks": ticks})
        )["quotes"]
        return shown
