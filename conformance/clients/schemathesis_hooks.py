"""What schemathesis needs to know of this API: its scalars, and what a server error is.

A refusal with a code of the closed list is a right answer to a random document. INTERNAL, a status
of 500 or more, a body that is no GraphQL answer: each is a fault of the server.
"""

import json
import os
import urllib.request
import zlib
from datetime import UTC
from pathlib import Path
from typing import Any

import schemathesis
from graphql import (
    REMOVE,
    ArgumentNode,
    DocumentNode,
    IntValueNode,
    NameNode,
    ObjectFieldNode,
    StringValueNode,
    Visitor,
    print_ast,
    visit,
)
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from schemathesis.checks import CheckContext

CODES = {
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "BAD_USER_INPUT",
    "THROTTLED",
    "COST_TOO_HIGH",
    "DOCUMENT_NOT_FOUND",
    "CONFLICT",
}

_TEXTS = {
    "DateTime": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat()),
    "Date": st.dates().map(lambda day: day.isoformat()),
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    "CurrencyCode": st.sampled_from(["USD", "EUR", "JPY", "XXX", "usd"]),
    "CountryCode": st.sampled_from(["DE", "CY", "ZZ", "d"]),
    "URL": st.sampled_from(["https://portal.example/back", "javascript:1", "x"]),
    "Cursor": st.text(max_size=40) | st.sampled_from(["Ê", "AAAA", "=="]),
}


def _scalars() -> list[str]:
    with open(os.environ["BACKDESK_SDL"], encoding="utf-8") as sdl:
        return [line.split()[1] for line in sdl if line.startswith("scalar ")]


for _name in _scalars():
    _text = _TEXTS.get(_name, st.text(max_size=20))
    schemathesis.graphql.scalar(_name, _text.map(nodes.String))


IDS = """{
  clients(first: 5) { nodes { id accounts(first: 2) { nodes { id } } } }
  ibs(first: 2) { nodes { id } }
}"""


def _real_ids() -> list[str]:
    """Ids of the demo's first brand, so that random documents reach something."""
    demo = json.loads(Path(os.environ["BACKDESK_DEMO"]).read_text())
    request = urllib.request.Request(  # noqa: S310 - our own address
        demo["graphql"],
        json.dumps({"query": IDS}).encode(),
        {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {demo['brands'][0]['tokens']['brand_admin']}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return _ids_in(json.loads(answer.read())["data"])


def _ids_in(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _ids_in(item)]
    if isinstance(value, dict):
        own = [value["id"]] if isinstance(value.get("id"), str) else []
        return own + [found for item in value.values() for found in _ids_in(item)]
    return []


class _Reaching(Visitor):
    """Puts real ids in, and takes out page arguments that no random text can satisfy."""

    def __init__(self, ids: list[str], seed: int) -> None:
        super().__init__()
        self._ids = ids
        self._seed = seed

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        if node.name.value in {"after", "before", "last"}:
            return REMOVE
        if node.name.value == "first":
            few = IntValueNode(value=str(1 + self._seed % 20))
            return ArgumentNode(name=node.name, value=few)
        return self._with_real_id(node)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Any:
        return self._with_real_id(node)

    def _with_real_id(self, node: Any) -> Any:
        name: NameNode = node.name
        if isinstance(node.value, StringValueNode) and name.value.lower().endswith("id"):
            self._seed += 1
            chosen = self._ids[self._seed % len(self._ids)]
            return type(node)(name=name, value=StringValueNode(value=chosen))
        return None


REAL_IDS = _real_ids()


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: DocumentNode) -> DocumentNode:
    """Two documents in three are made to reach data; the third stays as random as it came."""
    seed = zlib.crc32(print_ast(body).encode(errors="replace"))
    if seed % 3 == 0 or not REAL_IDS:
        return body
    reaching: DocumentNode = visit(body, _Reaching(REAL_IDS, seed))
    return reaching


@schemathesis.check
def no_server_error(
    ctx: CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Fails on any answer that is a fault of the server."""
    assert response.status_code < 500, f"status {response.status_code}: {response.text[:500]}"
    answer = response.json()
    assert isinstance(answer, dict), "no GraphQL answer"
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] in CODES, f"{error}"
