"""The sandbox of a whole installation: reached with the home's token, kept through `kill -9`."""

import asyncio
import json
import os
import signal

import httpx

from api.demo.sandbox import SandboxControls
from tests.stories.conftest import PATIENCE_S, Installation

MERCHANT = "a-story"
KEY = "sk_sandbox_of_a_story"
NOBODY = "http://127.0.0.1:1/notices"  # nobody listens there


def told(installation: Installation, file: str, name: str) -> str:
    found: str = json.loads((installation.home / file).read_text())[name]
    return found


async def answering(controls: SandboxControls) -> None:
    """Returns once the sandbox answers."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await controls.current_faults()
                return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_the_sandbox_serves_and_comes_back(installation: Installation) -> None:
    url = told(installation, "home.json", "sandbox_url")
    token = told(installation, "secrets.json", "sandbox_token")
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k"}
    body = {
        "reference": "dep-1",
        "amount": "10.00",
        "currency": "USD",
        "method": "card",
        "return_url": "https://portal.example/",
    }
    async with (
        SandboxControls(url, token) as controls,
        httpx.AsyncClient(base_url=url, headers=headers) as merchant,
    ):
        await controls.put_merchant(
            MERCHANT, api_key=KEY, notice_url=NOBODY, notice_secrets=["s"], currencies=["USD"]
        )
        made = (await merchant.post("/v1/payments", json=body)).json()
        paid = await controls.pay(made["id"])
        first = installation.part("sandbox").pid
        os.kill(first, signal.SIGKILL)
        await answering(controls)
        assert installation.part("sandbox").pid != first
        assert (await merchant.get(f"/v1/payments/{made['id']}")).json() == paid
        again = await merchant.post("/v1/payments", json=body)
        assert (again.headers["idempotent-replayed"], again.json()) == ("true", made)
        await controls.clear()
