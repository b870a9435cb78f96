"""What can be done with a payment: every kind, state and viewer, both ways."""

from uuid import UUID

import pytest

from domain.payments.actions import (
    PaymentStanding,
    PaymentViewer,
    approvable_levels,
    destination_actions,
    payment_actions,
)
from domain.payments.values import ApprovalLevel as Level
from domain.payments.values import DestinationStatus, PaymentKind
from domain.payments.values import PaymentStatus as Status

ME, OTHER = UUID(int=1), UUID(int=2)
ALL = frozenset({
    "deposits:create", "withdrawals:cancel", "withdrawals:review", "withdrawals:request",
    "approvals:back_office", "approvals:finance", "destinations:manage",
})  # fmt: skip


def judged(standing: PaymentStanding, viewer: PaymentViewer) -> dict[str, str | None]:
    return {one.name: one.reason_code for one in payment_actions(standing, viewer)}


def waiting(**more: object) -> PaymentStanding:
    values = {"next_level": Level.FINANCE, "makers": frozenset({OTHER})} | more
    return PaymentStanding(PaymentKind.WITHDRAWAL, Status.REQUESTED, **values)  # type: ignore[arg-type] # of a test


@pytest.mark.parametrize("status", Status)
def test_a_deposit_is_cancelled_while_nobody_has_paid(status: Status) -> None:
    told = judged(PaymentStanding(PaymentKind.DEPOSIT, status), PaymentViewer(ME, ALL))
    expected = None if status in (Status.CREATED, Status.PENDING) else "DEPOSIT_NOT_CANCELLABLE"
    assert told == {"depositCancel": expected}


@pytest.mark.parametrize(
    ("standing", "viewer", "reason"),
    [
        (waiting(), PaymentViewer(ME, ALL, is_staff=True), None),
        (waiting(makers=frozenset({ME})), PaymentViewer(ME, ALL, is_staff=True), "FOUR_EYES"),
        (waiting(checkers=frozenset({ME})), PaymentViewer(ME, ALL, is_staff=True), "FOUR_EYES"),
        (waiting(), PaymentViewer(ME, ALL), "FOUR_EYES"),
        (waiting(next_level=Level.COMPLIANCE), PaymentViewer(ME, ALL, is_staff=True),
         "LEVEL_MISSING"),
        (waiting(next_level=None), PaymentViewer(ME, ALL, is_staff=True), "WITHDRAWAL_NOT_WAITING"),
        (waiting(is_over=True), PaymentViewer(ME, ALL, is_staff=True), "WITHDRAWAL_NOT_WAITING"),
        (waiting(), PaymentViewer(ME, ALL - {"withdrawals:review"}, is_staff=True), "FORBIDDEN"),
    ],
    ids=["may", "maker", "checker", "program", "level", "none", "over", "right"],
)  # fmt: skip
def test_who_decides_about_a_withdrawal(
    standing: PaymentStanding, viewer: PaymentViewer, reason: str | None
) -> None:
    told = judged(standing, viewer)
    assert told["withdrawalApprove"] == told["withdrawalReject"] == reason


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"is_disputed": True}, "WITHDRAWALS_BLOCKED"), ({"is_held": True}, "CLIENT_RESTRICTED")],
    ids=["disputed", "held"],
)
def test_what_keeps_a_withdrawal_is_told_to_who_would_approve_and_not_reject(
    more: dict[str, bool], reason: str
) -> None:
    told = judged(waiting(**more), PaymentViewer(ME, ALL, is_staff=True))
    assert (told["withdrawalApprove"], told["withdrawalReject"]) == (reason, None)
    over = judged(waiting(is_over=True, **more), PaymentViewer(ME, ALL, is_staff=True))
    assert over["withdrawalApprove"] == "WITHDRAWAL_NOT_WAITING"


def test_a_destination_in_use_is_not_removed() -> None:
    told = destination_actions(DestinationStatus.ACTIVE, ALL, is_cooling_off=False, is_in_use=True)
    assert [one.reason_code for one in told] == [None, "DESTINATION_IN_USE"]


@pytest.mark.parametrize("status", Status)
def test_where_a_withdrawal_can_be_cancelled_or_redirected(status: Status) -> None:
    viewer = PaymentViewer(ME, ALL, is_staff=True)
    told = judged(PaymentStanding(PaymentKind.WITHDRAWAL, status, can_send_again=True), viewer)
    ends = (Status.FAILED, Status.PARTLY_PAID, Status.RETURNED)
    closed = "WITHDRAWAL_NOT_WAITING"
    is_early = status in (Status.REQUESTED, Status.APPROVED)
    assert told["withdrawalCancel"] == (None if is_early else closed)
    again = status is Status.REQUESTED or status in ends
    assert told["withdrawalDestinationChange"] == (None if again else closed)
    whole = judged(PaymentStanding(PaymentKind.WITHDRAWAL, status), viewer)
    expected = None if status is Status.REQUESTED else closed
    assert whole["withdrawalDestinationChange"] == expected


def test_nothing_can_be_done_with_a_transfer() -> None:
    assert (
        judged(PaymentStanding(PaymentKind.TRANSFER, Status.SENDING), PaymentViewer(ME, ALL)) == {}
    )


@pytest.mark.parametrize(
    ("status", "cooling", "rights", "expected"),
    [
        ("ACTIVE", False, ALL, (None, None)),
        ("ACTIVE", True, ALL, ("DESTINATION_COOLING_OFF", None)),
        ("REMOVED", True, ALL, ("DESTINATION_REMOVED", "DESTINATION_REMOVED")),
        ("ACTIVE", False, frozenset(), ("FORBIDDEN", "FORBIDDEN")),
    ],
    ids=["usable", "new", "removed", "rights"],
)
def test_what_can_be_done_with_a_destination(
    status: str, cooling: bool, rights: frozenset[str], expected: tuple[str | None, ...]
) -> None:
    told = destination_actions(DestinationStatus(status), rights, is_cooling_off=cooling)
    assert tuple(one.reason_code for one in told) == expected


def test_nobody_withdraws_while_the_clients_money_is_held() -> None:
    active = DestinationStatus.ACTIVE
    told = destination_actions(active, ALL, is_cooling_off=False, is_held=True)
    assert tuple(one.reason_code for one in told) == ("CLIENT_RESTRICTED", None)


def test_levels_are_those_of_ones_rights() -> None:
    assert approvable_levels(ALL) == (Level.BACK_OFFICE, Level.FINANCE)
    assert approvable_levels(()) == ()
