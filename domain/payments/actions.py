"""What an actor can do with a payment now, and why not: pure, and the same as commands decide."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.clients.actions import Possible
from domain.payments.rules import may_follow
from domain.payments.values import ApprovalLevel, DestinationStatus, PaymentKind, PaymentStatus


@dataclass(frozen=True, slots=True)
class PaymentStanding:
    """What actions on a payment depend on.

    `next_level` is the approval that a withdrawal waits for. `makers` asked for it or named its
    payee, `checkers` have decided in this round: neither decides (again). `is_over` says that its
    time to be approved has passed, `can_send_again` that a part failed or came back, `is_disputed`
    that a deposit of the client is in dispute, `is_held` that its money waits for compliance.
    """

    kind: PaymentKind
    status: PaymentStatus
    next_level: ApprovalLevel | None = None
    makers: frozenset[UUID] = frozenset()
    checkers: frozenset[UUID] = frozenset()
    is_over: bool = False
    can_send_again: bool = False
    is_disputed: bool = False
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class PaymentViewer:
    """Who looks at it. Only people on the staff (`is_staff`) approve."""

    id: UUID | None
    permissions: Collection[str]
    is_staff: bool = False


Verdict = Callable[[PaymentStanding, PaymentViewer], str | None]


def payment_actions(standing: PaymentStanding, viewer: PaymentViewer) -> tuple[Possible, ...]:
    """Every action on a payment of that kind and state, for this viewer."""
    return tuple(
        Possible(name, judge(standing, viewer) if needed in viewer.permissions else "FORBIDDEN")
        for name, needed, judge in _ACTIONS[standing.kind]
    )


def destination_actions(
    status: DestinationStatus,
    permissions: Collection[str],
    *,
    is_cooling_off: bool,
    is_held: bool = False,
    is_in_use: bool = False,
) -> tuple[Possible, ...]:
    """What can be done with a payout destination: withdrawing to it, removing it.

    `is_held`: the client's money waits for compliance. `is_in_use`: a withdrawal to it is open.
    """
    gone = "DESTINATION_REMOVED" if status is DestinationStatus.REMOVED else None
    used = "DESTINATION_IN_USE" if is_in_use else None
    early = "DESTINATION_COOLING_OFF" if is_cooling_off else None
    held = "CLIENT_RESTRICTED" if is_held else None
    return (
        _possible("withdrawalCreate", "withdrawals:request", permissions, gone or held or early),
        _possible("payoutDestinationRemove", "destinations:manage", permissions, gone or used),
    )


def approvable_levels(permissions: Collection[str]) -> tuple[ApprovalLevel, ...]:
    """The levels of approval that somebody with these permissions can give."""
    return tuple(level for level in ApprovalLevel if level_right(level) in permissions)


def level_right(level: ApprovalLevel) -> str:
    """The permission that an approval of that level takes."""
    return f"approvals:{level.lower()}"


def _possible(
    name: str, needed: str, permissions: Collection[str], against: str | None
) -> Possible:
    return Possible(name, against if needed in permissions else "FORBIDDEN")


def _cancel_deposit(standing: PaymentStanding, _viewer: PaymentViewer) -> str | None:
    waits = standing.status in (PaymentStatus.CREATED, PaymentStatus.PENDING)
    return None if waits else "DEPOSIT_NOT_CANCELLABLE"


def _cancel_withdrawal(standing: PaymentStanding, _viewer: PaymentViewer) -> str | None:
    may = may_follow(standing.kind, standing.status, PaymentStatus.CANCELLED)
    return None if may else "WITHDRAWAL_NOT_WAITING"


def _redirect(standing: PaymentStanding, _viewer: PaymentViewer) -> str | None:
    again = standing.status in _ENDED and standing.can_send_again
    return None if again or _waits(standing) else "WITHDRAWAL_NOT_WAITING"


def _waits(standing: PaymentStanding) -> bool:
    return standing.status is PaymentStatus.REQUESTED and not standing.is_over


def _approve(standing: PaymentStanding, viewer: PaymentViewer) -> str | None:
    if _waits(standing) and standing.is_disputed:
        return "WITHDRAWALS_BLOCKED"
    if _waits(standing) and standing.is_held:
        return "CLIENT_RESTRICTED"
    return _decide(standing, viewer)


def _decide(standing: PaymentStanding, viewer: PaymentViewer) -> str | None:
    if not _waits(standing) or standing.next_level is None:
        return "WITHDRAWAL_NOT_WAITING"
    if not viewer.is_staff or viewer.id in standing.makers | standing.checkers:
        return "FOUR_EYES"
    if level_right(standing.next_level) not in viewer.permissions:
        return "LEVEL_MISSING"
    return None


_ENDED: Final = (PaymentStatus.FAILED, PaymentStatus.PARTLY_PAID, PaymentStatus.RETURNED)
_ACTIONS: Final[dict[PaymentKind, tuple[tuple[str, str, Verdict], ...]]] = {
    PaymentKind.DEPOSIT: (("depositCancel", "deposits:create", _cancel_deposit),),
    PaymentKind.WITHDRAWAL: (
        ("withdrawalCancel", "withdrawals:cancel", _cancel_withdrawal),
        ("withdrawalApprove", "withdrawals:review", _approve),
        ("withdrawalReject", "withdrawals:review", _decide),
        ("withdrawalDestinationChange", "withdrawals:review", _redirect),
    ),
    PaymentKind.TRANSFER: (),
}
