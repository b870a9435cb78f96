"""Let a client only close what is open, and undo exactly that."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from domain.accounts.commands.change_access import change_access
from domain.accounts.queries import lock_account
from domain.accounts.tables import platform_request, trading_account
from domain.accounts.values import (
    AccountAccess,
    AccountKind,
    AccountStatus,
    RequestKind,
    RequestStatus,
)
from tenants.work import WriteWork


async def restrict_trading(work: WriteWork, client_id: UUID, *, reason: str) -> dict[UUID, UUID]:
    """Ask for CLOSE_ONLY on each of a client's live accounts with full access.

    What was asked, request by account; for `lift_restriction`. Effects: those of `change_access`.
    """
    rows = await work.rows(
        select(trading_account.c.id)
        .where(
            trading_account.c.brand_id == work.scope.brand_id,
            trading_account.c.client_id == client_id,
            trading_account.c.kind == AccountKind.LIVE,
            trading_account.c.status == AccountStatus.ACTIVE,
            trading_account.c.access == AccountAccess.FULL,
        )
        .order_by(trading_account.c.id)
    )
    asked = {}
    for row in rows:
        access = AccountAccess.CLOSE_ONLY
        done = await change_access(work, row.id, access, reason=reason, expected_version=None)
        asked[UUID(str(row.id))] = UUID(done["request"])
    return asked


async def lift_restriction(work: WriteWork, asked: Mapping[UUID, UUID], *, reason: str) -> None:
    """Ask for full access again where nothing else was asked since, and nobody refused it.

    An account whose access somebody changed meanwhile stays as that person left it.
    """
    for account_id, request_id in sorted(asked.items()):
        account = await lock_account(work, account_id)
        if account is None or account.status != AccountStatus.ACTIVE:
            continue
        if await _is_in_force(work, account_id, request_id):
            access = AccountAccess.FULL
            await change_access(work, account_id, access, reason=reason, expected_version=None)


async def _is_in_force(work: WriteWork, account_id: UUID, request_id: UUID) -> bool:
    columns = platform_request.c
    rows = await work.rows(
        select(columns.id)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.account_id == account_id,
            columns.kind == RequestKind.ACCESS,
            columns.status != RequestStatus.REFUSED,
        )
        .order_by(columns.created_at.desc(), columns.id.desc())
        .limit(1)
    )
    return bool(rows) and rows[0].id == request_id
