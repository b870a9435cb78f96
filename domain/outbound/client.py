"""Calls to another machine: time-outs, a retry budget and a circuit breaker, in one place.

A call has a time as a whole, however slowly its answer drips in, and its answer a size. Retries
are for calls that are safe to repeat; the budget keeps them a fraction of all calls, so that a
struggling vendor is not drowned. The breaker opens after failures in a row and lets one call
through per pause; while it is open nothing is sent.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

UNIX = "unix://"
_RETRIED_STATUSES = (502, 503, 504)
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may take from its connection to the last byte of its answer (`call_s`, and
    `connect_s` of it), how many bytes that may have, how often a safe one is tried and how long
    the first pause between two tries is; the pause doubles, with jitter."""

    call_s: float = 5.0
    connect_s: float = 2.0
    tries: int = 3
    pause_s: float = 0.1
    answer_bytes_max: int = 16 * 1024 * 1024


@cache
def _trusted() -> ssl.SSLContext:
    """Whom every call trusts; read once, since a list of authorities takes 30 ms."""
    return httpx.create_ssl_context(trust_env=False)


class NeverSent(Exception):
    """No connection: the other side has not seen the call."""


class Lost(Exception):
    """Sent, and no answer that can be trusted came back."""


class TooLarge(Lost):
    """The answer is larger than it may be: it was not read, and asking again would not help."""


class Unanswered(Exception):
    """Every try failed; adapters tell it in the words of their port."""


class Breaker:
    """Opens after `failures_max` failures in a row; lets one call try again per `pause_s`."""

    def __init__(self, *, failures_max: int = 5, pause_s: float = 2.0) -> None:
        self._failures_max = failures_max
        self._pause_s = pause_s
        self._failures = 0
        self._next_try = 0.0

    def admit(self, now: float) -> None:
        """Raises NeverSent while open."""
        if self._failures < self._failures_max:
            return
        if now < self._next_try:
            raise NeverSent("it has failed a moment ago")
        self._next_try = now + self._pause_s

    def note(self, now: float, *, is_success: bool) -> None:
        self._failures = 0 if is_success else self._failures + 1
        if self._failures == self._failures_max:
            self._next_try = now + self._pause_s


class RetryBudget:
    """Every call earns a fifth of a retry, up to a handful."""

    def __init__(self, *, ratio: float = 0.2, saved_max: float = 10.0) -> None:
        self._ratio = ratio
        self._saved_max = saved_max
        self._saved = saved_max

    def earn(self) -> None:
        self._saved = min(self._saved_max, self._saved + self._ratio)

    def spend(self) -> bool:
        """Whether one more retry may be made."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Outbound:
    """An HTTP client for one machine; `endpoint` is `unix:///path/to/socket` or an address."""

    def __init__(self, endpoint: str, *, token: str | None, patience: Patience) -> None:
        self.patience = patience
        self._breaker = Breaker()
        self._budget = RetryBudget()
        is_unix = endpoint.startswith(UNIX)
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                verify=_trusted(), uds=endpoint.removeprefix(UNIX) if is_unix else None
            ),
            base_url="http://outside" if is_unix else endpoint,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=False,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def once(
        self, method: str, path: str, *, call_s: float | None = None, **options: Any
    ) -> httpx.Response:
        """One try; `call_s` when it may take longer than others.

        Raises NeverSent; Lost for a broken connection, a time-out or a 5xx; TooLarge.
        """
        now = asyncio.get_running_loop().time
        self._breaker.admit(now())
        whole = self.patience.call_s if call_s is None else call_s
        try:
            async with asyncio.timeout(whole):
                answer = await self._read(method, path, whole, options)
        except _NEVER_SENT as error:
            self._breaker.note(now(), is_success=False)
            raise NeverSent(repr(error)) from error
        except (httpx.HTTPError, TimeoutError) as error:
            self._breaker.note(now(), is_success=False)
            raise Lost(repr(error)) from error
        is_failure = answer.status_code >= 500
        self._breaker.note(now(), is_success=not is_failure)
        if is_failure:
            raise Lost(f"answered {answer.status_code}")
        return answer

    async def _read(
        self, method: str, path: str, whole: float, options: dict[str, Any]
    ) -> httpx.Response:
        """The whole answer. Raises TooLarge as soon as there is more of it than there may be."""
        connect_s = self.patience.connect_s
        timeout = httpx.Timeout(whole, connect=connect_s, pool=connect_s)
        content = bytearray()
        async with self._client.stream(method, path, timeout=timeout, **options) as got:
            async for part in got.aiter_bytes():
                content += part
                if len(content) > self.patience.answer_bytes_max:
                    raise TooLarge(f"more than {self.patience.answer_bytes_max} bytes came")
        # The bytes are decoded by now: what says otherwise is not of this copy.
        kept = [(name, value) for name, value in got.headers.items() if name not in _OF_THE_WIRE]
        return httpx.Response(
            got.status_code, headers=kept, content=bytes(content), request=got.request
        )

    async def safely(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call that may be repeated: some tries within the budget.

        Raises Unanswered.
        """
        return await self.again(lambda _: self.once(method, path, **options))

    async def again(self, attempt: Callable[[int], Awaitable[httpx.Response]]) -> httpx.Response:
        """Calls `attempt` with the number of the try until it answers.

        Raises Unanswered when patience ends.
        """
        self._budget.earn()
        for number in range(self.patience.tries):
            try:
                return await attempt(number)
            except TooLarge as error:
                raise Unanswered(str(error)) from error
            except (NeverSent, Lost) as error:
                last = error
            is_last = number == self.patience.tries - 1
            if is_last or not self._budget.spend():
                break
            # Jitter, not security.
            pause = self.patience.pause_s * 2**number * random.uniform(0.5, 1.5)  # noqa: S311
            await asyncio.sleep(pause)
        raise Unanswered(str(last))
