"""SELECTs of disputes, and what other slices may know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select, text

from domain.kernel.money import Money
from domain.payments.disputes.rules import debt_minor
from domain.payments.disputes.tables import dispute, dispute_evidence, dispute_restriction
from domain.payments.disputes.values import Disputed, EvidenceStatus, WaitingEvidence
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.tables import payment
from domain.payments.values import DisputeStatus, PaymentKind
from tenants.work import ReadWork, WriteWork

_IS_OPEN = dispute.c.closed_at.is_(None)
_RATIOS = text(
    "with paid as ("
    " select connection_id, date_trunc('month', settled_at at time zone 'UTC')::date as month,"
    "  count(*) as n from payment"
    " where brand_id = :brand_id and kind = 'DEPOSIT' and connection_id is not null"
    "  and settled_at >= :start and settled_at < :until group by 1, 2"
    "), disputed as ("
    " select connection_id, date_trunc('month', opened_at at time zone 'UTC')::date as month,"
    "  count(*) as n from dispute"
    " where brand_id = :brand_id and opened_at >= :start and opened_at < :until group by 1, 2"
    ") select connection_id, month, coalesce(paid.n, 0) as payments,"
    " coalesce(disputed.n, 0) as disputes"
    " from paid full join disputed using (connection_id, month) order by month, connection_id"
)


@dataclass(frozen=True, slots=True)
class ChargebackRatio:
    """Disputes opened in a month over deposits settled in it, by PSP connection (UTC months).

    `ratio` is None in a month without deposits.
    """

    connection_id: UUID
    month: date
    payments: int
    disputes: int

    @property
    def ratio(self) -> Decimal | None:
        if self.payments == 0:
            return None
        return (Decimal(self.disputes) / self.payments).quantize(Decimal("0.000001"))


async def has_open_dispute(work: ReadWork | WriteWork, client_id: UUID) -> bool:
    """Whether a deposit of the client is in dispute just now: withdrawals wait until it is not."""
    rows = await work.rows(
        select(dispute.c.id)
        .where(
            dispute.c.brand_id == work.scope.brand_id, dispute.c.client_id == client_id, _IS_OPEN
        )
        .limit(1)
    )
    return bool(rows)


async def lock_dispute(work: WriteWork, connection_id: UUID, ext_id: str) -> dict[str, Any] | None:
    """A dispute by the PSP's id, locked; None when it was never seen."""
    row = await work.maybe(
        select(dispute)
        .where(
            dispute.c.brand_id == work.scope.brand_id,
            dispute.c.connection_id == connection_id,
            dispute.c.ext_id == ext_id,
        )
        .with_for_update()
    )
    return None if row is None else dict(row._mapping)


async def find_dispute(work: ReadWork | WriteWork, dispute_id: UUID) -> dict[str, Any] | None:
    """A dispute's row; None when unknown or out of scope."""
    rows = await work.rows(
        select(dispute).where(dispute.c.brand_id == work.scope.brand_id, dispute.c.id == dispute_id)
    )
    return dict(rows[0]._mapping) if rows else None


async def disputes_of_payment(work: WriteWork, payment_id: UUID) -> Sequence[Any]:
    """All disputes of a deposit."""
    return await work.rows(
        select(dispute.c.id, dispute.c.status).where(
            dispute.c.brand_id == work.scope.brand_id, dispute.c.payment_id == payment_id
        )
    )


async def disputed_minor(work: WriteWork, payment_id: UUID) -> Disputed:
    """How much of a deposit its disputes have taken, in minor units of what was credited."""
    columns = dispute.c
    total = func.coalesce(func.sum(columns.amount_minor).filter(_IS_OPEN), 0)
    lost = columns.status == DisputeStatus.LOST.value
    row = await work.one(
        select(
            total.label("open"),
            func.coalesce(func.sum(columns.amount_minor).filter(lost), 0).label("lost"),
        ).where(columns.brand_id == work.scope.brand_id, columns.payment_id == payment_id)
    )
    return Disputed(int(row.open), int(row.lost))


async def list_restrictions(work: WriteWork, dispute_id: UUID) -> dict[UUID, UUID]:
    """What a dispute asked of platforms, request by account."""
    rows = await work.rows(
        select(dispute_restriction.c.account_id, dispute_restriction.c.request_id).where(
            dispute_restriction.c.brand_id == work.scope.brand_id,
            dispute_restriction.c.dispute_id == dispute_id,
        )
    )
    return {row.account_id: row.request_id for row in rows}


async def find_deposit(work: ReadWork | WriteWork, connection_id: UUID, ext_id: str) -> Any:
    """The deposit behind a PSP's payment, and whose it is; None when it is none of ours."""
    rows = await work.rows(
        select(payment.c.id, payment.c.client_id).where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.connection_id == connection_id,
            payment.c.ext_id == ext_id,
            payment.c.kind == PaymentKind.DEPOSIT,
        )
    )
    return rows[0] if rows else None


async def receivable(work: ReadWork | WriteWork, client_id: UUID, currency: str) -> int:
    """The balance of what a client owes us, in minor units: below zero while something is owed."""
    rows = await work.rows(
        select(ledger_account.c.id).where(
            ledger_account.c.brand_id == work.scope.brand_id,
            ledger_account.c.kind == LedgerAccountKind.CHARGEBACK_RECEIVABLE,
            ledger_account.c.reference == client_id.hex,
            ledger_account.c.asset == currency,
        )
    )
    if not rows:
        return 0
    return (await balances(work, [rows[0].id]))[rows[0].id].amount_minor


async def find_debt(work: ReadWork | WriteWork, client_id: UUID, currency: str) -> Money:
    """What a client owes for lost disputes in a currency; open ones count when they are lost."""
    given = case((dispute.c.hold_id.is_(None), dispute.c.held_minor), else_=0)
    rows = await work.rows(
        select(func.coalesce(func.sum(dispute.c.amount_minor - given), 0).label("n")).where(
            dispute.c.brand_id == work.scope.brand_id,
            dispute.c.client_id == client_id,
            dispute.c.currency == currency,
            _IS_OPEN,
        )
    )
    owed = await receivable(work, client_id, currency)
    return Money(debt_minor(owed, int(rows[0].n)), currency)


async def find_waiting_evidence(
    work: ReadWork | WriteWork, evidence_id: UUID
) -> WaitingEvidence | None:
    """Evidence that has not been sent; None when it was, or when there is none."""
    columns = dispute_evidence.c
    rows = await work.rows(
        select(columns.id, columns.dispute_id, dispute.c.connection_id,
               dispute.c.ext_id.label("dispute_ext_id"),
               columns.text)
        .join(dispute, (dispute.c.brand_id == columns.brand_id)
              & (dispute.c.id == columns.dispute_id))
        .where(columns.brand_id == work.scope.brand_id, columns.id == evidence_id,
               columns.status == EvidenceStatus.WAITING)
    )  # fmt: skip
    return WaitingEvidence(**rows[0]._mapping) if rows else None


async def chargeback_ratios(
    work: ReadWork | WriteWork, start: datetime, until: datetime
) -> list[ChargebackRatio]:
    """The ratio of each connection and month that begins in [start, until)."""
    given = {"brand_id": work.scope.brand_id, "start": start, "until": until}
    rows = await work.rows(_RATIOS, given)
    return [ChargebackRatio(row.connection_id, row.month, row.payments, row.disputes)
            for row in rows]  # fmt: skip
