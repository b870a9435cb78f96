"""Asks for money to be moved, again and again under one key until somebody answers."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos.asking import Answer, Broken, Caller, Unknown, Verb
from tests.chaos.journal import Intent, Journal

RACED = 0.10
ALTERED = 0.03
_AGAIN_SECONDS = (0.005, 0.5)
_TOLD_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """What one act of the driver wants: whose token, which mutation, and what must be booked."""

    token: str
    verb: Verb
    given: dict[str, Any]
    facts: dict[str, Any]
    altered: dict[str, Any]


@dataclass
class Driver:
    """Some callers at once, each with dice of its own."""

    caller: Caller
    journal: Journal
    seed: str

    async def keep_on(
        self, n: int, act: Callable[["Driver", random.Random], Awaitable[None]]
    ) -> None:
        """Act until cancelled between two acts; see `stop`."""
        dice = random.Random(f"{self.seed}:driver:{n}")
        while not self._over.is_set():
            await act(self, dice)

    def __post_init__(self) -> None:
        self._over = asyncio.Event()

    def stop(self) -> None:
        """Begin nothing more; what was begun is still asked until it is answered."""
        self._over.set()

    async def want(self, wish: Wish, dice: random.Random) -> Answer:
        """Have a wish fulfilled or refused, exactly once; some are raced, some repeated altered."""
        key = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        intent = self.journal.intend(wish.verb.name, key, wish.facts)
        if dice.random() < RACED:
            self.journal.raced += 1
            one, other = await asyncio.gather(
                self._until_answered(intent, wish), self._until_answered(intent, wish)
            )
            if _gist(one, wish) != _gist(other, wish):
                self.journal.find(f"twins of {key} were answered {one} and {other}")
            answer = one
        else:
            answer = await self._until_answered(intent, wish)
        if dice.random() < ALTERED:
            await self._alter(intent, wish)
        return answer

    async def _until_answered(self, intent: Intent, wish: Wish) -> Answer:
        shortest, longest = _AGAIN_SECONDS
        pause, key = shortest, intent.key
        while True:
            try:
                answer = await self.caller.ask(
                    wish.token, wish.verb, {"idempotencyKey": key, **wish.given}
                )
            except Unknown as unknown:
                self.journal.unknown(intent, str(unknown))
                if unknown.is_answer:
                    # As a good caller: whoever says so is not asked again at once.
                    pause = max(pause, _TOLD_SECONDS)
            except Broken as broken:
                self.journal.find(f"{wish.verb.name} {key}: {broken}")
                self.journal.unknown(intent, "broken")
                pause = longest
            else:
                break
            await asyncio.sleep(pause)
            pause = min(longest, pause * 1.5)
        if answer.value is None:
            self.journal.refused(intent, answer.code)
        else:
            self.journal.acked(intent, answer.value["id"])
        return answer

    async def _alter(self, intent: Intent, wish: Wish) -> None:
        """The same key with another body must be refused, whatever happened before."""
        self.journal.altered += 1
        while True:
            try:
                answer = await self.caller.ask(
                    wish.token,
                    wish.verb,
                    {"idempotencyKey": intent.key, **wish.given, **wish.altered},
                )
            except (Unknown, Broken):
                await asyncio.sleep(_AGAIN_SECONDS[1] / 10)
                continue
            if answer.code != "IDEMPOTENCY_KEY_REUSED":
                self.journal.find(f"{intent.key} with another body was answered {answer}")
            return


def _gist(answer: Answer, wish: Wish) -> str:
    return answer.code if answer.value is None else str(answer.value["id"])
