"""SELECTs that withdrawals need. Row locks are always of one brand, deposits after withdrawals."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.sql.elements import ColumnElement

from domain.payments.deposits.rules import IN_SUSPENSE
from domain.payments.tables import (
    payment,
    payment_method,
    payment_method_terms,
    payout_destination,
    psp_connection,
    withdrawal_leg,
)
from domain.payments.values import (
    ConnectionStatus,
    LegStatus,
    MethodKind,
    PaymentDirection,
    PaymentKind,
    PaymentStatus,
)
from domain.payments.withdrawals.values import Source, Terms
from tenants.tables import brand_state
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork
OPEN_LEGS = (LegStatus.HELD, LegStatus.SENDING, LegStatus.UNKNOWN, LegStatus.SENT)
SENT_LEGS = (LegStatus.SENDING, LegStatus.UNKNOWN, LegStatus.SENT)
_REFUNDABLE = (PaymentStatus.SETTLED, PaymentStatus.PARTLY_REFUNDED)


def among(column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """`column = any(:array)` for a list of texts."""
    return column == func.any(cast(literal(list(values), ARRAY(Text)), ARRAY(Text)))


def among_ids(column: ColumnElement[Any], values: Collection[UUID]) -> ColumnElement[bool]:
    """`column = any(:array)` for a list of ids."""
    return column == func.any(literal(list(values), ARRAY(PgUUID(as_uuid=True))))


async def instant(work: ReadWork) -> datetime:
    """The instant of a read: the database's clock plus the brand's sandbox offset."""
    (row,) = await work.rows(
        select(func.now().label("now"), brand_state.c.clock_offset_ms).where(
            brand_state.c.brand_id == work.scope.brand_id
        )
    )
    moved: datetime = row.now + timedelta(milliseconds=row.clock_offset_ms)
    return moved


async def lock_sources(work: WriteWork, client_id: UUID, currency: str) -> None:
    """Keep a client's settled deposits, so that two withdrawals do not use one of them up."""
    await work.rows(
        select(payment.c.id)
        .where(
            payment.c.brand_id == work.scope.brand_id,
            *_deposits(client_id),
            payment.c.credited_currency == currency,
        )
        .order_by(payment.c.id)
        .with_for_update(key_share=True)
    )


async def list_sources(work: AnyWork, client_id: UUID) -> list[Source]:
    """A client's settled deposits, with what of each is left to give back."""
    rows = await work.rows(
        select(
            payment.c.id,
            payment.c.method_id,
            payment.c.connection_id,
            payment_method.c.kind,
            func.coalesce(payment.c.source_label, payment_method.c.name).label("label"),
            payment.c.credited_currency,
            (payment.c.credited_minor - payment.c.refunded_minor - _on_its_way()).label("left"),
            payment.c.settled_at,
            payment_method.c.refundable_days,
        )
        .join(
            payment_method,
            (payment_method.c.brand_id == payment.c.brand_id)
            & (payment_method.c.id == payment.c.method_id),
        )
        .where(payment.c.brand_id == work.scope.brand_id, *_deposits(client_id))
        .order_by(payment.c.id)
    )
    return [
        Source(
            deposit_id=row.id,
            method_id=row.method_id,
            connection_id=row.connection_id,
            kind=MethodKind(row.kind),
            label=row.label,
            currency=row.credited_currency,
            left_minor=int(row.left),
            settled_at=row.settled_at,
            refundable_days=row.refundable_days,
        )
        for row in rows
    ]


def _deposits(client_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        payment.c.client_id == client_id,
        payment.c.kind == PaymentKind.DEPOSIT.value,
        payment.c.purchase_id.is_(None),
        among(payment.c.status, _REFUNDABLE),
        payment.c.credited_minor > payment.c.refunded_minor,
        payment.c.settled_at.is_not(None),
        payment.c.connection_id.is_not(None),
        # What never came to a wallet is given back by its PSP, not by a withdrawal.
        payment.c.reason_code.is_distinct_from(IN_SUSPENSE),
    )


def _on_its_way() -> ColumnElement[Any]:
    asked = (
        select(func.coalesce(func.sum(withdrawal_leg.c.amount_minor), 0))
        .where(
            withdrawal_leg.c.brand_id == payment.c.brand_id,
            withdrawal_leg.c.deposit_id == payment.c.id,
            among(withdrawal_leg.c.status, OPEN_LEGS),
        )
        .correlate(payment)
    )
    return asked.scalar_subquery()


