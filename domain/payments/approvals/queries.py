"""SELECTs that approvals need."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, func, literal, select

from domain.clients.values import ClientRisk
from domain.kernel.money import Money
from domain.payments.approvals.values import ApprovalRule, ApprovalState, Asked
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.tables import approval, approval_rule, payment
from domain.payments.values import ApprovalLevel, ApprovalStatus, PaymentKind, PaymentStatus
from tenants.api_tokens import find_issuer
from tenants.context import ActorKind
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork
_S = PaymentStatus
# Money that never left, or came back.
_NOT_OUT = (_S.CANCELLED, _S.REJECTED, _S.EXPIRED, _S.FAILED, _S.RETURNED)
_DAY = timedelta(hours=24)


async def list_rules(work: AnyWork, currency: str, risk: ClientRisk) -> list[ApprovalRule]:
    """The brand's rules on amounts of a currency for clients of a risk."""
    rows = await work.rows(
        select(approval_rule.c.upto_minor, approval_rule.c.levels).where(
            approval_rule.c.brand_id == work.scope.brand_id,
            approval_rule.c.currency == currency,
            approval_rule.c.risk == risk.value,
        )
    )
    return [
        ApprovalRule(
            None if row.upto_minor is None else int(row.upto_minor),
            tuple(ApprovalLevel(one) for one in row.levels),
        )
        for row in rows
    ]


async def list_approvals(work: AnyWork, payment_id: UUID, round_: int) -> list[ApprovalState]:
    """The approvals of a withdrawal's round, in the order of the chain."""
    rows = await work.rows(
        select(approval.c.id, approval.c.level, approval.c.status, approval.c.decided_by)
        .where(
            approval.c.brand_id == work.scope.brand_id,
            approval.c.payment_id == payment_id,
            approval.c.round == round_,
        )
        .order_by(approval.c.n)
    )
    return [
        ApprovalState(row.id, ApprovalLevel(row.level), ApprovalStatus(row.status), row.decided_by)
        for row in rows
    ]


async def sums_of_day(work: AnyWork, client_id: UUID, asked: Asked) -> dict[str, Money]:
    """The client's other withdrawals of the 24 hours before this one, by currency.

    Those that never left or came back do not count, so that nobody waits for what did not happen.
    A new one counts all there are: instants are those at which works began, not their order.
    """
    conditions = [
        payment.c.brand_id == work.scope.brand_id,
        payment.c.client_id == client_id,
        payment.c.kind == PaymentKind.WITHDRAWAL.value,
        payment.c.created_at > asked.at - _DAY,
        payment.c.status != func.all(cast(literal(list(_NOT_OUT), ARRAY(Text)), ARRAY(Text))),
    ]
    if asked.payment_id is not None:
        conditions += [payment.c.id != asked.payment_id, payment.c.created_at <= asked.at]
    rows = await work.rows(
        select(payment.c.currency, func.sum(payment.c.amount_minor).label("total"))
        .where(*conditions)
        .group_by(payment.c.currency)
    )
    return {row.currency: Money(int(row.total), row.currency) for row in rows}


async def is_in_debt(work: AnyWork, client_id: UUID) -> bool:
    """Whether the client owes us for a dispute, in any currency."""
    rows = await work.rows(
        select(ledger_account.c.id).where(
            ledger_account.c.brand_id == work.scope.brand_id,
            ledger_account.c.kind == LedgerAccountKind.CHARGEBACK_RECEIVABLE.value,
            ledger_account.c.reference == client_id.hex,
        )
    )
    if not rows:
        return False
    owed: dict[UUID, Money] = await balances(work, [row.id for row in rows])
    return any(one.amount_minor < 0 for one in owed.values())


async def find_makers(work: AnyWork) -> frozenset[UUID]:
    """Who acts in this work: the actor and, behind an API token, the person who issued it."""
    actor = work.scope.actor
    found = {actor.id}
    if actor.kind is ActorKind.TOKEN and actor.id is not None:
        found.add(await find_issuer(work, actor.id))
    return frozenset(one for one in found if one is not None)


async def list_waiting(work: WriteWork, client_id: UUID) -> Sequence[Any]:
    """A client's withdrawals that wait for approval, locked."""
    return await work.rows(
        select(payment)
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.client_id == client_id,
            payment.c.kind == PaymentKind.WITHDRAWAL.value,
            payment.c.status == _S.REQUESTED.value,
        )
        .order_by(payment.c.id)
        .with_for_update()
    )
