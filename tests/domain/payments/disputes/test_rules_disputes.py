"""What a dispute moves, for every way it can go."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel.errors import DomainError, Invalid
from domain.payments.disputes.rules import (
    EVIDENCE_MAX,
    debt_minor,
    decide_evidence,
    decide_moves,
    normalise_evidence,
    payment_status,
    statuses_told,
    surplus_minor,
)
from domain.payments.disputes.values import Booked, Moves
from domain.payments.values import DisputeStatus as D
from domain.payments.values import PaymentStatus as P


@pytest.mark.parametrize(
    ("before", "status", "expected"),
    [
        (None, D.OPEN, Moves(takes=True, holds=40)),
        (None, D.UNDER_REVIEW, Moves(takes=True, holds=40)),
        (None, D.LOST, Moves(takes=True, collects=40)),
        (None, D.WON, Moves(takes=True, gives=True)),
        (Booked(D.OPEN, 30, True), D.UNDER_REVIEW, Moves()),
        (Booked(D.OPEN, 30, True), D.LOST, Moves(posts=True)),
        (Booked(D.OPEN, 0, False), D.LOST, Moves()),
        (Booked(D.OPEN, 30, True), D.WON, Moves(gives=True, voids=True)),
        (Booked(D.LOST, 30, False), D.OPEN, Moves()),
        (Booked(D.LOST, 30, False), D.WON, Moves(gives=True, returns=30)),
        (Booked(D.WON, 0, False), D.OPEN, Moves(takes=True, holds=40)),
        (Booked(D.WON, 0, False), D.LOST, Moves(takes=True, collects=40)),
        (Booked(D.WON, 0, False), D.WON, Moves()),
    ],
)
def test_what_each_move_books(before: Booked | None, status: D, expected: Moves) -> None:
    assert decide_moves(before, status, amount_minor=100, available_minor=40) == expected


@pytest.mark.parametrize(("available", "held"), [(-5, 0), (0, 0), (40, 40), (100, 100), (150, 100)])
def test_what_is_held_is_there_and_no_more_than_disputed(available: int, held: int) -> None:
    assert decide_moves(None, D.OPEN, amount_minor=100, available_minor=available).holds == held


def test_whatever_happens_the_client_pays_at_most_once_and_the_sum_is_right() -> None:
    """Every walk of four statuses: what the PSP has of us is all or nothing."""
    for walk in itertools.product(D, repeat=4):
        before, taken, paid, hold = None, 0, 0, 0
        for status in walk:
            moves = decide_moves(before, status, amount_minor=100, available_minor=60 - paid - hold)
            taken += 100 * (moves.takes - moves.gives)
            if moves.posts:
                paid, hold = paid + hold, 0
            if moves.voids:
                hold = 0
            hold += moves.holds
            paid += moves.collects - moves.returns
            kept = hold or paid
            before = Booked(status, kept, hold > 0)
            assert taken == (0 if status is D.WON else 100), walk
            assert 0 <= paid + hold <= 60, walk
            assert (paid + hold == 0) == (status is D.WON), walk


def test_a_win_returns_what_was_paid_back_since() -> None:
    assert surplus_minor(Moves(returns=30), -30, amount_minor=100).returns == 70
    assert surplus_minor(Moves(returns=30), -70, amount_minor=100).returns == 30
    assert surplus_minor(Moves(), -300, amount_minor=100).returns == 0


@pytest.mark.parametrize(
    ("before", "status", "taken", "expected"),
    [
        (None, D.OPEN, True, [D.OPEN]),
        (None, D.LOST, True, [D.OPEN, D.LOST]),
        (None, D.WON, True, [D.OPEN, D.WON]),
        (D.OPEN, D.OPEN, False, []),
        (D.OPEN, D.UNDER_REVIEW, False, [D.UNDER_REVIEW]),
        (D.UNDER_REVIEW, D.UNDER_REVIEW, False, []),
        (D.UNDER_REVIEW, D.LOST, False, [D.LOST]),
        (D.LOST, D.OPEN, False, [D.OPEN]),
        (D.WON, D.OPEN, True, [D.OPEN]),
    ],
)
def test_who_follows_hears_of_an_opening_first(
    before: D | None, status: D, taken: bool, expected: list[D]
) -> None:
    assert statuses_told(before, status, is_taken_now=taken) == expected


@pytest.mark.parametrize(
    ("disputes", "refunded", "expected"),
    [
        ([D.LOST, D.OPEN], 0, P.DISPUTED),
        ([D.WON, D.UNDER_REVIEW], 0, P.DISPUTED),
        ([D.LOST, D.WON], 0, P.CHARGED_BACK),
        ([D.WON], 0, P.SETTLED),
        ([D.WON], 30, P.PARTLY_REFUNDED),
        ([D.WON], 100, P.REFUNDED),
    ],
)
def test_where_a_deposit_stands(disputes: list[D], refunded: int, expected: P) -> None:
    assert payment_status(disputes, refunded_minor=refunded, credited_minor=100) is expected


def test_only_lost_disputes_are_debt() -> None:
    assert debt_minor(-100, 0) == 100
    assert debt_minor(-100, 100) == 0
    assert debt_minor(-100, 30) == 70
    assert debt_minor(0, 50) == 0


@pytest.mark.parametrize(
    "text", ["", "  ", "x" * (EVIDENCE_MAX + 1)], ids=["none", "blank", "long"]
)
def test_evidence_says_something(text: str) -> None:
    with pytest.raises(Invalid):
        normalise_evidence(text)
    assert normalise_evidence("  shipped ") == "shipped"


@pytest.mark.parametrize(
    ("status", "late", "told"),
    [
        (D.OPEN, None, None),
        (D.OPEN, timedelta(0), None),
        (D.UNDER_REVIEW, timedelta(microseconds=1), "EVIDENCE_TOO_LATE"),
        (D.LOST, timedelta(microseconds=1), "DISPUTE_CLOSED"),
        (D.WON, None, "DISPUTE_CLOSED"),
    ],
)
def test_evidence_is_taken_up_to_its_last_instant(status, late, told):
    due = datetime(2026, 11, 22, tzinfo=UTC)
    at = due + (late or timedelta(0))
    given = (status, None if late is None else due, at)
    if told is None:
        decide_evidence(*given)
        return
    with pytest.raises(DomainError) as refused:
        decide_evidence(*given)
    assert refused.value.code == told