async def list_least(work: AnyWork, method_ids: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    """The least amount each of these methods takes for withdrawals, by method and currency."""
    terms = payment_method_terms.c
    rows = await work.rows(
        select(terms.method_id, terms.currency, terms.min_minor).where(
            terms.brand_id == work.scope.brand_id,
            among_ids(terms.method_id, method_ids),
            terms.direction == PaymentDirection.WITHDRAWAL.value,
        )
    )
    return {(row.method_id, row.currency): int(row.min_minor) for row in rows}


async def find_terms(
    work: AnyWork, method_ids: Collection[UUID], currency: str
) -> dict[UUID, Terms]:
    """What these methods take for withdrawals in a currency; those that do not are left out."""
    terms = payment_method_terms.c
    rows = await work.rows(
        select(
            terms.method_id, terms.min_minor, terms.max_minor, terms.fee_fixed_minor, terms.fee_bps
        ).where(
            terms.brand_id == work.scope.brand_id,
            among_ids(terms.method_id, method_ids),
            terms.direction == PaymentDirection.WITHDRAWAL.value,
            terms.currency == currency,
        )
    )
    return {
        row.method_id: Terms(
            int(row.min_minor), int(row.max_minor), int(row.fee_fixed_minor), row.fee_bps
        )
        for row in rows
    }


async def find_method(work: AnyWork, method_id: UUID) -> Any:
    """A payment method with `is_active`: switched on, over a connection that is; None without."""
    rows = await work.rows(
        select(
            payment_method.c.id,
            payment_method.c.kind,
            payment_method.c.name,
            payment_method.c.connection_id,
            (payment_method.c.enabled & (psp_connection.c.status == ConnectionStatus.ACTIVE)).label(
                "is_active"
            ),
        )
        .join(
            psp_connection,
            (psp_connection.c.brand_id == payment_method.c.brand_id)
            & (psp_connection.c.id == payment_method.c.connection_id),
        )
        .where(
            payment_method.c.brand_id == work.scope.brand_id,
            payment_method.c.id == method_id,
        )
    )
    return rows[0] if rows else None


async def find_destination(work: AnyWork, destination_id: UUID) -> Any:
    """A payout destination; None when unknown or out of scope.

    A work that writes locks it, so that it is not removed while it is chosen.
    """
    found = select(payout_destination).where(
        payout_destination.c.brand_id == work.scope.brand_id,
        payout_destination.c.id == destination_id,
    )
    rows = await work.rows(found.with_for_update() if isinstance(work, WriteWork) else found)
    return rows[0] if rows else None


async def is_destination_in_use(work: WriteWork, destination_id: UUID) -> bool:
    """Whether money waits to go to a destination, or is on its way."""
    rows = await work.rows(
        select(withdrawal_leg.c.id)
        .where(
            withdrawal_leg.c.brand_id == work.scope.brand_id,
            withdrawal_leg.c.destination_id == destination_id,
            among(withdrawal_leg.c.status, OPEN_LEGS),
        )
        .limit(1)
    )
    return bool(rows)


async def list_legs(work: AnyWork, payment_id: UUID) -> Sequence[Any]:
    """A withdrawal's legs in order. The withdrawal's row is what keeps them."""
    return await work.rows(
        select(withdrawal_leg)
        .where(
            withdrawal_leg.c.brand_id == work.scope.brand_id,
            withdrawal_leg.c.payment_id == payment_id,
        )
        .order_by(withdrawal_leg.c.n)
    )


async def lock_unsent(work: WriteWork, client_id: UUID) -> list[dict[str, Any]]:
    """A client's withdrawals that wait for approval or for being sent, locked, oldest first."""
    rows = await work.rows(
        select(payment)
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.client_id == client_id,
            payment.c.kind == PaymentKind.WITHDRAWAL.value,
            among(payment.c.status, (PaymentStatus.REQUESTED, PaymentStatus.APPROVED)),
        )
        .order_by(payment.c.id)
        .with_for_update()
    )
    return [dict(row._mapping) for row in rows]


async def find_leg(work: AnyWork, leg_id: UUID) -> Any:
    """A leg with what its PSP must be told: the deposit's id there, or the sealed destination."""
    deposit = payment.alias("deposit")
    rows = await work.rows(
        select(
            withdrawal_leg,
            deposit.c.ext_id.label("deposit_ext_id"),
            deposit.c.status.label("deposit_status"),
            payout_destination.c.account_cipher,
            payout_destination.c.holder_name,
            payment_method.c.kind.label("method_kind"),
        )
        .join(
            payment_method,
            (payment_method.c.brand_id == withdrawal_leg.c.brand_id)
            & (payment_method.c.id == withdrawal_leg.c.method_id),
        )
        .outerjoin(
            deposit,
            (deposit.c.brand_id == withdrawal_leg.c.brand_id)
            & (deposit.c.id == withdrawal_leg.c.deposit_id),
        )
        .outerjoin(
            payout_destination,
            (payout_destination.c.brand_id == withdrawal_leg.c.brand_id)
            & (payout_destination.c.id == withdrawal_leg.c.destination_id),
        )
        .where(
            withdrawal_leg.c.brand_id == work.scope.brand_id,
            withdrawal_leg.c.id == leg_id,
        )
    )
    return rows[0] if rows else None


async def find_leg_by_reference(work: AnyWork, reference: str) -> UUID | None:
    """The leg that a PSP knows by this reference; None when it is none of the brand's."""
    try:
        leg_id = UUID(hex=reference)
    except ValueError:
        return None
    rows = await work.rows(
        select(withdrawal_leg.c.id).where(
            withdrawal_leg.c.brand_id == work.scope.brand_id, withdrawal_leg.c.id == leg_id
        )
    )
    return rows[0].id if rows else None


async def sum_paid_back(work: AnyWork, deposit_id: UUID) -> int:
    """What legs of ours have paid back to a deposit's source."""
    (row,) = await work.rows(
        select(func.coalesce(func.sum(withdrawal_leg.c.paid_minor), 0).label("total")).where(
            withdrawal_leg.c.brand_id == work.scope.brand_id,
            withdrawal_leg.c.deposit_id == deposit_id,
            withdrawal_leg.c.status == LegStatus.PAID.value,
        )
    )
    return int(row.total)
