"""What the API shows of money: payments and what belongs to them, wallets, payment methods.

Who may see a client may see its money; a client is held to its own rows here and by row-level
security. Account numbers of payout destinations are sealed and not shown at all.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy import cast as cast_as
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID, aggregate_order_by

from domain.clients.tables import client
from domain.payments.deposits.queries import counted_currency, counted_minor
from domain.payments.disputes.reads import READS as DISPUTES
from domain.payments.disputes.tables import dispute
from domain.payments.ledger.reads import READS as LEDGER
from domain.payments.reconciliation.reads import READS as RECONCILIATION
from domain.payments.tables import (
    approval,
    fx_quote,
    payment,
    payment_method,
    payment_step,
    payout_destination,
    withdrawal_leg,
)
from domain.payments.values import ApprovalStatus, LegStatus, PaymentKind, PaymentStatus
from domain.payments.withdrawals.queries import OPEN_LEGS, among
from domain.reads import (
    VIEWER_ID,
    Entity,
    Many,
    One,
    Through,
    columns,
    extend,
    own_rows,
)
from tenants.tables import brand_state


def _now(brand_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """The brand's instant as works see it: the database's clock, moved in a sandbox."""
    moved = select(brand_state.c.clock_offset_ms).where(brand_state.c.brand_id == brand_id)
    seconds = moved.scalar_subquery() / literal(Decimal(1000))
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


_steps = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_array(
                        payment_step.c.status,
                        payment_step.c.reason_code,
                        payment_step.c.actor_kind,
                        payment_step.c.actor_id,
                        payment_step.c.at,
                    ),
                    payment_step.c.n,
                )
            ),
            type_coerce([], JSONB),
            type_=JSONB,
        )
    )
    .where(payment_step.c.brand_id == payment.c.brand_id, payment_step.c.payment_id == payment.c.id)
    .correlate(payment)
    .scalar_subquery()
)
_rate = (
    select(fx_quote.c.rate)
    .where(fx_quote.c.brand_id == payment.c.brand_id, fx_quote.c.id == payment.c.quote_id)
    .correlate(payment)
    .scalar_subquery()
)
_this_round = and_(
    approval.c.brand_id == payment.c.brand_id,
    approval.c.payment_id == payment.c.id,
    approval.c.round == payment.c.approval_round,
)
_next_level = (
    select(approval.c.level)
    .where(_this_round, approval.c.status == ApprovalStatus.PENDING.value)
    .order_by(approval.c.n)
    .limit(1)
    .correlate(payment)
    .scalar_subquery()
)
_checkers = (
    select(
        func.coalesce(
            func.array_agg(approval.c.decided_by),
            cast_as([], ARRAY(UUID(as_uuid=True))),
            type_=ARRAY(UUID(as_uuid=True)),
        )
    )
    .where(_this_round, approval.c.decided_by.is_not(None))
    .correlate(payment)
    .scalar_subquery()
)
# A part of a withdrawal that failed or came back, and can be sent elsewhere.
_can_send_again = (
    exists()
    .where(
        withdrawal_leg.c.brand_id == payment.c.brand_id,
        withdrawal_leg.c.payment_id == payment.c.id,
        or_(
            withdrawal_leg.c.status == LegStatus.FAILED.value,
            withdrawal_leg.c.status == LegStatus.RETURNED.value,
        ),
    )
    .correlate(payment)
)

# What keeps a withdrawal from being approved; nothing else is asked about what does not wait.
_waits = payment.c.status == PaymentStatus.REQUESTED.value
_is_disputed = and_(
    _waits,
    exists()
    .where(
        dispute.c.brand_id == payment.c.brand_id,
        dispute.c.client_id == payment.c.client_id,
        dispute.c.closed_at.is_(None),
    )
    .correlate(payment),
)
_is_held = case(
    (_waits, func.screening_holds(payment.c.brand_id, payment.c.client_id, type_=Boolean)),
    else_=false(),
)
_is_in_use = (
    exists()
    .where(
        withdrawal_leg.c.brand_id == payout_destination.c.brand_id,
        withdrawal_leg.c.destination_id == payout_destination.c.id,
        among(withdrawal_leg.c.status, OPEN_LEGS),
    )
    .correlate(payout_destination)
)

PAYMENT = Entity(
    name="payment",
    table=payment,
    fields={
        **columns(payment, "kind", "reference", "version", "status", "reason_code", "currency"),
        **columns(payment, "amount_minor", "fee_minor", "received_minor", "received_currency"),
        **columns(payment, "created_at", "updated_at", "expires_at", "settled_at", "risk"),
        **columns(payment, "credited_minor", "credited_currency", "refunded_minor"),
        **columns(payment, "checkout_url", "source_label"),
        **columns(payment, "from_kind", "from_id", "to_kind", "to_id"),
        "rate": _rate,
        "steps": _steps,
        "next_level": _next_level,
        "checker_ids": _checkers,
        **columns(payment, "maker_ids"),
        "can_send_again": _can_send_again,
        "is_disputed": _is_disputed,
        "is_held": _is_held,
        "is_over": func.coalesce(payment.c.expires_at <= _now(payment.c.brand_id), false()),
    },
    relations={
        "client": One("client", own="client_id"),
        "wallet": One("wallet", own="wallet_id"),
        "method": One("payment_method", own="method_id"),
        "destination": One("payout_destination", own="destination_id"),
        "connection": One("psp_connection", own="connection_id"),
        "legs": Many("withdrawal_leg", theirs="payment_id"),
        "approvals": Many("approval", theirs="payment_id"),
        "disputes": Many("dispute", theirs="payment_id"),
    },
    filters={
        "kind": payment.c.kind,
        "status": payment.c.status,
        "client_id": payment.c.client_id,
        "created_at": payment.c.created_at,
        "updated_at": payment.c.updated_at,
        "settled_at": payment.c.settled_at,
        "reference": payment.c.reference,
        "currency": payment.c.currency,
        "is_purchase": payment.c.purchase_id.is_not(None),
    },
    orders={"CREATED_AT": payment.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(payment), Through("client")),
)

PAYMENT_METHOD = Entity(
    name="payment_method",
    table=payment_method,
    fields=columns(payment_method, "name", "kind", "logo_url", "enabled", "position"),
    relations={"connection": One("psp_connection", own="connection_id")},
    orders={"POSITION": payment_method.c.position},
)

PAYOUT_DESTINATION = Entity(
    name="payout_destination",
    table=payout_destination,
    fields={
        **columns(payout_destination, "label", "status", "usable_from", "created_at"),
        "is_cooling_off": payout_destination.c.usable_from > _now(payout_destination.c.brand_id),
        "is_held": func.screening_holds(
            payout_destination.c.brand_id, payout_destination.c.client_id, type_=Boolean
        ),
        "is_in_use": _is_in_use,
    },
    relations={
        "client": One("client", own="client_id"),
        "method": One("payment_method", own="method_id"),
    },
    filters={"status": payout_destination.c.status},
    orders={"CREATED_AT": payout_destination.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(payout_destination), Through("client")),
)

WITHDRAWAL_LEG = Entity(
    name="withdrawal_leg",
    table=withdrawal_leg,
    fields={
        **columns(withdrawal_leg, "n", "kind", "status", "currency", "amount_minor", "label"),
        **columns(withdrawal_leg, "paid_minor", "reason_code", "updated_at"),
    },
    relations={
        "payment": One("payment", own="payment_id"),
        "deposit": One("payment", own="deposit_id"),
        "method": One("payment_method", own="method_id"),
    },
    orders={"N": withdrawal_leg.c.n},
    scopes=(*own_rows(withdrawal_leg), Through("payment")),
)


def _open_to_viewer() -> ColumnElement[bool]:
    """The next approval of its withdrawal, which the viewer neither made nor decided on."""
    other, asked = approval.alias("other"), payment.alias("asked")
    same_round = and_(
        other.c.brand_id == approval.c.brand_id,
        other.c.payment_id == approval.c.payment_id,
        other.c.round == approval.c.round,
    )
    earlier = and_(
        same_round, other.c.status == ApprovalStatus.PENDING.value, other.c.n < approval.c.n
    )
    made = and_(
        asked.c.brand_id == approval.c.brand_id,
        asked.c.id == approval.c.payment_id,
        VIEWER_ID.op("=")(func.any(asked.c.maker_ids)),
    )
    return and_(
        ~exists().where(earlier).correlate(approval),
        ~exists().where(same_round, other.c.decided_by == VIEWER_ID).correlate(approval),
        ~exists().where(made).correlate(approval),
    )


APPROVAL = Entity(
    name="approval",
    table=approval,
    fields=columns(approval, "round", "n", "level", "status", "decided_at", "reason", "created_at"),
    relations={
        "payment": One("payment", own="payment_id"),
        "decided_by": One("staff", own="decided_by"),
    },
    filters={
        "level": approval.c.level,
        "status": approval.c.status,
        "created_at": approval.c.created_at,
        "open_to_viewer": _open_to_viewer(),
    },
    orders={"CREATED_AT": approval.c.created_at, "ROUND": (approval.c.round, approval.c.n)},
    default_order="CREATED_AT",
    scopes=(*own_rows(approval), Through("payment")),
)

_deposits = (
    select(counted_currency.label("currency"), func.sum(counted_minor).label("minor"))
    .where(
        payment.c.brand_id == client.c.brand_id,
        payment.c.client_id == client.c.id,
        payment.c.kind == PaymentKind.DEPOSIT.value,
        payment.c.purchase_id.is_(None),
    )
    .group_by(counted_currency)
    .correlate(client)
    .subquery("deposits")
)
# What counts towards how much a client may pay in; on the client's own table, so that all have one.
DEPOSIT_TOTAL = Entity(
    name="deposit_total",
    table=client,
    fields={
        "by_currency": select(
            func.jsonb_object_agg(_deposits.c.currency, _deposits.c.minor, type_=JSONB)
        ).scalar_subquery(),
    },
    relations={"client": One("client", own="id")},
    scopes=(*own_rows(client, client="id"), Through("client")),
)

READS = (
    PAYMENT,
    DEPOSIT_TOTAL,
    PAYMENT_METHOD,
    PAYOUT_DESTINATION,
    WITHDRAWAL_LEG,
    APPROVAL,
    *LEDGER,
    *DISPUTES,
    *RECONCILIATION,
    extend("client", "wallets", Many("wallet", theirs="client_id")),
    extend("client", "payments", Many("payment", theirs="client_id")),
    extend("client", "payout_destinations", Many("payout_destination", theirs="client_id")),
)
