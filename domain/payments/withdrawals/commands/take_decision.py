"""What approving and rejecting have in common: the withdrawal waits, and the right eyes look."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import update

from domain.clients.standing import lock_client
from domain.kernel.errors import Invalid
from domain.payments.approvals.errors import FourEyes
from domain.payments.approvals.queries import list_approvals
from domain.payments.approvals.rules import decide_approval
from domain.payments.approvals.values import ApprovalState
from domain.payments.queries import find_client_id, get_payment
from domain.payments.tables import approval
from domain.payments.values import ApprovalStatus, PaymentKind, PaymentStatus
from domain.payments.withdrawals.errors import NotWaiting, VersionMoved
from tenants.context import ActorKind
from tenants.work import WriteWork

REASON_MAX = 500
_NAMED = ("input", "withdrawalId")


async def get_waiting(
    work: WriteWork, withdrawal_id: UUID, *, version: int | None
) -> dict[str, Any]:
    """A withdrawal that waits for approval, locked behind its client.

    Refusals: NOT_FOUND, VERSION_CONFLICT, WITHDRAWAL_NOT_WAITING (past its time as well).
    """
    client_id = await find_client_id(work, withdrawal_id)
    if client_id is not None:
        await lock_client(work, client_id)
    row = await get_payment(work, withdrawal_id, PaymentKind.WITHDRAWAL, path=_NAMED)
    if version is not None and row["version"] != version:
        raise VersionMoved()
    if row["status"] != PaymentStatus.REQUESTED:
        raise NotWaiting(row["status"])
    if row["expires_at"] <= work.now():
        raise NotWaiting(PaymentStatus.EXPIRED)
    return row


async def take_decision(
    work: WriteWork, row: Mapping[str, Any], status: ApprovalStatus, reason: str
) -> tuple[ApprovalState, bool]:
    """Decide the approval that is next; it, and whether others of the round still wait.

    Refusals: INVALID, FOUR_EYES, LEVEL_MISSING.
    """
    reason = checked_reason(reason)
    actor = work.scope.actor
    # Four eyes are people's: a token of a service may be in anybody's hands.
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        raise FourEyes()
    approvals = await list_approvals(work, row["id"], row["approval_round"])
    one = decide_approval(
        approvals, actor.id, permissions=work.scope.permissions, makers=row["maker_ids"]
    )
    await work.rows(
        update(approval)
        .where(approval.c.brand_id == work.scope.brand_id, approval.c.id == one.id)
        .values(status=status, decided_by=actor.id, decided_at=work.now(), reason=reason)
    )
    waiting = [each for each in approvals if each.status is ApprovalStatus.PENDING]
    return one, len(waiting) > 1


def checked_reason(reason: str) -> str:
    """Why somebody did it, for the audit trail. Refusals: INVALID."""
    told = reason.strip()
    if not 1 <= len(told) <= REASON_MAX:
        message = f"Say why in 1 to {REASON_MAX} characters."
        raise Invalid("INVALID", message, path=("input", "reason"))
    return told
