"""How attacks reach the API: over real sockets, and every byte of the answer is kept."""

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.attacks.actors import Asker

_numbers = itertools.count()
# What differs between any two answers: the request's number, and how full the bucket is.
_PER_REQUEST = re.compile(rb'"(requestId|currentlyAvailable)":\s*("[^"]*"|\d+)')
SHOWN_ID = re.compile(r"\b[a-z][a-z_]*_[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Answer:
    """What came back: status and the whole body, and the body read as JSON."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json.get("data")

    @property
    def codes(self) -> set[str]:
        """The codes of top-level errors."""
        return {str(one.get("extensions", {}).get("code")) for one in self.json.get("errors") or ()}

    @property
    def text(self) -> str:
        return self.body.decode()

    def without_request_id(self) -> bytes:
        """The bytes that must be equal for a foreign and an absent id."""
        return _PER_REQUEST.sub(rb'"\1":0', self.body)

    def refusals(self) -> set[str]:
        """The codes in the payloads' `errors`."""
        payloads = [one for one in (self.data or {}).values() if isinstance(one, dict)]
        return {error.get("code", "?") for one in payloads for error in one.get("errors") or ()}

    def __str__(self) -> str:
        return f"{self.status} {self.text[:600]}"


class Api:
    """The served API."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self.http = http
        self.url = url

    @property
    def graphql(self) -> str:
        return f"{self.url}/graphql"

    async def ask(
        self,
        asker: Asker | None,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one operation as somebody."""
        sent = {**(asker.headers if asker else {}), **(headers or {})}
        body = {"query": query, "variables": variables or {}}
        found = await self.http.post(self.graphql, json=body, headers=sent)
        return Answer(found.status_code, found.content)


def ids_in(text: str) -> set[str]:
    """Every shown id in an answer."""
    return set(SHOWN_ID.findall(text))
