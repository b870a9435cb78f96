"""Asks the API over HTTP, and says whether it answered, refused, or nobody knows."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=12, connect=3)
_AGAIN_SECONDS = 0.02
_AGAIN_SECONDS_MAX = 0.5
# The answers that promise nothing: ask again under the same key.
_RETRIABLE = frozenset(
    {
        "UNAVAILABLE",
        "IDEMPOTENCY_IN_PROGRESS",
        "THROTTLED",
        "TIMEOUT",
        # Of the platform at this moment: said before anything begins, and not stored.
        "PRICE_UNAVAILABLE",
        "PRICE_STALE",
    }
)


class Unknown(Exception):
    """No answer, or (`is_answer`) one that says to ask again."""

    def __init__(self, why: str, *, is_answer: bool = False) -> None:
        super().__init__(why)
        self.is_answer = is_answer


class Broken(Exception):
    """An answer that no caller should get."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A mutation: its document, and the field of its payload that holds the object."""

    name: str
    document: str
    shown: str
    path: str = "/graphql"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a mutation answered: the object, or the code of the refusal."""

    value: dict[str, Any] | None
    code: str = ""
    replayed: bool = False


class Caller:
    """One HTTP client for all of the driver's callers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(
            timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=128)
        )

    async def close(self) -> None:
        await self._session.close()

    async def data(self, token: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation. Raises Unknown, Broken."""
        return await self._post("/graphql", token, {"query": document, "variables": variables})

    async def until(self, token: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation, asked for until it is there."""
        pause = _AGAIN_SECONDS
        while True:
            try:
                return await self.data(token, document, **variables)
            except Unknown:
                await asyncio.sleep(pause)
                pause = min(_AGAIN_SECONDS_MAX, pause * 2)

    async def ask(self, token: str, verb: Verb, given: dict[str, Any]) -> Answer:
        """The answer of a mutation to `input`. Raises Unknown, Broken."""
        body = {"query": verb.document, "variables": {"input": given}}
        data = await self._post(verb.path, token, body)
        payload = data[verb.name]
        if errors := payload["errors"]:
            code = errors[0]["code"]
            if code in _RETRIABLE:
                raise Unknown(code, is_answer=True)
            return Answer(None, code, bool(payload.get("replayed")))
        return Answer(payload[verb.shown], replayed=bool(payload.get("replayed")))

    async def _post(self, path: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            async with self._session.post(
                f"{self._url}{path}", json=body, headers={"Authorization": f"Bearer {token}"}
            ) as answer:
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unknown(type(error).__name__) from error
        if not isinstance(told, dict):
            raise Broken(f"{told!r}")
        if errors := told.get("errors"):
            code = str((errors[0].get("extensions") or {}).get("code", ""))
            if code in _RETRIABLE:
                raise Unknown(code, is_answer=True)
            raise Broken(f"{code}: {errors[0].get('message')}")
        data: dict[str, Any] = told["data"]
        return data
