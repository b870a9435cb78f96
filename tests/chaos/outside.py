"""The PSP of a campaign: how it misbehaves, and that it behaves again."""

import asyncio

import httpx

from api.demo.sandbox import ControlRefused, SandboxControls
from api.settings import Settings

_AUTO = {"payouts": "PAID", "refunds": "SUCCEEDED", "payments": "PAID"}
_DELAY_MS = 300
_SELDOM, _OFTEN = 0.05, 0.25
_AGAIN_SECONDS = 0.2


async def misbehave(settings: Settings, seed: str, *, forgets_keys: bool = False) -> None:
    """Slow, failing, silent after it did what was asked; notices five times, shuffled, forged.

    One that forgets keys also fails more often: the PSP's part of a planted bug.
    """
    odds = _OFTEN if forgets_keys else _SELDOM
    await _set(
        settings,
        latency_ms=(0, 80),
        answer_500=odds,
        drop_answer=odds,
        duplicate_notices=4,
        shuffle_notices=True,
        forge_notices=0.1,
        forget_keys=forgets_keys,
        seed=seed,
    )


async def behave(settings: Settings) -> None:
    """Everything works; payments still pay themselves."""
    await _set(settings)


async def _set(settings: Settings, **knobs: object) -> None:
    token = settings.home.secrets().sandbox_token
    while True:
        try:
            async with SandboxControls(settings.sandbox_url, token) as controls:
                await controls.faults(auto=_AUTO, payout_delay_ms=_DELAY_MS, **knobs)
            return
        except (httpx.HTTPError, ControlRefused, ValueError, KeyError):
            await asyncio.sleep(_AGAIN_SECONDS)
