"""A live account that opens by itself as soon as the client has proven who it is."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from domain.accounts.events import TOPIC, AccountEventKind
from domain.accounts.rules import OpenWish
from domain.accounts.tables import account_wish
from domain.accounts.values import AccountKind, WishStatus
from domain.clients.standing import ClientStanding
from tenants.log import Change, Event
from tenants.work import WriteWork


async def wish_account(work: WriteWork, standing: ClientStanding, wish: OpenWish) -> UUID:
    """Keep what a client wants until it may have it; another wish takes its place.

    Effects: event `open_waiting`, audit.
    """
    await end_wish(work, standing.id, WishStatus.REPLACED)
    wish_id = work.new_id()
    shown = {"kind": wish.kind, "currency": wish.currency, "leverage": wish.leverage}
    await work.rows(
        insert(account_wish).values(
            brand_id=work.scope.brand_id,
            id=wish_id,
            client_id=standing.id,
            ib_path=standing.ib_path,
            swap_free=wish.swap_free,
            status=WishStatus.WAITING,
            created_at=work.now(),
            **shown,
        )
    )
    work.emit(
        Event(
            TOPIC,
            AccountEventKind.OPEN_WAITING,
            client_id=standing.id,
            ib_path=standing.ib_path,
            payload={"kind": wish.kind, "currency": wish.currency},
        )
    )
    work.audit(Change("account.wish", object_kind="client", object_id=standing.id, after=shown))
    return wish_id


async def find_wish(work: WriteWork, client_id: UUID) -> Any:
    """What a client waits for, locked; None when it waits for nothing."""
    return await work.maybe(
        select(account_wish)
        .where(
            account_wish.c.brand_id == work.scope.brand_id,
            account_wish.c.client_id == client_id,
            account_wish.c.status == WishStatus.WAITING.value,
        )
        .with_for_update()
    )


async def end_wish(
    work: WriteWork,
    client_id: UUID,
    status: WishStatus,
    *,
    account_id: UUID | None = None,
    reason_code: str | None = None,
) -> None:
    """Say what became of what a client waits for; nothing when it waits for nothing."""
    await work.rows(
        update(account_wish)
        .where(
            account_wish.c.brand_id == work.scope.brand_id,
            account_wish.c.client_id == client_id,
            account_wish.c.status == WishStatus.WAITING.value,
        )
        .values(
            status=status.value,
            account_id=account_id,
            reason_code=reason_code,
            ended_at=work.now(),
        )
    )


def as_wish(row: Any) -> OpenWish:
    """What was asked for, as the command that opens accounts judges it."""
    return OpenWish(AccountKind(row.kind), row.currency, row.leverage, row.swap_free)
