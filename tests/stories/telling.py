"""How stories speak to an installation: as portals do, with the official `gql` client."""

import asyncio
import email
import ipaddress
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.stories.conftest import PATIENCE_S, Installation

REGISTER = """mutation($input: ClientRegisterInput!) {
  clientRegister(input: $input) { accepted errors { message } } }"""
VERIFY = """mutation($token: String!) {
  emailVerify(input: {token: $token}) { tokens { accessToken } errors { code } } }"""


def http(installation: Installation, token: str | None, **headers: str) -> Client:
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    transport = HTTPXAsyncTransport(
        url=installation.told["graphql"], headers=sent | headers, timeout=PATIENCE_S
    )
    return Client(transport=transport)


def socket(installation: Installation, token: str) -> Client:
    payload = {"Authorization": f"Bearer {token}"}
    return Client(transport=WebsocketsTransport(url=installation.told["ws"], init_payload=payload))


async def ask(client: Client, document: str, **variables: Any) -> Any:
    request = gql(document)
    request.variable_values = variables
    async with client as session:
        answer = await session.execute(request)
    (value,) = answer.values()
    assert not (isinstance(value, dict) and value.get("errors")), value
    return value


async def mailed_token(home: Path, address: str) -> str:
    """The token in the mail to an address, once it lies in the outbox."""
    async with asyncio.timeout(60):
        while True:  # the worker is another process: only looking tells
            for path in (home / "outbox").glob("*.eml"):
                mail = email.message_from_bytes(path.read_bytes())
                if address in str(mail["To"]):
                    body = mail.get_payload(decode=True)
                    assert isinstance(body, bytes)
                    found = re.search(
                        r"bk_verify_[0-9a-f]{32}_[0-9a-f]{32}_[\w-]{43}", body.decode()
                    )
                    assert found is not None
                    return found[0]
            await asyncio.sleep(0.05)


async def items(session: Any, document: str, **variables: Any) -> AsyncIterator[Any]:
    request = gql(document)
    request.variable_values = variables
    async with aclosing(session.subscribe(request)) as stream:
        async for item in stream:
            (value,) = item.values()
            yield value


def from_elsewhere() -> dict[str, str]:
    """Headers as the brand's proxy sends them for somebody at home: nobody shares an address.

    Registrations and leads count against the address they come from.
    """
    return {"X-Forwarded-For": str(ipaddress.IPv4Address(secrets.randbits(24) | 10 << 24))}


async def signed_up(installation: Installation, name: str, *, brand: str = "aurora") -> str:
    """A new client's access token: registered by publishable key, verified by mail."""
    key = installation.brand(brand)["publishable_key"]
    address = f"{name.lower().replace(' ', '.')}@light.example"
    form = {"name": name, "email": address, "password": "quiet harbour 71", "country": "CY"}
    portal = http(installation, None, **{"Backdesk-Key": key}, **from_elsewhere())
    assert (await ask(portal, REGISTER, input=form))["accepted"] is True
    token = await mailed_token(installation.home, address)
    verified = await ask(portal, VERIFY, token=token)
    access: str = verified["tokens"]["accessToken"]
    return access
