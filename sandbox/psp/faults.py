"""Fault knobs: how the PSP fails, on demand and seeded, so that the other side can be tested.

Served only when the process was started with a control token. They are kept in the database, so
that a killed PSP goes on failing when it is back; the dice begin anew then.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CUT = "sandbox.cut"
_SHUFFLE_MS = 250
_READ_REFUSALS = (400, 403, 404, 409, 422)
Chance = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Range = tuple[Milliseconds, Milliseconds]


class Auto(BaseModel):
    """What becomes of each by itself after `payout_delay_ms`; null waits for a control."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payouts: Literal["PAID", "FAILED", "RETURNED"] | None = "PAID"
    refunds: Literal["SUCCEEDED", "FAILED"] | None = "SUCCEEDED"
    payments: Literal["PAID", "FAILED"] | None = None


class Knobs(BaseModel):
    """Everything that can be set; the defaults are a PSP that works."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_ms: Range = (0, 0)
    answer_500: Chance = 0
    drop_answer: Chance = 0
    refuse: Chance = 0
    refuse_reads: Chance = 0
    duplicate_notices: Annotated[int, Field(ge=0, le=100)] = 0
    shuffle_notices: bool = False
    delay_notices_ms: Range = (0, 0)
    forge_notices: Chance = 0
    forget_keys: bool = False
    auto: Auto = Auto()
    payout_delay_ms: Milliseconds = 1_000
    seed: str | int = "backdesk"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("latency_ms", "delay_notices_ms"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: write the smaller one first")
        return self


class Faults:
    """The knobs as they are set, and their dice. Calls and notices throw their own, so that the
    pace of one does not change the luck of the other."""

    knobs: Knobs

    def __init__(self, knobs: Knobs) -> None:
        self.set(knobs)

    def set(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self._calls = random.Random(f"{knobs.seed}:calls")  # noqa: S311 - luck, not a secret
        self._notices = random.Random(f"{knobs.seed}:notices")  # noqa: S311 - luck, not a secret

    def latency_seconds(self) -> float:
        return self._calls.uniform(*self.knobs.latency_ms) / 1000

    def fails(self) -> Literal["before", "after"] | None:
        """Whether a call is answered 500, before or after it was done."""
        if self._calls.random() >= self.knobs.answer_500:
            return None
        return "before" if self._calls.random() < 0.5 else "after"

    def drops(self) -> bool:
        return self._calls.random() < self.knobs.drop_answer

    def refuses(self) -> bool:
        return self._calls.random() < self.knobs.refuse

    def refuses_read(self) -> int | None:
        """With which status a read is refused, whatever is there; None when it is not."""
        # Luck that is not tried is not used up, so that the other knobs repeat as before.
        if not self.knobs.refuse_reads or self._calls.random() >= self.knobs.refuse_reads:
            return None
        return self._calls.choice(_READ_REFUSALS)

    def notice_delay(self) -> timedelta:
        """How long a new notice is held back."""
        held = self._notices.uniform(*self.knobs.delay_notices_ms)
        if self.knobs.shuffle_notices:
            held += self._notices.uniform(0, _SHUFFLE_MS)
        return timedelta(milliseconds=held)

    def forges(self) -> bool:
        return self._notices.random() < self.knobs.forge_notices


class Failing:
    """Fails calls of merchants as the knobs say. Pages and controls never fail."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        faults: Faults = scope["app"].state.psp.faults
        await asyncio.sleep(faults.latency_seconds())
        broken, is_dropped = faults.fails(), faults.drops()
        refused = faults.refuses_read() if scope["method"] == "GET" else None
        if broken == "before":
            await _answer(send, 500)
        elif refused is not None:
            await _answer(send, refused)
        elif broken == "after":
            await self._app(scope, receive, _unheard)
            await _answer(send, 500)
        elif is_dropped:
            await self._app(scope, receive, _unheard)
            await _cut(scope, receive)
        else:
            await self._app(scope, receive, send)


async def _answer(send: Send, status: int) -> None:
    body = b'{"error":{"code":"FAULT","message":"Failed on demand."}}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _cut(scope: Scope, receive: Receive) -> None:
    cut: Callable[[], None] = scope["extensions"][CUT]
    cut()
    while (await receive())["type"] != "http.disconnect":
        continue


async def _unheard(_: Message) -> None:
    """The answer that is never sent."""
