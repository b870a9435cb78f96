"""A client of the sandbox KYC vendor's controls: for the demo and tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import httpx

from api.demo.sandbox import ControlRefused, Json

_SECONDS = 10.0


class KycControls:
    """Moves the sandbox KYC vendor by hand. Close it, or use it as an async context manager.

    Every method raises ControlRefused when the sandbox answers no, httpx.TransportError when
    nothing answers.
    """

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(
            base_url=f"{base_url}/control/kyc", headers=headers, timeout=_SECONDS, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def put_account(
        self, name: str, *, api_key: str, notice_url: str, notice_secret: str
    ) -> Json:
        """Makes or changes an account. Key and secret have 16 to 256 characters."""
        return await self._call(
            "PUT",
            f"/accounts/{name}",
            api_key=api_key,
            notice_url=notice_url,
            notice_secret=notice_secret,
        )

    async def submit(self, applicant_id: str, person: str = "approve") -> Json:
        """Somebody goes through the hosted page: approve, retry, forged, hold, pep, sanctions,
        slow (which nobody decides but `decide`)."""
        return await self._call("POST", f"/applicants/{applicant_id}/submit", person=person)

    async def decide(
        self,
        applicant_id: str,
        answer: str | None,
        *,
        reject_type: str | None = None,
        labels: Iterable[str] = (),
        screening: Iterable[str] = (),
        moderation_comment: str | None = None,
    ) -> Json:
        """Decide at once: GREEN, RED with RETRY or FINAL, None for on hold."""
        return await self._call(
            "POST",
            f"/applicants/{applicant_id}/decide",
            answer=answer,
            reject_type=reject_type,
            labels=list(labels),
            screening=list(screening),
            moderation_comment=moderation_comment,
        )

    async def faults(self, **knobs: Any) -> Json:
        """Sets all fault knobs: what is not named works again. See `docs/kyc.openapi.yaml`."""
        return await self._call("PUT", "/faults", **knobs)

    async def clear(self) -> int:
        """Gives up every notice that waits; how many that were."""
        cut: int = (await self._call("POST", "/clear"))["cut_notices"]
        return cut

    async def _call(self, method: str, path: str, **body: Any) -> Json:
        answer = await self._client.request(method, path, json=body)
        shown: Json = answer.json()
        if not answer.is_success:
            error = shown["error"]
            raise ControlRefused(answer.status_code, error["code"], error["message"])
        return shown
