"""Root fields about accounts."""

from typing import Annotated, Any

import strawberry

from domain.accounts.queries import find_account_by_login
from domain.kernel.ids import decode_id_of
from domain.reads import Page, select
from schema.accounts.filters import AccountFilter, AccountOrder
from schema.accounts.prices import PriceQueries
from schema.accounts.types import Account, Symbol
from schema.shared.bind import Info, field
from schema.shared.follow import connection, fetch, wanted
from schema.shared.page import Connection

_SEEN = select("server_id")
_ServerId = Annotated[strawberry.ID, strawberry.argument(description="The platform server.")]
_Login = Annotated[str, strawberry.argument(description="The number traders sign in with.")]
_AccountId = Annotated[strawberry.ID, strawberry.argument(description="The account.")]


@strawberry.type
class AccountQueries(PriceQueries):
    accounts: Connection[Account] = connection(
        "account",
        "Trading accounts that you may see, newest first.",
        needs="accounts:list",
        filter=AccountFilter,
        order=AccountOrder,
    )

    @field(
        "The account with that login on a server; null when there is none.", needs="accounts:read"
    )
    async def account_by_login(
        self, info: Info, server_id: _ServerId, login: _Login
    ) -> Account | None:
        server = decode_id_of("server", server_id)
        if server is None or not login.isascii() or not login.isdigit() or len(login) > 18:
            return None
        account_id = await find_account_by_login(info.context.work, server, int(login))
        if account_id is None:
            return None
        account: Account | None = await fetch(info, "account", account_id)
        return account

    @field(
        "What can be traded on an account, by name; empty when you may not see it.",
        needs="quotes:read",
        cost=100,
    )
    async def symbols(self, info: Info, account_id: _AccountId) -> list[Symbol]:
        key = decode_id_of("account", account_id)
        account = key and await info.context.load("account", key, _SEEN)
        if not account:
            return []
        page = await info.context.reader.connection(
            "symbol",
            Page(first=100, filter={"server_id": {"eq": account.server_id}}, order="NAME"),
            wanted(info, "symbol"),
        )
        found: Any = page.records
        return list(found)
