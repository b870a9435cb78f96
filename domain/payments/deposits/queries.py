"""SELECTs that deposits need."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, and_, case, cast, func, literal, select, true, tuple_
from sqlalchemy.sql.elements import ColumnElement

from domain.payments.deposits.rules import GIVEN_UP, IN_SUSPENSE, OPEN
from domain.payments.deposits.values import Method, Offer, SentBack, Terms
from domain.payments.disputes.tables import dispute
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.tables import (
    payment,
    payment_method,
    payment_method_terms,
    psp_connection,
    withdrawal_leg,
)
from domain.payments.values import (
    ConnectionStatus,
    DiscrepancyKind,
    DiscrepancyStatus,
    DisputeStatus,
    LegKind,
    LegStatus,
    MethodKind,
    PaymentDirection,
    PaymentKind,
    PaymentStatus,
)
from tenants.brands import host_name
from tenants.tables import brand, brand_host, publishable_key
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork
_SENT_BACK = (LegStatus.SENDING, LegStatus.UNKNOWN, LegStatus.SENT, LegStatus.PAID)
SILENT_PAGE = 500
_METHODS_MAX = 200


# What of a payment counts towards what a client may pay in: what came, less what went back and what
# disputes took for good, or what is under way. Money in suspense is nobody's yet.
_lost_minor = (
    select(func.coalesce(func.sum(dispute.c.amount_minor), 0))
    .where(
        dispute.c.brand_id == payment.c.brand_id,
        dispute.c.payment_id == payment.c.id,
        dispute.c.status == DisputeStatus.LOST.value,
    )
    .correlate(payment)
    .scalar_subquery()
)
_is_open = payment.c.status == func.any(
    cast(literal([one.value for one in OPEN], ARRAY(Text)), ARRAY(Text))
)
_kept_minor = payment.c.credited_minor - payment.c.refunded_minor
counted_minor = case(
    (payment.c.reason_code == IN_SUSPENSE, 0),
    (
        payment.c.status == PaymentStatus.CHARGED_BACK.value,
        func.greatest(0, _kept_minor - _lost_minor),
    ),
    (payment.c.credited_minor.is_not(None), _kept_minor),
    (_is_open, payment.c.amount_minor),
    else_=0,
)
counted_currency = func.coalesce(payment.c.credited_currency, payment.c.currency)


async def sum_of_deposits(work: AnyWork, client_id: UUID) -> dict[str, int]:
    """What a client has paid in and is paying in, in minor units by currency."""
    rows = await work.rows(
        select(counted_currency.label("currency"), func.sum(counted_minor).label("minor"))
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.client_id == client_id,
            payment.c.kind == PaymentKind.DEPOSIT.value,
            payment.c.purchase_id.is_(None),  # what was bought was never the client's money
        )
        .group_by(counted_currency)
    )
    return {row.currency: int(row.minor) for row in rows}


async def find_deposit(work: AnyWork, payment_id: UUID) -> Any:
    """A deposit's row with its `method_kind`; None when there is none or not the reader's."""
    method = and_(
        payment_method.c.brand_id == payment.c.brand_id, payment_method.c.id == payment.c.method_id
    )
    rows = await work.rows(
        select(payment, payment_method.c.kind.label("method_kind"))
        .select_from(payment.join(payment_method, method))
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.id == payment_id,
            payment.c.kind == PaymentKind.DEPOSIT.value,
        )
    )
    return rows[0] if rows else None


async def find_offer(work: AnyWork) -> Offer:
    """The brand's currencies, hosts and the origins of its live publishable keys."""
    brand_id = work.scope.brand_id
    hosts = select(brand_host.c.host).where(brand_host.c.brand_id == brand_id).scalar_subquery()
    origins = (
        select(func.unnest(publishable_key.c.origins))
        .where(publishable_key.c.brand_id == brand_id, publishable_key.c.revoked_at.is_(None))
        .scalar_subquery()
    )
    (row,) = await work.rows(
        select(
            brand.c.currencies,
            func.array(hosts, type_=ARRAY(Text)).label("hosts"),
            func.array(origins, type_=ARRAY(Text)).label("origins"),
        ).where(brand.c.id == brand_id)
    )
    return Offer(
        currencies=frozenset(row.currencies),
        hosts=frozenset(host_name(host) for host in row.hosts),
        origins=frozenset(origin.lower() for origin in row.origins),
    )


