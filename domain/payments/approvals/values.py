"""What the approvals of a withdrawal depend on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.clients.values import ClientRisk
from domain.kernel.money import Money
from domain.payments.values import ApprovalLevel, ApprovalStatus


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Whose approvals amounts up to `upto_minor` need; None is any amount."""

    upto_minor: int | None
    levels: tuple[ApprovalLevel, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A withdrawal to be judged: all of its amount, who had a hand in it, when it was asked for.

    `makers` asked for it or wrote a payee. `leaves_source` when a part goes to a destination while
    deposits in other currencies could still be given back. `payment_id` once there is a row.
    """

    amount: Money
    makers: frozenset[UUID]
    at: datetime
    leaves_source: bool = False
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What the levels follow from: the money of a day, and what speaks against the client or it.

    `amount` is that of the withdrawal and of the client's others in its currency of 24 hours.
    """

    amount: Money
    risk: ClientRisk
    is_by_others: bool = False
    is_in_debt: bool = False
    leaves_source: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalState:
    """An approval of the current round."""

    id: UUID
    level: ApprovalLevel
    status: ApprovalStatus
    decided_by: UUID | None = None
