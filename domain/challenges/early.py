"""Ticks of accounts that nobody watches yet: a phase that began since is judged from its first one.

A new phase is met in the next round of the engine, up to a second after it began, and only then is
its account known as one to be judged. What the stream told meanwhile is looked up here. It is kept
for a few seconds and up to so many states; what is dropped is counted.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Counter

from domain.accounts.trading import AccountState
from domain.challenges.lifecycle import PriceSeen

KEPT_FOR = timedelta(seconds=10)
STATES_MAX = 50_000
_dropped = Counter(
    "backdesk_challenge_early_dropped", "Figures of accounts without a phase, dropped too soon"
)


@dataclass(frozen=True, slots=True)
class Tick:
    """What one batch of the stream told of accounts without a phase, and the prices of then."""

    at: datetime
    states: Sequence[AccountState]
    prices: Mapping[str, PriceSeen]


class EarlyTicks:
    """The last seconds of accounts that have no phase."""

    def __init__(self, *, states_max: int = STATES_MAX) -> None:
        self._ticks: deque[Tick] = deque()
        self._most, self._held = states_max, 0

    def __len__(self) -> int:
        return self._held

    def keep(
        self,
        states: Sequence[AccountState],
        watched: Collection[int],
        prices: Mapping[str, PriceSeen],
        *,
        now: datetime,
    ) -> None:
        """Keep what is told of accounts other than the `watched`, and forget what is old."""
        others = [one for one in states if one.login not in watched]
        if others:
            self._ticks.append(Tick(now, others, dict(prices)))
            self._held += len(others)
        while self._ticks and self._ticks[0].at <= now - KEPT_FOR:
            self._forget()
        while self._held > self._most:
            _dropped.inc(self._forget())

    def of(self, login: int) -> list[tuple[AccountState, Mapping[str, PriceSeen]]]:
        """What was told of an account, oldest first, with the prices of each."""
        return [
            (state, tick.prices)
            for tick in self._ticks
            for state in tick.states
            if state.login == login
        ]

    def _forget(self) -> int:
        """Forget the oldest tick; how many states it had."""
        count = len(self._ticks.popleft().states)
        self._held -= count
        return count