async def list_methods(
    work: AnyWork,
    direction: PaymentDirection,
    currency: str | None,
    *,
    method_id: UUID | None = None,
) -> list[Method]:
    """The brand's methods in the order they are shown, with their terms in a currency, or once for
    each of their currencies; only the one with an id when that is given."""
    terms = payment_method_terms
    of_method = and_(
        terms.c.brand_id == payment_method.c.brand_id,
        terms.c.method_id == payment_method.c.id,
        terms.c.direction == direction.value,
        terms.c.currency == currency if currency is not None else true(),
    )
    conditions: list[ColumnElement[bool]] = [payment_method.c.brand_id == work.scope.brand_id]
    if method_id is not None:
        conditions.append(payment_method.c.id == method_id)
    rows = await work.rows(
        select(
            payment_method.c.id,
            payment_method.c.connection_id,
            payment_method.c.kind,
            payment_method.c.enabled,
            payment_method.c.countries,
            psp_connection.c.status,
            terms.c.currency,
            terms.c.min_minor,
            terms.c.max_minor,
            terms.c.fee_fixed_minor,
            terms.c.fee_bps,
        )
        .select_from(
            payment_method.join(
                psp_connection,
                and_(
                    psp_connection.c.brand_id == payment_method.c.brand_id,
                    psp_connection.c.id == payment_method.c.connection_id,
                ),
            ).outerjoin(terms, of_method)
        )
        .where(*conditions)
        .order_by(payment_method.c.position, payment_method.c.name, terms.c.currency)
        .limit(_METHODS_MAX)
    )
    return [_method(row) for row in rows]


def _method(row: Any) -> Method:
    terms = None
    if row.currency is not None:
        terms = Terms(
            currency=row.currency,
            min_minor=int(row.min_minor),
            max_minor=int(row.max_minor),
            fee_fixed_minor=int(row.fee_fixed_minor),
            fee_bps=row.fee_bps,
        )
    return Method(
        id=row.id,
        connection_id=row.connection_id,
        kind=MethodKind(row.kind),
        is_open=row.enabled and row.status == ConnectionStatus.ACTIVE,
        countries=frozenset(row.countries),
        terms=terms,
    )


async def sum_sent_back(work: AnyWork, payment_id: UUID) -> SentBack:
    """What of a deposit our withdrawals have sent back to its source, or are sending."""
    sent = func.coalesce(withdrawal_leg.c.paid_minor, withdrawal_leg.c.amount_minor)
    is_paid = withdrawal_leg.c.status == LegStatus.PAID.value
    (row,) = await work.rows(
        select(
            func.coalesce(func.sum(sent), 0).label("most"),
            func.coalesce(func.sum(sent).filter(is_paid), 0).label("least"),
        ).where(
            withdrawal_leg.c.brand_id == work.scope.brand_id,
            withdrawal_leg.c.deposit_id == payment_id,
            withdrawal_leg.c.kind == LegKind.REFUND.value,
            _among(withdrawal_leg.c.status, _SENT_BACK),
        )
    )
    return SentBack(int(row.least), int(row.most))


async def list_silent(
    work: WriteWork, *, older_than: timedelta, after: tuple[datetime, UUID] | None = None
) -> list[Any]:
    """A page of open deposits that were made and not heard of for so long, oldest news first; the
    next one begins `after` the last `updated_at` and id."""
    before = work.now() - older_than
    conditions = [
        payment.c.brand_id == work.scope.brand_id,
        payment.c.kind == PaymentKind.DEPOSIT.value,
        _among(payment.c.status, OPEN),
        payment.c.updated_at < before,
    ]
    if after is not None:
        conditions.append(tuple_(payment.c.updated_at, payment.c.id) > after)
    rows = await work.rows(
        select(payment.c.id, payment.c.created_at, payment.c.updated_at)
        .where(*conditions)
        .order_by(payment.c.updated_at, payment.c.id)
        .limit(SILENT_PAGE)
    )
    return list(rows)


async def list_doubted(work: WriteWork) -> list[Any]:
    """Deposits that were given up and credited nothing, while staff are told that their outcome is
    unknown; at most a page, the oldest news first."""
    rows = await work.rows(
        select(payment.c.id, payment.c.created_at)
        .join(
            discrepancy,
            and_(
                discrepancy.c.brand_id == payment.c.brand_id,
                discrepancy.c.payment_id == payment.c.id,
            ),
        )
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.kind == PaymentKind.DEPOSIT.value,
            _among(payment.c.status, GIVEN_UP),
            payment.c.credited_minor.is_(None),
            discrepancy.c.status == DiscrepancyStatus.OPEN.value,
            discrepancy.c.kind == DiscrepancyKind.OUTCOME_UNKNOWN.value,
        )
        .order_by(discrepancy.c.opened_at, discrepancy.c.id)
        .limit(SILENT_PAGE)
    )
    return list(rows)


def _among(column: ColumnElement[Any], values: tuple[str, ...]) -> ColumnElement[bool]:
    return column == func.any(cast(literal(list(values), ARRAY(Text)), ARRAY(Text)))
