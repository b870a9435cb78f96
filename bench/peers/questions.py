"""What is asked: the operations in each server's own words, as requests made beforehand.

Servers whose schema is ours to choose (`plain`) share one; we and PostGraphile have our own.
Which brand, client or ib a request names is drawn by the seed, the same for every server.
"""

import random
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson

from bench.crowd import Crowd
from domain.kernel.ids import encode_id

Name = Literal["Q1", "Q2", "Q3", "Q4", "M1"]
Dialect = Literal["ours", "plain", "postgraphile"]
NAMES: tuple[Name, ...] = ("Q1", "Q2", "Q3", "Q4", "M1")
_DRAWN = 2_000
_NOTE = "Asked for a call back on Monday."

OURS: dict[Name, str] = {
    "Q1": """query Q1($id: ID!) { node(id: $id) { ... on Client {
      id name email phone country status createdAt
      accounts(first: 10) { nodes { id login currencyCode leverage status
        state { balance { amount currencyCode } equity { amount currencyCode } } } }
      payments(first: 10) { nodes {
        id reference status amount { amount currencyCode } createdAt } } } } }""",
    "Q2": """query Q2($page: Int!) { clients(first: $page) { nodes {
      id name email phone country status createdAt
      accounts(first: 10) { nodes { id login currencyCode leverage status } } } } }""",
    "Q3": """query Q3($page: Int!) {
      payments(first: $page, filter: { status: { eq: SETTLED } }) { nodes {
        id reference status amount { amount currencyCode } createdAt client { id name } } } }""",
    "Q4": """query Q4($id: ID!) { node(id: $id) { ... on Ib {
      id name level clients { totalCount { value } }
      children(first: 20) { nodes { id name level clients { totalCount { value } }
        children(first: 20) { nodes { id name level clients { totalCount { value } } } } } }
      } } }""",
    "M1": """mutation M1($id: ID!, $body: String!) {
      clientNoteCreate(input: { clientId: $id, body: $body }) {
        note { id body createdAt } errors { code } } }""",
}
PLAIN: dict[Name, str] = {
    "Q1": """query Q1($id: ID!) { client(id: $id) {
      id name email phone country status createdAt
      accounts(first: 10) { id login currencyCode leverage status
        state { balance { amount currencyCode } equity { amount currencyCode } } }
      payments(first: 10) { id reference status amount { amount currencyCode } createdAt } } }""",
    "Q2": """query Q2($page: Int!) { clients(first: $page) {
      id name email phone country status createdAt
      accounts(first: 10) { id login currencyCode leverage status } } }""",
    "Q3": """query Q3($page: Int!) { payments(first: $page, status: "SETTLED") {
      id reference status amount { amount currencyCode } createdAt client { id name } } }""",
    "Q4": """query Q4($id: ID!) { ib(id: $id) { id name level clientsCount
      children(first: 20) { id name level clientsCount
        children(first: 20) { id name level clientsCount } } } }""",
    "M1": """mutation M1($id: ID!, $body: String!) {
      noteCreate(clientId: $id, body: $body) { id body createdAt } }""",
}
_STATE = """accountStateByBrandIdAndAccountId { balanceMinor equityMinor currency }"""
POSTGRAPHILE: dict[Name, str] = {
    "Q1": f"""query Q1($brand: UUID!, $id: UUID!) {{ clientByBrandIdAndId(brandId: $brand, id: $id)
      {{ id name email phone country status createdAt
      tradingAccountsByBrandIdAndClientId(first: 10, orderBy: [CREATED_AT_DESC, ID_DESC]) {{
        nodes {{ id login currency leverage status {_STATE} }} }}
      paymentsByBrandIdAndClientId(first: 10, orderBy: [CREATED_AT_DESC, ID_DESC]) {{
        nodes {{ id reference status amountMinor currency createdAt }} }} }} }}""",
    "Q2": """query Q2($brand: UUID!, $page: Int!) {
      allClients(first: $page, condition: { brandId: $brand }, orderBy: [CREATED_AT_DESC, ID_DESC])
      { nodes { id name email phone country status createdAt
      tradingAccountsByBrandIdAndClientId(first: 10, orderBy: [CREATED_AT_DESC, ID_DESC]) {
        nodes { id login currency leverage status } } } } }""",
    "Q3": """query Q3($brand: UUID!, $page: Int!) {
      allPayments(first: $page, condition: { brandId: $brand, status: "SETTLED" },
        orderBy: [CREATED_AT_DESC, ID_DESC]) {
        nodes { id reference status amountMinor currency createdAt
          clientByBrandIdAndClientId { id name } } } }""",
    "Q4": """query Q4($brand: UUID!, $id: UUID!) { ibByBrandIdAndId(brandId: $brand, id: $id) {
      id name level clientsCount: clients
      ibsByBrandIdAndParentId(first: 20, orderBy: [CREATED_AT_DESC, ID_DESC]) { nodes {
        id name level clientsCount: clients
        ibsByBrandIdAndParentId(first: 20, orderBy: [CREATED_AT_DESC, ID_DESC]) { nodes {
          id name level clientsCount: clientCount } } } } } }""",
    "M1": """mutation M1($note: ClientNoteInput!) { createClientNote(input: { clientNote: $note }) {
      clientNote { id body createdAt } } }""",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one request is about."""

    brand_id: UUID
    token: str
    client: UUID
    ib: UUID


def draw(crowds: Sequence[Crowd], seed: int) -> list[Drawn]:
    """So many draws, brand after brand, each with the next of its tokens."""
    chance = random.Random(seed)
    found = []
    for n in range(max(_DRAWN, sum(len(one.tokens) for one in crowds))):
        one = crowds[n % len(crowds)]
        token = one.tokens[n // len(crowds) % len(one.tokens)]
        found.append(Drawn(one.brand_id, token, chance.choice(one.clients), chance.choice(one.ibs)))
    return found


def ours(name: Name, drawn: Drawn, page: int) -> bytes:
    """A request to our own server: ids as we show them, a token."""
    variables: dict[str, Any] = {}
    if name in ("Q1", "M1"):
        variables["id"] = encode_id("client", drawn.client)
    if name in ("Q2", "Q3"):
        variables["page"] = page
    if name == "Q4":
        variables["id"] = encode_id("ib", drawn.ib)
    if name == "M1":
        variables["body"] = _NOTE
    return post(OURS[name], variables, f"authorization: Bearer {drawn.token}")


def plain(name: Name, drawn: Drawn, page: int) -> bytes:
    """A request to a server with a schema made for this: plain ids, the brand in a header."""
    variables: dict[str, Any] = {}
    if name in ("Q1", "M1"):
        variables["id"] = str(drawn.client)
    if name in ("Q2", "Q3"):
        variables["page"] = page
    if name == "Q4":
        variables["id"] = str(drawn.ib)
    if name == "M1":
        variables["body"] = _NOTE
    return post(PLAIN[name], variables, f"x-brand: {drawn.brand_id}")


def postgraphile(name: Name, drawn: Drawn, page: int) -> bytes:
    """A request in the names that PostGraphile gives; it looks by the brand as all others do."""
    brand = str(drawn.brand_id)
    variables: dict[str, Any] = {"brand": brand}
    if name == "Q1":
        variables["id"] = str(drawn.client)
    if name in ("Q2", "Q3"):
        variables["page"] = page
    if name == "Q4":
        variables["id"] = str(drawn.ib)
    if name == "M1":
        variables = {"note": {"brandId": brand, "clientId": str(drawn.client), "body": _NOTE}}
    return post(POSTGRAPHILE[name], variables, f"x-brand: {brand}")


MADE_BY: dict[Dialect, Callable[[Name, Drawn, int], bytes]] = {
    "ours": ours,
    "plain": plain,
    "postgraphile": postgraphile,
}


def post(query: str, variables: dict[str, Any], header: str) -> bytes:
    """The bytes of a request, white space of the document folded."""
    body = orjson.dumps({"query": " ".join(query.split()), "variables": variables})
    head = (
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"accept: application/json\r\n{header}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def encoded(requests: Sequence[bytes]) -> list[str]:
    """As a job of `bench.peers.load` carries them."""
    return [b64encode(each).decode() for each in requests]
