"""Asks a running installation as portals and staff do: over HTTP, live by server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from api.embedded.problems import SetupError
from api.settings import Settings

Json = dict[str, Any]
_SECONDS = 30.0


class Unanswered(Exception):
    """Nobody answered, or not in JSON: perhaps the server is starting just now."""


def read_demo(settings: Settings) -> Json:
    """What `demo.json` says. Refuses in one line when there is none."""
    try:
        told: Json = json.loads(settings.home.demo_file.read_text())
    except (OSError, ValueError):
        raise SetupError(
            f"{settings.home.path} has no demo", "start it first: backdesk run"
        ) from None
    return told


class Asker:
    """Asks as anybody of the demo. Close it, or use it as an async context manager."""

    def __init__(self, told: Json) -> None:
        self.told = told
        self._url: str = told["graphql"]
        self._client = httpx.AsyncClient(timeout=_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    def brand(self, slug: str) -> Json:
        """A brand's tokens and publishable key."""
        found: Json = next(one for one in self.told["brands"] if one["slug"] == slug)
        return found

    def headers(self, who: str) -> dict[str, str]:
        """`operator`, `aurora` (its publishable key) or `aurora/client` (a token)."""
        if who == "operator":
            return {"Authorization": f"Bearer {self.told['operator']}"}
        slug, _, actor = who.partition("/")
        brand = self.brand(slug)
        if not actor:
            return {"Backdesk-Key": brand["publishable_key"]}
        return {"Authorization": f"Bearer {brand['tokens'][actor]}"}

    async def ask(self, who: str, query: str, variables: Mapping[str, Any]) -> Json:
        """The whole answer. Raises Unanswered."""
        body = {"query": query, "variables": dict(variables)}
        try:
            answer = await self._client.post(self._url, json=body, headers=self.headers(who))
            shown: Json = answer.json()
        except (httpx.TransportError, ValueError) as error:
            raise Unanswered(repr(error)) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unanswered(f"status {answer.status_code}")
        return shown

    @asynccontextmanager
    async def follow(
        self, who: str, query: str, variables: Mapping[str, Any]
    ) -> AsyncIterator[AsyncIterator[Json]]:
        """The items of a subscription; they end with the connection. Raises Unanswered."""
        headers = self.headers(who) | {"Accept": "text/event-stream"}
        body = {"query": query, "variables": dict(variables)}
        try:
            async with self._client.stream("POST", self._url, json=body, headers=headers) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise Unanswered(f"status {answer.status_code}")
                yield _items(answer)
        except httpx.TransportError as error:
            raise Unanswered(repr(error)) from error


async def _items(answer: httpx.Response) -> AsyncIterator[Json]:
    async for line in answer.aiter_lines():
        if line.startswith("data:") and (text := line.removeprefix("data:").strip()):
            item: Json = json.loads(text)
            if item.get("errors"):
                raise Unanswered(item["errors"][0]["message"])
            (value,) = item["data"].values()
            yield value
