"""A payment comes into being, and moves from status to status: each move a step and an event."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select, update

from domain.payments.events import payment_event, status_kind
from domain.payments.rules import may_follow
from domain.payments.tables import payment, payment_step
from domain.payments.values import PaymentKind, PaymentStatus
from tenants.numbers import next_number
from tenants.work import WriteWork

_PREFIX = {
    PaymentKind.DEPOSIT: "D",
    PaymentKind.WITHDRAWAL: "W",
    PaymentKind.TRANSFER: "T",
}


async def create_payment(work: WriteWork, values: Mapping[str, Any]) -> dict[str, Any]:
    """Insert a payment with its reference and first step; its row.

    `values` has at least kind, status, client_id, ib_path, currency, amount_minor and fee_minor;
    `id` is made when missing. Effects: one event.
    """
    number = await next_number(work, "payment", start=100_001)
    row = {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "reference": f"{_PREFIX[PaymentKind(values['kind'])]}-{number}",
        "version": 1,
        "created_at": work.now(),
        "updated_at": work.now(),
        **values,
    }
    made = dict((await work.one(insert(payment).values(row).returning(payment)))._mapping)
    await _add_step(work, made, 1)
    work.emit(payment_event(status_kind(made["kind"], made["status"]), made))
    return made


async def advance(
    work: WriteWork,
    row: Mapping[str, Any],
    status: PaymentStatus,
    *,
    changed: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Move a payment, which the work has locked, to a status that may follow its own; the new row.

    `changed` are other columns, `more` goes into the event's payload. Effects: a step, one event.
    """
    before = PaymentStatus(row["status"])
    assert may_follow(PaymentKind(row["kind"]), before, status), (row["kind"], before, status)
    made = await change(work, row, {"status": status, **(changed or {})})
    last = await work.one(
        select(func.coalesce(func.max(payment_step.c.n), 0).label("n")).where(
            payment_step.c.brand_id == work.scope.brand_id, payment_step.c.payment_id == row["id"]
        )
    )
    await _add_step(work, made, last.n + 1)
    work.emit(payment_event(status_kind(made["kind"], made["status"]), made, more))
    return made


async def change(
    work: WriteWork, row: Mapping[str, Any], changed: Mapping[str, Any]
) -> dict[str, Any]:
    """Change columns of a locked payment without a step; the new row."""
    made = await work.one(
        update(payment)
        .where(payment.c.brand_id == work.scope.brand_id, payment.c.id == row["id"])
        .values(version=payment.c.version + 1, updated_at=work.now(), **changed)
        .returning(payment)
    )
    return dict(made._mapping)


async def _add_step(work: WriteWork, row: Mapping[str, Any], n: int) -> None:
    await work.rows(
        insert(payment_step).values(
            brand_id=work.scope.brand_id,
            payment_id=row["id"],
            n=n,
            client_id=row["client_id"],
            ib_path=row["ib_path"],
            status=row["status"],
            reason_code=row["reason_code"],
            actor_kind=work.scope.actor.kind,
            actor_id=work.scope.actor.id,
            at=work.now(),
        )
    )
