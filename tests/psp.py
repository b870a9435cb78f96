"""A sandbox PSP that really listens, for anybody's test: `async with running_psp(endpoints) …`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from api.demo.kyc_controls import KycControls
from api.demo.sandbox import SandboxControls
from api.embedded import Endpoints
from domain.kernel.clock import Clock
from sandbox.app import HOST, SandboxSettings, listen, running, serve
from sandbox.psp.faults import Knobs
from sandbox.psp.office import Psp

CONTROL_TOKEN = "control-token-of-the-tests"


@dataclass(frozen=True)
class RunningPsp:
    """Where it answers, its controls, and the thing itself for those who test its insides."""

    url: str
    controls: SandboxControls
    psp: Psp
    kyc: KycControls


@asynccontextmanager
async def running_psp(
    endpoints: Endpoints,
    *,
    seed: str | int = "tests",
    clock: Clock | None = None,
    port: int = 0,
    faults: dict[str, Any] | None = None,
) -> AsyncIterator[RunningPsp]:
    """A PSP on a free port of this machine and in this event loop, until the block ends.

    It works as well as `faults` let it (none by default), with dice thrown from `seed`. What is
    in the schema `sandbox` of the database stays there; notices of earlier ones go on being sent.
    """
    knobs = Knobs.model_validate({"seed": seed, **(faults or {})})
    with listen(port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        settings = SandboxSettings(endpoints.url("sandbox"), url, CONTROL_TOKEN, knobs)
        async with running(settings, clock=clock) as app:
            task = asyncio.create_task(serve(app, listener))
            try:
                async with (
                    SandboxControls(url, CONTROL_TOKEN) as controls,
                    KycControls(url, CONTROL_TOKEN) as kyc,
                ):
                    yield RunningPsp(url, controls, app.state.psp, kyc)
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
