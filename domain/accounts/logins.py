"""Whose login is it: the brand by its granted range, then the account by the brand's own row."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from domain.accounts.commands.record_deals import AccountRow
from domain.accounts.queries import list_accounts_by_login, list_grants
from domain.accounts.values import AccountKind
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database

_REMEMBERED_S = 30.0


class Logins:
    """The accounts of one server, remembered for a while: an account never changes hands, but the
    ib that introduced its client may move in the tree."""

    def __init__(self, database: Database, server_id: UUID) -> None:
        self._database = database
        self._server_id = server_id
        self._ranges: Sequence[Any] = ()
        self._known: dict[int, tuple[UUID, AccountRow]] = {}
        self._forget_at = 0.0

    async def load(self) -> None:
        """Read the grants again."""
        async with self._database.read(system_scope(NO_BRAND)) as work:
            self._ranges = await list_grants(work, self._server_id)

    def brand_of(self, login: int) -> UUID | None:
        """The brand that a login is granted to."""
        for grant in self._ranges:
            if grant.login_from <= login <= grant.login_to:
                brand_id: UUID = grant.brand_id
                return brand_id
        return None

    def brands(self) -> set[UUID]:
        """Every brand with a range of logins on this server."""
        return {grant.brand_id for grant in self._ranges}

    async def resolve(self, logins: Iterable[int]) -> dict[UUID, dict[int, AccountRow]]:
        """Accounts by brand and login; a login without a brand or an account is left out."""
        if (now := monotonic()) >= self._forget_at:
            self._known.clear()
            self._forget_at = now + _REMEMBERED_S
        unknown: dict[UUID, list[int]] = defaultdict(list)
        wanted = set(logins)
        for login in wanted - self._known.keys():
            brand_id = self.brand_of(login)
            if brand_id is not None:
                unknown[brand_id].append(login)
        for brand_id, missing in unknown.items():
            await self._look_up(brand_id, missing)
        found: dict[UUID, dict[int, AccountRow]] = defaultdict(dict)
        for login in wanted & self._known.keys():
            brand_id, row = self._known[login]
            found[brand_id][login] = row
        return found

    async def _look_up(self, brand_id: UUID, logins: Sequence[int]) -> None:
        async with self._database.read(system_scope(brand_id)) as work:
            rows = await list_accounts_by_login(work, brand_id, self._server_id, logins)
        for row in rows:
            account = AccountRow(
                row.id, row.login, row.client_id, row.ib_path, row.currency, AccountKind(row.kind)
            )
            self._known[row.login] = (brand_id, account)
