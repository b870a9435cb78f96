"""Fault knobs: how the KYC vendor fails, on demand and seeded. Kept in the database, so that a
killed vendor goes on failing when it is back; the dice begin anew then."""

import random
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_SHUFFLE_MS = 250
Chance = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Range = tuple[Milliseconds, Milliseconds]
Review = Annotated[int, Field(ge=0, le=30 * 24 * 3_600_000)]
"""Milliseconds; somebody looks at it for up to thirty days."""


class Knobs(BaseModel):
    """Everything that can be set; the defaults are a vendor that works."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_ms: Range = (0, 0)
    answer_500: Chance = 0
    duplicate_notices: Annotated[int, Field(ge=0, le=100)] = 0
    shuffle_notices: bool = False
    delay_notices_ms: Range = (0, 0)
    forge_notices: Chance = 0
    approve_then_red: Chance = 0
    then_red_delay_ms: Milliseconds = 300
    review_delay_ms: Review = 200
    auto: Literal["approve", "retry", "forged", "hold", "pep", "sanctions"] | None = None
    seed: str | int = "backdesk"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("latency_ms", "delay_notices_ms"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: write the smaller one first")
        return self


class Faults:
    """The knobs as they are set, and their dice."""

    knobs: Knobs

    def __init__(self, knobs: Knobs) -> None:
        self.set(knobs)

    def set(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self._calls = random.Random(f"{knobs.seed}:kyc calls")  # noqa: S311 - luck, not a secret
        self._notices = random.Random(f"{knobs.seed}:kyc notices")  # noqa: S311 - luck
        self._reviews = random.Random(f"{knobs.seed}:kyc reviews")  # noqa: S311 - luck

    def latency_seconds(self) -> float:
        return self._calls.uniform(*self.knobs.latency_ms) / 1000

    def fails(self) -> Literal["before", "after"] | None:
        """Whether a call is answered 500, before or after it was done."""
        if self._calls.random() >= self.knobs.answer_500:
            return None
        return "before" if self._calls.random() < 0.5 else "after"

    def notice_delay(self) -> timedelta:
        """How long a new notice is held back."""
        held = self._notices.uniform(*self.knobs.delay_notices_ms)
        if self.knobs.shuffle_notices:
            held += self._notices.uniform(0, _SHUFFLE_MS)
        return timedelta(milliseconds=held)

    def forges(self) -> bool:
        return self._notices.random() < self.knobs.forge_notices

    def turns(self) -> bool:
        """Whether an approval is taken back by itself."""
        return self._reviews.random() < self.knobs.approve_then_red
