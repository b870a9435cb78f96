"""Speaks the PSP's wire as a merchant would: JSON in, JSON out, every answer as published."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.psp import RunningPsp
from tests.sandbox.contract import PSP
from tests.sandbox.listener import PATIENCE_S, SECRET

Json = dict[str, Any]
API_KEY = "sk_sandbox_of_the_tests"
CURRENCIES = ("USD", "EUR", "JPY", "BTC")
RETURN_URL = "https://portal.example/deposits?lang=en"
IBAN = "DE89370400440532013000"
_numbers = itertools.count(1)


class Caller:
    """One merchant; every POST gets a key of its own unless one is given."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key or f"key-{next(_numbers)}"} if method == "POST" else {}
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        if answer.headers.get("content-type") == "application/json":
            shown = answer.json()
            PSP.check_answer(method, f"/v1{path}".split("?")[0], answer.status_code, shown)
        return answer

    async def ok(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Json:
        answer = await self.call(method, path, body, key=key)
        assert answer.is_success, answer.text
        shown: Json = answer.json()
        return shown

    async def refused(self, method: str, path: str, body: Any = None) -> str:
        """The code of the refusal that is expected."""
        answer = await self.call(method, path, body)
        assert answer.status_code in (400, 401, 404, 409), answer.text
        code: str = answer.json()["error"]["code"]
        return code

    async def payment(self, **changes: Any) -> Json:
        return await self.ok("POST", "/payments", payment_body(**changes))

    async def paid(self, psp: RunningPsp, **changes: Any) -> Json:
        """A payment that was paid in full."""
        made = await self.payment(**changes)
        return await psp.controls.pay(made["id"])

    async def payout(self, **changes: Any) -> Json:
        return await self.ok("POST", "/payouts", payout_body(**changes))

    async def see(self, item: Json) -> Json:
        """The newest state of a payment, refund, payout or dispute."""
        kind = {"pay": "payments", "ref": "refunds", "po": "payouts", "dp": "disputes"}
        return await self.ok("GET", f"/{kind[item['id'].split('_')[0]]}/{item['id']}")

    async def until(self, item: Json, **wanted: Any) -> Any:
        """The state of an item once it has these values."""

        async def fits() -> Json | None:
            shown = await self.see(item)
            return shown if all(shown[name] == value for name, value in wanted.items()) else None

        return await until(fits, f"{item['id']} {wanted}")


async def until(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What `look` returns once it is something."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await look()):  # noqa: ASYNC110 - another task settles
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"did not happen: {what}") from None
    return found


def payment_body(**changes: Any) -> Json:
    return {
        "reference": f"dep-{next(_numbers)}",
        "amount": "100.00",
        "currency": "USD",
        "method": "card",
        "return_url": RETURN_URL,
        **changes,
    }


def payout_body(**changes: Any) -> Json:
    return {
        "reference": f"wd-{next(_numbers)}",
        "amount": "80.00",
        "currency": "EUR",
        "destination": {"kind": "bank", "account": IBAN, "holder_name": "Ada Example"},
        **changes,
    }


@asynccontextmanager
async def registered(
    psp: RunningPsp, notice_url: str, *, name: str = "aurora", api_key: str = API_KEY
) -> AsyncIterator[Caller]:
    """A merchant that the PSP knows, ready to call."""
    await psp.controls.put_merchant(
        name,
        api_key=api_key,
        notice_url=notice_url,
        notice_secrets=[SECRET],
        currencies=CURRENCIES,
    )
    async with spoken(psp.url, api_key) as caller:
        yield caller


@asynccontextmanager
async def spoken(url: str, api_key: str = API_KEY) -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {api_key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S) as client:
        yield Caller(client)
