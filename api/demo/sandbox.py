"""A client of the sandbox's controls: for the demo, tests and the chaos run. Not for merchants."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]
_SECONDS = 10.0
CARD = "4242424242424242"
"""A card that pays."""


class ControlRefused(Exception):
    """The sandbox did not do it; `status` and `code` are its answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code


class SandboxControls:
    """Moves the sandbox by hand. Close it, or use it as an async context manager.

    Every method raises ControlRefused when the sandbox answers no, httpx.TransportError when
    nothing answers. Amounts are decimal text.
    """

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(
            base_url=f"{base_url}/control", headers=headers, timeout=_SECONDS, trust_env=False
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

    async def put_merchant(
        self,
        name: str,
        *,
        api_key: str,
        notice_url: str,
        notice_secrets: Iterable[str],
        currencies: Iterable[str],
    ) -> Json:
        """Makes or changes a merchant. The key has 16 to 256 characters and is nobody else's."""
        return await self._call(
            "PUT",
            f"/merchants/{name}",
            api_key=api_key,
            notice_url=notice_url,
            notice_secrets=list(notice_secrets),
            currencies=list(currencies),
        )

    async def pay(
        self,
        payment_id: str,
        *,
        amount: str | None = None,
        currency: str | None = None,
        instrument: str | None = None,
    ) -> Json:
        """The payer pays: all when nothing is said, again when it was paid before, late when it
        has expired. `instrument` is a test card's number, an e-mail or an IBAN."""
        return await self._payment(
            payment_id, "pay", amount=amount, currency=currency, instrument=instrument
        )

    async def fail(self, payment_id: str, *, code: str = "CARD_DECLINED") -> Json:
        return await self._payment(payment_id, "fail", code=code)

    async def expire(self, payment_id: str) -> Json:
        return await self._payment(payment_id, "expire")

    async def authorise(self, payment_id: str) -> Json:
        return await self._payment(payment_id, "authorise")

    async def refund(self, payment_id: str, *, amount: str) -> Json:
        """The PSP gives money back by itself; answers the refund."""
        return await self._payment(payment_id, "refund", amount=amount)

    async def dispute(
        self, payment_id: str, *, amount: str | None = None, reason: str = "fraudulent"
    ) -> Json:
        """Opens a dispute over `amount`, or all that is left; answers it."""
        return await self._payment(payment_id, "dispute", amount=amount, reason=reason)

    async def close_dispute(self, dispute_id: str, *, outcome: str) -> Json:
        """`outcome`: WON or LOST, as the merchant sees it."""
        return await self._call("POST", f"/disputes/{dispute_id}/close", outcome=outcome)

    async def settle_payout(
        self, payout_id: str, *, status: str, failure_code: str | None = None
    ) -> Json:
        """`status`: PAID, FAILED or RETURNED."""
        path = f"/payouts/{payout_id}/settle"
        return await self._call("POST", path, status=status, failure_code=failure_code)

    async def settle_refund(
        self, refund_id: str, *, status: str, failure_code: str | None = None
    ) -> Json:
        """`status`: SUCCEEDED or FAILED."""
        path = f"/refunds/{refund_id}/settle"
        return await self._call("POST", path, status=status, failure_code=failure_code)

    async def faults(self, **knobs: Any) -> Json:
        """Sets all fault knobs: what is not named works again. See `docs/psp.openapi.yaml`."""
        return await self._call("PUT", "/faults", **knobs)

    async def current_faults(self) -> Json:
        return await self._call("GET", "/faults")

    async def clear(self) -> int:
        """Gives up every notice that waits; how many that were."""
        cut: int = (await self._call("POST", "/clear"))["cut_notices"]
        return cut

    async def _payment(self, payment_id: str, verb: str, **body: Any) -> Json:
        return await self._call("POST", f"/payments/{payment_id}/{verb}", **body)

    async def _call(self, method: str, path: str, **body: Any) -> Json:
        told = None if method == "GET" else body
        answer = await self._client.request(method, path, json=told)
        shown: Json = answer.json()
        if not answer.is_success:
            error = shown["error"]
            raise ControlRefused(answer.status_code, error["code"], error["message"])
        return shown
