"""What withdrawals are decided from, and what they are made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.payments.values import ApprovalLevel, LegKind, LegStatus, MethodKind


@dataclass(frozen=True, slots=True)
class Source:
    """A settled deposit that money can go back to, and how much of it is left.

    Left is what was credited, less what was refunded and what is on its way back.
    """

    deposit_id: UUID
    method_id: UUID
    connection_id: UUID
    kind: MethodKind
    label: str
    currency: str
    left_minor: int
    settled_at: datetime
    refundable_days: int

    def takes_back(self, at: datetime) -> bool:
        """Whether its method still refunds it."""
        return at < self.settled_at + timedelta(days=self.refundable_days)


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout destination that may be used, and who wrote it."""

    destination_id: UUID
    method_id: UUID
    connection_id: UUID
    label: str
    makers: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a withdrawal: back to a deposit, or to a payout destination."""

    kind: LegKind
    method_id: UUID
    connection_id: UUID
    label: str
    amount_minor: int
    deposit_id: UUID | None = None
    destination_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a method takes for withdrawals in one currency, and what it costs the client."""

    min_minor: int
    max_minor: int
    fee_fixed_minor: int
    fee_bps: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How an amount would leave: its parts, its fee on top, whose approvals it needs.

    `makers` had a hand in it, and decide nothing.
    """

    parts: tuple[Part, ...]
    fee_minor: int
    levels: tuple[ApprovalLevel, ...]
    makers: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Before:
    """The withdrawal whose parts are planned anew: its whole amount and its makers until now.

    One that `was_sent` does not go back to deposits again: a deposit did not take its part.
    """

    payment_id: UUID
    amount_minor: int
    makers: frozenset[UUID]
    was_sent: bool


@dataclass(frozen=True, slots=True)
class LegState:
    """A leg as far as the withdrawal's status depends on it."""

    status: LegStatus
    paid_minor: int = 0
