"""SELECTs of transfers, quotes and proofs."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.clients.rights import reaches_all
from domain.clients.standing import find_standing
from domain.kernel.errors import NotFound
from domain.payments.ledger.queries import WalletRow, find_wallet
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.ledger.values import TransferState
from domain.payments.reconciliation.tables import balance_proof
from domain.payments.tables import fx_quote, payment
from domain.payments.transfers.values import Attempt
from domain.payments.values import PaymentKind, PaymentStatus
from tenants.tables import brand, consumer_cursor
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork


async def get_wallet(work: AnyWork, wallet_id: UUID, *, named: str) -> WalletRow:
    """A wallet of a client in reach. Refusals: NOT_FOUND, for one out of reach alike."""
    found = await find_wallet(work, wallet_id)
    if found is None or not await _is_reached(work, found.client_id):
        raise NotFound(path=("input", named))
    return found


async def _is_reached(work: AnyWork, client_id: UUID) -> bool:
    """Whether whoever acts may know of the client, beyond what row-level security says."""
    return reaches_all(work.scope) or await find_standing(work, client_id) is not None


async def list_currencies(work: AnyWork) -> list[str]:
    """The currencies that the brand keeps wallets in."""
    rows = await work.rows(select(brand.c.currencies).where(brand.c.id == work.scope.brand_id))
    return list(rows[0].currencies)


async def get_quote(work: WriteWork, quote_id: UUID) -> Any:
    """A quote of a client in reach, locked until the work ends. Refusals: NOT_FOUND."""
    row = await work.maybe(
        select(fx_quote)
        .where(fx_quote.c.brand_id == work.scope.brand_id, fx_quote.c.id == quote_id)
        .with_for_update()
    )
    if row is None or not await _is_reached(work, row.client_id):
        raise NotFound(path=("input", "quoteId"))
    return row


async def find_quotes(work: AnyWork, quote_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Quotes by their ids."""
    rows = await work.rows(
        select(fx_quote).where(
            fx_quote.c.brand_id == work.scope.brand_id, fx_quote.c.id == _any(quote_ids)
        )
    )
    return {row.id: row for row in rows}


async def lock_transfers(work: WriteWork, payment_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Transfers among some payments, locked in the order of their ids."""
    rows = await work.rows(
        select(payment)
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.id == _any(payment_ids),
            payment.c.kind == PaymentKind.TRANSFER,
        )
        .order_by(payment.c.id)
        .with_for_update()
    )
    return {row.id: dict(row._mapping) for row in rows}


async def find_transfer(work: AnyWork, payment_id: UUID) -> Any:
    """A transfer that row-level security shows; None when there is none."""
    rows = await work.rows(
        select(payment).where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.id == payment_id,
            payment.c.kind == PaymentKind.TRANSFER,
        )
    )
    return rows[0] if rows else None


async def list_doubtful(work: AnyWork, *, before: datetime, limit: int) -> Sequence[Any]:
    """Transfers whose outcome has been open since before an instant, oldest first."""
    open_now = [PaymentStatus.SENDING.value, PaymentStatus.UNKNOWN.value]
    return await work.rows(
        select(payment)
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.kind == PaymentKind.TRANSFER,
            payment.c.status == func.any(bindparam("open", open_now, type_=_TEXTS)),
            payment.c.created_at < before,
        )
        .order_by(payment.c.created_at, payment.c.id)
        .limit(limit)
    )


async def find_consumed(work: AnyWork, consumer: str) -> int:
    """How far a consumer has followed the brand's log; 0 when it has not begun."""
    rows = await work.rows(
        select(consumer_cursor.c.seq).where(
            consumer_cursor.c.brand_id == work.scope.brand_id,
            consumer_cursor.c.consumer == consumer,
        )
    )
    return int(rows[0].seq) if rows else 0


async def find_proofs(work: AnyWork, day: date, account_ids: Collection[UUID]) -> dict[UUID, Any]:
    """What is known of a day's proofs of some accounts."""
    columns = balance_proof.c
    rows = await work.rows(
        select(balance_proof).where(
            columns.brand_id == work.scope.brand_id,
            columns.day == day,
            columns.account_id == _any(account_ids),
        )
    )
    return {row.account_id: row for row in rows}


async def list_proofs(
    work: AnyWork, day: date, *, only_differing: bool, limit: int
) -> Sequence[Any]:
    """A day's proofs, those that differ first and the widest of them on top."""
    columns = balance_proof.c
    differs = columns.ledger_minor != columns.platform_minor
    statement = select(balance_proof).where(
        columns.brand_id == work.scope.brand_id, columns.day == day
    )
    if only_differing:
        statement = statement.where(differs)
    wide = func.abs(columns.ledger_minor - columns.platform_minor)
    return await work.rows(
        statement.order_by(differs.desc(), wide.desc(), columns.account_id).limit(limit)
    )


async def list_attempts(work: AnyWork, keys: Collection[str]) -> list[Attempt]:
    """The holds of these keys, oldest first, with what became of each."""
    release = ledger_transfer.alias()
    rows = await work.rows(
        select(ledger_transfer.c.recorded_at, release.c.state)
        .outerjoin(
            release,
            and_(
                release.c.brand_id == work.scope.brand_id,
                release.c.resolves_id == ledger_transfer.c.id,
            ),
        )
        .where(
            ledger_transfer.c.brand_id == work.scope.brand_id,
            ledger_transfer.c.key == func.any(bindparam("keys", list(keys), type_=_TEXTS)),
        )
        .order_by(ledger_transfer.c.recorded_at, ledger_transfer.c.id)
    )
    return [Attempt(row.recorded_at, row.state == TransferState.VOID) for row in rows]


_UUIDS, _TEXTS = ARRAY(PgUUID(as_uuid=True)), ARRAY(Text)


def _any(ids: Collection[UUID]) -> Any:
    return func.any(bindparam(None, list(ids), type_=_UUIDS))
