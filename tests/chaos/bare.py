"""A door to the ledger alone: one transfer between two wallets, through the product's own work.

The API has no transfer from client to client. This one makes many racing works lock the same two
wallets in both directions, which nothing else does as hard.
"""

from typing import Any
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from tenants.context import system_scope
from tenants.repeat import Repeat
from tenants.work import Database, WriteWork
from tests.chaos.asking import Verb

PATH = "/chaos/move"
MOVE = Verb("chaosMove", "", "transfer", PATH)
KIND = "CHAOS_MOVE"


class BareLedger:
    """Serves `PATH` beside the application."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            body = orjson.loads(await Request(scope, receive).body())
            await (await self._answer(body["variables"]["input"]))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, given: dict[str, Any]) -> Response:
        told: dict[str, Any] = {"transfer": None, "replayed": False, "errors": []}
        key = given.pop("idempotencyKey")
        repeat = Repeat.of(MOVE.name, key, given)
        brand = system_scope(UUID(given["brand"]))
        try:
            done = await self._database.write(
                brand, lambda work: move(work, key, given), repeat=repeat
            )
            told |= {"transfer": done.value, "replayed": done.replayed}
        except DomainError as refusal:
            told["errors"] = [{"code": refusal.code}]
        return Response(orjson.dumps({"data": {MOVE.name: told}}), media_type="application/json")


async def move(work: WriteWork, key: str, given: dict[str, Any]) -> dict[str, str]:
    """Move an amount from one client's wallet to another's."""
    currency, amount = given["currency"], int(given["amount"])
    ends = [AccountKey.wallet(UUID(given[end]), currency) for end in ("from", "to")]
    ids = await ledger_accounts(work, ends)
    legs = [
        Leg(ids[ends[0]], Money(-amount, currency)),
        Leg(ids[ends[1]], Money(amount, currency)),
    ]
    [posted] = await post(work, [Transfer(f"chaos:{key}", KIND, legs)])
    return {"id": f"transfer_{posted.id.hex}"}


async def fund(work: WriteWork, owner: UUID, amounts: dict[str, int]) -> dict[str, str]:
    """Open a client's wallets with something in them; their ids by currency."""
    bank = {code: AccountKey.of(LedgerAccountKind.BANK, code) for code in amounts}
    wallet = {code: AccountKey.wallet(owner, code) for code in amounts}
    ids = await ledger_accounts(work, [*bank.values(), *wallet.values()])
    transfers = [
        Transfer(
            f"chaos:fund:{owner.hex}:{code}",
            "CHAOS_FUND",
            [
                Leg(ids[bank[code]], Money(-amount, code)),
                Leg(ids[wallet[code]], Money(amount, code)),
            ],
        )
        for code, amount in amounts.items()
    ]
    await post(work, transfers)
    return {code: str(ids[key]) for code, key in wallet.items()}
